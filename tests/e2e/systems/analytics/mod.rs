//! Workgroup, database, table and saved queries.

mod former_tables;
mod query_definitions;
mod removal;
pub mod saved_queries;

use aws_sdk_glue::types::{DatabaseInput, TableInput};
use serde_json::{Value, json};
use vpc_flow_operator::api::spec::{AdoptionPolicy, FileFormat, TagValue};
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::api::{FlowLogField, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::{Action, Change, Outcome};
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::Sandbox;

pub const ANALYTICS: &[Component] = &[Component::Analytics];
pub const QUERIES: [&str; 7] = [
    "Bytes by interface and hour",
    "Conversation history",
    "Daily volume",
    "External conversations",
    "Port scans",
    "Rejected by source and port",
    "Top talkers",
];

pub fn workgroup(inventory: &Value, monitor: &Monitor) -> Value {
    inventory["workgroups"][monitor.names.workgroup()].clone()
}

pub fn database(inventory: &Value, monitor: &Monitor) -> Value {
    inventory["databases"][&monitor.names.database].clone()
}

pub fn table(inventory: &Value, monitor: &Monitor) -> Value {
    database(inventory, monitor)["tables"][&monitor.names.table].clone()
}

pub fn reported(changes: &[Change]) -> Vec<(Action, ResourceKind)> {
    changes.iter().map(|change| (change.action, change.kind)).collect()
}

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("analytics::created").await;
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, ANALYTICS).await;

    let inventory = sandbox.inventory().await;
    let (account, bucket) = (&sandbox.account, &monitor.names.bucket);
    let tags = json!({
        "team": "network",
        "vpcflow.dev/owner": "test/network/production",
        "vpcflow.dev/managed-by": "vpc-flow-operator",
        "vpcflow.dev/tag-keys": "yosi",
    });
    let workgroup = workgroup(&inventory, &monitor);
    assert_eq!(workgroup["State"], "ENABLED");
    assert_eq!(workgroup["Description"], "Queries over VPC flow logs of VpcFlowMonitor network/production");
    assert_eq!(workgroup["tags"], tags);
    assert_eq!(
        workgroup["configuration"],
        json!({
            "ResultConfiguration": {
                "OutputLocation": format!("s3://{bucket}/athena-results/"),
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
                "ExpectedBucketOwner": account,
            },
            "EnforceWorkGroupConfiguration": true,
            "PublishCloudWatchMetricsEnabled": true,
            "BytesScannedCutoffPerQuery": 10_737_418_240_i64,
            "RequesterPaysEnabled": false,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
        })
    );
    let queries = workgroup["namedQueries"].as_object().unwrap();
    assert_eq!(queries.keys().collect::<Vec<_>>(), QUERIES);
    assert!(queries.values().all(|query| query["database"] == monitor.names.database));

    let database = database(&inventory, &monitor);
    assert_eq!(database["description"], "VPC flow logs of VpcFlowMonitor network/production");
    assert_eq!(database["tags"], tags);
    assert_eq!(table(&inventory, &monitor), expected_table(account, bucket));
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;
}

fn expected_table(account: &str, bucket: &str) -> Value {
    let data_columns = "version:int account_id:string interface_id:string srcaddr:string dstaddr:string srcport:int dstport:int \
                   protocol:int packets:bigint bytes:bigint start:bigint end:bigint action:string log_status:string \
                   vpc_id:string subnet_id:string instance_id:string tcp_flags:int type:string pkt_srcaddr:string \
                   pkt_dstaddr:string";
    let columns = |text: &str| -> Vec<Value> {
        let parts = text.split_whitespace().map(|column| column.split_once(':').unwrap());
        parts.map(|(name, kind)| json!({"Name": name, "Type": kind})).collect()
    };
    json!({
        "Description": "VPC flow logs of VpcFlowMonitor network/production",
        "TableType": "EXTERNAL_TABLE",
        "Retention": 0,
        "IsRegisteredWithLakeFormation": false,
        "columns": columns(data_columns),
        "partitionKeys": columns(
            "aws_account_id:string aws_region:string year:string month:string day:string hour:string"
        ),
        "parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "vpcflow.dev/owner": "test/network/production",
            "vpcflow.dev/managed-by": "vpc-flow-operator",
            "projection.enabled": "true",
            "projection.aws_account_id.type": "enum",
            "projection.aws_account_id.values": account,
            "projection.aws_region.type": "enum",
            "projection.aws_region.values": "eu-west-1",
            "projection.year.type": "integer",
            "projection.year.range": "2018,2050",
            "projection.year.digits": "4",
            "projection.month.type": "integer",
            "projection.month.range": "1,12",
            "projection.month.digits": "2",
            "projection.day.type": "integer",
            "projection.day.range": "1,31",
            "projection.day.digits": "2",
            "projection.hour.type": "integer",
            "projection.hour.range": "0,23",
            "projection.hour.digits": "2",
            "storage.location.template": format!(
                "s3://{bucket}/vpc-flow-logs/AWSLogs/aws-account-id=${{aws_account_id}}/aws-service=vpcflowlogs/\
                 aws-region=${{aws_region}}/year=${{year}}/month=${{month}}/day=${{day}}/hour=${{hour}}/"
            ),
        },
        "storageDescriptor": {
            "Location": format!("s3://{bucket}/vpc-flow-logs/AWSLogs/"),
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
            "Compressed": false,
            "NumberOfBuckets": 0,
            "SortColumns": [],
            "StoredAsSubDirectories": false,
        },
    })
}

