//! The topic that alarms and the detector publish to, and its subscriptions; or an existing topic, which is only read.

mod name;
mod record;
mod subscriptions;
mod topic;
mod topic_tags;

pub use name::masked;
pub use subscriptions::{Arrival, ObservedSubscription, how_to_confirm, is_of};
pub use topic::{FoundTopic, Topic, observe, policy_of};

use futures::FutureExt;

use crate::api::spec::Subscription;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Arn, Aws, AwsError, AwsResult, Class, operations as ops};
use crate::engine::{AnyCall, Details, Diff, Existing, Goal, Removal, Report, System, existing, ownership};
use crate::monitor::{Monitor, Owner, Tags};

static NO_TAGS: Tags = Tags::new();

/// An owner that may have a topic of its own.
pub trait TopicOwner: Owner {
    /// ARN of its own topic.
    fn own_topic_arn(&self) -> String;
    /// The subscriptions that the spec asks for.
    fn subscriptions(&self) -> &[Subscription];
    /// The field of the spec with these subscriptions.
    fn subscriptions_field(&self) -> &'static str;
}

impl TopicOwner for Monitor {
    fn own_topic_arn(&self) -> String {
        Self::own_topic_arn(self)
    }

    fn subscriptions(&self) -> &[Subscription] {
        &self.spec.notifications.subscriptions
    }

    fn subscriptions_field(&self) -> &'static str {
        "notifications.subscriptions"
    }
}

/// The steps to a topic of the owner's own, and to its subscriptions.
pub fn diff_of_own<O: TopicOwner>(
    owner: &O,
    goal: Goal<&Topic>,
    name: &str,
    found: Option<&FoundTopic>,
) -> Diff<AnyCall<O>> {
    let mut diff = Diff::default();
    let is_wanted = matches!(goal, Goal::Present(_));
    let topic = ownership::diff(owner, goal, name, found);
    let is_ours = topic.conflicts.is_empty();
    diff.include(topic);
    if is_wanted && is_ours {
        let (listed, tags) = found.map_or((&[][..], &NO_TAGS), |own| (&own.subscriptions[..], &own.tags));
        diff.include(subscriptions::diff(owner, owner.subscriptions(), listed, tags));
    }
    diff
}

/// The topic and its subscriptions, as far as they are the owner's.
pub fn existing_of_own<O: TopicOwner>(owner: &O, name: &str, found: Option<&FoundTopic>) -> Vec<Existing> {
    let Some(topic) = existing::<Topic, _>(owner, name, found) else { return Vec::new() };
    let subscriptions = found.iter().flat_map(|own| subscriptions::existing(owner, &own.subscriptions, &own.tags));
    std::iter::once(topic).chain(subscriptions).collect()
}

/// The system [`Component::Notifications`].
#[derive(Debug)]
pub struct Notifications;

/// The topic to publish to.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// The monitor's own, with these subscriptions.
    Own(Topic, Vec<Subscription>),
    /// One that exists, by its ARN.
    Existing(String),
}

/// The topics as AWS has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The topic of the monitor's own name.
    own: Option<FoundTopic>,
    /// The existing topic that the spec names.
    existing: Option<ExistingTopic>,
}

/// State of a topic that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ExistingTopic {
    /// It exists.
    Seen,
    /// It is the topic of another monitor.
    OfMonitor(String),
    /// It does not exist.
    Missing,
    /// It could not be read; the text gives the reason. Its policy may still allow publishing.
    NotChecked(String),
}

impl System for Notifications {
    type Desired = Desired;
    type Observed = Observed;

