//! One invocation: unpack, analyze, publish, answer.

#[cfg(test)]
mod tests;

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

    /// The same handler, which also puts its findings on a bus if the settings ask for it. Only then is the bus made.
    pub fn with_bus<B: EventBus>(self, bus: impl FnOnce() -> B) -> Handler<P, S, F, B> {
        let Self { settings, parser, publisher, events: _, keeper, files, kept } = self;
        let events = settings.events.map(|config| Events { bus: bus(), config });
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
