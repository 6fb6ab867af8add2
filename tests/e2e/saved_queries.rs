//! The saved queries, really run over files where flow logs put them.

use std::time::{Duration, SystemTime};

use aws_sdk_athena::types::{QueryExecutionContext, QueryExecutionState};
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use vpc_flow_operator::api::FlowLogField;
use vpc_flow_operator::api::spec::FileFormat;
use vpc_flow_operator::monitor::Monitor;

use crate::analytics::ANALYTICS;
use crate::support::Sandbox;

const PARQUET: &[u8] = include_bytes!("../fixtures/flow_log.log.parquet");
const PLAIN_TEXT: &[u8] = include_bytes!("../fixtures/flow_log.log.gz");

#[tokio::test]
async fn find_the_records_where_flow_logs_put_them() {
    let sandbox = Sandbox::new("saved_queries::parquet").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    let [year, month, day] = today();
    let folder = format!(
        "vpc-flow-logs/AWSLogs/aws-account-id={}/aws-service=vpcflowlogs/aws-region=eu-west-1/year={year}/month={month}/day={day}",
        sandbox.account
    );
    store(&sandbox, &monitor, &format!("{folder}/hour=07/records.log.parquet"), PARQUET).await;

    let rows = run(&sandbox, &monitor, "Top talkers").await;
    assert_eq!(rows[0], ["203.0.113.9", "10.0.1.5", "70000", "1"]);
    assert_eq!(rows[1], ["10.0.1.5", "10.0.2.6", "1000", "1"], "seen by two interfaces, counted once");
    assert!(!rows.iter().flatten().any(|value| value == "-"), "a record without traffic counts: {rows:?}");

    let rows = run(&sandbox, &monitor, "External conversations").await;
    assert_eq!(rows[0], ["203.0.113.9", "10.0.1.5", "500", "70000", "2"]);
    assert_eq!(rows[1], ["198.51.100.7", "10.0.1.5", "0", "750", "25"]);
    assert_eq!(rows.len(), 2);

    let rows = run(&sandbox, &monitor, "Rejected by source and port").await;
    assert_eq!(rows.len(), 25);
    assert!(rows.iter().all(|row| row[0] == "198.51.100.7" && row[2..] == ["1", "1"]), "{rows:?}");

    let rows = run(&sandbox, &monitor, "Port scans").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][..4], ["198.51.100.7", "10.0.1.5", "25", "25"]);

    let rows = run(&sandbox, &monitor, "Bytes by interface and hour").await;
    assert_eq!(rows[0][0], "eni-1");
    assert_eq!(rows[0][2..], ["72250", "28"]);
    assert!(rows[0][1].starts_with("2026-01-01 00:00:00"), "{rows:?}");

    let rows = run(&sandbox, &monitor, "Daily volume").await;
    assert_eq!(rows, [[format!("{year}-{month}-{day}"), "73250".to_owned(), "29".to_owned()]]);
}

#[tokio::test]
async fn find_plain_text_in_plain_folders_too() {
    let sandbox = Sandbox::new("saved_queries::plain_text").await;
    let mut spec = sandbox.spec();
    spec.s3.file_format = FileFormat::PlainText;
    spec.s3.hive_compatible_partitions = false;
    spec.s3.per_hour_partition = false;
    spec.s3.prefix = String::new();
    spec.s3.fields = vec![
        FlowLogField::Version,
        FlowLogField::AccountId,
        FlowLogField::SrcAddr,
        FlowLogField::DstAddr,
        FlowLogField::DstPort,
        FlowLogField::Bytes,
        FlowLogField::Action,
        FlowLogField::InterfaceId,
        FlowLogField::LogStatus,
    ];
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, ANALYTICS).await;
    let [year, month, day] = today();
    let folder = format!("AWSLogs/{}/vpcflowlogs/eu-west-1/{year}/{month}/{day}", sandbox.account);
    store(&sandbox, &monitor, &format!("{folder}/records.log.gz"), PLAIN_TEXT).await;
    assert_eq!(run(&sandbox, &monitor, "Top talkers").await, [["10.0.1.5", "10.0.2.6", "1000", "1"]]);
}

/// Year, month and day in UTC.
fn today() -> [String; 3] {
    let now = DateTime::from(SystemTime::now()).fmt(DateTimeFormat::DateTime).unwrap();
    [now[..4].to_owned(), now[5..7].to_owned(), now[8..10].to_owned()]
}

async fn store(sandbox: &Sandbox, monitor: &Monitor, key: &str, body: &'static [u8]) {
    let config = aws_sdk_s3::config::Builder::from(&sandbox.config).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let bucket = &monitor.names.bucket;
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
    s3.create_bucket().bucket(bucket).create_bucket_configuration(place).send().await.unwrap();
    s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(body)).send().await.unwrap();
}

/// The rows that a saved query finds, without the header.
async fn run(sandbox: &Sandbox, monitor: &Monitor, name: &str) -> Vec<Vec<String>> {
    let inventory = sandbox.inventory().await;
    let query = &inventory["workgroups"][monitor.names.workgroup()]["namedQueries"][name];
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let database = QueryExecutionContext::builder().database(query["database"].as_str().unwrap()).build();
    let started = athena
        .start_query_execution()
        .work_group(monitor.names.workgroup())
        .query_execution_context(database)
        .query_string(query["query"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let id = started.query_execution_id().unwrap();
    devenv::wait_for("the query to end", Duration::from_mins(1), async || {
        let execution = athena.get_query_execution().query_execution_id(id).send().await?;
        let status = execution.query_execution.unwrap().status.unwrap();
        match status.state.unwrap() {
            QueryExecutionState::Succeeded => Ok(Some(())),
            QueryExecutionState::Queued | QueryExecutionState::Running => Ok(None),
            state => panic!("{name}: {state}: {:?}", status.state_change_reason),
        }
    })
    .await
    .unwrap();
    let results = athena.get_query_results().query_execution_id(id).send().await.unwrap();
    let rows = results.result_set.unwrap().rows.unwrap().into_iter().skip(1);
    rows.map(|row| row.data.unwrap().into_iter().map(|value| value.var_char_value.unwrap_or_default()).collect())
        .collect()
}
