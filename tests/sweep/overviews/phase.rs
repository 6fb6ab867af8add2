//! A life of an overview, in phases: made, changed, deleted.

use std::fmt;

use anyhow::Result;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::world::{NAME, World};

/// A part of a life, which ends in a state that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Made with everything switched on.
    Create,
    /// Many fields at once. An account loses all its monitors, and another one gets a monitor.
    Change,
    Delete,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

// They need no confirmation.
const STAYS: &str = "+491701234561";
const GOES: &str = "+491701234562";
const COMES: &str = "+491701234563";

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Create, Self::Change, Self::Delete];

    /// Begins the phase.
    pub async fn begin(self, world: &World) -> Result<()> {
        match self {
            Self::Create => _ = world.stage.apply(NAME, full(world)).await,
            Self::Change => _ = world.stage.apply(NAME, changed(world)).await,
            Self::Delete => _ = world.stage.overviews.delete(NAME, &DeleteParams::default()).await?,
        }
        Ok(())
    }

    /// Waits until the overview is Ready, or gone. It is Ready once a whole pass has found nothing to change.
    pub async fn end(self, world: &World) -> Result<()> {
        match self {
            Self::Create | Self::Change => world.wait_ready().await,
            Self::Delete => world.wait_gone().await,
        }
    }
}

fn full(world: &World) -> Value {
    json!({
        "alerts": {"subscriptions": subscriptions(&[STAYS, GOES])},
        "crossAccount": {"sinkArns": [world.sink_arn]},
        "tags": {"team": "network", "stage": "production"},
    })
}

fn changed(world: &World) -> Value {
    let expressions = json!([{"key": "team", "operator": "Exists"}, {"key": "site", "operator": "DoesNotExist"}]);
    json!({
        "monitorSelector": {"matchExpressions": expressions},
        "alerts": {
            "subscriptions": subscriptions(&[STAYS, COMES]),
            "notifyOnRecovery": false,
            "kmsKeyArn": world.key_arn,
        },
        "crossAccount": {"sinkArns": [world.sink_arn]},
        "tags": {"stage": "test", "unit": "security"},
    })
}

fn subscriptions(numbers: &[&str]) -> Value {
    numbers.iter().map(|number| json!({"protocol": "sms", "endpoint": number})).collect()
}
