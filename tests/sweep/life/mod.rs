//! A whole life of a monitor, in phases: made, changed, repaired, deleted by each policy, and made again from what was kept.

mod by_hand;
mod specs;

use anyhow::Result;
use serde_json::json;
use vpc_flow_operator::api::spec::DeletionPolicy;

use crate::world::World;

pub use by_hand::{drift, strangers};
pub use specs::{changed, changes, full};

/// A part of a life, which something begins and which ends in a state that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Made with everything switched on.
    Create,
    /// Many fields at once: names, what replaces the flow logs, a detection switched off, tags.
    Change,
    /// Changed by hand in every system.
    Repair,
    /// Deleted by the policy Retain.
    DeleteRetain,
    /// Made again, with everything still there.
    TakeBackAll,
    /// Deleted by the policy `RetainData`, with records in the bucket.
    DeleteRetainData,
    /// Made again, with the bucket and the log group still there.
    TakeBackData,
    /// Deleted by the policy Delete, with records, versions and delete markers in the bucket.
    DeleteAll,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Change,
        Self::Repair,
        Self::DeleteRetain,
        Self::TakeBackAll,
        Self::DeleteRetainData,
        Self::TakeBackData,
        Self::DeleteAll,
    ];

    /// Begins the phase; the operator may or may not run.
    pub async fn begin(self, world: &World) -> Result<()> {
        match self {
            Self::Create => world.create(full(&world.sandbox)).await,
            Self::Change => {
                by_hand::records(world).await?;
                world.change(changes(&world.sandbox, &world.cluster.namespace)).await
            }
            Self::Repair => drift(world).await,
            Self::DeleteRetain => {
                world.change(json!({"deletionPolicy": "Retain"})).await?;
                world.delete().await
            }
            Self::TakeBackAll => create_again(world, DeletionPolicy::RetainData).await,
            Self::TakeBackData => create_again(world, DeletionPolicy::Delete).await,
            Self::DeleteRetainData | Self::DeleteAll => {
                by_hand::records(world).await?;
                world.delete().await
            }
        }
    }

    /// Waits until the monitor is Ready, or gone.
    pub async fn reach(self, world: &World) -> Result<()> {
        match self {
            Self::Create | Self::Change | Self::TakeBackAll | Self::TakeBackData => world.wait_ready().await,
            // The operator notices a change in AWS only in a pass.
            Self::Repair => world.pass().await,
            Self::DeleteRetain | Self::DeleteRetainData | Self::DeleteAll => world.wait_gone().await,
        }
    }

    /// Waits until the phase has ended: the monitor is Ready and at rest, or gone.
    pub async fn end(self, world: &World) -> Result<()> {
        self.reach(world).await?;
        match self {
            Self::DeleteRetain | Self::DeleteRetainData | Self::DeleteAll => Ok(()),
            _ => world.wait_at_rest().await,
        }
    }
}

/// The same monitor as after the change.
async fn create_again(world: &World, policy: DeletionPolicy) -> Result<()> {
    let mut spec = specs::changed(&world.sandbox, &world.cluster.namespace)?;
    spec.deletion_policy = Some(policy);
    world.create(spec).await
}
