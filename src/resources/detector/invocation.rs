//! The statement in the function's policy that lets `CloudWatch` Logs invoke it.
//!
//! See `AddPermission` in the AWS Lambda API reference. Statements of others are left alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::ResourceKind;
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing};
use crate::monitor::Monitor;

/// Id of our statement.
const STATEMENT_ID: &str = "flow-log-records";
const ACTION: &str = "lambda:InvokeFunction";
const PRINCIPAL: &str = "logs.amazonaws.com";

/// Our statement, in the terms that `AddPermission` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    principal: Value,
    action: String,
    /// Values of the condition keys, which are in lower case. Lambda chooses the operators: only conditions with a parameter in
    /// `AddPermission` are possible.
    conditions: BTreeMap<String, Value>,
}

pub(super) fn desired(monitor: &Monitor) -> Invocation {
    let conditions = [
        ("aws:sourceaccount".to_owned(), json!(monitor.account_region.account)),
        ("aws:sourcearn".to_owned(), json!(source_arn(monitor))),
    ];
    Invocation { principal: json!({"Service": PRINCIPAL}), action: ACTION.to_owned(), conditions: conditions.into() }
}

fn source_arn(monitor: &Monitor) -> String {
    format!("{}:*", monitor.log_group_arn(&monitor.names.log_group))
}

pub(super) async fn observe(aws: &Aws, function: &str) -> Result<Option<Invocation>, AwsError> {
    let output =
        aws.lambda.get_policy().function_name(function).send().await.op(ops::GET_FUNCTION_POLICY).optional()?;
    Ok(output.and_then(|output| output.policy).and_then(|policy| parse(&policy)))
}

fn parse(policy: &str) -> Option<Invocation> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statement = policy["Statement"].as_array()?.iter().find(|statement| statement["Sid"] == STATEMENT_ID)?;
    let conditions = statement["Condition"]
        .as_object()
        .into_iter()
        .flat_map(|operators| operators.values())
        .filter_map(Value::as_object)
        .flatten()
        .map(|(key, value)| (key.to_lowercase(), value.clone()))
        .collect();
    Some(Invocation {
        principal: statement["Principal"].clone(),
        action: statement["Action"].as_str().unwrap_or_default().to_owned(),
        conditions,
    })
}

/// Adds our statement to the function's policy.
#[derive(Debug)]
pub(super) struct AllowInvocation {
    replaces: bool,
}

pub(super) fn diff(monitor: &Monitor, wanted: &Invocation, observed: Option<&Invocation>) -> Diff<AllowInvocation> {
    let mut diff = Diff::default();
    if observed == Some(wanted) {
        return diff;
    }
    let change = |action| Change::new(action, ResourceKind::FunctionPermission, monitor.names.detector());
    let change = match observed {
        None => change(Action::Create),
        Some(observed) => change(Action::Replace)
            .between(observed, wanted)
            .because("Lambda cannot change a statement of a function's policy"),
    };
    diff.step(change, AllowInvocation { replaces: observed.is_some() });
    diff
}

/// Our statement for the status. It belongs to the function, has the function's name, and has no ARN.
pub(super) fn existing(monitor: &Monitor) -> Existing {
    Existing {
        kind: ResourceKind::FunctionPermission,
        name: monitor.names.detector(),
        retained: false,
        arn: None,
        message: None,
    }
}

impl Call for AllowInvocation {
    async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        if self.replaces {
            remove(aws, monitor).await?;
        }
        match add(aws, monitor).await {
            // An earlier call whose answer was lost has added the statement, perhaps with other conditions.
            Err(error) if error.is(Service::Lambda, "ResourceConflictException") => {
                remove(aws, monitor).await?;
                add(aws, monitor).await?;
            }
            result => result?,
        }
        Ok(Applied::Done)
    }
}

async fn remove(aws: &Aws, monitor: &Monitor) -> Result<(), AwsError> {
    aws.lambda
        .remove_permission()
        .function_name(monitor.names.detector())
        .statement_id(STATEMENT_ID)
        .send()
        .await
        .op(ops::REMOVE_PERMISSION)
        .or_gone()
}

async fn add(aws: &Aws, monitor: &Monitor) -> Result<(), AwsError> {
    aws.lambda
        .add_permission()
        .function_name(monitor.names.detector())
        .statement_id(STATEMENT_ID)
        .action(ACTION)
        .principal(PRINCIPAL)
        .source_account(&monitor.account_region.account)
        .source_arn(source_arn(monitor))
        .send()
        .await
        .op(ops::ADD_PERMISSION)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    fn policy() -> Value {
        json!({"Version": "2012-10-17", "Id": "default", "Statement": [
            {"Sid": "others", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
             "Action": "lambda:InvokeFunction", "Resource": "arn"},
            {"Sid": "flow-log-records", "Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"},
             "Action": "lambda:InvokeFunction",
             "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:vfm-network-production-aa0df1549f-detector",
             "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn":
                    "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vpc/flowlogs/network/production:*"}}},
        ]})
    }

    fn steps(policy: &Value) -> usize {
        let monitor = fixtures::monitor();
        diff(&monitor, &desired(&monitor), parse(&policy.to_string()).as_ref()).steps.len()
    }

    #[test]
    fn the_statement_as_lambda_words_it_is_no_difference() {
        assert_eq!(steps(&policy()), 0);
    }

    #[test]
    fn every_other_statement_is() {
        let other = |path: &str, value: Value| {
            let mut policy = policy();
            *policy.pointer_mut(&format!("/Statement/1/{path}")).unwrap() = value;
            steps(&policy)
        };
        assert_eq!(other("Sid", json!("another")), 1);
        assert_eq!(other("Principal", json!("*")), 1);
        assert_eq!(other("Action", json!("lambda:GetFunction")), 1);
        assert_eq!(other("Condition", json!({})), 1);
        assert_eq!(other("Condition/StringEquals", json!({"AWS:SourceAccount": "999999999999"})), 1);
        assert_eq!(other("Condition/ArnLike", json!({"AWS:SourceArn": "arn:aws:logs:*"})), 1);
        assert_eq!(other("Condition/ArnLike", json!({"AWS:SourceArn": "arn", "aws:PrincipalOrgID": "o"})), 1);
        assert_eq!(steps(&json!({"Statement": []})), 1);
    }
}
