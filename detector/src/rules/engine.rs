//! Judges records one by one, and keeps the state that goes beyond a single one.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::connection::opens_connection;
use super::conversations::{Conversation, Conversations, Seen};
use super::custom::CustomRules;
use super::ends::Ends;
use super::memory::KEPT_BYTES;
use super::suppressions::Suppressions;
use super::windows::{Opening, Windows};
use super::{Config, Limits, Networks, Rule};
use crate::custom_rule::CustomRule;
use crate::day_counts::Backtest;
use crate::finding::{Detail, Subject};
use crate::findings::{Findings, Groups};
use crate::record::{Action, FlowDirection, LogStatus, Record, TCP};
use crate::suppression::Suppression;

/// The value of `traffic-path` for "through another resource in the same VPC".
const WITHIN_VPC: u8 = 1;

/// The rules at work on one batch or one set of files.
///
/// Memory is bounded whatever it is given, by its [`Limits`].
#[derive(Debug)]
pub struct Engine {
    enabled: [bool; Rule::ALL.len()],
    high_transfer_bytes: u64,
    sensitive_ports: Box<[u64; 1024]>,
    expected_protocols: [bool; 256],
    networks: Networks,
    suppressions: Suppressions,
    conversations: Conversations,
    windows: Windows,
    custom: CustomRules,
    limits: Limits,
    groups: Groups,
    other_ends: u64,
}

/// The engine's view of a record with traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The real ends.
    pub ends: Ends,
    /// True if the same packets are, or have been, recorded at another interface, where they count.
    pub is_other_end: bool,
}

/// The end of a conversation that a record is of. Over all ends every rule counts a conversation once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The only one, as far as is known: it counts.
    Only,
    /// It leaves for another interface of the VPC, which records it too, and counts there. Only sweeps count here, since they
    /// can be seen at their source alone.
    Departure,
    /// It arrives after its departure was seen.
    Arrival,
    /// Another end has counted.
    Other,
}

