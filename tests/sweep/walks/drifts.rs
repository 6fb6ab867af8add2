//! Changes that people and other tools make to a monitor's resources without the operator.

use anyhow::{Context, Result};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::Value;

use crate::world::World;

/// A change by hand. It has no effect if its resource is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    AlarmDeleted,
    BucketPolicyOpened,
    BucketTagged,
    DashboardDeleted,
    DatabaseDeleted,
    DetectorLogGroupDeleted,
    FlowLogsDeleted,
    FunctionDeleted,
    FunctionResized,
    LifecycleDeleted,
    LogGroupDeleted,
    LogGroupShortened,
    MetricFilterDeleted,
    NamedQueryDeleted,
    PermissionRemoved,
    RolePolicyDeleted,
    EventRuleDisabled,
    EventsSwitchedOff,
    SubscriptionFilterDeleted,
    TableDeleted,
    TopicDeleted,
    TopicUntagged,
    VersioningSuspended,
    WorkgroupDeleted,
}

impl Drift {
    pub const ALL: [Self; 24] = [
        Self::AlarmDeleted,
        Self::BucketPolicyOpened,
        Self::BucketTagged,
        Self::DashboardDeleted,
        Self::DatabaseDeleted,
        Self::DetectorLogGroupDeleted,
        Self::FlowLogsDeleted,
        Self::FunctionDeleted,
        Self::FunctionResized,
        Self::LifecycleDeleted,
        Self::LogGroupDeleted,
        Self::LogGroupShortened,
        Self::MetricFilterDeleted,
        Self::NamedQueryDeleted,
        Self::PermissionRemoved,
        Self::RolePolicyDeleted,
        Self::EventRuleDisabled,
        Self::EventsSwitchedOff,
        Self::SubscriptionFilterDeleted,
        Self::TableDeleted,
        Self::TopicDeleted,
        Self::TopicUntagged,
        Self::VersioningSuspended,
        Self::WorkgroupDeleted,
    ];

    /// Makes the change, if its resource exists.
    pub async fn happen(self, world: &World) {
        // The resource may be gone, or not there yet.
        if let Err(error) = self.attempt(world).await {
            tracing::debug!(?error, drift = ?self, "nothing has drifted");
        }
    }

    async fn attempt(self, world: &World) -> Result<()> {
        match self {
            Self::BucketPolicyOpened
            | Self::BucketTagged
            | Self::EventsSwitchedOff
            | Self::LifecycleDeleted
            | Self::VersioningSuspended => self.in_s3(world).await,
            Self::DetectorLogGroupDeleted
            | Self::LogGroupDeleted
            | Self::LogGroupShortened
            | Self::MetricFilterDeleted
            | Self::SubscriptionFilterDeleted => self.in_logs(world).await,
            Self::DatabaseDeleted | Self::NamedQueryDeleted | Self::TableDeleted | Self::WorkgroupDeleted => {
                self.in_analytics(world).await
            }
            _ => self.elsewhere(world).await,
        }
    }

