//! Changes that the phases of a life leave out, so that every permission of the operator is used.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{DatabaseInput, TableInput};
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use crate::world::{World, package};
use testkit::sandbox::REGION;

/// More to happen in a life; the monitor is Ready before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum More {
    /// Changed by hand in ways that the phase Repair has not.
    Drift,
    /// Keys for the log group, the bucket and the topic, fields of ECS, a subscription through a role.
    Options,
    /// The subscription through another role.
    OtherRole,
    /// Without them again.
    NoOptions,
    /// Tags are taken out of the spec, everywhere at once.
    Tags,
}

impl More {
    pub const ALL: [Self; 5] = [Self::Drift, Self::Options, Self::OtherRole, Self::NoOptions, Self::Tags];

    pub async fn begin(self, world: &World) -> Result<()> {
        match self {
            Self::Drift => drift(world).await?,
            Self::Options => world.change(with_options(world).await?).await?,
            Self::OtherRole => {
                let subscriptions = json!({"subscriptions": [SMS.clone(), through(world, "firehose-2")]});
                world.change(json!({"notifications": subscriptions})).await?;
            }
            Self::NoOptions => {
                let none = json!({"kmsKeyArn": null});
                let notifications = json!({"kmsKeyArn": null, "subscriptions": [SMS.clone()]});
                world.change(json!({"cloudWatchLogs": none, "s3": none, "notifications": notifications})).await?;
            }
            Self::Tags => world.change(json!({"tags": {"unit": null, "stage": null}})).await?,
        }
        world.request_pass().await.map(drop)
    }
}

fn arn(world: &World, what: &str) -> String {
    format!("arn:aws:iam::{}:{what}", world.sandbox.account)
}

pub fn boundary_arn(world: &World) -> String {
    arn(world, "policy/boundary")
}

pub fn firehose_roles(world: &World) -> String {
    arn(world, "role/firehose-*")
}

static SMS: LazyLock<Value> = LazyLock::new(|| json!({"protocol": "sms", "endpoint": "+491701234561"}));

/// A subscription through a role.
fn through(world: &World, role: &str) -> Value {
    let stream = format!("arn:aws:firehose:{REGION}:{}:deliverystream/alerts", world.sandbox.account);
    json!({"protocol": "firehose", "endpoint": stream, "subscriptionRoleArn": arn(world, &format!("role/{role}"))})
}

const ANYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Makes the policies and roles that others have made before the operator starts.
pub async fn prepare(world: &World) -> Result<()> {
    let iam = aws_sdk_iam::Client::new(&world.sandbox.config);
    for name in ["boundary", "other"] {
        iam.create_policy().policy_name(name).policy_document(ANYTHING).send().await?;
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]});
    for role in ["firehose-1", "firehose-2"] {
        iam.create_role().role_name(role).assume_role_policy_document(trust.to_string()).send().await?;
    }
    Ok(())
}

async fn with_options(world: &World) -> Result<Value> {
    let key = world.sandbox.emulator.create_key(&world.sandbox.account, REGION).await?;
    let fields = [
        "version",
        "account-id",
        "srcaddr",
        "dstaddr",
        "bytes",
        "start",
        "end",
        "action",
        "log-status",
        "ecs-cluster-arn",
    ];
    Ok(json!({
        "cloudWatchLogs": {"kmsKeyArn": key},
        "s3": {"kmsKeyArn": key, "fields": fields},
        "notifications": {"kmsKeyArn": key, "subscriptions": [SMS.clone(), through(world, "firehose-1")]},
    }))
}

async fn drift(world: &World) -> Result<()> {
    let (sandbox, monitor) = (&world.sandbox, world.monitor().await?);
    let names = &monitor.names;

    let (iam, role) = (aws_sdk_iam::Client::new(&sandbox.config), names.delivery_role());
    iam.attach_role_policy().role_name(&role).policy_arn(arn(world, "policy/other")).send().await?;
    iam.put_role_policy().role_name(&role).policy_name("theirs").policy_document(ANYTHING).send().await?;
    iam.update_role().role_name(&role).description("theirs").send().await?;
    iam.delete_role_permissions_boundary().role_name(&role).send().await?;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]});
    iam.update_assume_role_policy().role_name(names.detector_role()).policy_document(trust.to_string()).send().await?;

    let s3 = sandbox.s3();
    s3.delete_public_access_block().bucket(&names.bucket).send().await?;
    s3.delete_bucket_ownership_controls().bucket(&names.bucket).send().await?;
    tag_bucket(world, &names.bucket).await?;
    s3.create_multipart_upload().bucket(&names.bucket).key("unfinished").send().await?;

    let lambda = aws_sdk_lambda::Client::new(&sandbox.config);
    lambda.update_function_code().function_name(names.detector()).zip_file(Blob::new(package(65))).send().await?;
    lambda.remove_permission().function_name(names.detector()).statement_id("flow-log-files").send().await?;
    lambda
        .add_permission()
        .function_name(names.detector())
        .statement_id("flow-log-files")
        .action("lambda:InvokeFunction")
        .principal("s3.amazonaws.com")
        .send()
        .await?;

    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    athena.update_work_group().work_group(names.workgroup()).description("theirs").send().await?;
    let ids = athena.list_named_queries().work_group(names.workgroup()).send().await?.named_query_ids;
    let id = ids.unwrap_or_default().into_iter().next().context("a saved query")?;
    let query = athena.get_named_query().named_query_id(&id).send().await?.named_query.context("the query")?;
    athena.update_named_query().named_query_id(&id).name(query.name).query_string("SELECT 1").send().await?;

    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let database = DatabaseInput::builder().name(&names.database).description("theirs").build()?;
    glue.update_database().name(&names.database).database_input(database).send().await?;
    let table = glue.get_table().database_name(&names.database).name(&names.table).send().await?.table;
    // The parameters include the owner of the table.
    let parameters = table.and_then(|table| table.parameters);
    let table = TableInput::builder().name(&names.table).description("theirs").set_parameters(parameters).build()?;
    glue.update_table().database_name(&names.database).table_input(table).send().await?;
    Ok(())
}

/// Removes all tags of the bucket except its owner, without which the operator would no longer recognise the bucket as its own.
async fn tag_bucket(world: &World, bucket: &str) -> Result<()> {
    let owner = world.monitor().await?.owner;
    let tag = aws_sdk_s3::types::Tag::builder().key("vpcflow.dev/owner").value(owner).build()?;
    let tagging = aws_sdk_s3::types::Tagging::builder().tag_set(tag).build()?;
    world.sandbox.s3().put_bucket_tagging().bucket(bucket).tagging(tagging).send().await?;
    Ok(())
}