    const COMPONENT: Component = Component::Notifications;
    const NEEDS: &'static [Component] = &[];
    const OPTIONAL_KINDS: &'static [ResourceKind] = &[ResourceKind::Subscription];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        let spec = &monitor.spec.notifications;
        if let Some(arn) = &spec.topic_arn {
            return Ok(Some(Desired::Existing(existing_topic(monitor, arn)?)));
        }
        monitor.check_key("notifications.kmsKeyArn", spec.kms_key_arn.as_ref())?;
        Ok(Some(Desired::Own(Topic::new(monitor), spec.subscriptions.clone())))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let existing = async {
            match &monitor.spec.notifications.topic_arn {
                Some(arn) => look_at(aws, arn).await.map(Some),
                None => Ok(None),
            }
        };
        let (own, existing) = futures::try_join!(
            topic::observe(aws, monitor).map(|found| found.about(ResourceKind::Topic, &monitor.names.topic())),
            existing
        )?;
        Ok(Observed { own, existing })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<AnyCall> {
        let mut diff = Diff::default();
        let name = monitor.names.topic();
        let own = |goal: Goal<&Topic>| diff_of_own(monitor, goal, &name, observed.own.as_ref());
        match goal {
            Goal::Present(Desired::Own(topic, _)) => diff.append(own(Goal::Present(topic))),
            Goal::Present(Desired::Existing(arn)) => match &observed.existing {
                Some(ExistingTopic::Missing) => {
                    let problem = "there is no such topic: create it, or correct spec.notifications.topicArn";
                    diff.conflict(ResourceKind::Topic, arn, problem);
                }
                Some(ExistingTopic::OfMonitor(owner)) => {
                    let problem = format!(
                        "it belongs to VpcFlowMonitor {owner}, and lets no alarms but that monitor's publish: name another in \
                         spec.notifications.topicArn"
                    );
                    diff.conflict(ResourceKind::Topic, arn, problem);
                }
                _ => diff.append(own(Goal::Absent(Removal::SwitchedOff))),
            },
            Goal::Absent(removal) => diff.append(own(Goal::Absent(removal))),
        }
        diff
    }

