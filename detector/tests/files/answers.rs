//! Events that are answered without reading a file.

use detector::handler::Summary;

use crate::function::*;

#[tokio::test]
async fn files_of_other_buckets_other_files_and_deleted_ones_are_answered() {
    let door = text_file(&[line(1, "198.51.100.7", "10.0.0.1", 22, 4_000, "ACCEPT")]);
    let keys = [
        format!("{FOLDER}/a.log.gz"),
        "detector-state/notification-log.json".to_owned(),
        "athena/AWSLogs.log.gz".to_owned(),
        format!("{FOLDER}/a.json"),
    ];
    let files = Files(keys.iter().map(|key| (key.clone(), door.clone())).collect());
    let other_bucket = object_created("other", &keys[0]);
    let other_files = keys[1..].iter().map(|key| object_created(BUCKET, key));
    let deleted = object_created(BUCKET, &format!("{FOLDER}/deleted.log.gz"));
    let events: Vec<_> = [other_bucket, deleted].into_iter().chain(other_files).collect();
    let (answers, messages) = invoke_all(&files, &events).await;
    for (answer, event) in answers.into_iter().zip(events) {
        assert_eq!(answer.unwrap(), Summary::default(), "{event}");
    }
    assert_eq!(messages, []);
    let (answers, messages) = invoke_all(&files, &[object_created(BUCKET, &keys[0])]).await;
    assert_eq!((answers[0].as_ref().unwrap().reported, messages.len()), (1, 1), "the file itself is read");
}
