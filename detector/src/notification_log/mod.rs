//! The notification log: the incidents about which a message was published, so that each is published once, and again only after
//! some hours.
//!
//! [`NotificationLog`] decides and does no I/O; [`history`] is its answer. [`keeper`] shares the log among the instances of the
//! function, in an object of the [`store`].

#[cfg(test)]
#[cfg(feature = "lambda")]
pub(crate) mod fake_store;
pub mod history;
#[cfg(feature = "lambda")]
pub mod keeper;
mod let_in_log;
#[cfg(feature = "lambda")]
pub mod store;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::evidence::Place;
use crate::finding::Finding;
use crate::findings::Findings;
use crate::incident::{Door, Incidents, Namer};
use crate::rules::{Networks, Rule, Severity};
use crate::sentence::{Sentence, Time};
use crate::settings::Settings;
use let_in_log::LetInLog;

use history::{History, Ongoing, Sums};

/// Key of the object in the monitor's bucket that has the log.
pub const OBJECT_KEY: &str = "detector-state/notification-log.json";

/// The folder of [`OBJECT_KEY`].
pub const OBJECT_PREFIX: &str = "detector-state/";

/// The version of the log's form.
const VERSION: u32 = 1;

/// Incidents that are kept: the gravest, then the latest. One takes 400 bytes.
const MAX_INCIDENTS: usize = 1000;

/// Incidents of earlier messages that a message lists.
const MAX_ONGOING: usize = 20;

/// An incident without findings for so long is forgotten, in seconds: 7 days. Then it is new again.
const FORGET_AFTER: u64 = 7 * 24 * 60 * 60;

/// A transfer is published again once it has this many times the bytes of its latest message.
const ESCALATION: u64 = 10;

/// The longest sentence that is kept, in bytes.
const MAX_SUMMARY_BYTES: usize = 256;

/// The incidents that messages were published about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationLog {
    version: u32,
    incidents: BTreeMap<String, Incident>,
    #[serde(default)]
    let_in: LetInLog,
}

/// An incident. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incident {
    rule: String,
    severity: Severity,
    /// The latest finding in words.
    summary: String,
    /// The time of the first finding.
    first: u64,
    /// The time of the latest finding.
    last: u64,
    /// The time of the latest message.
    published: u64,
    /// The bytes that came until the latest message, or those of its finding if they are more.
    bytes: u64,
    /// The settings of the latest message: a change of lists, such as trusted networks, makes it new.
    settings: String,
    /// The batch that published it. If it comes again, its message was not published, as far as is known.
    batch: String,
    /// The findings since the latest message.
    since: Sums,
}

/// The findings of a batch that are severe enough for a message.
#[derive(Clone, Debug)]
pub struct Batch<'f> {
    id: String,
    /// The time of the function's clock, Unix seconds.
    now: u64,
    /// The version of the lists that rules look at.
    settings: String,
    findings: Vec<(&'f Finding, Incidents)>,
}

/// The content of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification<'f> {
    /// The findings, with a history if their incident was published before. Ports and hosts that no message named come first.
    pub findings: Vec<(Cow<'f, Finding>, Option<History>)>,
    /// Other incidents that go on.
    pub ongoing: Vec<Ongoing>,
}

impl<'f> Batch<'f> {
    /// Those of `findings` that have the least severity of the settings. `id` is the same if the batch comes again, and of no other
    /// batch.
    #[must_use]
    pub fn new(id: String, findings: &'f Findings, settings: &Settings, now: u64) -> Self {
        let networks = Networks::new(settings.rules.trusted_cidrs.clone());
        let namer = Namer::new(&settings.origin.owner, &networks);
        let severe = findings.list.iter().filter(|it| it.rule.severity() >= settings.rules.min_severity);
        let findings = severe.map(|finding| (finding, namer.incidents(finding))).collect();
        Self { id, now, settings: settings.rules_version.clone(), findings }
    }

    /// All findings as new ones.
    #[must_use]
    pub fn into_notification(self) -> Notification<'f> {
        let findings = self.findings.into_iter().map(|(finding, _)| (Cow::Borrowed(finding), None)).collect();
        Notification { findings, ongoing: Vec::new() }
    }
}

impl Notification<'_> {
    /// True if there is nothing to publish.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Default for NotificationLog {
    fn default() -> Self {
        Self { version: VERSION, incidents: BTreeMap::new(), let_in: LetInLog::default() }
    }
}

