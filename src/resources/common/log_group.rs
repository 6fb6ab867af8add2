//! A log group: retention, class, key, tags.

use aws_sdk_cloudwatchlogs::types::{LogGroup as SdkLogGroup, LogGroupClass as SdkClass};
use serde_json::json;

use crate::api::ResourceKind;
use crate::api::spec::LogGroupClass;
use crate::aws::{Aws, AwsError, AwsResult, Class, Expected, Gone, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Removal};
use crate::monitor::{ADOPTED, Chosen, Claim, Monitor, TagCall, TagDiff, Tags};
use crate::resources::common::WAS_THERE_BEFORE;

/// A log group as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Days that events are kept.
    pub retention_days: i32,
    /// Its class, fixed at creation.
    pub class: LogGroupClass,
    /// ARN of the key that encrypts it.
    pub kms_key_arn: Option<String>,
}

/// A log group as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLogGroup {
    retention_days: Option<i32>,
    class: String,
    kms_key_arn: Option<String>,
    deletion_protected: bool,
    tags: Tags,
}

/// What can be done to a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum LogGroupOp {
    Create(LogGroup),
    PutRetention { name: String, days: i32 },
    AssociateKey { name: String, arn: String },
    DisassociateKey { name: String },
    Tag { name: String, tags: TagDiff },
    Delete { name: String },
}

/// How default names of log groups begin.
const COMMON_PREFIXES: [&str; 2] = ["/aws/vpc/flowlogs/", "/aws/lambda/vfm-"];

/// Reads the log group of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<ObservedLogGroup>, AwsError> {
    let names = [name.to_owned()];
    let found = if COMMON_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        aws.shared.log_groups().load(&names, aws.shared.freshness(), |names| of_names(aws, names)).await?
    } else {
        // A chosen name is a read of its own: to ask for others' at the same time would only multiply the reads.
        of_names(aws, names.to_vec()).await?.into_iter().map(|(_, group)| group).collect()
    };
    let Some(group) = found.into_iter().next() else { return Ok(None) };
    let arn = aws.account_region.arn("logs", format!("log-group:{name}"));
    let tags = aws
        .logs
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .op(ops::LIST_LOG_TAGS)
        .expected()?
        .tags
        .unwrap_or_default();
    Ok(Some(ObservedLogGroup {
        retention_days: group.retention_in_days,
        class: group.log_group_class.unwrap_or(SdkClass::Standard).as_str().to_owned(),
        kms_key_arn: group.kms_key_id,
        deletion_protected: group.deletion_protection_enabled.unwrap_or(false),
        tags: tags.into_iter().collect(),
    }))
}

/// Reads log groups, those of a common prefix together where that is not more work than reading each.
async fn of_names(aws: &Aws, mut names: Vec<String>) -> Result<Vec<(String, SdkLogGroup)>, AwsError> {
    let mut all = Vec::new();
    for prefix in COMMON_PREFIXES {
        let (together, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with(prefix));
        names = others;
        if together.len() < 2 {
            names.extend(together);
            continue;
        }
        let mut pages = aws.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().send();
        let mut read = 0;
        while let Some(page) = pages.next().await {
            let groups = page.op(ops::DESCRIBE_LOG_GROUPS)?.log_groups.unwrap_or_default();
            all.extend(groups.into_iter().filter_map(|group| Some((group.log_group_name.clone()?, group))));
            read += 1;
            // Somebody has very many of that prefix.
            if read == together.len() {
                let missing = |name: &String| !all.iter().any(|(known, _)| known == name);
                names.extend(together.into_iter().filter(missing));
                break;
            }
        }
    }
    for name in names {
        let mut groups = aws.logs.describe_log_groups().log_group_name_prefix(&name).into_paginator().items().send();
        // Names come in order, so the exact one is the first of its prefix; reading on guards against an emulator that differs.
        while let Some(group) = groups.next().await {
            let group = group.op(ops::DESCRIBE_LOG_GROUPS)?;
            if group.log_group_name() == Some(&name) {
                all.push((name, group));
                break;
            }
        }
    }
    Ok(all)
}

