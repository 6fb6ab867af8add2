use super::*;
use crate::analysis::Analyzer;
use crate::record::Parser;
use crate::settings::DEFAULT_RENOTIFY_AFTER;
use crate::test_data::{settings, v2_line};

const HOUR: u64 = 60 * 60;
/// The time of the records.
const START: u64 = 1_418_530_010;
const RENOTIFY_AFTER: Duration = DEFAULT_RENOTIFY_AFTER;

/// The findings of connections to 10.0.0.1, each from `198.51.100.<host>` to a port.
pub(super) fn findings(connections: &[(u8, u16)], action: &str) -> Findings {
    let settings = settings();
    let parser = Parser::new(settings.format.clone());
    let mut analyzer = Analyzer::new(&parser, &settings.rules);
    for (host, port) in connections {
        analyzer.add(&v2_line(&format!("198.51.100.{host}"), "10.0.0.1", *port, 6, 40, action));
    }
    analyzer.finish().findings
}

/// The number of findings published, and the history of the first.
fn add(log: &mut NotificationLog, id: &str, connections: &[(u8, u16)], now: u64) -> (usize, Option<History>) {
    let findings = findings(connections, "ACCEPT");
    let batch = Batch::new(id.to_owned(), &findings, &settings(), now);
    let notification = log.add(&batch, RENOTIFY_AFTER);
    (notification.findings.len(), notification.findings.first().and_then(|(_, history)| *history))
}

#[test]
fn an_incident_is_published_when_it_is_new_and_again_while_it_lasts_with_the_sums_since() {
    let mut log = NotificationLog::default();
    assert_eq!(add(&mut log, "new", &[(1, 22)], START), (1, None));
    for hour in 1..6 {
        assert_eq!(add(&mut log, &hour.to_string(), &[(2, 22), (3, 22)], START + hour * HOUR), (0, None));
    }
    let since = Sums { findings: 10, records: 10, bytes: 400 };
    let history = History { first: Time(START), last_message: Time(START), since };
    assert_eq!(add(&mut log, "due", &[(4, 22)], START + 6 * HOUR), (1, Some(history)));
    assert_eq!(add(&mut log, "after", &[(4, 22)], START + 7 * HOUR), (0, None));
}

#[test]
fn another_port_is_another_incident_and_has_no_history() {
    let mut log = NotificationLog::default();
    assert_eq!(add(&mut log, "a", &[(1, 22)], START), (1, None));
    assert_eq!(add(&mut log, "b", &[(1, 22), (1, 3389)], START + 1), (1, None));
    assert_eq!(add(&mut log, "c", &[(2, 3389), (2, 22)], START + 2), (0, None));
}

#[test]
fn a_batch_that_comes_again_is_published_again() {
    let mut log = NotificationLog::default();
    assert_eq!(add(&mut log, "a", &[(1, 22)], START), (1, None));
    assert_eq!(add(&mut log, "a", &[(1, 22)], START + 60), (1, None));
    assert_eq!(add(&mut log, "b", &[(1, 22)], START + 60), (0, None));
}

#[test]
fn a_message_has_what_else_goes_on_and_then_it_is_not_due() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    add(&mut log, "b", &[(2, 22)], START + 5 * HOUR);
    let findings = findings(&[(3, 3389), (3, 22)], "ACCEPT");
    let other = findings.list.len();
    let batch = Batch::new("c".to_owned(), &findings, &settings(), START + 5 * HOUR);
    let notification = log.add(&batch, RENOTIFY_AFTER);
    assert_eq!((notification.findings.len(), other), (1, 1));
    assert_eq!(notification.ongoing, [], "the door is part of the finding");

    add(&mut log, "d", &[(4, 22)], START + 6 * HOUR);
    let findings = self::findings(&[(5, 23)], "ACCEPT");
    let notification = log.add(&Batch::new("e".to_owned(), &findings, &settings(), START + 7 * HOUR), RENOTIFY_AFTER);
    let ongoing: Vec<_> =
        notification.ongoing.iter().map(|it| (it.summary.as_str(), it.history.since.findings)).collect();
    assert_eq!(ongoing, [("connection from 198.51.100.4 to 10.0.0.1:22 was accepted", 1)]);
    assert_eq!(add(&mut log, "f", &[(6, 22)], START + 12 * HOUR), (0, None), "5 hours after it was listed");
    assert_eq!(add(&mut log, "g", &[(6, 22)], START + 13 * HOUR).0, 1);
}