impl NotificationLog {
    /// Adds the findings of a batch. Returns those to publish, and notes them as published.
    pub fn add<'f>(&mut self, batch: &Batch<'f>, renotify_after: Duration) -> Notification<'f> {
        self.forget(batch.now, renotify_after);
        let mut notification = Notification::default();
        let (to_publish, known): (Vec<_>, Vec<_>) =
            batch.findings.iter().partition(|finding| !self.is_known(finding, batch, renotify_after));
        self.add_sums(&self.additions_of(known, batch.now));
        let findings =
            to_publish.iter().map(|finding| (self.news_first(finding, batch), self.history(&finding.1, batch)));
        notification.findings.extend(findings);
        for (finding, incidents) in to_publish {
            self.publish(finding, incidents, batch);
        }
        if !notification.is_empty() {
            let severity = notification.findings.iter().map(|(finding, _)| finding.rule.severity()).max();
            notification.ongoing = self.publish_ongoing(batch, severity);
        }
        self.keep_gravest();
        notification
    }

    /// Takes back that a batch was published: each of its incidents is as it was in `before`.
    pub fn withdraw(&mut self, batch: &Batch, before: &Self) {
        let claimed = self.incidents.iter().filter(|(_, incident)| incident.batch == batch.id);
        let names: Vec<_> = claimed.map(|(name, _)| name.clone()).collect();
        for name in names {
            match before.incidents.get(&name) {
                Some(incident) => self.incidents.insert(name, incident.clone()),
                None => self.incidents.remove(&name),
            };
        }
        self.let_in.withdraw(&batch.id, &before.let_in);
    }

    /// Adds the sums of the incidents of `other` that are known here.
    pub fn add_sums(&mut self, other: &BTreeMap<String, Addition>) {
        for (name, addition) in other {
            if let Some(incident) = self.incidents.get_mut(name) {
                incident.add(addition);
            }
        }
    }

    /// The additions of `batch` to incidents that are known.
    #[must_use]
    pub fn additions(&self, batch: &Batch) -> BTreeMap<String, Addition> {
        self.additions_of(&batch.findings, batch.now)
    }

    /// The additions of findings, each to the first of its incidents that is known.
    fn additions_of<'f>(
        &self,
        findings: impl IntoIterator<Item = &'f (&'f Finding, Incidents)>,
        now: u64,
    ) -> BTreeMap<String, Addition> {
        let mut additions: BTreeMap<String, Addition> = BTreeMap::new();
        for (finding, incidents) in findings {
            if let Some(name) = incidents.own.iter().find(|name| self.incidents.contains_key(*name)) {
                additions.entry(name.clone()).or_default().include(Addition::of(finding, now));
            }
        }
        additions
    }

    /// True if a message about the finding was published, not so long ago that it is due again.
    fn is_known(&self, (finding, incidents): &(&Finding, Incidents), batch: &Batch, renotify_after: Duration) -> bool {
        let is_recent = |name: &String| {
            self.incidents.get(name).is_some_and(|incident| {
                incident.batch != batch.id
                    && incident.settings == batch.settings
                    && batch.now.saturating_sub(incident.published) < renotify_after.as_secs()
                    && !incident.escalates(finding)
            })
        };
        let is_named = |door: &Door| {
            let named = self.let_in.named(&door.name, &batch.id);
            named.is_some_and(|time| batch.now.saturating_sub(time) < renotify_after.as_secs())
        };
        incidents.own.iter().all(is_recent) && incidents.let_in.iter().all(is_named)
    }

    /// The finding with the ports and hosts first that no message named.
    fn news_first<'f>(&self, (finding, incidents): &(&'f Finding, Incidents), batch: &Batch) -> Cow<'f, Finding> {
        let is_new = |door: &&Door| self.let_in.named(&door.name, &batch.id).is_none();
        let new: Vec<Place> = incidents.let_in.iter().filter(is_new).filter_map(|door| door.place).collect();
        if new.is_empty() {
            return Cow::Borrowed(*finding);
        }
        let evidence = finding.evidence.clone().with_new_first(|place| new.contains(&place));
        Cow::Owned(Finding { evidence, ..(*finding).clone() })
    }

    /// The history of a finding. One of a new incident has none, whatever is known of its others.
    fn history(&self, incidents: &Incidents, batch: &Batch) -> Option<History> {
        let published = |name| self.incidents.get(name).filter(|incident| incident.batch != batch.id);
        if incidents.let_in.iter().any(|door| self.let_in.named(&door.name, &batch.id).is_none()) {
            return None;
        }
        let all: Vec<_> = incidents.own.iter().map(published).collect::<Option<_>>()?;
        all.into_iter().min_by_key(|incident| incident.published).map(History::from)
    }

    fn publish(&mut self, finding: &Finding, incidents: &Incidents, batch: &Batch) {
        let summary = summary(finding);
        for name in &incidents.own {
            let first = finding.tally.first.unwrap_or(batch.now);
            let known = self.incidents.get(name);
            let first = known.map_or(first, |known| known.first.min(first));
            let bytes = known.map_or(0, |known| known.bytes.saturating_add(known.since.bytes));
            let incident = Incident {
                rule: finding.rule.name().to_owned(),
                severity: finding.rule.severity(),
                summary: summary.clone(),
                first,
                last: batch.now,
                published: batch.now,
                bytes: bytes.max(finding.tally.bytes),
                settings: batch.settings.clone(),
                batch: batch.id.clone(),
                since: Sums::default(),
            };
            self.incidents.insert(name.clone(), incident);
        }
        for door in &incidents.let_in {
            self.let_in.name(&door.name, batch.now, &batch.id);
        }
        if let Some(incident) = incidents.own.first().and_then(|name| self.incidents.get(name)).cloned() {
            for name in &incidents.included {
                self.incidents.entry(name.clone()).or_insert_with(|| incident.clone());
            }
        }
    }

    /// The incidents with findings since their latest message: a message that is published anyway has them too.
    /// Those that are graver than the message stay due: a subscriber may take only messages of some severity.
    fn publish_ongoing(&mut self, batch: &Batch, severity: Option<Severity>) -> Vec<Ongoing> {
        let mut ongoing: Vec<_> = self.incidents.values_mut().filter(|incident| incident.since.findings > 0).collect();
        ongoing.sort_by_key(|incident| std::cmp::Reverse((incident.severity, incident.since.findings, incident.last)));
        let listed = ongoing.into_iter().take(MAX_ONGOING).map(|incident| {
            let listed = Ongoing {
                rule: incident.rule.clone(),
                severity: incident.severity,
                summary: incident.summary.clone(),
                history: History::from(&*incident),
            };
            if Some(incident.severity) <= severity {
                incident.bytes = incident.bytes.saturating_add(incident.since.bytes);
                (incident.published, incident.since) = (batch.now, Sums::default());
                incident.batch.clone_from(&batch.id);
            }
            listed
        });
        listed.collect()
    }

    fn forget(&mut self, now: u64, renotify_after: Duration) {
        self.incidents.retain(|_, incident| {
            now.saturating_sub(incident.last) < FORGET_AFTER
                || now.saturating_sub(incident.published) < renotify_after.as_secs()
        });
        self.let_in.forget(now, FORGET_AFTER.max(renotify_after.as_secs()));
    }

    fn keep_gravest(&mut self) {
        let excess = self.incidents.len().saturating_sub(MAX_INCIDENTS);
        if excess > 0 {
            let mut names: Vec<_> =
                self.incidents.iter().map(|(name, it)| (it.severity, it.last, name.clone())).collect();
            names.sort_unstable();
            for (_, _, name) in names.into_iter().take(excess) {
                self.incidents.remove(&name);
            }
        }
    }
}

