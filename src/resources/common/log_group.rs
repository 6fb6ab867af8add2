//! A log group: retention, class, key, tags.

use aws_sdk_cloudwatchlogs::types::{LogGroup as SdkLogGroup, LogGroupClass as SdkClass};

use crate::api::ResourceKind;
use crate::api::spec::LogGroupClass;
use crate::aws::{Aws, AwsError, AwsResult, Class, Expected, Gone, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Chosen, Monitor, TagCall, Tags};

/// A log group as declared. `HOLDS_RECORDS` is true for the one that flow logs deliver to, whose name the spec may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup<const HOLDS_RECORDS: bool> {
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
pub struct FoundLogGroup {
    retention_days: Option<i32>,
    class: String,
    kms_key_arn: Option<String>,
    deletion_protected: bool,
    tags: Tags,
}

/// Changes one setting of a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum LogGroupCall {
    PutRetention(i32),
    AssociateKey(String),
    DisassociateKey,
}

/// Reads the log group of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundLogGroup>, AwsError> {
    let Some(group) = of_name(aws, name).await? else { return Ok(None) };
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
    Ok(Some(FoundLogGroup {
        retention_days: group.retention_in_days,
        class: group.log_group_class.unwrap_or(SdkClass::Standard).as_str().to_owned(),
        kms_key_arn: group.kms_key_id,
        deletion_protected: group.deletion_protection_enabled.unwrap_or(false),
        tags: tags.into_iter().collect(),
    }))
}

async fn of_name(aws: &Aws, name: &str) -> Result<Option<SdkLogGroup>, AwsError> {
    let mut groups = aws.logs.describe_log_groups().log_group_name_prefix(name).into_paginator().items().send();
    // Names come in order, so the exact one is the first of its prefix; reading on guards against an emulator that differs.
    while let Some(group) = groups.next().await {
        let group = group.op(ops::DESCRIBE_LOG_GROUPS)?;
        if group.log_group_name() == Some(name) {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

impl<const HOLDS_RECORDS: bool> Resource for LogGroup<HOLDS_RECORDS> {
    const KIND: ResourceKind = ResourceKind::LogGroup;
    const HOLDS_DATA: bool = HOLDS_RECORDS;

    type Found = FoundLogGroup;
    type Call = LogGroupCall;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(monitor.log_group_arn(name))
    }

    fn tags(found: &FoundLogGroup) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn chosen_by_user(monitor: &Monitor) -> Option<Chosen> {
        let by_spec = monitor.spec.cloud_watch_logs.log_group_name.is_some();
        HOLDS_RECORDS.then_some(Chosen { field: "cloudWatchLogs.logGroupName", by_spec })
    }

    fn unusable(&self, found: &FoundLogGroup) -> Option<String> {
        (found.class != self.class.as_str())
            .then(|| format!("its class is {} and cannot be changed; choose another name", found.class))
    }

    fn undeletable(found: &FoundLogGroup) -> Option<String> {
        found.deletion_protected.then(|| {
            "deletion protection is on; turn it off in CloudWatch Logs, or set spec.deletionPolicy to RetainData"
                .to_owned()
        })
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundLogGroup) -> Vec<Step<LogGroupCall>> {
        let change = || Change::new(Action::Update, Self::KIND, &self.name);
        let mut steps = Vec::new();
        if found.retention_days != Some(self.retention_days) {
            let change = change().field("retentionDays", &found.retention_days, &self.retention_days);
            steps.push(Step::new(change, LogGroupCall::PutRetention(self.retention_days)));
        }
        if found.kms_key_arn != self.kms_key_arn {
            let change = change().field("kmsKeyArn", &found.kms_key_arn, &self.kms_key_arn);
            let call = self.kms_key_arn.clone().map_or(LogGroupCall::DisassociateKey, LogGroupCall::AssociateKey);
            steps.push(Step::new(change, call));
        }
        steps
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        aws.logs
            .create_log_group()
            .log_group_name(&self.name)
            .log_group_class(SdkClass::from(self.class.as_str()))
            .set_kms_key_id(self.kms_key_arn.clone())
            .set_tags(Some(monitor.tags.clone().into_iter().collect()))
            .send()
            .await
            .op(ops::CREATE_LOG_GROUP)
            .map_err(|error| naming_the_key(error, monitor, self.kms_key_arn.as_deref()))?;
        put_retention(aws, &self.name, self.retention_days).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, monitor: &Monitor, name: &str, call: &LogGroupCall) -> Result<Applied, AwsError> {
        match call {
            LogGroupCall::PutRetention(days) => put_retention(aws, name, *days).await?,
            LogGroupCall::AssociateKey(arn) => {
                let result = aws.logs.associate_kms_key().log_group_name(name).kms_key_id(arn).send().await;
                result.op(ops::ASSOCIATE_KMS_KEY).map_err(|error| naming_the_key(error, monitor, Some(arn)))?;
            }
            LogGroupCall::DisassociateKey => {
                aws.logs.disassociate_kms_key().log_group_name(name).send().await.op(ops::DISASSOCIATE_KMS_KEY)?;
            }
        }
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        let arn = monitor.log_group_arn(name);
        match call {
            TagCall::Set(set) => {
                let set = set.clone().into_iter().collect();
                aws.logs.tag_resource().resource_arn(&arn).set_tags(Some(set)).send().await.op(ops::TAG_LOG_GROUP)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.logs.untag_resource().resource_arn(&arn).set_tag_keys(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_LOG_GROUP)?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundLogGroup) -> Result<Applied, AwsError> {
        aws.logs.delete_log_group().log_group_name(name).send().await.op(ops::DELETE_LOG_GROUP).or_gone()?;
        Ok(Applied::Done)
    }
}

/// Adds the spec field of a rejected key to the error. AWS's message names only the log group, or nothing.
fn naming_the_key(error: AwsError, monitor: &Monitor, key: Option<&str>) -> AwsError {
    match key {
        Some(key) if error.class == Class::Terminal && error.message.contains("KMS") => error.with_remedy(format!(
            "spec.cloudWatchLogs.kmsKeyArn is {key}: the key must exist, be enabled, and have a key policy that lets \
             logs.{}.amazonaws.com use it for this log group",
            monitor.account_region.region
        )),
        _ => error,
    }
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