#[tokio::test]
async fn every_field_of_the_spec_changes_what_it_should() {
    let sandbox = Sandbox::new("analytics::fields").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;

    spec.analytics.bytes_scanned_cutoff = 20_000_000;
    let inventory = updated(&sandbox, &spec, &[(Action::Update, ResourceKind::Workgroup)]).await;
    let configuration =
        |inventory: &Value| workgroup(inventory, &sandbox.monitor(spec.clone()))["configuration"].clone();
    assert_eq!(configuration(&inventory)["BytesScannedCutoffPerQuery"], 20_000_000);

    let key = format!("arn:aws:kms:eu-west-1:{}:key/k", sandbox.account);
    spec.s3.kms_key_arn = Some(key.clone());
    let inventory = updated(&sandbox, &spec, &[(Action::Update, ResourceKind::Workgroup)]).await;
    let monitor = sandbox.monitor(spec.clone());
    assert_eq!(
        workgroup(&inventory, &monitor)["configuration"]["ResultConfiguration"]["EncryptionConfiguration"],
        json!({"EncryptionOption": "SSE_KMS", "KmsKey": key})
    );

    spec.s3.per_hour_partition = false;
    spec.s3.hive_compatible_partitions = false;
    let inventory = moved(&sandbox, &spec).await;
    let bucket = &monitor.names.bucket;
    let folder = format!("s3://{bucket}/vpc-flow-logs/layout-parquet-plain-daily/AWSLogs/");
    let parameters = &table(&inventory, &monitor)["parameters"];
    assert_eq!(
        parameters["storage.location.template"],
        format!("{folder}${{aws_account_id}}/vpcflowlogs/${{aws_region}}/${{year}}/${{month}}/${{day}}/")
    );
    assert!(parameters.get("projection.hour.type").is_none());

    spec.s3.file_format = FileFormat::PlainText;
    let inventory = moved(&sandbox, &spec).await;
    assert_eq!(table(&inventory, &monitor)["parameters"]["skip.header.line.count"], "1");
    assert_eq!(table(&inventory, &monitor)["storageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"], " ");

    spec.s3.prefix = "elsewhere".into();
    let inventory = moved(&sandbox, &spec).await;
    let location = format!("s3://{bucket}/{}AWSLogs/", sandbox.monitor(spec.clone()).key_prefix());
    assert_eq!(table(&inventory, &monitor)["storageDescriptor"]["Location"], location);
    let tables = database(&inventory, &monitor)["tables"].as_object().unwrap().len();
    assert_eq!(tables, 4, "one for each folder that has records");

    // Records of the former bucket stay or go with it; queries do not depend on that.
    spec.s3.bucket_name = Some("another-bucket".into());
    let changes = sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;
    let of_tables: Vec<_> = changes.iter().filter(|change| change.kind == ResourceKind::Table).collect();
    assert_eq!(of_tables.iter().filter(|change| change.action == Action::Delete).count(), 3, "{changes:#?}");
    let inventory = sandbox.inventory().await;
    let results = &workgroup(&inventory, &monitor)["configuration"]["ResultConfiguration"];
    assert_eq!(results["OutputLocation"], "s3://another-bucket/athena-results/");
    assert_eq!(database(&inventory, &monitor)["tables"].as_object().unwrap().len(), 1);

    spec.s3.fields = vec![FlowLogField::Bytes, FlowLogField::Region];
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ANALYTICS).await;
    let inventory = sandbox.inventory().await;
    let names =
        workgroup(&inventory, &monitor)["namedQueries"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names, ["Daily volume"]);
    assert_eq!(
        table(&inventory, &monitor)["columns"],
        json!([{"Name": "bytes", "Type": "bigint"}, {"Name": "region", "Type": "string"}])
    );
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;

    spec.analytics.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), ANALYTICS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["workgroups"], &inventory["databases"]), (&json!({}), &json!({})));
}