/// A finding in words.
fn summary(finding: &Finding) -> String {
    let mut summary = Sentence(finding).to_string();
    summary.truncate(summary.floor_char_boundary(MAX_SUMMARY_BYTES));
    summary
}

impl From<&Incident> for History {
    fn from(incident: &Incident) -> Self {
        Self { first: Time(incident.first), last_message: Time(incident.published), since: incident.since }
    }
}

impl Incident {
    /// True if much more has been sent than the latest message said.
    fn escalates(&self, finding: &Finding) -> bool {
        let is_transfer = matches!(finding.rule.built_in(), Some(Rule::HighDataTransfer | Rule::LargeEgress));
        let sent = self.since.bytes.saturating_add(finding.tally.bytes);
        is_transfer && sent >= self.bytes.saturating_mul(ESCALATION)
    }

    fn add(&mut self, addition: &Addition) {
        self.since.add(&addition.sums);
        self.last = self.last.max(addition.last);
        self.summary.clone_from(&addition.summary);
    }
}

/// Findings of an incident that no message was published about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addition {
    sums: Sums,
    last: u64,
    summary: String,
}

impl Addition {
    fn of(finding: &Finding, now: u64) -> Self {
        let sums = Sums { findings: 1, records: finding.tally.records, bytes: finding.tally.bytes };
        Self { sums, last: now, summary: summary(finding) }
    }

    /// Adds a later one.
    pub fn include(&mut self, later: Self) {
        self.sums.add(&later.sums);
        (self.last, self.summary) = (later.last, later.summary);
    }
}
