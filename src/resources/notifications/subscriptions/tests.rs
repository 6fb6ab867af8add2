use super::super::{FoundTopic, record};
use super::*;
use crate::monitor::{Monitor, fingerprints, fixtures};

fn wanted(protocol: SubscriptionProtocol, endpoint: &str) -> Subscription {
    Subscription { protocol, endpoint: endpoint.to_owned(), subscription_role_arn: None }
}

fn observed(protocol: &str, endpoint: &str, arn: Option<&str>) -> ObservedSubscription {
    ObservedSubscription {
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
        arrival: arn.map_or(Arrival::Pending, |arn| Arrival::Confirmed(arn.to_owned())),
        role_arn: None,
    }
}

fn monitor(wanted: Vec<Subscription>, recorded: &[&str]) -> Monitor {
    let mut monitor = fixtures::monitor();
    monitor.spec.notifications.subscriptions = wanted;
    monitor
        .settings
        .allowed_subscription_roles
        .0
        .push("network=arn:aws:iam::123456789012:role/firehose".parse().unwrap());
    // The topic's tags in these tests come from the monitor's.
    monitor.tags.extend(fingerprints::record(recorded.iter().copied()).map(|record| (record::KEY.to_owned(), record)));
    monitor
}

fn steps(monitor: &Monitor, subscriptions: Vec<ObservedSubscription>) -> Vec<SubscriptionOp> {
    let topic = FoundTopic { subscriptions, ..FoundTopic::as_wanted(monitor) };
    let found = diff(monitor, &monitor.spec.notifications.subscriptions, &topic.subscriptions, &topic.tags);
    found.steps.into_iter().map(|step| step.op).collect()
}

#[test]
fn a_pending_subscription_is_present_and_cannot_be_removed() {
    let pending = vec![observed("email", "SOC@example.com", None)];
    let asked = monitor(vec![wanted(SubscriptionProtocol::Email, "soc@example.com")], &[]);
    assert_eq!(steps(&asked, pending.clone()), []);
    let dropped = monitor(vec![], &["email:soc@example.com"]);
    assert_eq!(steps(&dropped, pending.clone()), []);
    let topic = FoundTopic { subscriptions: pending, ..FoundTopic::as_wanted(&dropped) };
    assert!(
        existing(&dropped, &topic.subscriptions, &topic.tags)[0]
            .message
            .as_ref()
            .unwrap()
            .starts_with("no longer wanted")
    );
    assert_eq!(existing(&asked, &topic.subscriptions, &topic.tags)[0].name, "email:soc@example.com");
}

#[test]
fn only_what_we_made_is_unsubscribed() {
    let there = vec![observed("sqs", "ours", Some("arn:1")), observed("sqs", "theirs", Some("arn:2"))];
    let dropped = monitor(vec![], &["sqs:ours"]);
    assert_eq!(steps(&dropped, there), [SubscriptionOp::Unsubscribe { arn: "arn:1".into(), name: "sqs:ours".into() }]);
}

#[test]
fn a_role_that_is_not_allowed_is_reported_and_handed_to_nobody() {
    let mut subscription = wanted(SubscriptionProtocol::Firehose, "arn:stream");
    subscription.subscription_role_arn = Some("arn:aws:iam::123456789012:role/admin".to_owned());
    let asked = monitor(vec![subscription, wanted(SubscriptionProtocol::Sqs, "a")], &[]);
    let found = diff(&asked, &asked.spec.notifications.subscriptions, &[], &Tags::new());
    assert_eq!(found.steps.len(), 1, "the other one is subscribed: {found:?}");
    let reported = found.invalid[0].to_string();
    assert!(
        reported.contains("--allowed-subscription-role network=arn:aws:iam::123456789012:role/admin"),
        "{reported}"
    );
}

#[test]
fn protocols_are_told_apart() {
    let asked = monitor(
        vec![wanted(SubscriptionProtocol::Email, "a@b.c"), wanted(SubscriptionProtocol::EmailJson, "a@b.c")],
        &[],
    );
    let missing = wanted(SubscriptionProtocol::EmailJson, "a@b.c");
    assert_eq!(steps(&asked, vec![observed("email", "a@b.c", None)]), [SubscriptionOp::Subscribe(missing)]);
}

