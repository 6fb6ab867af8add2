use std::fs::File;
use std::sync::Mutex;

use super::*;
use crate::envelope;
use crate::files::FileName;
use crate::files::error::Problem;
use crate::finding_events::FindingEvent;
use crate::finding_events::bus::Refusal;
use crate::notification_log::fake_store::FakeStore;
use crate::rules::Severity;
use crate::test_data::{
    CUSTOM_FORMAT, FUNCTION_ARN, LOG_GROUP, V2_FORMAT, event, pack, settings, v2_line, v2_line_without_traffic,
};

/// Keeps what it is given, or refuses it.
#[derive(Default)]
struct FakePublisher {
    sent: Mutex<Vec<Message>>,
    refuses: bool,
    is_deserted: bool,
}

struct NoFiles;

impl FileStore for NoFiles {
    async fn fetch(&self, _: &FileName, _: Option<&str>, _: &mut File) -> Result<bool, Problem> {
        Ok(false)
    }
}

impl Publisher for FakePublisher {
    async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        if self.refuses {
            return Err(PublishError { topic_arn: "arn".to_owned(), reason: "AuthorizationError".to_owned() });
        }
        self.sent.lock().unwrap().push(message.clone());
        Ok(())
    }

    async fn has_recipients(&self) -> bool {
        !self.is_deserted
    }
}

fn handler(format: &str, publisher: FakePublisher) -> Handler<FakePublisher, FakeStore, NoFiles> {
    Handler::new(Settings { format: format.parse().unwrap(), ..settings() }, publisher, None, Inbox::new(NoFiles))
}

async fn handle(event: envelope::Event) -> (Result<Summary, HandlerError>, Vec<Message>) {
    let handler = handler(V2_FORMAT, FakePublisher::default());
    let answer = handler.handle(event, FUNCTION_ARN).await;
    (answer, handler.publisher.sent.into_inner().unwrap())
}

#[tokio::test]
async fn many_findings_are_one_message() {
    let lines = [
        v2_line("10.0.0.1", "203.0.113.9", 443, 6, 50_000_001, "ACCEPT"),
        v2_line("10.0.0.7", "10.0.0.1", 22, 6, 40, "REJECT"),
        v2_line("10.0.0.8", "10.0.0.1", 22, 6, 40, "REJECT"),
        v2_line("10.0.0.7", "10.0.0.1", 53, 17, 40, "REJECT"),
        v2_line_without_traffic("NODATA"),
        "not a record".to_owned(),
    ];
    let (answer, sent) = handle(event(&lines)).await;
    assert_eq!(answer.unwrap(), Summary { records: 6, parsed: 5, bad: 1, findings: 3, reported: 3, published: true });
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].severity, Severity::High);
    for part in [
        r"\n1. HIGH highDataTransfer\n   10.0.0.1 sent 50.0 MB to 203.0.113.9 at port 443",
        r"LOW rejectedTcp\n   connection from 10.0.0.8 to 10.0.0.1:22 was rejected\n",
        // From the ARN of the function and from the event.
        r"\nAccount:  123456789012\nRegion:   eu-west-1\n",
        &LOG_GROUP.replace('/', "*2f"),
    ] {
        assert!(sent[0].body.contains(part), "{part}: {}", sent[0].body);
    }
}

#[tokio::test]
async fn nothing_found_nothing_sent() {
    let lines = [v2_line("10.0.0.1", "10.0.0.2", 443, 6, 50_000_000, "ACCEPT"), "bad".to_owned()];
    let (answer, sent) = handle(event(&lines)).await;
    assert_eq!(answer.unwrap(), Summary { records: 2, parsed: 1, bad: 1, findings: 0, reported: 0, published: false });
    assert_eq!(sent, []);
}

#[tokio::test]
async fn a_control_message_is_answered_and_nothing_sent_even_if_its_event_would_fire() {
    let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, 40, "REJECT");
    let json = serde_json::json!({"logEvents": [{"message": line}], "messageType": "CONTROL_MESSAGE"});
    let (answer, sent) = handle(pack(json.to_string().as_bytes())).await;
    assert_eq!(answer.unwrap(), Summary::default());
    assert_eq!(sent, []);
}

