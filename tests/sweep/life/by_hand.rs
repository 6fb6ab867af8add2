//! The work of others in the account: records arrive, resources are changed by hand, and others have resources of their own there.

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::LastUpdateStatus;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, NotificationConfiguration,
    VersioningConfiguration,
};
use devenv::wait_for;
use serde_json::{Value, json};

use crate::world::{DEADLINE, NAME, World};

/// Records in the bucket, one of them overwritten and one deleted, so that there are versions and delete markers.
pub async fn records(world: &World) -> Result<()> {
    let (bucket, s3) = (world.monitor().await?.names.bucket, world.sandbox.s3());
    for (key, body) in [("a", "1"), ("a", "2"), ("b", "1")] {
        let key = format!("vpc-flow-logs/{key}");
        s3.put_object().bucket(&bucket).key(key).body(body.as_bytes().to_vec().into()).send().await?;
    }
    s3.delete_object().bucket(&bucket).key("vpc-flow-logs/b").send().await?;
    Ok(())
}

/// Resources of others whose names look like the monitor's; nothing may ever happen to them.
pub async fn strangers(world: &World) -> Result<()> {
    let (sandbox, namespace) = (&world.sandbox, &world.cluster.namespace);
    let base = sandbox.named_monitor(namespace, NAME, sandbox.spec()).names.base().to_owned();
    let theirs = format!("test/{namespace}/{NAME}2");
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.create_log_group().log_group_name(format!("/aws/vpc/flowlogs/{namespace}/{NAME}2")).send().await?;
    logs.put_query_definition().name(format!("{base}2/theirs")).query_string("fields @message").send().await?;
    let region = BucketLocationConstraint::EuWest1;
    let region = CreateBucketConfiguration::builder().location_constraint(region).build();
    let bucket = sandbox.s3().create_bucket().bucket(format!("renamed-{}-theirs", sandbox.account));
    bucket.create_bucket_configuration(region).send().await?;
    let tag = aws_sdk_sns::types::Tag::builder().key("vpcflow.dev/owner").value(theirs).build()?;
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    sns.create_topic().name(format!("{base}-alerts2")).tags(tag).send().await?;
    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let input = aws_sdk_glue::types::DatabaseInput::builder().name("theirs").build()?;
    glue.create_database().database_input(input).send().await?;
    Ok(())
}

/// Something in every system is not as declared any more.
pub async fn drift(world: &World) -> Result<()> {
    let (sandbox, monitor) = (&world.sandbox, world.monitor().await?);
    let (names, inventory) = (&monitor.names, sandbox.inventory().await);

    let s3 = sandbox.s3();
    s3.put_bucket_policy().bucket(&names.bucket).policy(others_policy(&names.bucket).to_string()).send().await?;
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(&names.bucket).versioning_configuration(suspended).send().await?;
    s3.delete_bucket_lifecycle().bucket(&names.bucket).send().await?;
    let no_events = s3.put_bucket_notification_configuration().bucket(&names.bucket);
    no_events.notification_configuration(NotificationConfiguration::builder().build()).send().await?;

    let events = aws_sdk_eventbridge::Client::new(&sandbox.config);
    events.disable_rule().name(names.detector()).send().await?;
    events.remove_targets().rule(names.detector()).ids("detector").send().await?;

    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    for role in [names.delivery_role(), names.detector_role()] {
        let policy = first(&inventory["roles"][&role]["inlinePolicies"])?;
        iam.delete_role_policy().role_name(&role).policy_name(policy).send().await?;
    }

    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    let group = &inventory["logGroups"][&names.log_group];
    logs.put_retention_policy().log_group_name(&names.log_group).retention_in_days(1).send().await?;
    let filter = first(&group["metricFilters"])?;
    logs.delete_metric_filter().log_group_name(&names.log_group).filter_name(filter).send().await?;
    logs.delete_log_group().log_group_name(names.detector_log_group()).send().await?;
    let definitions = logs.describe_query_definitions().query_definition_name_prefix(format!("{}/", names.base()));
    let definitions = definitions.send().await?.query_definitions.unwrap_or_default();
    let definition = definitions.into_iter().find_map(|definition| definition.query_definition_id);
    logs.delete_query_definition().query_definition_id(definition.context("a saved query")?).send().await?;

    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    // The flow log to S3: making it anew overwrites the policy of the bucket.
    let to_s3 =
        inventory["flowLogs"].as_object().into_iter().flatten().find(|(_, log)| log["LogDestinationType"] == "s3");
    ec2.delete_flow_logs().flow_log_ids(to_s3.context("a flow log to S3")?.0).send().await?;

    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = monitor.topic_arn();
    sns.untag_resource().resource_arn(&topic).tag_keys("stage").send().await?;
    let subscriptions = sns.list_subscriptions_by_topic().topic_arn(&topic).send().await?.subscriptions;
    let mut arns =
        subscriptions.unwrap_or_default().into_iter().filter_map(|subscription| subscription.subscription_arn);
    let confirmed = arns.find(|arn| arn.starts_with("arn:")).context("a confirmed subscription")?;
    sns.unsubscribe().subscription_arn(confirmed).send().await?;

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    cloudwatch.delete_alarms().alarm_names(first(&inventory["alarms"])?).send().await?;
    cloudwatch.delete_dashboards().dashboard_names(names.dashboard()).send().await?;

    let lambda = aws_sdk_lambda::Client::new(&sandbox.config);
    lambda.update_function_configuration().function_name(names.detector()).memory_size(512).send().await?;
    wait_for("the function to be updated", DEADLINE, async || {
        let function = lambda.get_function_configuration().function_name(names.detector()).send().await?;
        Ok((function.last_update_status == Some(LastUpdateStatus::Successful)).then_some(()))
    })
    .await?;
    lambda.remove_permission().function_name(names.detector()).statement_id("flow-log-files").send().await?;

    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let queries = athena.list_named_queries().work_group(names.workgroup()).send().await?.named_query_ids;
    let query = queries.unwrap_or_default().into_iter().next().context("a saved query")?;
    athena.delete_named_query().named_query_id(query).send().await?;
    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    glue.delete_table().database_name(&names.database).name(&names.table).send().await?;
    Ok(())
}

/// The policy of the bucket without the monitor's statements, and with one of somebody else.
fn others_policy(bucket: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Theirs",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObjectAcl",
            "Resource": format!("arn:aws:s3:::{bucket}/*"),
        }],
    })
}

fn first(named: &Value) -> Result<&str> {
    let first = named.as_object().and_then(|named| named.keys().next());
    first.map(String::as_str).with_context(|| format!("something in {named}"))
}
