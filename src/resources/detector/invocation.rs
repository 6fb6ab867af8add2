//! The statements in the function's policy that let other services invoke it: `CloudWatch` Logs with records, `EventBridge` with new files.
//!
//! See `AddPermission` in the AWS Lambda API reference. Statements of others are left alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::event_rule;
use crate::api::ResourceKind;
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing};
use crate::monitor::Monitor;

const ACTION: &str = "lambda:InvokeFunction";

/// A service that invokes the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invoker {
    /// `CloudWatch` Logs, with records of the log group.
    CloudWatchLogs,
    /// `EventBridge`, with new files of the bucket.
    EventBridge,
}

impl Invoker {
    const ALL: [Self; 2] = [Self::CloudWatchLogs, Self::EventBridge];

    /// The invoker that the spec asks for.
    pub(super) fn wanted(monitor: &Monitor) -> Self {
        if monitor.spec.reads_files() { Self::EventBridge } else { Self::CloudWatchLogs }
    }

    /// Id of our statement.
    const fn statement_id(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => "flow-log-records",
            Self::EventBridge => "flow-log-files",
        }
    }

    const fn principal(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => "logs.amazonaws.com",
            Self::EventBridge => "events.amazonaws.com",
        }
    }

    fn source_arn(self, monitor: &Monitor) -> String {
        match self {
            Self::CloudWatchLogs => format!("{}:*", monitor.log_group_arn(&monitor.names.log_group)),
            Self::EventBridge => event_rule::arn(monitor),
        }
    }

    /// The account of the source. The ARN of a rule contains it, and no document says that `EventBridge` names it apart.
    fn source_account(self, monitor: &Monitor) -> Option<String> {
        match self {
            Self::CloudWatchLogs => Some(monitor.account_region.account.clone()),
            Self::EventBridge => None,
        }
    }

    /// Our statement for it.
    pub(super) fn invocation(self, monitor: &Monitor) -> Invocation {
        let account = self.source_account(monitor).map(|account| ("aws:sourceaccount".to_owned(), json!(account)));
        let arn = ("aws:sourcearn".to_owned(), json!(self.source_arn(monitor)));
        Invocation {
            principal: json!({"Service": self.principal()}),
            action: ACTION.to_owned(),
            conditions: account.into_iter().chain([arn]).collect(),
        }
    }
}

/// A statement of ours, in the terms that `AddPermission` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    principal: Value,
    action: String,
    /// Values of the condition keys, which are in lower case. Lambda chooses the operators: only conditions with a parameter in
    /// `AddPermission` are possible.
    conditions: BTreeMap<String, Value>,
}

/// Our statements in the function's policy.
pub(super) type Observed = BTreeMap<Invoker, Invocation>;

pub(super) async fn observe(aws: &Aws, function: &str) -> Result<Observed, AwsError> {
    let output =
        aws.lambda.get_policy().function_name(function).send().await.op(ops::GET_FUNCTION_POLICY).optional()?;
    Ok(output.and_then(|output| output.policy).map(|policy| parse(&policy)).unwrap_or_default())
}

fn parse(policy: &str) -> Observed {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |invoker: Invoker| statements.iter().find(|statement| statement["Sid"] == invoker.statement_id());
    Invoker::ALL.into_iter().filter_map(|invoker| Some((invoker, invocation(of(invoker)?)))).collect()
}

fn invocation(statement: &Value) -> Invocation {
    let conditions = statement["Condition"]
        .as_object()
        .into_iter()
        .flat_map(|operators| operators.values())
        .filter_map(Value::as_object)
        .flatten()
        .map(|(key, value)| (key.to_lowercase(), value.clone()))
        .collect();
    Invocation {
        principal: statement["Principal"].clone(),
        action: statement["Action"].as_str().unwrap_or_default().to_owned(),
        conditions,
    }
}