#[test]
fn a_password_is_told_to_sns_alone_and_its_subscription_is_recognised() {
    let endpoint = "https://user:secret@example.com/alerts";
    let asked = monitor(vec![wanted(SubscriptionProtocol::Https, endpoint)], &[]);
    let missing = diff(&asked, &asked.spec.notifications.subscriptions, &[], &Tags::new());
    let name = "https:https://user:****@example.com/alerts";
    assert_eq!(missing.steps[0].change.name, name);
    let subscribe = SubscriptionOp::Subscribe(wanted(SubscriptionProtocol::Https, endpoint));
    assert_eq!(missing.steps[0].op, subscribe);

    let listed = vec![observed("https", "https://user:****@example.com/alerts", Some("arn:1"))];
    assert_eq!(steps(&asked, listed.clone()), []);
    let topic = FoundTopic { subscriptions: listed.clone(), ..FoundTopic::as_wanted(&asked) };
    assert_eq!(existing(&asked, &topic.subscriptions, &topic.tags)[0].name, name);
    let dropped = monitor(vec![], &[name]);
    assert_eq!(steps(&dropped, listed), [SubscriptionOp::Unsubscribe { arn: "arn:1".into(), name: name.into() }]);
}

#[test]
fn nothing_but_the_password_is_masked() {
    for (endpoint, shown) in [
        ("https://user:a:b@c@host:8443/x?y#z", "https://user:****@host:8443/x?y#z"),
        ("http://:secret@host", "http://:****@host"),
        ("https://user:secret@host?mail=a@b", "https://user:****@host?mail=a@b"),
    ] {
        assert_eq!(masked(endpoint), shown);
        assert_eq!(masked(shown), shown);
    }
    for endpoint in [
        "https://user@host/",
        "https://host:8443/a:b@c",
        "https://host?a:b@c",
        "soc@example.com",
        "arn:aws:sqs:eu-west-1:123456789012:alerts",
    ] {
        assert_eq!(masked(endpoint), endpoint);
    }
}

#[test]
fn the_role_of_a_firehose_subscription_is_kept() {
    let role = "arn:aws:iam::123456789012:role/firehose".to_owned();
    let mut subscription = wanted(SubscriptionProtocol::Firehose, "arn:stream");
    subscription.subscription_role_arn = Some(role.clone());
    let asked = monitor(vec![subscription], &[]);
    let mut there = observed("firehose", "arn:stream", Some("arn:1"));
    there.role_arn = Some("arn:other".to_owned());
    let set = SubscriptionOp::SetRole { arn: "arn:1".into(), role_arn: role.clone() };
    assert_eq!(steps(&asked, vec![there.clone()]), [set]);
    there.role_arn = Some(role);
    assert_eq!(steps(&asked, vec![there]), []);
}

#[test]
fn recipients_that_have_not_confirmed_are_named() {
    let asked = [wanted(SubscriptionProtocol::Email, "soc@example.com"), wanted(SubscriptionProtocol::Sqs, "queue")];
    let seen = [observed("email", "SOC@example.com", None), observed("sqs", "queue", Some("arn:1"))];
    let Notice { reason, message, .. } = pending_notice(&asked, &seen).unwrap();
    assert_eq!(reason, NoticeReason::SubscriptionPending);
    assert!(message.starts_with("1 of 2 subscriptions not confirmed: soc@example.com; follow the link"), "{message}");
    assert_eq!(confirmed(&asked, &seen), 1);
    assert_eq!(pending_notice(&asked[1..], &seen), None);
    assert_eq!(pending_notice(&asked, &[]), None, "it is not subscribed yet");
}

#[test]
fn each_protocol_is_confirmed_in_its_way() {
    assert!(how_to_confirm(["email", "email-json"]).starts_with("follow the link"));
    assert_eq!(how_to_confirm(["https"]), "the endpoint must visit the SubscribeURL that SNS posts to it");
    assert_eq!(how_to_confirm(["https", "sqs", "http"]).split("; ").count(), 2);
}
