//! The Athena workgroup: settings that its users cannot override, results apart from the records, a limit on what a query reads.

use aws_sdk_athena::types::{
    EncryptionConfiguration, EncryptionOption, ResultConfiguration, ResultConfigurationUpdates, Tag, WorkGroup,
    WorkGroupConfiguration, WorkGroupConfigurationUpdates, WorkGroupState,
};
use serde::Serialize;
use serde_json::json;

use super::Op;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Change, Diff, Existing, Goal, Removal};
use crate::monitor::{Claim, Monitor, RESULTS_PREFIX, TagCall, TagDiff, Tags};

/// A workgroup: the same terms for what it shall be and for what AWS has. The engine version is AWS's to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workgroup {
    description: String,
    enabled: bool,
    /// True if users cannot override the settings.
    enforced: bool,
    publishes_metrics: bool,
    bytes_scanned_cutoff: Option<i64>,
    results: Results,
}

/// Where query results go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    location: Option<String>,
    /// `SSE_S3`, `SSE_KMS` or `CSE_KMS`.
    encryption: Option<String>,
    kms_key_arn: Option<String>,
    bucket_owner: Option<String>,
}

/// A workgroup as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedWorkgroup {
    pub(super) workgroup: Workgroup,
    pub(super) tags: Tags,
}

/// What can be done to the workgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkgroupOp {
    /// Makes it.
    Create(Workgroup),
    /// Puts all settings.
    Update(Workgroup),
    /// Changes its tags.
    Tag(TagDiff),
    /// Deletes it with its saved queries and its query history.
    Delete,
}

/// The workgroup as the spec asks for it.
pub fn desired(monitor: &Monitor) -> Workgroup {
    let key = monitor.spec.s3.kms_key_arn.clone();
    Workgroup {
        description: format!("Queries over VPC flow logs of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
        enabled: true,
        enforced: true,
        publishes_metrics: true,
        bytes_scanned_cutoff: Some(monitor.spec.analytics.bytes_scanned_cutoff),
        results: Results {
            location: Some(format!("s3://{}/{RESULTS_PREFIX}", monitor.names.bucket)),
            encryption: Some(if key.is_some() { "SSE_KMS" } else { "SSE_S3" }.to_owned()),
            kms_key_arn: key,
            bucket_owner: Some(monitor.account_region.account.clone()),
        },
    }
}

/// Reads the workgroup of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<ObservedWorkgroup>, AwsError> {
    let workgroup =
        async { aws.athena.get_work_group().work_group(name).send().await.op(ops::GET_WORK_GROUP).optional() };
    let arn = aws.account_region.arn("athena", format!("workgroup/{name}"));
    let tags = async {
        let tags = aws.athena.list_tags_for_resource().resource_arn(arn).into_paginator().items().send();
        tags.collect::<Result<Vec<Tag>, _>>().await.op(ops::LIST_ATHENA_TAGS)
    };
    let (workgroup, tags) = futures::join!(workgroup, tags);
    let Some(workgroup) = workgroup?.and_then(|output| output.work_group) else { return Ok(None) };
    Ok(Some(ObservedWorkgroup {
        workgroup: normalise(workgroup),
        tags: tags.expected()?.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect(),
    }))
}

fn normalise(workgroup: WorkGroup) -> Workgroup {
    let configuration = workgroup.configuration;
    let setting =
        |read: fn(&WorkGroupConfiguration) -> Option<bool>| configuration.as_ref().and_then(read) == Some(true);
    Workgroup {
        description: workgroup.description.unwrap_or_default(),
        enabled: workgroup.state != Some(WorkGroupState::Disabled),
        enforced: setting(WorkGroupConfiguration::enforce_work_group_configuration),
        publishes_metrics: setting(WorkGroupConfiguration::publish_cloud_watch_metrics_enabled),
        bytes_scanned_cutoff: configuration.as_ref().and_then(WorkGroupConfiguration::bytes_scanned_cutoff_per_query),
        results: configuration
            .and_then(|configuration| configuration.result_configuration)
            .map(|results| {
                let encryption = results.encryption_configuration;
                Results {
                    location: results.output_location,
                    encryption: encryption.as_ref().map(|encryption| encryption.encryption_option.as_str().to_owned()),
                    kms_key_arn: encryption.and_then(|encryption| encryption.kms_key),
                    bucket_owner: results.expected_bucket_owner,
                }
            })
            .unwrap_or_default(),
    }
}

