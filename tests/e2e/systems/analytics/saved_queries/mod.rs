//! The saved queries, really run over files where flow logs put them.

mod answers;
mod layouts;
mod parquet;
mod traffic;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_athena::types::{QueryExecutionContext, QueryExecutionState};
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use vpc_flow_operator::monitor::Monitor;

use crate::systems::analytics::ANALYTICS;
use testkit::sandbox::{Sandbox, plain_text_in_plain_folders};

const PARQUET: &[u8] = include_bytes!("../../../../fixtures/flow_log.log.parquet");
const PLAIN_TEXT: &[u8] = include_bytes!("../../../../fixtures/flow_log.log.gz");

#[tokio::test]
async fn find_the_records_where_flow_logs_put_them() {
    let sandbox = Sandbox::new("saved_queries::parquet").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    create_bucket(&sandbox, &monitor).await;
    store(&sandbox, &monitor, &hive_key(&sandbox, &date(0)), PARQUET.to_vec()).await;

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
    assert_eq!(rows, [[date(0).join("-"), "73250".to_owned(), "29".to_owned()]]);
}

#[tokio::test]
async fn find_plain_text_in_plain_folders_too() {
    let sandbox = Sandbox::new("saved_queries::plain_text").await;
    let mut spec = sandbox.spec();
    plain_text_in_plain_folders(&mut spec);
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, ANALYTICS).await;
    let prefix = monitor.key_prefix();
    assert!(prefix.starts_with("layout-text-plain-daily-"), "{prefix}");
    let folder = format!("{prefix}AWSLogs/{}/vpcflowlogs/eu-west-1/{}", sandbox.account, date(0).join("/"));
    create_bucket(&sandbox, &monitor).await;
    store(&sandbox, &monitor, &format!("{folder}/records.log.gz"), PLAIN_TEXT.to_vec()).await;
    assert_eq!(run(&sandbox, &monitor, "Top talkers").await, [["10.0.1.5", "10.0.2.6", "1000", "1"]]);
}

#[tokio::test]
async fn find_what_the_records_say() {
    let sandbox = Sandbox::new("saved_queries::answers").await;
    let mut spec = sandbox.spec();
    spec.s3.fields = traffic::FIELDS.to_vec();
    spec.detections.external_connections.trusted_cidrs = traffic::TRUSTED.map(str::to_owned).to_vec();
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, ANALYTICS).await;
    create_bucket(&sandbox, &monitor).await;
    // Far enough from the ends of the 2, 7 and 28 days that the queries look back for midnight to make no difference.
    let mut days = Vec::new();
    for (seed, age) in [(1, 0), (2, 3), (3, 40)] {
        let (date, until) = (date(age), now() - age * DAY_SECONDS);
        let lines = traffic::lines(seed, until);
        let file = parquet::file(traffic::FIELDS, &lines);
        store(&sandbox, &monitor, &hive_key(&sandbox, &date), file).await;
        days.push(answers::flows(&lines, &date.join("-")));
    }
    let (two_days, more_days) = (&days[0], [days[0].clone(), days[1].clone()].concat());

    let expected = [
        ("Bytes by interface and hour", answers::bytes_by_interface_and_hour(two_days)),
        ("Conversation history", answers::conversation_history(&more_days)),
        ("Daily volume", answers::daily_volume(&more_days)),
        ("External conversations", answers::external_conversations(&more_days)),
        ("Port scans", answers::port_scans(two_days)),
        ("Rejected by source and port", answers::rejected_by_source_and_port(&more_days)),
        ("Top talkers", answers::top_talkers(two_days)),
        ("Traffic by AWS service", answers::traffic_by_aws_service(&more_days)),
    ];
    let inventory = sandbox.inventory().await;
    let saved = inventory["workgroups"][monitor.names.workgroup()]["namedQueries"].as_object().unwrap();
    assert_eq!(saved.keys().collect::<Vec<_>>(), expected.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, expected) in expected {
        assert!(expected.len() >= 2, "{name}: the records leave too little to find");
        assert_eq!(without_fractions(run(&sandbox, &monitor, name).await), expected, "{name}");
    }
}

const DAY_SECONDS: i64 = 86_400;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// Year, month and day in UTC, so many days ago.
fn date(age: i64) -> [String; 3] {
    let date = DateTime::from_secs(now() - age * DAY_SECONDS).fmt(DateTimeFormat::DateTime).unwrap();
    [date[..4].to_owned(), date[5..7].to_owned(), date[8..10].to_owned()]
}

/// Where a flow log puts a file by default.
fn hive_key(sandbox: &Sandbox, [year, month, day]: &[String; 3]) -> String {
    let folder = "vpc-flow-logs/AWSLogs";
    let service = format!("aws-account-id={}/aws-service=vpcflowlogs/aws-region=eu-west-1", sandbox.account);
    format!("{folder}/{service}/year={year}/month={month}/day={day}/hour=07/records.log.parquet")
}

async fn create_bucket(sandbox: &Sandbox, monitor: &Monitor) {
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
    let bucket = &monitor.names.bucket;
    sandbox.s3().create_bucket().bucket(bucket).create_bucket_configuration(place).send().await.unwrap();
}

async fn store(sandbox: &Sandbox, monitor: &Monitor, key: &str, body: Vec<u8>) {
    let request = sandbox.s3().put_object().bucket(&monitor.names.bucket).key(key);
    request.body(ByteStream::from(body)).send().await.unwrap();
}

/// Times to the second.
fn without_fractions(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let is_time = |value: &str| value.len() > 19 && value.as_bytes()[10] == b' ' && value.as_bytes()[13] == b':';
    rows.iter_mut().flatten().filter(|value| is_time(value)).for_each(|value| value.truncate(19));
    rows
}

/// The rows that a saved query finds, without the header.
async fn run(sandbox: &Sandbox, monitor: &Monitor, name: &str) -> Vec<Vec<String>> {
    run_in(sandbox, &monitor.names.workgroup(), name).await
}

/// The rows that a workgroup's saved query finds, without the header.
pub async fn run_in(sandbox: &Sandbox, workgroup: &str, name: &str) -> Vec<Vec<String>> {
    let inventory = sandbox.inventory().await;
    let query = &inventory["workgroups"][workgroup]["namedQueries"][name];
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let database = QueryExecutionContext::builder().database(query["database"].as_str().unwrap()).build();
    let started = athena
        .start_query_execution()
        .work_group(workgroup)
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
