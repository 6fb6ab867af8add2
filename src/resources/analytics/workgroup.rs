//! The Athena workgroup: settings that its users cannot override, results apart from the records, a limit on what a query reads.

use aws_sdk_athena::types::{
    EncryptionConfiguration, EncryptionOption, ResultConfiguration, ResultConfigurationUpdates, Tag, WorkGroup,
    WorkGroupConfiguration, WorkGroupConfigurationUpdates, WorkGroupState,
};
use serde::Serialize;

use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Applied, Resource, Step, rewrite};
use crate::monitor::{Monitor, RESULTS_PREFIX, TagCall, Tags};

/// A workgroup, declared or found, in the same terms. AWS chooses the engine version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workgroup {
    #[serde(skip)]
    name: String,
    description: String,
    enabled: bool,
    /// True if users cannot override the settings.
    enforced: bool,
    publishes_metrics: bool,
    bytes_scanned_cutoff: Option<i64>,
    results: Results,
}

/// Place and encryption of query results.
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
pub struct FoundWorkgroup {
    pub(super) workgroup: Workgroup,
    pub(super) tags: Tags,
}

/// The workgroup that the spec asks for.
pub fn desired(monitor: &Monitor) -> Workgroup {
    let key = monitor.spec.s3.kms_key_arn.clone();
    Workgroup {
        name: monitor.names.workgroup(),
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
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundWorkgroup>, AwsError> {
    let output = aws.athena.get_work_group().work_group(name).send().await.op(ops::GET_WORK_GROUP).optional()?;
    let Some(workgroup) = output.and_then(|output| output.work_group) else { return Ok(None) };
    let arn = aws.account_region.arn("athena", format!("workgroup/{name}"));
    let tags = aws.athena.list_tags_for_resource().resource_arn(arn).into_paginator().items().send();
    let tags = tags.collect::<Result<Vec<Tag>, _>>().await.op(ops::LIST_ATHENA_TAGS);
    Ok(Some(FoundWorkgroup {
        workgroup: normalise(workgroup),
        tags: tags.expected()?.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect(),
    }))
}

fn normalise(workgroup: WorkGroup) -> Workgroup {
    let configuration = workgroup.configuration;
    let setting =
        |read: fn(&WorkGroupConfiguration) -> Option<bool>| configuration.as_ref().and_then(read) == Some(true);
    Workgroup {
        name: workgroup.name,
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

impl Resource for Workgroup {
    const KIND: ResourceKind = ResourceKind::Workgroup;

    type Found = FoundWorkgroup;
    type Call = Self;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(arn(monitor, name))
    }

    fn tags(found: &FoundWorkgroup) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundWorkgroup) -> Vec<Step<Self>> {
        rewrite(self, &self.name, &found.workgroup, self)
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        aws.athena
            .create_work_group()
            .name(&self.name)
            .description(&self.description)
            .configuration(configuration(self))
            .set_tags(Some(sdk_tags(&monitor.tags)))
            .send()
            .await
            .op(ops::CREATE_WORK_GROUP)?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, name: &str, workgroup: &Self) -> Result<Applied, AwsError> {
        aws.athena
            .update_work_group()
            .work_group(name)
            .description(&workgroup.description)
            .state(if workgroup.enabled { WorkGroupState::Enabled } else { WorkGroupState::Disabled })
            .configuration_updates(configuration_updates(workgroup))
            .send()
            .await
            .op(ops::UPDATE_WORK_GROUP)?;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        let arn = arn(monitor, name);
        match call {
            TagCall::Set(set) => {
                let request = aws.athena.tag_resource().resource_arn(arn).set_tags(Some(sdk_tags(set)));
                request.send().await.op(ops::TAG_ATHENA)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.athena.untag_resource().resource_arn(arn).set_tag_keys(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_ATHENA)?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundWorkgroup) -> Result<Applied, AwsError> {
        // Deletes its saved queries and its query history too.
        let request = aws.athena.delete_work_group().work_group(name).recursive_delete_option(true);
        request.send().await.op(ops::DELETE_WORK_GROUP).or_gone()?;
        Ok(Applied::Done)
    }
}

fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.arn("athena", format!("workgroup/{name}"))
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

/// The saved queries in the Athena console.
pub fn saved_queries_link(monitor: &Monitor) -> String {
    format!(
        "https://{}/athena/home?region={}#/query-editor/saved-queries?workgroup={}",
        monitor.account_region.console_host(),
        monitor.account_region.region,
        monitor.names.workgroup(),
    )
}
