//! One invocation: unpack, analyze, publish, answer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::account_region::AccountRegion;
use crate::analysis::{Analysis, Analyzer};
use crate::envelope::{self, EnvelopeError, MessageType, Unpacker};
use crate::event::Event;
use crate::files::error::FileError;
use crate::files::inbox::Inbox;
use crate::files::store::FileStore;
use crate::finding_events::bus::{EventBus, NoBus};
use crate::finding_events::send::send;
use crate::finding_events::{self, Sent};
use crate::message::{Invocation, Message};
use crate::metrics;
use crate::notification_log::keeper::Keeper;
use crate::notification_log::store::Store;
use crate::notification_log::{Batch, Notification};
use crate::package_config::EventsConfig;
use crate::publish::{PublishError, Publisher};
use crate::record::Parser;
use crate::rules::Engine;
use crate::settings::Settings;

/// The function's answer; seen in a synchronous invocation only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines in the batch: `parsed + bad`.
    pub records: u64,
    /// Lines that are records.
    pub parsed: u64,
    /// Lines that are not, skipped.
    pub bad: u64,
    /// Findings after folding.
    pub findings: usize,
    /// Findings that are in the message: severe enough, and new or due again.
    pub reported: usize,
    /// True if a message was published.
    pub published: bool,
}

/// The reason an invocation failed. Lambda repeats a failed asynchronous invocation twice.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The event cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The findings could not be sent.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl HandlerError {
    /// The error type shown in Lambda's answer and log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Envelope(_) => "EnvelopeError",
            Self::File(_) => "FileError",
            Self::Publish(_) => "PublishError",
        }
    }
}

/// The circumstances of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// Names the account and the region.
    pub function_arn: &'c str,
    /// The time at which Lambda ends the invocation, if it is known.
    pub ends: Option<SystemTime>,
}

impl<'c> From<&'c str> for Call<'c> {
    fn from(function_arn: &'c str) -> Self {
        Self { function_arn, ends: None }
    }
}

/// The longest time for the events of a message.
const PATIENCE: Duration = Duration::from_secs(5);

/// Handles invocations.
#[derive(Debug)]
pub struct Handler<P, S, F, B = NoBus> {
    settings: Settings,
    parser: Parser,
    publisher: P,
    events: Option<Events<B>>,
    keeper: Keeper<S>,
    files: Inbox<F>,
    /// Too large to be moved with the handler.
    kept: Box<Mutex<Kept>>,
}

/// The events of findings.
#[derive(Clone, Copy, Debug)]
struct Events<B> {
    bus: B,
    config: EventsConfig,
}

/// The memory that stays from one invocation to the next.
#[derive(Debug, Default)]
struct Kept {
    unpacker: Unpacker,
    /// None before the first batch, and after one that cannot be read.
    engine: Option<Engine>,
}

impl<P: Publisher, S: Store + Sync, F: FileStore> Handler<P, S, F> {
    /// A handler that sends its findings to `publisher`, and keeps its notification log in `store`.
    pub fn new(settings: Settings, publisher: P, store: Option<S>, files: Inbox<F>) -> Self {
        let parser = Parser::new(settings.format.clone());
        let keeper = Keeper::new(store, settings.renotify_after);
        Self { settings, parser, publisher, events: None, keeper, files, kept: Box::default() }
    }

    /// The same handler, which also puts its findings on `bus` if the settings ask for it.
    pub fn with_bus<B: EventBus>(self, bus: B) -> Handler<P, S, F, B> {
        let Self { settings, parser, publisher, events: _, keeper, files, kept } = self;
        let events = settings.events.map(|config| Events { bus, config });
        Handler { settings, parser, publisher, events, keeper, files, kept }
    }
}