/// What must be done, added to `diff`. `holds_data` groups stay under [`Removal::KeepData`].
pub fn diff<Op: From<LogGroupOp>>(
    monitor: &Monitor,
    goal: Goal<&LogGroup>,
    name: &str,
    observed: Option<&ObservedLogGroup>,
    holds_data: bool,
    diff: &mut Diff<Op>,
) {
    match (goal, observed) {
        (Goal::Present(group), None) => {
            let op = LogGroupOp::Create(group.clone());
            diff.step(Change::new(Action::Create, ResourceKind::LogGroup, name), op.into());
        }
        (Goal::Present(group), Some(observed)) => match claim(monitor, name, observed, holds_data) {
            Claim::Foreign(problem) => diff.conflict(ResourceKind::LogGroup, name, problem),
            _ if observed.class != group.class.as_str() => diff.conflict(
                ResourceKind::LogGroup,
                name,
                format!("its class is {} and cannot be changed; choose another name", observed.class),
            ),
            claim => repair(monitor, group, observed, &claim, holds_data, diff),
        },
        (Goal::Absent(_), None) => {}
        (Goal::Absent(removal), Some(observed)) => {
            if monitor.claim(&observed.tags) == Claim::Ours {
                remove(monitor, removal, name, observed, holds_data, diff);
            }
        }
    }
}

/// Only the name of the group that holds records is the spec's to choose.
fn claim(monitor: &Monitor, name: &str, observed: &ObservedLogGroup, holds_data: bool) -> Claim {
    if !holds_data {
        return monitor.claim(&observed.tags);
    }
    let by_spec = monitor.spec.cloud_watch_logs.log_group_name.is_some();
    let arn = monitor.log_group_arn(name);
    monitor.claim_chosen(&observed.tags, Chosen { field: "cloudWatchLogs.logGroupName", by_spec, arn: &arn })
}

fn repair<Op: From<LogGroupOp>>(
    monitor: &Monitor,
    group: &LogGroup,
    observed: &ObservedLogGroup,
    claim: &Claim,
    holds_data: bool,
    diff: &mut Diff<Op>,
) {
    let name = &group.name;
    let change = |action| Change::new(action, ResourceKind::LogGroup, name);
    let tags = if holds_data { monitor.tag_diff_of_data(&observed.tags) } else { monitor.tag_diff(&observed.tags) };
    if !tags.is_empty() {
        let action = if *claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let wanted = tags.applied_to(&observed.tags);
        let change = change(action).field("tags", Some(json!(observed.tags)), Some(json!(wanted)));
        diff.step(change, LogGroupOp::Tag { name: name.clone(), tags }.into());
    }
    if observed.retention_days != Some(group.retention_days) {
        let old = observed.retention_days.map(|days| json!(days));
        diff.step(
            change(Action::Update).field("retentionDays", old, Some(json!(group.retention_days))),
            LogGroupOp::PutRetention { name: name.clone(), days: group.retention_days }.into(),
        );
    }
    if observed.kms_key_arn != group.kms_key_arn {
        let op = match &group.kms_key_arn {
            Some(arn) => LogGroupOp::AssociateKey { name: name.clone(), arn: arn.clone() },
            None => LogGroupOp::DisassociateKey { name: name.clone() },
        };
        let value = |arn: &Option<String>| arn.as_ref().map(|arn| json!(arn));
        let change = change(Action::Update).field("kmsKeyArn", value(&observed.kms_key_arn), value(&group.kms_key_arn));
        diff.step(change, op.into());
    }
}

