//! Events that come again.

use crate::function::*;

fn files() -> Files {
    let door = |host: u8| vec![line(1, "198.51.100.7", &format!("10.0.0.{host}"), 22, 4_000, "ACCEPT")];
    let file = |name: &str, lines: &[String]| (format!("{FOLDER}/{name}"), text_file(lines));
    Files([file("1.log.gz", &door(1)), file("2.log.gz", &door(1)), file("3.log.gz", &door(2))].into())
}

fn event(name: &str) -> serde_json::Value {
    object_created(BUCKET, &format!("{FOLDER}/{name}"))
}

#[tokio::test]
async fn a_retry_gives_the_same_message_in_the_same_instance_and_in_another() {
    let mut retry = event("1.log.gz");
    retry["id"] = "27793124-05d4-b198-2fde-7ededc63b103".into();
    let (_, messages) = invoke_all(&files(), &[event("1.log.gz"), retry.clone()]).await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], messages[1]);
    let (_, others) = invoke_all(&files(), &[retry]).await;
    assert_eq!(messages[..1], others);
}

#[tokio::test]
async fn an_incident_that_goes_on_in_the_next_file_is_no_second_message() {
    let events = ["1.log.gz", "2.log.gz", "3.log.gz"].map(event);
    let (answers, messages) = invoke_all(&files(), &events).await;
    let reported: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().reported).collect();
    assert_eq!(reported, [1, 0, 1]);
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn a_file_with_another_content_is_another_batch() {
    let mut changed = event("1.log.gz");
    changed["detail"]["object"]["etag"] = "c1946ac92492d2347c6235b4d2611184".into();
    let (_, messages) = invoke_all(&files(), &[event("1.log.gz"), changed]).await;
    assert_eq!(messages.len(), 1, "the incident is known");
}