#[tokio::test]
async fn the_format_decides_where_the_fields_are() {
    let line = "3 123456789010 eni-1 198.51.100.7 10.0.1.5 443 22 6 10 60 1566848875 1566848933 REJECT OK \
                vpc-1 subnet-1 i-1 2 IPv4 198.51.100.7 10.0.1.5";
    let custom = handler(CUSTOM_FORMAT, FakePublisher::default());
    let summary = custom.handle(event(&[line]), FUNCTION_ARN).await.unwrap();
    assert_eq!(summary, Summary { records: 1, parsed: 1, bad: 0, findings: 1, reported: 1, published: true });

    let reordered = handler("${action} ${protocol} ${dstaddr}", FakePublisher::default());
    reordered.handle(event(&["REJECT 6 10.0.1.5"]), FUNCTION_ARN).await.unwrap();
    let sent = reordered.publisher.sent.into_inner().unwrap();
    assert!(
        sent[0]
            .body
            .contains(r"LOW rejectedTcp\n   connection from an unknown address to 10.0.1.5 was rejected\n   Traffic:")
    );
}

#[tokio::test]
async fn a_failed_publish_fails_the_invocation() {
    let handler = handler(V2_FORMAT, FakePublisher { refuses: true, ..FakePublisher::default() });
    let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, 40, "REJECT");
    let error = handler.handle(event(&[line]), FUNCTION_ARN).await.unwrap_err();
    assert_eq!(error.kind(), "PublishError");
    assert_eq!(error.to_string(), "cannot publish to arn: AuthorizationError");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_fails_the_invocation() {
    let (answer, sent) = handle(pack(b"{}")).await;
    assert_eq!(answer.unwrap_err().kind(), "EnvelopeError");
    assert_eq!(sent, []);
}

