//! The IAM actions in the operator's table of operations against those that the emulator checks, which has AWS's documents for them.

use std::collections::BTreeSet;

use devenv::EmulatorClient;
use serde_json::{Value, json};
use vpc_flow_operator::aws::operations::{self, Caller, Operation};
use vpc_flow_operator::engine::Outcome;
use vpc_flow_operator::permissions::policies;

use crate::scenarios::limits::quotas::signing_name;
use testkit::sandbox::{Sandbox, all_components};

fn operators() -> impl Iterator<Item = &'static Operation> {
    operations::ALL.iter().copied().filter(|operation| operation.caller == Caller::Operator)
}

#[tokio::test]
async fn each_operation_names_what_aws_checks() {
    let table = EmulatorClient::from_env().unwrap().permission_table().await.unwrap();
    let different: Vec<_> = operators()
        .filter_map(|operation| {
            let checked = table.get(signing_name(operation.service)).and_then(|rows| rows.get(operation.name));
            // The links of overviews share metrics, and nothing else.
            let is_needed = |action: &&str| !action.ends_with(":Link") || *action == "cloudwatch:Link";
            let checked: Option<BTreeSet<_>> =
                checked.map(|actions| actions.iter().map(String::as_str).filter(is_needed).collect());
            let named: BTreeSet<_> = operation.actions.iter().copied().collect();
            (checked.as_ref() != Some(&named)).then(|| format!("{}: {named:?}, not {checked:?}", operation.name))
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A policy that allows every action of the table, except some, on all resources.
fn without(missing: &[&str]) -> Value {
    let actions: BTreeSet<_> =
        operators().flat_map(|operation| operation.actions).filter(|action| !missing.contains(action)).collect();
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// The sandbox for an operator that lacks some actions.
async fn lacking(test: &str, missing: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::new(test).await;
    sandbox.bind(&[without(missing)]).await;
    sandbox
}

#[tokio::test]
async fn the_actions_of_the_table_are_enough() {
    let sandbox = lacking("permission_table::enough", &[]).await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &all_components()).await;
    sandbox.assert_at_rest(&monitor, &all_components()).await;
    let refused: Vec<_> = needs(&sandbox).await.into_iter().filter(|need| !need.allowed).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

async fn needs(sandbox: &Sandbox) -> Vec<devenv::Need> {
    sandbox.emulator.needs(&sandbox.account).await.unwrap()
}

/// The failure messages of the first five passes.
async fn failures_without(test: &str, missing: &str) -> String {
    let sandbox = lacking(&format!("permission_table::{test}"), &[missing]).await;
    let monitor = sandbox.monitor(sandbox.spec());
    let mut reported = String::new();
    for _ in 0..5 {
        let outcomes: Vec<Outcome> = sandbox.pass(&monitor, &all_components()).await;
        let failures = outcomes.iter().flat_map(|outcome| &outcome.failures);
        reported.extend(failures.map(|(_, failure)| format!("{}\n", failure.message)));
    }
    reported
}

#[tokio::test]
async fn roles_that_aws_does_not_fully_know_yet_are_within_the_printed_policies() {
    let mut sandbox = Sandbox::new("permission_table::new_roles").await;
    sandbox.emulator.set_modes(&sandbox.account, json!({"newRoleChecks": 8})).await.unwrap();
    sandbox.bind(&policies(&sandbox.printed(Caller::Operator))).await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &all_components()).await;
    let (needs, path) = (needs(&sandbox).await, format!(":role/{}", monitor.names.delivery_role()));
    let of_new_roles: BTreeSet<_> =
        needs.iter().filter(|need| need.resource.contains(&path)).map(|need| need.action.as_str()).collect();
    assert!(of_new_roles.contains("iam:PutRolePolicy") && of_new_roles.contains("iam:GetRole"), "{of_new_roles:?}");
    let refused: Vec<_> = needs.into_iter().filter(|need| !need.allowed).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[tokio::test]
async fn an_action_that_another_one_depends_on_is_named() {
    for (test, missing, resource) in [
        ("pass-role", "iam:PassRole", "role/vpc-flow-operator/"),
        ("log-tags", "logs:TagResource", "CreateLogGroup with Tags"),
        ("list-tags", "lambda:ListTags", ":function:"),
        ("delivery", "logs:CreateLogDelivery", "resource: *"),
    ] {
        let reported = failures_without(test, missing).await;
        assert!(reported.contains(missing) && reported.contains(resource), "{missing}: {reported}");
    }
}