/// Changes our statements in the function's policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InvocationCall {
    Allow { invoker: Invoker, replaces: bool },
    Revoke(Invoker),
}

/// The steps to the statement for the invoker that the spec asks for, and to no other; a former invoker may be kept.
pub(super) fn diff(monitor: &Monitor, observed: &Observed, keeps_former: bool) -> Diff<InvocationCall> {
    let mut diff = Diff::default();
    let change = |action| Change::new(action, ResourceKind::FunctionPermission, monitor.names.detector());
    let invoker = Invoker::wanted(monitor);
    let wanted = invoker.invocation(monitor);
    match observed.get(&invoker) {
        Some(found) if *found == wanted => {}
        None => diff.step(change(Action::Create), InvocationCall::Allow { invoker, replaces: false }),
        Some(found) => {
            let change = change(Action::Replace)
                .between(found, &wanted)
                .because("Lambda cannot change a statement of a function's policy");
            diff.step(change, InvocationCall::Allow { invoker, replaces: true });
        }
    }
    for former in observed.keys().filter(|found| **found != invoker && !keeps_former) {
        let change = change(Action::Delete).because(format!("{} no longer invokes it", former.principal()));
        diff.step(change, InvocationCall::Revoke(*former));
    }
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

impl Call for InvocationCall {
    async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        match self {
            Self::Allow { invoker, replaces } => {
                if *replaces {
                    remove(aws, monitor, *invoker).await?;
                }
                match add(aws, monitor, *invoker).await {
                    // An earlier call whose answer was lost has added the statement, perhaps with other conditions.
                    Err(error) if error.is(Service::Lambda, "ResourceConflictException") => {
                        remove(aws, monitor, *invoker).await?;
                        add(aws, monitor, *invoker).await?;
                    }
                    result => result?,
                }
            }
            Self::Revoke(invoker) => remove(aws, monitor, *invoker).await?,
        }
        Ok(Applied::Done)
    }
}

async fn remove(aws: &Aws, monitor: &Monitor, invoker: Invoker) -> Result<(), AwsError> {
    aws.lambda
        .remove_permission()
        .function_name(monitor.names.detector())
        .statement_id(invoker.statement_id())
        .send()
        .await
        .op(ops::REMOVE_PERMISSION)
        .or_gone()
}

async fn add(aws: &Aws, monitor: &Monitor, invoker: Invoker) -> Result<(), AwsError> {
    aws.lambda
        .add_permission()
        .function_name(monitor.names.detector())
        .statement_id(invoker.statement_id())
        .action(ACTION)
        .principal(invoker.principal())
        .set_source_account(invoker.source_account(monitor))
        .source_arn(invoker.source_arn(monitor))
        .send()
        .await
        .op(ops::ADD_PERMISSION)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::spec::RecordSource;
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
        diff(&monitor, &parse(&policy.to_string()), false).steps.len()
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

    #[test]
    fn the_statement_for_the_other_source_is_removed_last() {
        let mut spec = fixtures::monitor().spec;
        spec.detector.source = RecordSource::S3;
        let monitor = fixtures::with_spec(spec);
        let steps = diff(&monitor, &parse(&policy().to_string()), false).steps;
        let calls: Vec<_> = steps.iter().map(|step| (&step.op, step.change.clears_away())).collect();
        let allow = InvocationCall::Allow { invoker: Invoker::EventBridge, replaces: false };
        assert_eq!(calls, [(&allow, false), (&InvocationCall::Revoke(Invoker::CloudWatchLogs), true)]);
        let name = "vfm-network-production-aa0df1549f-detector";
        let files = json!({"Statement": [{"Sid": "flow-log-files", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "arn", "Condition": {
                "ArnLike": {"AWS:SourceArn": format!("arn:aws:events:eu-west-1:123456789012:rule/{name}")}}}]});
        assert_eq!(diff(&monitor, &parse(&files.to_string()), false).steps.len(), 0);
    }
}