impl<P: Publisher, S: Store + Sync, F: FileStore, B: EventBus> Handler<P, S, F, B> {
    /// Handles one batch or file; publishes at most one message.
    pub async fn handle<'c>(
        &self,
        event: impl Into<Event>,
        call: impl Into<Call<'c>>,
    ) -> Result<Summary, HandlerError> {
        let begun = Instant::now();
        let (event, Call { function_arn, ends }) = (event.into(), call.into());
        let mut invocation =
            Invocation { account_region: AccountRegion::of_function(function_arn), ..Invocation::default() };
        let Some(analysis) = self.analyze(&event, &mut invocation).await? else { return Ok(Summary::default()) };
        log_problems(&analysis);
        let Reported { findings: reported, events } = self.report(&event, &analysis, &invocation, ends).await?;
        self.write_metrics(&analysis, events, begun);
        let summary = Summary {
            records: analysis.counts.records(),
            parsed: analysis.counts.parsed,
            bad: analysis.counts.bad,
            findings: analysis.findings.list.len(),
            reported,
            published: reported > 0,
        };
        tracing::info!(
            file = invocation.file,
            records = summary.records,
            parsed = summary.parsed,
            bad = summary.bad,
            findings = summary.findings,
            reported = summary.reported,
            published = summary.published,
            "batch analyzed"
        );
        Ok(summary)
    }

    /// Publishes what is to be published of a batch.
    async fn report(
        &self,
        event: &Event,
        analysis: &Analysis,
        invocation: &Invocation,
        ends: Option<SystemTime>,
    ) -> Result<Reported, HandlerError> {
        // Most batches have nothing to report, and need no hash.
        if analysis.findings.severity() < Some(self.settings.rules.min_severity) {
            return Ok(Reported::default());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let batch = Batch::new(event.id(), &analysis.findings, &self.settings, now);
        let account = invocation.account();
        let claim = self.keeper.claim(&batch, account).await;
        let Some(message) = Message::compose(analysis, &self.settings, invocation, &claim.notification) else {
            return Ok(Reported::default());
        };
        if let Err(error) = self.publisher.publish(&message).await {
            self.keeper.withdraw(&batch, &claim, account).await;
            return Err(error.into());
        }
        let events = self.send_events(&claim.notification, invocation, ends).await;
        // An incident that nobody heard of is new to the first subscriber.
        if events.taken == 0 && !self.publisher.has_recipients().await {
            self.keeper.withdraw(&batch, &claim, account).await;
        }
        Ok(Reported { findings: claim.notification.findings.len(), events })
    }

    /// Sends the events of a message that was published.
    async fn send_events(
        &self,
        notification: &Notification<'_>,
        invocation: &Invocation,
        ends: Option<SystemTime>,
    ) -> Sent {
        let Some(Events { bus, config }) = &self.events else { return Sent::default() };
        let least = config.min_severity;
        let (events, above) = finding_events::of_notification(notification, least, &self.settings, invocation);
        send(bus, &events, above, patience(ends, SystemTime::now())).await
    }

    /// The analysis of the records, and their source as a part of `invocation`; `None` if there are none.
    async fn analyze(&self, event: &Event, invocation: &mut Invocation) -> Result<Option<Analysis>, HandlerError> {
        Ok(match event {
            Event::Batch(batch) => self.analyze_batch(batch, invocation)?,
            Event::File(file) => {
                invocation.file = Some(file.to_string());
                self.files.analyze(file, invocation.account(), &self.settings, &self.parser).await?
            }
        })
    }

    fn analyze_batch(
        &self,
        batch: &envelope::Event,
        invocation: &mut Invocation,
    ) -> Result<Option<Analysis>, EnvelopeError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Engine::new(&self.settings.rules).watch(&self.settings.custom_rules);
        let engine = kept.engine.take().unwrap_or_else(new);
        let mut analyzer =
            Analyzer::with_engine(&self.parser, engine).suppress(&self.settings.suppress, SystemTime::now());
        let header = kept.unpacker.read(&batch.awslogs, |line| analyzer.add(line))?;
        let (analysis, engine) = analyzer.finish_with_engine();
        kept.engine = Some(engine);
        drop(kept);
        if header.message_type == MessageType::Control {
            tracing::info!("control message: the subscription reaches the function");
            return Ok(None);
        }
        invocation.log_group = header.log_group;
        Ok(Some(analysis))
    }

    /// Called after publishing: a batch that comes again because publishing failed is counted once.
    fn write_metrics(&self, analysis: &Analysis, events: Sent, begun: Instant) {
        let Some(settings) = &self.settings.metrics else { return };
        let events = self.events.as_ref().map(|_| events);
        for line in metrics::lines(analysis, events, settings, &self.settings.rules, begun.elapsed(), SystemTime::now())
        {
            println!("{line}");
        }
    }
}