    fn report(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Report {
        let mut resources = Vec::new();
        if let (Goal::Present(Desired::Existing(arn)), Some(ExistingTopic::NotChecked(why))) =
            (goal, &observed.existing)
        {
            let message = Some(format!("not checked: {why}"));
            resources.push(Existing { message, ..Existing::new(ResourceKind::Topic, arn, arn) });
        }
        resources.extend(existing_of_own(monitor, &monitor.names.topic(), observed.own.as_ref()));
        let notices = match (goal, &observed.own) {
            (Goal::Present(Desired::Own(_, wanted)), Some(own)) => {
                subscriptions::pending_notice(wanted, &own.subscriptions).into_iter().collect()
            }
            _ => Vec::new(),
        };
        Report { notices, ..Report::of(resources) }
    }

    fn details(_monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Details {
        let notifies = match goal {
            Goal::Present(Desired::Own(_, wanted)) if !wanted.is_empty() => {
                let listed = observed.own.as_ref().map_or(&[][..], |own| &own.subscriptions);
                format!("{}/{}", subscriptions::confirmed(wanted, listed), wanted.len())
            }
            _ => String::new(),
        };
        Details::new(move |status| status.summary.get_or_insert_default().notifies.clone_from(&notifies))
    }
}

fn existing_topic(monitor: &Monitor, arn: &str) -> Result<String, Invalid> {
    let invalid = |problem: String| Err(Invalid::new("notifications.topicArn", problem));
    let account_region = &monitor.account_region;
    let Some(parsed) = Arn::parse(arn) else {
        return invalid(format!("`{arn}` is no ARN of an SNS topic"));
    };
    if parsed.region != account_region.region || parsed.partition != account_region.partition {
        return invalid(format!(
            "the topic is in {} ({}), but CloudWatch alarms notify only topics of their own region: name one in {} ({})",
            parsed.region, parsed.partition, account_region.region, account_region.partition
        ));
    }
    if arn == monitor.own_topic_arn() {
        return invalid("this is the monitor's own topic: leave topicArn out to use it".to_owned());
    }
    Ok(arn.to_owned())
}

/// Reads an existing topic. A refusal is no error: a topic that is not ours must not block deletion.
async fn look_at(aws: &Aws, arn: &str) -> Result<ExistingTopic, AwsError> {
    let (attributes, owner) =
        futures::join!(aws.sns.get_topic_attributes().topic_arn(arn).send(), topic_tags::owner(aws, arn));
    match attributes.op(ops::GET_TOPIC_ATTRIBUTES) {
        Ok(_) => Ok(owner?.map_or(ExistingTopic::Seen, ExistingTopic::OfMonitor)),
        Err(error) => match error.class {
            Class::NotFound => Ok(ExistingTopic::Missing),
            Class::Denied => {
                let action = ops::GET_TOPIC_ATTRIBUTES.actions.join(", ");
                Ok(ExistingTopic::NotChecked(format!("the operator may not read it ({action})")))
            }
            Class::Terminal => Ok(ExistingTopic::NotChecked(error.to_string())),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Action;
    use crate::monitor::fixtures;

    fn invalid(arn: &str) -> String {
        let mut monitor = fixtures::monitor();
        monitor.spec.notifications.topic_arn = Some(arn.to_owned());
        Notifications::desired(&monitor).unwrap_err().to_string()
    }

    #[test]
    fn an_existing_topic_must_be_in_the_monitors_region() {
        let elsewhere = invalid("arn:aws:sns:us-east-1:123456789012:alerts");
        assert!(elsewhere.starts_with("spec.notifications.topicArn: the topic is in us-east-1"), "{elsewhere}");
        assert!(invalid("arn:aws-cn:sns:eu-west-1:123456789012:alerts").contains("aws-cn"));
    }

    #[test]
    fn an_existing_topic_may_be_in_another_account_but_not_our_own() {
        let mut monitor = fixtures::monitor();
        let arn = "arn:aws:sns:eu-west-1:999999999999:alerts";
        monitor.spec.notifications.topic_arn = Some(arn.to_owned());
        assert_eq!(Notifications::desired(&monitor).unwrap(), Some(Desired::Existing(arn.to_owned())));
        assert!(invalid(&monitor.own_topic_arn()).contains("leave topicArn out"));
    }

    #[test]
    fn our_topic_goes_only_when_the_existing_one_can_be_used() {
        let mut monitor = fixtures::monitor();
        let own = Some(FoundTopic::as_wanted(&monitor));
        let arn = "arn:aws:sns:eu-west-1:123456789012:alerts";
        monitor.spec.notifications.topic_arn = Some(arn.to_owned());
        let desired = Desired::Existing(arn.to_owned());
        let observed = |existing| Observed { own: own.clone(), existing: Some(existing) };
        let missing = observed(ExistingTopic::Missing);
        let diff = Notifications::diff(&monitor, Goal::Present(&desired), &missing);
        assert!(diff.steps.is_empty() && diff.conflicts.len() == 1);
        for usable in [ExistingTopic::Seen, ExistingTopic::NotChecked("why".to_owned())] {
            let diff = Notifications::diff(&monitor, Goal::Present(&desired), &observed(usable));
            let changes: Vec<_> = diff.steps.iter().map(|step| (step.change.action, step.change.kind)).collect();
            assert_eq!(changes, [(Action::Delete, ResourceKind::Topic)]);
            assert!(diff.conflicts.is_empty());
        }
        assert!(Notifications::diff(&monitor, Goal::Absent(Removal::OwnerDeleted), &missing).conflicts.is_empty());
    }

    #[test]
    fn what_could_not_be_checked_is_reported_until_it_is_no_longer_used() {
        let mut monitor = fixtures::monitor();
        let arn = "arn:aws:sns:eu-west-1:999999999999:alerts";
        monitor.spec.notifications.topic_arn = Some(arn.to_owned());
        let desired = Desired::Existing(arn.to_owned());
        let observed = Observed { own: None, existing: Some(ExistingTopic::NotChecked("why".to_owned())) };
        let reported = Notifications::report(&monitor, Goal::Present(&desired), &observed).resources;
        let message = Some("not checked: why".to_owned());
        assert_eq!(reported, [Existing { message, ..Existing::new(ResourceKind::Topic, arn, arn) }]);
        let going = Notifications::report(&monitor, Goal::Absent(Removal::OwnerDeleted), &observed);
        assert_eq!(going.resources, []);
    }

    #[test]
    fn the_key_of_an_existing_topic_is_put_on_no_topic() {
        let mut monitor = fixtures::monitor();
        let own = FoundTopic::as_wanted(&monitor);
        let arn = "arn:aws:sns:eu-west-1:123456789012:alerts";
        monitor.spec.notifications.topic_arn = Some(arn.to_owned());
        monitor.spec.notifications.kms_key_arn = Some("arn:aws:kms:eu-west-1:123456789012:key/1".to_owned());
        let desired = Notifications::desired(&monitor).unwrap().unwrap();
        assert_eq!(desired, Desired::Existing(arn.to_owned()));
        for existing in [ExistingTopic::Seen, ExistingTopic::Missing, ExistingTopic::NotChecked(String::new())] {
            let observed = Observed { own: Some(own.clone()), existing: Some(existing) };
            let diff = Notifications::diff(&monitor, Goal::Present(&desired), &observed);
            assert!(diff.steps.iter().all(|step| step.change.action == Action::Delete), "{diff:?}");
        }
    }
}