/// What must be done, added to `diff`.
pub fn diff(monitor: &Monitor, goal: Goal<&Workgroup>, observed: Option<&ObservedWorkgroup>, diff: &mut Diff<Op>) {
    let name = monitor.names.workgroup();
    let change = |action| Change::new(action, ResourceKind::Workgroup, &name);
    match (goal, observed) {
        (Goal::Present(workgroup), None) => {
            diff.step(change(Action::Create), Op::Workgroup(WorkgroupOp::Create(workgroup.clone())));
        }
        (Goal::Present(workgroup), Some(observed)) => match monitor.claim(&observed.tags) {
            Claim::Foreign(problem) => diff.conflict(ResourceKind::Workgroup, &name, problem),
            claim => {
                let tags = monitor.tag_diff(&observed.tags);
                if !tags.is_empty() {
                    let action = if claim == Claim::Adopt { Action::Adopt } else { Action::Update };
                    let wanted = tags.applied_to(&observed.tags);
                    let change = change(action).field("tags", Some(json!(observed.tags)), Some(json!(wanted)));
                    diff.step(change, Op::Workgroup(WorkgroupOp::Tag(tags)));
                }
                if observed.workgroup != *workgroup {
                    let change = change(Action::Update).between(&observed.workgroup, workgroup);
                    diff.step(change, Op::Workgroup(WorkgroupOp::Update(workgroup.clone())));
                }
            }
        },
        (Goal::Absent(_), None) => {}
        (Goal::Absent(_), Some(observed)) if monitor.claim(&observed.tags) != Claim::Ours => {}
        (Goal::Absent(Removal::KeepAll), Some(observed)) => {
            let tags = monitor.retained_tag_diff(&observed.tags);
            if !tags.is_empty() {
                diff.step(change(Action::Retain), Op::Workgroup(WorkgroupOp::Tag(tags)));
            }
        }
        (Goal::Absent(Removal::Everything | Removal::KeepData), Some(_)) => {
            diff.step(change(Action::Delete), Op::Workgroup(WorkgroupOp::Delete));
        }
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &WorkgroupOp) -> Result<(), AwsError> {
    let (athena, name) = (&aws.athena, monitor.names.workgroup());
    match op {
        WorkgroupOp::Create(workgroup) => {
            athena
                .create_work_group()
                .name(&name)
                .description(&workgroup.description)
                .configuration(configuration(workgroup))
                .set_tags(Some(sdk_tags(&monitor.tags)))
                .send()
                .await
                .op(ops::CREATE_WORK_GROUP)?;
        }
        WorkgroupOp::Update(workgroup) => {
            let state = if workgroup.enabled { WorkGroupState::Enabled } else { WorkGroupState::Disabled };
            athena
                .update_work_group()
                .work_group(&name)
                .description(&workgroup.description)
                .state(state)
                .configuration_updates(configuration_updates(workgroup))
                .send()
                .await
                .op(ops::UPDATE_WORK_GROUP)?;
        }
        WorkgroupOp::Tag(tags) => {
            let arn = monitor.account_region.arn("athena", format!("workgroup/{name}"));
            for call in tags.calls() {
                match call {
                    TagCall::Set(set) => {
                        let set = Some(sdk_tags(set));
                        athena.tag_resource().resource_arn(&arn).set_tags(set).send().await.op(ops::TAG_ATHENA)?;
                    }
                    TagCall::Unset(unset) => {
                        let unset = Some(unset.to_vec());
                        athena
                            .untag_resource()
                            .resource_arn(&arn)
                            .set_tag_keys(unset)
                            .send()
                            .await
                            .op(ops::UNTAG_ATHENA)?;
                    }
                }
            }
        }
        WorkgroupOp::Delete => {
            athena
                .delete_work_group()
                .work_group(&name)
                .recursive_delete_option(true)
                .send()
                .await
                .op(ops::DELETE_WORK_GROUP)
                .or_gone()?;
        }
    }
    Ok(())
}

fn configuration(workgroup: &Workgroup) -> WorkGroupConfiguration {
    WorkGroupConfiguration::builder()
        .enforce_work_group_configuration(workgroup.enforced)
        .publish_cloud_watch_metrics_enabled(workgroup.publishes_metrics)
        .set_bytes_scanned_cutoff_per_query(workgroup.bytes_scanned_cutoff)
        .result_configuration(
            ResultConfiguration::builder()
                .set_output_location(workgroup.results.location.clone())
                .set_encryption_configuration(encryption(&workgroup.results))
                .set_expected_bucket_owner(workgroup.results.bucket_owner.clone())
                .build(),
        )
        .build()
}

fn configuration_updates(workgroup: &Workgroup) -> WorkGroupConfigurationUpdates {
    WorkGroupConfigurationUpdates::builder()
        .enforce_work_group_configuration(workgroup.enforced)
        .publish_cloud_watch_metrics_enabled(workgroup.publishes_metrics)
        .set_bytes_scanned_cutoff_per_query(workgroup.bytes_scanned_cutoff)
        .result_configuration_updates(
            ResultConfigurationUpdates::builder()
                .set_output_location(workgroup.results.location.clone())
                .set_encryption_configuration(encryption(&workgroup.results))
                .set_expected_bucket_owner(workgroup.results.bucket_owner.clone())
                .build(),
        )
        .build()
}

fn encryption(results: &Results) -> Option<EncryptionConfiguration> {
    let option = EncryptionOption::from(results.encryption.as_deref()?);
    // The option is given, so building cannot fail.
    EncryptionConfiguration::builder().encryption_option(option).set_kms_key(results.kms_key_arn.clone()).build().ok()
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The workgroup for the status.
pub fn existing(monitor: &Monitor) -> Existing {
    let name = monitor.names.workgroup();
    let arn = monitor.account_region.arn("athena", format!("workgroup/{name}"));
    Existing::new(ResourceKind::Workgroup, name, arn)
}

/// The saved queries in the Athena console.
pub fn saved_queries_link(monitor: &Monitor) -> String {
    format!(
        "https://{}/athena/home?region={}#/query-editor/saved-queries?workgroup={}",
        monitor.account_region.console_host(),
        monitor.account_region.region,
        monitor.names.workgroup(),
    )
}
