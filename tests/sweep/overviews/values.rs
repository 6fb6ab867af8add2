//! Valid other values for the fields of an overview: derived from the schema, or given by hand.

use serde_json::{Value, json};

use super::world::World;
use crate::fields::{Other, Property, derived, subscriptions};

/// Fields that leave no trace in AWS while the overview lives.
pub const WITHOUT_TRACE: [&str; 1] = ["deletionPolicy"];

/// Resources that an overview may name.
#[derive(Clone, Debug, Default)]
pub struct Others {
    account: String,
    key_arn: String,
    sink_arn: String,
}

impl Others {
    pub fn of(world: &World) -> Self {
        Self {
            account: world.stage.here.account.clone(),
            key_arn: world.key_arn.clone(),
            sink_arn: world.sink_arn.clone(),
        }
    }
}

/// True if the change hides that of other fields, or excludes it.
pub fn hides(path: &str) -> bool {
    path.ends_with(".enabled") || ["alerts.topicArn", "monitorSelector.matchLabels"].contains(&path)
}

fn by_hand(path: &str, others: &Others) -> Option<Other> {
    let Others { account, key_arn, sink_arn } = others;
    let one = |value: Value| Some(Other::Values(vec![value]));
    match path {
        "region" => Some(Other::Immutable(json!("eu-west-2"))),
        "assumeRole.roleArn" => Some(Other::Immutable(json!("arn:aws:iam::111122223333:role/somebody"))),
        "suspend" => Some(Other::Suspends),
        "monitorSelector.matchLabels" => one(json!({"team": "other"})),
        "monitorSelector.matchExpressions" => one(json!([{"key": "site", "operator": "DoesNotExist"}])),
        "alerts.kmsKeyArn" => one(json!(key_arn)),
        "alerts.topicArn" => one(json!(format!("arn:aws:sns:eu-west-1:{account}:others"))),
        "alerts.subscriptions" => Some(subscriptions(account)),
        "crossAccount.sinkArns" => one(json!([sink_arn])),
        "tags" => one(json!({"team": "network"})),
        _ => None,
    }
}

/// Other values of a field. A field that is new and whose value cannot be derived must be given one by hand.
pub fn other(field: &Property, others: &Others) -> Other {
    // Its object is immutable, and requires another field.
    if field.path == "assumeRole.externalId" {
        return Other::Immutable(json!("secret"));
    }
    by_hand(&field.path, others).or_else(|| derived(&field.schema).map(Other::Values)).unwrap_or_else(|| {
        panic!(
            "no other value for spec.{} follows from its schema: give it one in by_hand() of tests/sweep/overviews/values.rs, or say \
             there that it is immutable",
            field.path
        )
    })
}