/// Converges to a spec with another folder: the table moves there, and another one stays over the earlier records.
async fn moved(sandbox: &Sandbox, spec: &VpcFlowMonitorSpec) -> Value {
    let changes = sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;
    let of_tables: Vec<_> =
        changes.iter().filter(|change| change.kind == ResourceKind::Table).map(|change| change.action).collect();
    assert_eq!(of_tables, [Action::Create, Action::Replace], "{changes:#?}");
    let others = || changes.iter().filter(|change| change.kind != ResourceKind::Table);
    assert!(others().all(|change| change.kind == ResourceKind::NamedQuery), "{changes:#?}");
    assert_eq!(others().count(), QUERIES.len());
    sandbox.inventory().await
}

async fn updated(sandbox: &Sandbox, spec: &VpcFlowMonitorSpec, wanted: &[(Action, ResourceKind)]) -> Value {
    let changes = sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;
    assert_eq!(reported(&changes), wanted, "{changes:#?}");
    sandbox.inventory().await
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("analytics::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    let before = sandbox.inventory().await;
    let (group, name) = (monitor.names.workgroup(), &monitor.names.database);

    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let updates = aws_sdk_athena::types::WorkGroupConfigurationUpdates::builder()
        .enforce_work_group_configuration(false)
        .publish_cloud_watch_metrics_enabled(false)
        .remove_bytes_scanned_cutoff_per_query(true)
        .result_configuration_updates(
            aws_sdk_athena::types::ResultConfigurationUpdates::builder()
                .output_location("s3://elsewhere/")
                .remove_encryption_configuration(true)
                .remove_expected_bucket_owner(true)
                .build(),
        )
        .build();
    let update = athena.update_work_group().work_group(&group).description("changed").configuration_updates(updates);
    update.state(aws_sdk_athena::types::WorkGroupState::Disabled).send().await.unwrap();
    let arn = sandbox.aws.account_region.arn("athena", format!("workgroup/{group}"));
    athena.untag_resource().resource_arn(arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    let ids = athena.list_named_queries().work_group(&group).send().await.unwrap().named_query_ids.unwrap();
    athena.delete_named_query().named_query_id(&ids[0]).send().await.unwrap();
    let found = athena.get_named_query().named_query_id(&ids[1]).send().await.unwrap().named_query.unwrap();
    let update = athena.update_named_query().named_query_id(&ids[1]).name(found.name());
    update.description("changed").query_string("SELECT 1").send().await.unwrap();

    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let input = DatabaseInput::builder().name(name).description("changed").build().unwrap();
    glue.update_database().name(name).database_input(input).send().await.unwrap();
    let arn = sandbox.aws.account_region.arn("glue", format!("database/{name}"));
    glue.untag_resource().resource_arn(arn).tags_to_remove("vpcflow.dev/managed-by").send().await.unwrap();
    glue.delete_table().database_name(name).name(&monitor.names.table).send().await.unwrap();
    assert_ne!(sandbox.inventory().await, before);

    let changes = sandbox.converge(&monitor, ANALYTICS).await;
    assert_eq!(
        reported(&changes),
        [
            (Action::Update, ResourceKind::Workgroup),
            (Action::Update, ResourceKind::Workgroup),
            (Action::Update, ResourceKind::Database),
            (Action::Update, ResourceKind::Database),
            (Action::Create, ResourceKind::Table),
            (Action::Create, ResourceKind::NamedQuery),
            (Action::Update, ResourceKind::NamedQuery),
        ],
        "{changes:#?}"
    );
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn a_table_changed_by_hand_is_repaired_and_what_others_added_stays() {
    let sandbox = Sandbox::new("analytics::table").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    let before = sandbox.inventory().await;
    let (name, table_name) = (&monitor.names.database, &monitor.names.table);
    let glue = aws_sdk_glue::Client::new(&sandbox.config);

    let found = glue.get_table().database_name(name).name(table_name).send().await.unwrap().table.unwrap();
    let owner = found.parameters().unwrap()["vpcflow.dev/owner"].clone();
    let bare = TableInput::builder()
        .name(table_name)
        .table_type("VIRTUAL_VIEW")
        .parameters("vpcflow.dev/owner", owner)
        .parameters("projection.enabled", "false")
        .parameters("comment", "theirs");
    glue.update_table().database_name(name).table_input(bare.build().unwrap()).send().await.unwrap();
    let theirs = TableInput::builder().name("theirs").build().unwrap();
    glue.create_table().database_name(name).table_input(theirs).send().await.unwrap();
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let query = athena.create_named_query().work_group(monitor.names.workgroup()).name("Mine").database("default");
    query.query_string("SELECT 1").send().await.unwrap();

    // Its mark, then its definition.
    assert_eq!(reported(&sandbox.converge(&monitor, ANALYTICS).await), [(Action::Update, ResourceKind::Table); 2]);
    let mut after = sandbox.inventory().await;
    let tables = after["databases"][name]["tables"].as_object_mut().unwrap();
    assert!(tables.remove("theirs").is_some());
    let parameters = tables[table_name]["parameters"].as_object_mut().unwrap();
    assert_eq!(parameters.remove("comment").unwrap(), "theirs");
    let queries = after["workgroups"][monitor.names.workgroup()]["namedQueries"].as_object_mut().unwrap();
    assert!(queries.remove("Mine").is_some());
    assert_eq!(after, before);

    // Resources of others in the database outlive the monitor; those in the workgroup do not.
    let outcomes = sandbox.tear_down(&monitor, ANALYTICS).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["workgroups"], json!({}));
    let left = database(&inventory, &monitor);
    assert_eq!(left["tables"].as_object().unwrap().keys().collect::<Vec<_>>(), ["theirs"]);
    assert_eq!(left["tags"]["vpcflow.dev/retained-by"], "test/network/production");
    assert!(sandbox.tear_down(&monitor, ANALYTICS).await.iter().all(|outcome| outcome.applied.is_empty()));
}

#[tokio::test]
async fn what_is_not_ours_is_a_conflict_and_untouched_or_adopted() {
    let sandbox = Sandbox::new("analytics::conflict").await;
    let mut spec = sandbox.spec();
    spec.analytics.database = Some("lake".into());
    let monitor = sandbox.monitor(spec.clone());
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    athena.create_work_group().name(monitor.names.workgroup()).send().await.unwrap();
    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let lake = DatabaseInput::builder().name("lake").parameters("theirs", "1").location_uri("s3://lake/").build();
    glue.create_database().database_input(lake.unwrap()).send().await.unwrap();
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, ANALYTICS).await;
    assert_eq!(outcomes[0].conflicts.len(), 2, "{outcomes:#?}");
    assert!(
        outcomes[0].conflicts.iter().all(|conflict| conflict.to_string().contains("adoptionPolicy")),
        "{outcomes:#?}"
    );
    sandbox.remove(&monitor, ANALYTICS).await;
    assert_eq!(sandbox.inventory().await, before);

    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let mut adopting = sandbox.monitor(spec);
    adopting.settings.allowed_adoptions.0.push("network=arn:aws:glue:*:*:database/lake".parse().unwrap());
    let changes = sandbox.converge(&adopting, ANALYTICS).await;
    assert_eq!(changes.iter().filter(|change| change.action == Action::Adopt).count(), 2, "{changes:#?}");
    let lake = database(&sandbox.inventory().await, &adopting);
    assert_eq!((&lake["parameters"], &lake["locationUri"]), (&json!({"theirs": "1"}), &json!("s3://lake/")));
    sandbox.assert_at_rest(&adopting, ANALYTICS).await;
}

#[tokio::test]
async fn what_athena_refuses_is_reported_and_the_rest_goes_on() {
    let sandbox = Sandbox::new("analytics::refused").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;
    // Admission refuses less than 10 MB; so does Athena.
    spec.analytics.bytes_scanned_cutoff = 1;
    spec.s3.fields.push(FlowLogField::Region);
    let outcomes = sandbox.pass(&sandbox.monitor(spec), ANALYTICS).await;
    let [(Some(change), failure)] = &outcomes[0].failures[..] else { panic!("{outcomes:#?}") };
    assert_eq!(change.kind, ResourceKind::Workgroup);
    assert!(failure.reason.is_terminal() && failure.message.contains("10000000"), "{failure:?}");
    assert_eq!(reported(&outcomes[0].applied), [(Action::Update, ResourceKind::Table)]);
}

#[tokio::test]
async fn tags_that_are_not_visible_yet_are_no_conflict() {
    let sandbox = Sandbox::new("analytics::tags_later").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    for read in
        [("glue", "GetTags", "EntityNotFoundException"), ("athena", "ListTagsForResource", "ResourceNotFoundException")]
    {
        sandbox.assert_late_tags_are_no_conflict(&monitor, Component::Analytics, read).await;
    }
}