impl Engine {
    /// An engine that has seen nothing yet, with the limits of the Lambda function.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_limits(config, &Limits::FUNCTION)
    }

    /// An engine that has seen nothing yet.
    #[must_use]
    pub fn with_limits(config: &Config, limits: &Limits) -> Self {
        let mut sensitive_ports = Box::new([0; 1024]);
        for port in &config.sensitive_ports {
            sensitive_ports[usize::from(port / 64)] |= 1 << (port % 64);
        }
        let mut expected_protocols = [false; 256];
        for protocol in &config.expected_protocols {
            expected_protocols[usize::from(*protocol)] = true;
        }
        Self {
            enabled: Rule::ALL.map(|rule| !config.disabled.contains(&rule)),
            high_transfer_bytes: config.high_transfer_bytes,
            sensitive_ports,
            expected_protocols,
            networks: Networks::new(config.trusted_cidrs.clone()),
            suppressions: Suppressions::default(),
            conversations: Conversations::new(limits.conversations),
            windows: Windows::new(config, limits),
            custom: CustomRules::default(),
            limits: *limits,
            groups: Groups::new(limits),
            other_ends: 0,
        }
    }

    /// Leaves out the records of those `suppressions` that have not expired at `now`.
    #[must_use]
    pub fn suppress(self, suppressions: &[Suppression], now: SystemTime) -> Self {
        Self { suppressions: Suppressions::new(suppressions, self.enabled, now, self.limits.days), ..self }
    }

    /// Judges records by the `rules` of a user too.
    #[must_use]
    pub fn watch(mut self, rules: &[Arc<CustomRule>]) -> Self {
        self.custom = CustomRules::new(rules, &self.limits);
        self.groups.watch(self.custom.rules());
        self
    }

    /// Judges a record and returns its flow, or `None` if there was no traffic.
    #[inline]
    pub fn observe(&mut self, record: &Record) -> Option<Flow> {
        self.suppressions.next_record();
        if !record.has_traffic() {
            self.skipped(record);
            return None;
        }
        let ends = Ends::of(record, &self.networks);
        let end = self.end(record, &ends);
        if matches!(end, End::Only | End::Arrival) {
            self.judge_alone(record, &ends);
        }
        // A rejection is recorded at one end only, whichever was seen first.
        self.judge_action(record, end, &ends);
        if !self.custom.is_empty() {
            self.judge_by_custom(record, end, &ends);
        }
        if let (Some(source), Some(destination)) = (ends.source, ends.destination) {
            self.judge_over_time(record, &ends, end, source, destination);
        }
        let is_other_end = matches!(end, End::Departure | End::Other);
        self.other_ends += u64::from(is_other_end);
        Some(Flow { ends, is_other_end })
    }

    /// The rules that count over a window.
    #[inline]
    fn judge_over_time(&mut self, record: &Record, ends: &Ends, end: End, source: IpAddr, destination: IpAddr) {
        if end == End::Other {
            return;
        }
        let window = self.windows.window(record);
        if let Some(port) = record.destination_port.filter(|_| opens_connection(record)) {
            let opening = Opening { window, source, destination, port };
            if end != End::Departure && !self.suppressions.suppress(Rule::PortScan, record, ends) {
                self.windows.add_port(record, opening, &mut self.groups);
            }
            if end != End::Arrival
                && self.is_swept(ends, port)
                && !self.suppressions.suppress(Rule::HostSweep, record, ends)
            {
                self.windows.add_host(record, opening, &mut self.groups);
            }
        }
        if is_egress(record, ends) && !self.suppressions.suppress(Rule::LargeEgress, record, ends) {
            self.windows.add_egress(record, window, source, destination, &mut self.groups);
        }
    }

    /// The findings. Then the engine has seen nothing, and has no suppressions; it keeps its rules and some of its memory.
    pub fn finish(&mut self) -> Findings {
        let keeps = self.bytes() <= KEPT_BYTES;
        let unexamined = self.windows.finish(keeps, &mut self.groups);
        let (unexamined_by_custom, backtest) = self.custom.finish(keeps, &mut self.groups);
        let unexamined_records = unexamined + unexamined_by_custom;
        let (suppressed, suppressions) = mem::take(&mut self.suppressions).finish();
        let backtest = Backtest { suppressions, ..backtest };
        self.conversations.forget(keeps);
        let mut anew = Groups::new(&self.limits);
        anew.watch(self.custom.rules());
        let groups = mem::replace(&mut self.groups, anew).finish();
        Findings { unexamined_records, suppressed, backtest, other_ends: mem::take(&mut self.other_ends), ..groups }
    }

    /// Bytes of the tables' entries.
    pub(super) fn bytes(&self) -> usize {
        self.windows.bytes() + self.conversations.bytes() + self.custom.bytes()
    }

    /// The end of a conversation that the record is of, where both are recorded.
    #[inline]
    fn end(&mut self, record: &Record, ends: &Ends) -> End {
        let between_us = !ends.from_public && !ends.to_public;
        let translated = record.packet_source.is_some() || record.packet_destination.is_some();
        if !between_us && !translated {
            return End::Only;
        }
        // Traffic that is let out and stays inside also arrives, and is recorded there. Rejected traffic may not arrive.
        let departs = between_us
            && record.action != Some(Action::Reject)
            && record.direction == Some(FlowDirection::Egress)
            && record.traffic_path == Some(WITHIN_VPC);
        let seen = match (ends.source, ends.destination, record.interface_id) {
            (Some(source), Some(destination), Some(interface)) => {
                let conversation = Conversation {
                    source,
                    destination,
                    source_port: record.source_port,
                    destination_port: record.destination_port,
                    protocol: record.protocol,
                };
                self.conversations.see(&conversation, interface, departs)
            }
            _ => Seen::Here,
        };
        match seen {
            Seen::Here if departs => End::Departure,
            Seen::Here => End::Only,
            Seen::Departed if !departs => End::Arrival,
            Seen::Departed | Seen::Elsewhere => End::Other,
        }
    }

    /// The rules that need no other record.
    #[inline]
    fn judge_alone(&mut self, record: &Record, ends: &Ends) {
        if record.bytes.is_some_and(|bytes| bytes > self.high_transfer_bytes) {
            self.fire(Rule::HighDataTransfer, ends, Detail::None, record);
        }
        if let Some(protocol) = record.protocol.filter(|protocol| !self.expected_protocols[usize::from(*protocol)]) {
            self.fire(Rule::UnusualProtocol, ends, Detail::Protocol(protocol), record);
        }
    }

    /// The rules about accepted and rejected traffic.
    #[inline]
    fn judge_action(&mut self, record: &Record, end: End, ends: &Ends) {
        let is_rejected = record.action == Some(Action::Reject);
        let is_counted = matches!(end, End::Only | End::Arrival) || is_rejected;
        let is_sensitive = is_counted
            && ends.from_public
            && record.destination_port.is_some_and(|port| self.is_sensitive(port))
            && opens_connection(record);
        if is_sensitive && record.action == Some(Action::Accept) {
            self.fire(Rule::SensitivePortAccepted, ends, Detail::None, record);
        }
        // A rejected record counts under one rule.
        if is_rejected && is_sensitive && self.enabled[Rule::SensitivePortRejected as usize] {
            self.fire(Rule::SensitivePortRejected, ends, Detail::None, record);
        } else if is_rejected && record.protocol == Some(TCP) {
            self.fire(Rule::RejectedTcp, ends, Detail::None, record);
        }
    }

    /// The rules of users. A conversation counts where it counts for the rules of the detector.
    fn judge_by_custom(&mut self, record: &Record, end: End, ends: &Ends) {
        let is_counted = matches!(end, End::Only | End::Arrival) || record.action == Some(Action::Reject);
        if !is_counted {
            return;
        }
        let window = self.windows.window(record);
        for group in 0..self.custom.groups() {
            for place in self.custom.matches(group, record, ends) {
                if !self.suppressions.suppress_custom(record, ends) {
                    self.custom.count(place, record, ends, window, &mut self.groups);
                }
            }
        }
    }

    #[cold]
    fn skipped(&mut self, record: &Record) {
        if record.log_status == Some(LogStatus::SkipData) {
            let nowhere = Ends { source: None, destination: None, from_public: false, to_public: false };
            let detail = record.interface_id.map_or(Detail::None, |interface| Detail::Interface(interface.into()));
            self.fire(Rule::SkippedRecords, &nowhere, detail, record);
        }
    }

    #[inline]
    fn fire(&mut self, rule: Rule, ends: &Ends, detail: Detail, record: &Record) {
        if !self.enabled[rule as usize] || self.suppressions.suppress(rule, record, ends) {
            return;
        }
        let subject = Subject { source: ends.source, destination: ends.destination, detail };
        if self.is_apart(rule, ends, record) {
            self.groups.add_apart(rule, subject, record);
        } else {
            self.groups.add(rule, subject, record);
        }
    }

    /// True if the rule over a window that could stand for the finding does not count the record.
    #[inline]
    fn is_apart(&mut self, rule: Rule, ends: &Ends, record: &Record) -> bool {
        let (is_seen, over_time) = match rule {
            Rule::HighDataTransfer => (is_egress(record, ends), Rule::LargeEgress),
            Rule::RejectedTcp | Rule::SensitivePortRejected => {
                (record.destination_port.is_some_and(|port| self.is_swept(ends, port)), Rule::HostSweep)
            }
            _ => return false,
        };
        !is_seen || self.suppressions.cover(over_time, record, ends)
    }

    /// True if sweeps of the port count targets such as the destination.
    #[inline]
    fn is_swept(&self, ends: &Ends, port: u16) -> bool {
        !ends.to_public || self.is_sensitive(port)
    }

    #[inline]
    fn is_sensitive(&self, port: u16) -> bool {
        self.sensitive_ports[usize::from(port / 64)] & (1 << (port % 64)) != 0
    }
}

/// True if the record is of traffic that leaves for the internet.
#[inline]
fn is_egress(record: &Record, ends: &Ends) -> bool {
    ends.to_public && !ends.from_public && record.action != Some(Action::Reject)
}
