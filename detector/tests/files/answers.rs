//! Events that are answered without reading a file.

use detector::handler::Summary;

use crate::function::*;

#[tokio::test]
async fn other_files_and_deleted_ones_are_answered_and_those_of_other_buckets_are_an_error() {
    let door = text_file(&[line(1, "198.51.100.7", "10.0.0.1", 22, 4_000, "ACCEPT")]);
    let keys = [
        format!("{FOLDER}/a.log.gz"),
        "detector-state/notification-log.json".to_owned(),
        "athena/AWSLogs.log.gz".to_owned(),
        format!("{FOLDER}/a.json"),
        "vpc-flow-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/a.log.gz".to_owned(),
    ];
    let files = Files(keys.iter().map(|key| (key.clone(), door.clone())).collect());
    let other_files = keys[1..].iter().map(|key| object_created(BUCKET, key));
    let deleted = object_created(BUCKET, &format!("{FOLDER}/deleted.log.gz"));
    let events: Vec<_> = [deleted].into_iter().chain(other_files).collect();
    let (answers, messages) = invoke_all(&files, &events).await;
    for (answer, event) in answers.into_iter().zip(events) {
        assert_eq!(answer.unwrap(), Summary::default(), "{event}");
    }
    assert_eq!(messages, []);
    let (answers, messages) = invoke_all(&files, &[object_created("other", &keys[0])]).await;
    let error = answers[0].as_ref().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read s3://other/{}: it is in another bucket", keys[0])), "{error}");
    assert_eq!(messages, []);
    let (answers, messages) = invoke_all(&files, &[object_created(BUCKET, &keys[0])]).await;
    assert_eq!((answers[0].as_ref().unwrap().reported, messages.len()), (1, 1), "the file itself is read");
}

/// Flow logs of other VPCs may deliver to the same folder.
#[tokio::test]
async fn records_of_other_vpcs_are_left_out() {
    let record = |vpc: &str, host: u8| format!("{vpc} 198.51.100.7 10.0.0.{host} 22 6 4000 ACCEPT OK");
    let lines = [
        "vpc-id srcaddr dstaddr dstport protocol bytes action log-status".to_owned(),
        record("vpc-0123456789abcdef0", 1),
        record("vpc-0fedcba9876543210", 2),
        record("-", 3),
    ];
    let (answer, messages) = invoke(&format!("{FOLDER}/a.log.gz"), gzip(lines.join("\n").as_bytes())).await;
    let summary = answer.unwrap();
    assert_eq!((summary.parsed, summary.findings), (3, 2));
    let text = &messages[0].body;
    assert!(text.contains("10.0.0.1:22 ") && text.contains("10.0.0.3:22 ") && !text.contains("10.0.0.2"), "{text}");
}
