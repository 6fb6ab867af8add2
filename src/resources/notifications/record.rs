//! Which subscriptions are ours, in a tag of the topic: the status is no witness, for somebody may have edited it.

use std::collections::BTreeSet;

use super::topic::TopicOp;
use super::{ObservedTopic, Op, subscriptions};
use crate::api::ResourceKind;
use crate::engine::{Action, Change, Diff};
use crate::monitor::{Monitor, TagDiff, Tags, fingerprints};

/// Key of the tag, see [`fingerprints`].
pub const KEY: &str = "vpcflow.dev/subscriptions";

/// True if a subscription of the name is recorded.
pub fn holds(tags: &Tags, name: &str) -> bool {
    tags.get(KEY).is_some_and(|record| fingerprints::holds(record, &in_one_case(name)))
}

/// Names of the subscriptions that the spec asks for, as the record knows them.
pub fn wanted(monitor: &Monitor) -> BTreeSet<String> {
    let wanted = monitor.spec.notifications.subscriptions.iter();
    wanted.map(|wanted| in_one_case(&subscriptions::name(wanted.protocol.as_str(), &wanted.endpoint))).collect()
}

/// Names of all that are ours: wanted ones first, whether or not they are there, and those of former specs that still are.
pub fn recorded(monitor: &Monitor, topic: &ObservedTopic) -> BTreeSet<String> {
    let former = topic.subscriptions.iter().filter(|subscription| subscription.is_recorded(&topic.tags));
    wanted(monitor).into_iter().chain(former.map(|subscription| in_one_case(&subscription.name()))).collect()
}

/// Adds to a change of the topic's tags what brings the record to these names.
pub fn note(names: BTreeSet<String>, observed: &Tags, diff: &mut TagDiff) {
    match fingerprints::record(names.iter().map(String::as_str)) {
        Some(record) if observed.get(KEY) != Some(&record) => {
            diff.set.insert(KEY.to_owned(), record);
        }
        None if observed.contains_key(KEY) => diff.unset.push(KEY.to_owned()),
        _ => {}
    }
}

/// Takes what is unsubscribed from the record, once it is.
pub fn forget(monitor: &Monitor, topic: Option<&ObservedTopic>, diff: &mut Diff<Op>) {
    let Some(topic) = topic else { return };
    let mut names = recorded(monitor, topic);
    let mut noted = TagDiff::default();
    note(names.clone(), &topic.tags, &mut noted);
    let before = noted.applied_to(&topic.tags);
    let gone =
        topic.subscriptions.iter().filter(|subscription| subscription.to_unsubscribe(monitor, &topic.tags).is_some());
    for subscription in gone {
        names.remove(&in_one_case(&subscription.name()));
    }
    let mut tags = TagDiff::default();
    note(names, &before, &mut tags);
    if !tags.is_empty() {
        let change = Change::new(Action::Update, ResourceKind::Topic, monitor.names.topic())
            .because("the tag that records its subscriptions");
        diff.step(change, Op::Topic(TopicOp::Tag(tags)));
    }
}

fn in_one_case(name: &str) -> String {
    if name.starts_with("email") { name.to_ascii_lowercase() } else { name.to_owned() }
}
