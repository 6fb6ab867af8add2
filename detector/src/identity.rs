//! The names under which programs know a finding: the id of a report, and the key of its subject.

use sha2::{Digest, Sha256};

use crate::finding::{Detail, Finding, Subject};

impl Finding {
    /// The finding's id, 16 hexadecimal digits: the same for the same records, also when a batch comes again.
    #[must_use]
    pub fn id(&self, monitor: &str) -> String {
        let Self { rule, subject: Subject { source, destination, detail }, tally, distinct, .. } = self;
        digits(&format!(
            "{monitor}\n{rule}\n{source:?}\n{destination:?}\n{detail:?}\n{}\n{}\n{:?}\n{:?}\n{distinct}",
            tally.records, tally.bytes, tally.first, tally.last
        ))
    }

    /// The key of the finding's subject, 16 hexadecimal digits: the same in every batch, whatever the counts and times.
    /// `owner` is `<cluster>/<namespace>/<name>` of the monitor.
    #[must_use]
    pub fn key(&self, owner: &str) -> String {
        let Self { rule, subject: Subject { source, destination, detail }, .. } = self;
        // Programs keep keys, so the text is spelled out here and depends on no other form of the parts.
        let address = |address: &Option<_>| address.as_ref().map(ToString::to_string).unwrap_or_default();
        let (source, destination) = (address(source), address(destination));
        let detail = match detail {
            Detail::None => String::new(),
            Detail::Port(port) => format!("port {port}"),
            Detail::Protocol(protocol) => format!("protocol {protocol}"),
            Detail::Interface(interface) => format!("interface {interface}"),
        };
        digits(&format!("{owner}\n{rule}\n{source}\n{destination}\n{detail}"))
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of `text`.
pub(crate) fn digits(text: &str) -> String {
    let first = Sha256::digest(text).first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::custom_rule;
    use crate::evidence::Evidence;
    use crate::finding::Folded;
    use crate::rules::{Rule, RuleId};
    use crate::tally::Tally;

    const MONITOR: &str = "network/production";
    const OWNER: &str = "cluster/network/production";

    fn finding() -> Finding {
        let subject = Subject {
            source: Some([198, 51, 100, 66].into()),
            destination: Some([10, 0, 0, 1].into()),
            detail: Detail::None,
        };
        let tally = Tally { records: 3, bytes: 180, first: Some(22), last: Some(82), ..Tally::default() };
        Finding {
            rule: Rule::RejectedTcp.into(),
            subject,
            tally,
            distinct: 0,
            evidence: Evidence::None,
            is_apart: false,
            folded: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut Finding)) -> Finding {
        let mut finding = finding();
        change(&mut finding);
        finding
    }

    /// The same rule about something else.
    fn other_subjects() -> [Finding; 7] {
        let elsewhere: IpAddr = [10, 0, 0, 2].into();
        [
            with(|it| it.rule = Rule::SensitivePortRejected.into()),
            with(|it| it.subject.source = Some(elsewhere)),
            with(|it| it.subject.source = None),
            with(|it| it.subject.destination = Some(elsewhere)),
            with(|it| it.subject.destination = None),
            with(|it| it.subject.detail = Detail::Port(47)),
            with(|it| it.subject.detail = Detail::Protocol(47)),
        ]
    }

    /// The same subject in another batch.
    fn other_reports() -> [Finding; 5] {
        [
            with(|it| it.tally.records = 4),
            with(|it| it.tally.bytes = 181),
            with(|it| it.tally.first = Some(21)),
            with(|it| it.tally.last = None),
            with(|it| it.distinct = 1),
        ]
    }

    #[test]
    fn an_id_is_of_a_monitor_a_subject_and_its_sums() {
        let id = finding().id(MONITOR);
        assert_eq!(id.len(), 16);
        assert_eq!(id, finding().id(MONITOR));
        assert_ne!(id, finding().id("network/other"));
        for other in other_subjects().into_iter().chain(other_reports()) {
            assert_ne!(id, other.id(MONITOR), "{other:?}");
        }
    }

    #[test]
    fn a_key_is_of_an_owner_and_a_subject_alone() {
        let key = finding().key(OWNER);
        assert_ne!(key, finding().key("other/network/production"));
        for other in other_subjects() {
            assert_ne!(key, other.key(OWNER), "{other:?}");
        }
        let folded = with(|it| it.folded.push(Folded { rule: Rule::RejectedTcp, records: 1, bytes: 40 }));
        for same in other_reports().into_iter().chain([folded]) {
            assert_eq!(key, same.key(OWNER), "{same:?}");
        }
    }

    /// Programs keep keys: a new version of the detector must not change them.
    #[test]
    fn keys_stay_the_same_in_later_versions() {
        assert_eq!(finding().key(OWNER), "0eb4ada8fe8b1747");
        let sweep = with(|it| {
            it.rule = Rule::HostSweep.into();
            it.subject = Subject { destination: None, detail: Detail::Port(22), ..it.subject.clone() };
        });
        assert_eq!(sweep.key(OWNER), "b48ba3dcb2b9333e");
        let custom = custom_rule::tests::read(custom_rule::tests::database()).unwrap();
        let of_user = with(|it| it.rule = RuleId::Custom(custom.into()));
        assert_eq!(of_user.key(OWNER), digits(&format!("{OWNER}\ndatabase_from_elsewhere\n198.51.100.66\n10.0.0.1\n")));
    }
}