#[test]
fn a_lesser_message_does_not_delay_a_graver_incident() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    for hour in 1..6 {
        add(&mut log, &format!("known {hour}"), &[(2, 22)], START + hour * HOUR);
        let rejected = findings(&[(hour.try_into().unwrap(), 8080)], "REJECT");
        let settings = settings();
        let batch = Batch::new(format!("low {hour}"), &rejected, &settings, START + hour * HOUR);
        let notification = log.add(&batch, RENOTIFY_AFTER);
        assert_eq!(notification.findings.len(), 1);
        assert!(notification.ongoing.iter().any(|it| it.severity == Severity::High));
    }
    let (published, history) = add(&mut log, "due", &[(3, 22)], START + 6 * HOUR);
    assert_eq!((published, history.unwrap().since.findings), (1, 5));
}

#[test]
fn a_transfer_that_grows_tenfold_is_published_again() {
    let settings = settings();
    let sent = |log: &mut NotificationLog, id: &str, bytes| {
        let parser = Parser::new(settings.format.clone());
        let mut analyzer = Analyzer::new(&parser, &settings.rules);
        analyzer.add(&v2_line("10.0.0.1", "203.0.113.9", 443, 6, bytes, "ACCEPT"));
        let findings = analyzer.finish().findings;
        log.add(&Batch::new(id.to_owned(), &findings, &settings, START), RENOTIFY_AFTER).findings.len()
    };
    let mut log = NotificationLog::default();
    assert_eq!(sent(&mut log, "a", 600_000_000), 1);
    assert_eq!(sent(&mut log, "b", 5_000_000_000), 0);
    assert_eq!(sent(&mut log, "c", 1_000_000_000), 1, "6 GB since the message");
    assert_eq!(sent(&mut log, "d", 50_000_000_000), 0);
    assert_eq!(sent(&mut log, "e", 270_000_000_000), 1);
}

/// The published findings of sweeps from 198.51.100.10: 60 hosts rejected, `open` ones accepted.
fn swept(log: &mut NotificationLog, id: &str, open: impl IntoIterator<Item = u8>, now: u64) -> Vec<String> {
    let settings = settings();
    let parser = Parser::new(settings.format.clone());
    let mut analyzer = Analyzer::new(&parser, &settings.rules);
    for host in 0..60 {
        analyzer.add(&v2_line("198.51.100.10", &format!("10.0.2.{host}"), 8443, 6, 40, "REJECT"));
    }
    for host in open {
        analyzer.add(&v2_line("198.51.100.10", &format!("10.0.1.{host}"), 8443, 6, 40, "ACCEPT"));
    }
    let findings = analyzer.finish().findings;
    let notification = log.add(&Batch::new(id.to_owned(), &findings, &settings, now), RENOTIFY_AFTER);
    let sweeps = notification.findings.iter().filter(|(finding, _)| finding.rule == Rule::HostSweep);
    sweeps.map(|(finding, _)| Sentence(finding).to_string()).collect()
}

#[test]
fn a_fourth_open_host_is_told_and_comes_first() {
    let mut log = NotificationLog::default();
    assert!(swept(&mut log, "a", [3, 6, 9], START)[0].contains("accepted at 10.0.1.3 10.0.1.6 10.0.1.9;"));
    assert!(swept(&mut log, "b", [3, 6, 9], START + 1).is_empty());
    let told = swept(&mut log, "c", [3, 6, 9, 80], START + 2);
    assert!(told[0].contains("accepted at 10.0.1.80 10.0.1.3 10.0.1.6 and more;"), "{told:?}");
    assert!(swept(&mut log, "d", [80, 9], START + 3).is_empty());
    assert_eq!(swept(&mut log, "c", [3, 6, 9, 80], START + 4).len(), 1, "the batch came again");
    assert_eq!(swept(&mut log, "e", [3], START + 6 * HOUR + 5).len(), 1, "it lasts");
}

#[test]
fn beyond_the_bound_the_open_hosts_are_told_as_more() {
    let mut log = NotificationLog::default();
    assert_eq!(swept(&mut log, "a", 0..64, START).len(), 1);
    let told = swept(&mut log, "b", 0..80, START + 1);
    assert!(told[0].contains(" and more"), "{told:?}");
    assert!(swept(&mut log, "c", 0..80, START + 2).is_empty());
}

