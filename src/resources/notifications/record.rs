//! The record of our subscriptions, in a tag of the topic. The status is not used for that, since somebody may have edited it.

use super::name::{in_one_case, name};
use super::{TopicOwner, topic_tags};
use crate::aws::{Aws, AwsError, Expected};
use crate::monitor::{TagDiff, Tags, fingerprints};

/// Key of the tag, see [`fingerprints`].
pub const KEY: &str = "vpcflow.dev/subscriptions";

/// True if a subscription of the name is recorded.
pub fn contains(tags: &Tags, name: &str) -> bool {
    tags.get(KEY).is_some_and(|record| fingerprints::contains(record, &in_one_case(name)))
}

/// Names of the subscriptions that the spec asks for, in the form of the record.
pub fn wanted(owner: &impl TopicOwner) -> Vec<String> {
    let wanted = owner.subscriptions().iter();
    wanted.map(|wanted| in_one_case(&name(wanted.protocol.as_str(), &wanted.endpoint))).collect()
}

/// Adds the record of these names to a change of the topic's tags, if it differs from the one there.
pub fn note(names: &[String], observed: &Tags, diff: &mut TagDiff) {
    match fingerprints::record(names.iter().map(String::as_str)) {
        Some(record) if observed.get(KEY) != Some(&record) => {
            diff.set.insert(KEY.to_owned(), record);
        }
        None if observed.contains_key(KEY) => diff.unset.push(KEY.to_owned()),
        _ => {}
    }
}

/// Removes an unsubscribed name from the record: if somebody subscribes it by hand later, the subscription is theirs.
pub async fn forget(aws: &Aws, owner: &impl TopicOwner, name: &str) -> Result<(), AwsError> {
    let arn = owner.own_topic_arn();
    let tags = topic_tags::read(aws, &arn).await.expected()?;
    for call in forgotten(&tags, name).calls() {
        topic_tags::change(aws, &arn, call).await?;
    }
    Ok(())
}

fn forgotten(tags: &Tags, name: &str) -> TagDiff {
    let mut diff = TagDiff::default();
    if let Some(record) = tags.get(KEY).filter(|_| contains(tags, name)) {
        match fingerprints::without(record, &in_one_case(name)) {
            Some(rest) => _ = diff.set.insert(KEY.to_owned(), rest),
            None => diff.unset.push(KEY.to_owned()),
        }
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Tags {
        fingerprints::record(names.iter().copied()).map(|record| (KEY.to_owned(), record)).into_iter().collect()
    }

    #[test]
    fn what_is_unsubscribed_is_forgotten_and_nothing_else() {
        let before = tags(&["sqs:a", "email:b@x.y"]);
        let left = forgotten(&before, "email:B@x.y").applied_to(&before);
        assert_eq!(left, tags(&["sqs:a"]));
        assert_eq!(forgotten(&left, "sqs:a").applied_to(&left), Tags::new());
        assert!(forgotten(&left, "sqs:other").is_empty());
    }

    #[test]
    fn the_record_is_written_only_when_it_changes() {
        let mut diff = TagDiff::default();
        note(&["sqs:a".to_owned()], &tags(&["sqs:a"]), &mut diff);
        note(&[], &Tags::new(), &mut diff);
        assert!(diff.is_empty());
        note(&[], &tags(&["sqs:a"]), &mut diff);
        assert_eq!(diff.unset, [KEY]);
    }
}