#[tokio::test]
async fn a_known_incident_is_no_message_and_one_that_was_not_published_comes_again() {
    let store = FakeStore::default();
    let refused = FakePublisher { refuses: true, ..FakePublisher::default() };
    let line = |port| v2_line("198.51.100.7", "10.0.0.1", port, 6, 40, "ACCEPT");
    let first = Handler::new(settings(), refused, Some(store.clone()), Inbox::new(NoFiles));
    assert!(first.handle(event(&[line(22)]), FUNCTION_ARN).await.is_err());

    let other = Handler::new(settings(), FakePublisher::default(), Some(store.clone()), Inbox::new(NoFiles));
    let reported = async |handler: &Handler<FakePublisher, FakeStore, NoFiles>, port| {
        handler.handle(event(&[line(port)]), FUNCTION_ARN).await.unwrap().reported
    };
    assert_eq!(reported(&other, 22).await, 1);
    assert_eq!(reported(&other, 3389).await, 1);
    let third = Handler::new(settings(), FakePublisher::default(), Some(store), Inbox::new(NoFiles));
    let lines = [line(22), line(3389), line(23)];
    let summary = third.handle(event(&lines), FUNCTION_ARN).await.unwrap();
    assert_eq!((summary.findings, summary.reported), (1, 1));
    assert_eq!(third.publisher.sent.into_inner().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_nobody_receives_does_not_count() {
    let store = FakeStore::default();
    let mut answers = Vec::new();
    for (host, is_deserted) in [(7, true), (8, true), (9, false), (10, false)] {
        let publisher = FakePublisher { is_deserted, ..FakePublisher::default() };
        let handler = Handler::new(settings(), publisher, Some(store.clone()), Inbox::new(NoFiles));
        let line = v2_line(&format!("198.51.100.{host}"), "10.0.0.1", 22, 6, 40, "ACCEPT");
        answers.push(handler.handle(event(&[line]), FUNCTION_ARN).await.unwrap().published);
    }
    assert_eq!(answers, [true, true, true, false]);
}

/// Records that were read before the fault do not count in the next batch.
#[test]
fn a_batch_is_judged_the_same_after_one_that_cannot_be_read() {
    let handler = handler(V2_FORMAT, FakePublisher::default());
    let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, 40, "REJECT");
    let broken = serde_json::json!({"messageType": "DATA_MESSAGE", "logEvents": [{"message": line}]});
    let broken = pack(format!("{broken} and more").as_bytes());
    let analyze = |event: &envelope::Event| handler.analyze_batch(event, &mut Invocation::default());
    let first = analyze(&event(&[&line])).unwrap();
    for _ in 0..2 {
        assert!(analyze(&broken).is_err());
        assert_eq!(analyze(&event(&[&line])).unwrap(), first);
    }
}

#[test]
fn the_same_batch_gives_the_same_message() {
    let lines: Vec<_> =
        (0..50).map(|it| v2_line(&format!("198.51.100.{it}"), "10.0.0.1", 22, 6, 40, "REJECT")).collect();
    let compose = || {
        let handler = handler(V2_FORMAT, FakePublisher::default());
        let account_region = AccountRegion::of_function(FUNCTION_ARN);
        let mut invocation = Invocation { account_region, ..Invocation::default() };
        let analysis = handler.analyze_batch(&event(&lines), &mut invocation).unwrap().unwrap();
        let notification = Batch::new(String::new(), &analysis.findings, &handler.settings, 0).into_notification();
        Message::compose(&analysis, &handler.settings, &invocation, &notification).unwrap()
    };
    assert_eq!(compose(), compose());
}

/// Takes events, or refuses them.
#[derive(Default)]
struct FakeBus {
    taken: Mutex<Vec<FindingEvent>>,
    is_down: bool,
}

impl EventBus for &FakeBus {
    async fn put(&self, events: &[&FindingEvent]) -> Result<Vec<Option<Refusal>>, String> {
        if self.is_down {
            return Err("AccessDeniedException: no".to_owned());
        }
        self.taken.lock().unwrap().extend(events.iter().map(|event| (*event).clone()));
        Ok(vec![None; events.len()])
    }
}

#[test]
fn events_take_at_most_half_of_the_time_that_is_left() {
    let now = UNIX_EPOCH + Duration::from_secs(100);
    for (left, expected) in [(60_000, 5_000), (3_000, 1_500), (0, 0)] {
        let ends = now + Duration::from_millis(left);
        assert_eq!(patience(Some(ends), now), Duration::from_millis(expected));
    }
    assert_eq!(patience(Some(UNIX_EPOCH), now), Duration::ZERO);
    assert_eq!(patience(None, now), PATIENCE);
}

fn with_events(min_severity: Severity) -> Settings {
    Settings { events: Some(EventsConfig { min_severity }), ..settings() }
}

#[tokio::test]
async fn each_published_finding_is_an_event_and_a_bus_that_is_down_costs_no_message() {
    let lines = [
        v2_line("10.0.0.1", "203.0.113.9", 443, 6, 50_000_001, "ACCEPT"),
        v2_line("10.0.0.7", "10.0.0.1", 22, 6, 40, "REJECT"),
    ];
    for (least, is_down, expected) in [(Severity::Low, false, 2), (Severity::High, false, 1), (Severity::Low, true, 0)]
    {
        let bus = FakeBus { is_down, ..FakeBus::default() };
        let handler =
            Handler::new(with_events(least), FakePublisher::default(), None::<FakeStore>, Inbox::new(NoFiles));
        let handler = handler.with_bus(|| &bus);
        let summary = handler.handle(event(&lines), FUNCTION_ARN).await.unwrap();
        assert_eq!((summary.reported, handler.publisher.sent.lock().unwrap().len()), (2, 1));
        assert_eq!(bus.taken.lock().unwrap().len(), expected, "{least:?} {is_down}");
    }
}

#[tokio::test]
async fn without_the_setting_or_a_message_there_is_no_event() {
    let bus = FakeBus::default();
    let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, 40, "REJECT");
    let off =
        Handler::new(settings(), FakePublisher::default(), None::<FakeStore>, Inbox::new(NoFiles)).with_bus(|| &bus);
    off.handle(event(&[&line]), FUNCTION_ARN).await.unwrap();
    let refused = FakePublisher { refuses: true, ..FakePublisher::default() };
    let on =
        Handler::new(with_events(Severity::Low), refused, None::<FakeStore>, Inbox::new(NoFiles)).with_bus(|| &bus);
    on.handle(event(&[&line]), FUNCTION_ARN).await.unwrap_err();
    assert_eq!(*bus.taken.lock().unwrap(), []);
}

#[tokio::test]
async fn an_incident_that_only_the_bus_heard_of_is_known() {
    let (bus, store) = (FakeBus::default(), FakeStore::default());
    let deserted = || FakePublisher { is_deserted: true, ..FakePublisher::default() };
    for (bytes, reported) in [(40, 1), (41, 0)] {
        let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, bytes, "ACCEPT");
        let handler = Handler::new(with_events(Severity::Low), deserted(), Some(store.clone()), Inbox::new(NoFiles));
        let summary = handler.with_bus(|| &bus).handle(event(&[&line]), FUNCTION_ARN).await.unwrap();
        assert_eq!(summary.reported, reported);
    }
}