#[test]
fn the_seventeenth_open_port_of_a_scan_is_told_and_comes_first() {
    let settings = settings();
    let scanned = |log: &mut NotificationLog, id: &str, open: &[u16]| {
        let parser = Parser::new(settings.format.clone());
        let mut analyzer = Analyzer::new(&parser, &settings.rules);
        for port in open {
            analyzer.add(&v2_line("198.51.100.10", "10.0.0.20", *port, 6, 40, "ACCEPT"));
        }
        for port in 2000..2030 {
            analyzer.add(&v2_line("198.51.100.10", "10.0.0.20", port, 6, 40, "REJECT"));
        }
        let findings = analyzer.finish().findings;
        let notification = log.add(&Batch::new(id.to_owned(), &findings, &settings, START), RENOTIFY_AFTER);
        let scans = notification.findings.iter().filter(|(finding, _)| finding.rule == Rule::PortScan);
        scans.map(|(finding, _)| Sentence(finding).to_string()).collect::<Vec<_>>()
    };
    let mut log = NotificationLog::default();
    let mut open: Vec<u16> = (1000..=1017).collect();
    assert_eq!(scanned(&mut log, "v1", &open).len(), 1);
    open.push(1050);
    let told = scanned(&mut log, "v2", &open);
    assert!(told[0].contains("accepted at 1050 1000 1001 "), "{told:?}");
    assert!(scanned(&mut log, "v3", &[1050]).is_empty());
}

#[test]
fn a_log_of_a_former_version_is_read() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    let mut json = serde_json::to_value(&log).unwrap();
    json.as_object_mut().unwrap().remove("letIn");
    assert_eq!(serde_json::from_value::<NotificationLog>(json).unwrap(), log);
}

#[test]
fn a_change_of_trusted_networks_makes_what_remains_new() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    let findings = findings(&[(2, 22)], "ACCEPT");
    let settings = Settings { rules_version: "673e0bc74024".to_owned(), ..settings() };
    let batch = Batch::new("b".to_owned(), &findings, &settings, START + 1);
    assert_eq!(log.add(&batch, RENOTIFY_AFTER).findings.len(), 1);
}

#[test]
fn what_was_claimed_and_not_published_is_as_before() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    add(&mut log, "b", &[(2, 22)], START + HOUR);
    let before = log.clone();
    let findings = findings(&[(3, 22), (4, 23)], "ACCEPT");
    let batch = Batch::new("c".to_owned(), &findings, &settings(), START + 7 * HOUR);
    assert_eq!(log.add(&batch, RENOTIFY_AFTER).findings.len(), 2);
    log.withdraw(&batch, &before);
    assert_eq!(log, before);
}

#[test]
fn findings_below_the_least_severity_are_no_batch() {
    let settings = Settings { rules: crate::rules::Config::of_monitor(), ..settings() };
    let rejected = findings(&[(1, 22)], "REJECT");
    assert_eq!(rejected.list.len(), 1);
    assert!(Batch::new(String::new(), &rejected, &settings, START).into_notification().is_empty());
}

#[test]
fn quiet_incidents_are_forgotten_and_the_gravest_are_kept() {
    let mut log = NotificationLog::default();
    add(&mut log, "a", &[(1, 22)], START);
    add(&mut log, "b", &[(1, 23)], START + FORGET_AFTER);
    assert_eq!(log.incidents.len(), 1);
    let ports: Vec<u16> = (1..=200).collect();
    let mut settings = settings();
    for host in 0..6 {
        let findings = findings(
            &ports.iter().map(|port| (u8::try_from(*port).unwrap(), 60_000 + host)).collect::<Vec<_>>(),
            "REJECT",
        );
        settings.origin.owner = format!("cluster/network/m{host}");
        let batch = Batch::new(host.to_string(), &findings, &settings, START + FORGET_AFTER + 1);
        assert_eq!(log.add(&batch, RENOTIFY_AFTER).findings.len(), 200);
    }
    assert_eq!(log.incidents.len(), MAX_INCIDENTS);
    assert_eq!(add(&mut log, "c", &[(1, 23)], START + FORGET_AFTER + 2), (0, None), "HIGH among LOW ones");
    for place in 0..=let_in_log::MAX_PLACES {
        log.let_in.name(&format!("{place:016}"), START + FORGET_AFTER + 2, &format!("{place:016}"));
    }
    add(&mut log, "d", &[(1, 23)], START + FORGET_AFTER + 2);
    assert_eq!(log.let_in.len(), let_in_log::MAX_PLACES);
    assert!(serde_json::to_vec(&log).unwrap().len() < 512 * 1024);
}