    async fn in_s3(self, world: &World) -> Result<()> {
        let (s3, bucket) = (world.sandbox.s3(), world.monitor().await?.names.bucket);
        match self {
            // AWS adds statements of its own to a policy when a flow log is made, and only then: the rest stays.
            Self::BucketPolicyOpened => {
                let found = s3.get_bucket_policy().bucket(&bucket).send().await?.policy.context("no policy")?;
                let mut policy: Value = serde_json::from_str(&found)?;
                let statements = policy["Statement"].as_array_mut().context("no statements")?;
                statements.retain(|statement| statement["Effect"] != "Deny");
                s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await?;
            }
            Self::EventsSwitchedOff => {
                let none = aws_sdk_s3::types::NotificationConfiguration::builder().build();
                let request = s3.put_bucket_notification_configuration().bucket(bucket);
                request.notification_configuration(none).send().await?;
            }
            Self::LifecycleDeleted => _ = s3.delete_bucket_lifecycle().bucket(bucket).send().await?,
            Self::BucketTagged => {
                let found = s3.get_bucket_tagging().bucket(&bucket).send().await?;
                let mut tags = found.tag_set;
                tags.retain(|tag| tag.key() != "vpcflow.dev/managed-by");
                let tagging = aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(tags)).build()?;
                s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await?;
            }
            _ => {
                let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
                s3.put_bucket_versioning().bucket(bucket).versioning_configuration(suspended).send().await?;
            }
        }
        Ok(())
    }

    async fn in_logs(self, world: &World) -> Result<()> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&world.sandbox.config);
        let names = world.monitor().await?.names;
        let inventory = world.sandbox.inventory().await;
        let group = names.log_group.as_str();
        match self {
            Self::DetectorLogGroupDeleted => {
                _ = logs.delete_log_group().log_group_name(names.detector_log_group()).send().await?;
            }
            Self::LogGroupDeleted => _ = logs.delete_log_group().log_group_name(group).send().await?,
            Self::LogGroupShortened => {
                _ = logs.put_retention_policy().log_group_name(group).retention_in_days(1).send().await?;
            }
            Self::MetricFilterDeleted => {
                let filter = first(&inventory["logGroups"][group]["metricFilters"])?;
                logs.delete_metric_filter().log_group_name(group).filter_name(filter).send().await?;
            }
            _ => {
                let filter = first(&inventory["logGroups"][group]["subscriptionFilters"])?;
                logs.delete_subscription_filter().log_group_name(group).filter_name(filter).send().await?;
            }
        }
        Ok(())
    }

    async fn in_analytics(self, world: &World) -> Result<()> {
        let names = world.monitor().await?.names;
        let athena = aws_sdk_athena::Client::new(&world.sandbox.config);
        let glue = aws_sdk_glue::Client::new(&world.sandbox.config);
        match self {
            Self::DatabaseDeleted => _ = glue.delete_database().name(names.database).send().await?,
            Self::TableDeleted => {
                _ = glue.delete_table().database_name(names.database).name(names.table).send().await?;
            }
            Self::WorkgroupDeleted => {
                athena.delete_work_group().work_group(names.workgroup()).recursive_delete_option(true).send().await?;
            }
            _ => {
                let ids = athena.list_named_queries().work_group(names.workgroup()).send().await?.named_query_ids;
                let id = ids.unwrap_or_default().into_iter().next().context("no saved query")?;
                athena.delete_named_query().named_query_id(id).send().await?;
            }
        }
        Ok(())
    }

    async fn elsewhere(self, world: &World) -> Result<()> {
        let config = &world.sandbox.config;
        let monitor = world.monitor().await?;
        let (names, inventory) = (&monitor.names, world.sandbox.inventory().await);
        let (lambda, sns) = (aws_sdk_lambda::Client::new(config), aws_sdk_sns::Client::new(config));
        let cloudwatch = aws_sdk_cloudwatch::Client::new(config);
        match self {
            Self::AlarmDeleted => {
                _ = cloudwatch.delete_alarms().alarm_names(first(&inventory["alarms"])?).send().await?;
            }
            Self::DashboardDeleted => {
                _ = cloudwatch.delete_dashboards().dashboard_names(names.dashboard()).send().await?;
            }
            Self::EventRuleDisabled => {
                let events = aws_sdk_eventbridge::Client::new(config);
                _ = events.disable_rule().name(first(&inventory["eventRules"])?).send().await?;
            }
            Self::FlowLogsDeleted => {
                let ids = inventory["flowLogs"].as_object().context("no flow logs")?.keys().cloned().collect();
                aws_sdk_ec2::Client::new(config).delete_flow_logs().set_flow_log_ids(Some(ids)).send().await?;
            }
            Self::FunctionDeleted => _ = lambda.delete_function().function_name(names.detector()).send().await?,
            Self::FunctionResized => {
                lambda.update_function_configuration().function_name(names.detector()).memory_size(512).send().await?;
            }
            Self::PermissionRemoved => {
                lambda
                    .remove_permission()
                    .function_name(names.detector())
                    .statement_id("flow-log-records")
                    .send()
                    .await?;
            }
            Self::RolePolicyDeleted => {
                let (role, iam) = (names.delivery_role(), aws_sdk_iam::Client::new(config));
                let policy = first(&inventory["roles"][&role]["inlinePolicies"])?;
                iam.delete_role_policy().role_name(role).policy_name(policy).send().await?;
            }
            Self::TopicDeleted => _ = sns.delete_topic().topic_arn(own_topic(&monitor)).send().await?,
            _ => {
                _ = sns
                    .untag_resource()
                    .resource_arn(own_topic(&monitor))
                    .tag_keys("vpcflow.dev/managed-by")
                    .send()
                    .await?;
            }
        }
        Ok(())
    }
}

fn own_topic(monitor: &vpc_flow_operator::monitor::Monitor) -> String {
    monitor.account_region.arn("sns", monitor.names.topic())
}

fn first(named: &Value) -> Result<&str> {
    let first = named.as_object().and_then(|named| named.keys().next());
    first.map(String::as_str).context("there is none")
}
