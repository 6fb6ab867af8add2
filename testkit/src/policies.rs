//! The policies that `vpc-flow-operator permissions` prints, with less.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Feature, Options};

/// The policies without one action.
pub fn without(policies: &[Value], action: &str) -> Vec<Value> {
    let mut policies = policies.to_vec();
    for policy in &mut policies {
        for statement in policy["Statement"].as_array_mut().unwrap() {
            statement["Action"].as_array_mut().unwrap().retain(|known| known != action);
        }
        let empty = |statement: &Value| statement["Action"] == json!([]);
        policy["Statement"].as_array_mut().unwrap().retain(|statement| !empty(statement));
    }
    policies
}

/// The actions that only overviews need.
pub fn actions_of_overviews() -> BTreeSet<String> {
    let everything = Options::everything(Caller::Operator);
    let mut of_monitors = everything.clone();
    of_monitors.features.retain(|feature| ![Feature::Overviews, Feature::OverviewLinks].contains(feature));
    &allowed(&everything) - &allowed(&of_monitors)
}

fn allowed(options: &Options) -> BTreeSet<String> {
    let policies = permissions::policies(options);
    let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().unwrap());
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}
