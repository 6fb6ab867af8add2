//! Resources of others in the account.

use aws_sdk_glue::types::{DatabaseInput, StorageDescriptor, TableInput};
use aws_sdk_s3::types::CreateBucketConfiguration;
use serde_json::{Value, json};

use testkit::sandbox::{REGION, Sandbox};

/// A bucket with state in it, a log group with a line in it, a database with a table in it, a topic with a subscription: all without tags.
pub struct Strangers {
    pub bucket: String,
    pub log_group: String,
    pub database: String,
    pub topic_arn: String,
}

impl Strangers {
    pub async fn move_in(sandbox: &Sandbox) -> Self {
        let bucket = format!("terraform-state-{}", sandbox.account);
        let here = CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
        let s3 = sandbox.s3();
        s3.create_bucket().bucket(&bucket).create_bucket_configuration(here).send().await.unwrap();
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"{}");
        s3.put_object().bucket(&bucket).key("terraform.tfstate").body(body).send().await.unwrap();

        let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
        let log_group = "/platform/audit".to_owned();
        logs.create_log_group().log_group_name(&log_group).send().await.unwrap();
        logs.create_log_stream().log_group_name(&log_group).log_stream_name("s").send().await.unwrap();

        let glue = aws_sdk_glue::Client::new(&sandbox.config);
        let database = "finance".to_owned();
        let input = DatabaseInput::builder().name(&database).build().unwrap();
        glue.create_database().database_input(input).send().await.unwrap();
        let storage = StorageDescriptor::builder().location("s3://customers/orders").build();
        let table = TableInput::builder().name("orders").storage_descriptor(storage).build().unwrap();
        glue.create_table().database_name(&database).table_input(table).send().await.unwrap();

        let sns = aws_sdk_sns::Client::new(&sandbox.config);
        let topic_arn = sns.create_topic().name("platform").send().await.unwrap().topic_arn.unwrap();
        sns.subscribe().topic_arn(&topic_arn).protocol("sms").endpoint("+491701234567").send().await.unwrap();
        Self { bucket, log_group, database, topic_arn }
    }

    /// All of them with their contents, as AWS shows them.
    pub fn of(&self, inventory: &Value) -> Value {
        json!({
            "bucket": inventory["buckets"][&self.bucket],
            "logGroup": inventory["logGroups"][&self.log_group],
            "database": inventory["databases"][&self.database],
            "topic": inventory["topics"]["platform"],
        })
    }
}