fn remove<Op: From<LogGroupOp>>(
    monitor: &Monitor,
    removal: Removal,
    name: &str,
    observed: &ObservedLogGroup,
    holds_data: bool,
    diff: &mut Diff<Op>,
) {
    let is_adopted = holds_data && observed.tags.contains_key(ADOPTED);
    if is_adopted || removal == Removal::KeepAll || (holds_data && removal == Removal::KeepData) {
        let tags = monitor.retained_tag_diff(&observed.tags);
        if !tags.is_empty() {
            let mut change = Change::new(Action::Retain, ResourceKind::LogGroup, name);
            change.why = is_adopted.then(|| WAS_THERE_BEFORE.to_owned());
            diff.step(change, LogGroupOp::Tag { name: name.to_owned(), tags }.into());
        }
    } else if observed.deletion_protected {
        diff.conflict_of_removal(
            ResourceKind::LogGroup,
            name,
            "deletion protection is on; turn it off in CloudWatch Logs, or set spec.deletionPolicy to RetainData",
        );
    } else {
        let op = LogGroupOp::Delete { name: name.to_owned() };
        diff.step(Change::new(Action::Delete, ResourceKind::LogGroup, name), op.into());
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &LogGroupOp) -> Result<Applied, AwsError> {
    let logs = &aws.logs;
    match op {
        LogGroupOp::Create(group) => {
            logs.create_log_group()
                .log_group_name(&group.name)
                .log_group_class(SdkClass::from(group.class.as_str()))
                .set_kms_key_id(group.kms_key_arn.clone())
                .set_tags(Some(monitor.tags.clone().into_iter().collect()))
                .send()
                .await
                .op(ops::CREATE_LOG_GROUP)
                .map_err(|error| naming_the_key(error, group.kms_key_arn.as_deref()))?;
            put_retention(aws, &group.name, group.retention_days).await?;
        }
        LogGroupOp::PutRetention { name, days } => put_retention(aws, name, *days).await?,
        LogGroupOp::AssociateKey { name, arn } => {
            let result = logs.associate_kms_key().log_group_name(name).kms_key_id(arn).send().await;
            result.op(ops::ASSOCIATE_KMS_KEY).map_err(|error| naming_the_key(error, Some(arn)))?;
        }
        LogGroupOp::DisassociateKey { name } => {
            logs.disassociate_kms_key().log_group_name(name).send().await.op(ops::DISASSOCIATE_KMS_KEY)?;
        }
        LogGroupOp::Tag { name, tags } => {
            let arn = monitor.log_group_arn(name);
            for call in tags.calls() {
                match call {
                    TagCall::Set(set) => {
                        logs.tag_resource()
                            .resource_arn(&arn)
                            .set_tags(Some(set.clone().into_iter().collect()))
                            .send()
                            .await
                            .op(ops::TAG_LOG_GROUP)?;
                    }
                    TagCall::Unset(unset) => {
                        logs.untag_resource()
                            .resource_arn(&arn)
                            .set_tag_keys(Some(unset.to_vec()))
                            .send()
                            .await
                            .op(ops::UNTAG_LOG_GROUP)?;
                    }
                }
            }
        }
        LogGroupOp::Delete { name } => {
            logs.delete_log_group().log_group_name(name).send().await.op(ops::DELETE_LOG_GROUP).or_gone()?;
        }
    }
    Ok(Applied::Done)
}

/// Says which field names the key that AWS refuses.
fn naming_the_key(mut error: AwsError, key: Option<&str>) -> AwsError {
    if error.class == Class::Terminal && key.is_some_and(|key| error.message.contains(key)) {
        error.message.push_str(
            " (spec.cloudWatchLogs.kmsKeyArn: name an enabled key of this region whose policy lets CloudWatch Logs use it)",
        );
    }
    error
}

async fn put_retention(aws: &Aws, name: &str, days: i32) -> Result<(), AwsError> {
    aws.logs
        .put_retention_policy()
        .log_group_name(name)
        .retention_in_days(days)
        .send()
        .await
        .op(ops::PUT_RETENTION_POLICY)?;
    Ok(())
}

/// The log group for the status, if it is ours.
#[must_use]
pub fn existing(monitor: &Monitor, name: &str, observed: Option<&ObservedLogGroup>) -> Option<Existing> {
    observed.filter(|observed| monitor.claim(&observed.tags) == Claim::Ours).map(|observed| Existing {
        retained: monitor.has_retained(&observed.tags),
        ..Existing::new(ResourceKind::LogGroup, name, monitor.log_group_arn(name))
    })
}