#[cfg(feature = "lambda")]
mod kept {
    use super::super::fake_store::FakeStore;
    use super::super::keeper::Keeper;
    use super::*;

    /// The number of findings that an instance publishes.
    async fn claim(keeper: &Keeper<FakeStore>, id: &str, connections: &[(u8, u16)], now: u64) -> usize {
        let findings = findings(connections, "ACCEPT");
        let batch = Batch::new(id.to_owned(), &findings, &settings(), now);
        keeper.claim(&batch, Some("123456789012")).await.notification.findings.len()
    }

    fn instance(store: &FakeStore) -> Keeper<FakeStore> {
        Keeper::new(Some(store.clone()), RENOTIFY_AFTER)
    }

    fn stored(store: &FakeStore) -> NotificationLog {
        serde_json::from_slice(&store.bytes().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn instances_share_what_was_published_and_a_cold_start_forgets_nothing() {
        let store = FakeStore::default();
        assert_eq!(claim(&instance(&store), "a", &[(1, 22)], START).await, 1);
        assert_eq!(claim(&instance(&store), "b", &[(1, 22)], START + 1).await, 0);
        assert_eq!(claim(&instance(&store), "c", &[(1, 22), (1, 23)], START + 2).await, 1);
    }

    #[tokio::test]
    async fn of_two_instances_at_once_one_publishes() {
        let store = FakeStore::default();
        let mut log = NotificationLog::default();
        add(&mut log, "a", &[(1, 22)], START);
        store.race(serde_json::to_vec(&log).unwrap());
        assert_eq!(claim(&instance(&store), "b", &[(1, 22)], START).await, 0, "the other was faster");
        assert_eq!(store.reads(), 2);
    }

    #[tokio::test]
    async fn without_the_store_each_instance_publishes_once() {
        let store = FakeStore::default();
        store.refuse(true);
        let (one, other) = (instance(&store), instance(&store));
        assert_eq!(claim(&one, "a", &[(1, 22)], START).await, 1);
        assert_eq!(claim(&one, "b", &[(1, 22)], START + 1).await, 0);
        assert_eq!(claim(&other, "b", &[(1, 22)], START + 1).await, 1, "twice is better than never");
        store.refuse(false);
        assert_eq!(claim(&one, "c", &[(1, 23)], START + 2).await, 1);
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_read_is_begun_anew() {
        let store = FakeStore::default();
        store.set(b"{".to_vec());
        assert_eq!(claim(&instance(&store), "a", &[(1, 22)], START).await, 1);
        assert_eq!(stored(&store).incidents.len(), 1);
    }

    #[tokio::test]
    async fn a_known_incident_costs_a_call_every_five_minutes_and_its_sums_are_kept() {
        let store = FakeStore::default();
        let keeper = instance(&store);
        claim(&keeper, "new", &[(1, 22)], START).await;
        for second in 1..10 {
            assert_eq!(claim(&keeper, &second.to_string(), &[(1, 22)], START + second).await, 0);
        }
        assert_eq!(store.reads(), 1);
        let since = |store| stored(store).incidents.values().next().unwrap().since.findings;
        assert_eq!(since(&store), 0);
        claim(&keeper, "later", &[(1, 22)], START + 300).await;
        assert_eq!((store.reads(), since(&store)), (2, 10));
        claim(&keeper, "much later", &[(1, 22)], START + 600).await;
        assert_eq!(since(&store), 11, "each finding counts once");
    }

    #[tokio::test]
    async fn a_claim_is_taken_back_from_the_store_and_from_memory() {
        let store = FakeStore::default();
        let keeper = instance(&store);
        let findings = findings(&[(1, 22)], "ACCEPT");
        let batch = Batch::new("a".to_owned(), &findings, &settings(), START);
        let claimed = keeper.claim(&batch, None).await;
        store.race(store.bytes().unwrap());
        keeper.withdraw(&batch, &claimed, None).await;
        assert_eq!(stored(&store), NotificationLog::default());
        assert_eq!(claim(&keeper, "b", &[(1, 22)], START + 1).await, 1);
    }
}