/// The time that events may take. An invocation that Lambda ends is repeated, and with it the message: half of its time is left.
fn patience(ends: Option<SystemTime>, now: SystemTime) -> Duration {
    let left = ends.map(|ends| ends.duration_since(now).unwrap_or_default());
    left.map_or(PATIENCE, |left| PATIENCE.min(left / 2))
}

/// The findings of a batch that were published.
#[derive(Clone, Copy, Debug, Default)]
struct Reported {
    /// The findings in the message.
    findings: usize,
    /// Their events.
    events: Sent,
}

fn log_problems(analysis: &Analysis) {
    for line in &analysis.bad_lines {
        tracing::warn!(
            number = line.number,
            reason = %line.reason,
            line = line.start,
            "line skipped: not a record of the format"
        );
    }
    if analysis.findings.unexamined_records > 0 {
        let records = analysis.findings.unexamined_records;
        tracing::warn!(records, "records not examined for scans and sums: too many addresses in one batch");
    }
    let suppressed = &analysis.findings.suppressed;
    if suppressed.records > 0 {
        tracing::info!(records = suppressed.records, by_name = ?suppressed.by_name, "records suppressed");
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            answer.unwrap(),
            Summary { records: 6, parsed: 5, bad: 1, findings: 3, reported: 3, published: true }
        );
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
        assert_eq!(
            answer.unwrap(),
            Summary { records: 2, parsed: 1, bad: 1, findings: 0, reported: 0, published: false }
        );
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
            sent[0].body.contains(
                r"LOW rejectedTcp\n   connection from an unknown address to 10.0.1.5 was rejected\n   Traffic:"
            )
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
        for (least, is_down, expected) in
            [(Severity::Low, false, 2), (Severity::High, false, 1), (Severity::Low, true, 0)]
        {
            let bus = FakeBus { is_down, ..FakeBus::default() };
            let handler =
                Handler::new(with_events(least), FakePublisher::default(), None::<FakeStore>, Inbox::new(NoFiles));
            let handler = handler.with_bus(&bus);
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
            Handler::new(settings(), FakePublisher::default(), None::<FakeStore>, Inbox::new(NoFiles)).with_bus(&bus);
        off.handle(event(&[&line]), FUNCTION_ARN).await.unwrap();
        let refused = FakePublisher { refuses: true, ..FakePublisher::default() };
        let on =
            Handler::new(with_events(Severity::Low), refused, None::<FakeStore>, Inbox::new(NoFiles)).with_bus(&bus);
        on.handle(event(&[&line]), FUNCTION_ARN).await.unwrap_err();
        assert_eq!(*bus.taken.lock().unwrap(), []);
    }

    #[tokio::test]
    async fn an_incident_that_only_the_bus_heard_of_is_known() {
        let (bus, store) = (FakeBus::default(), FakeStore::default());
        let deserted = || FakePublisher { is_deserted: true, ..FakePublisher::default() };
        for (bytes, reported) in [(40, 1), (41, 0)] {
            let line = v2_line("198.51.100.7", "10.0.0.1", 22, 6, bytes, "ACCEPT");
            let handler =
                Handler::new(with_events(Severity::Low), deserted(), Some(store.clone()), Inbox::new(NoFiles));
            let summary = handler.with_bus(&bus).handle(event(&[&line]), FUNCTION_ARN).await.unwrap();
            assert_eq!(summary.reported, reported);
        }
    }
}
