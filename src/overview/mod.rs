//! An overview in the form that the code without I/O uses, and its resources in AWS.
//!
//! In each account and region with selected monitors, event rules send the changes of their alarms to an event bus. A rule on that bus
//! sends them to a topic. See "Sending and receiving events between AWS accounts" and "… between AWS Regions" in the `EventBridge` user
//! guide.

mod bus;
mod dashboard;
mod forwarding;
mod links;
mod member;
mod pass;
mod place;
mod preconditions;
mod site;
mod status;
mod topic;

#[cfg(test)]
mod fixtures;

use std::collections::BTreeMap;

pub use member::{Member, within_limit};
pub use pass::{Input, Part, Stage, TaskResult, run};
pub use place::{PlaceKey, WantedPlace, wanted_places};
pub use preconditions::check_arns;
pub use site::{Site, sites};
pub use status::{StatusInput, above_limit, counts, failed, in_places, planned_places, status};

use crate::api::overview::{OverviewDeletionPolicy, VpcFlowOverviewSpec};
use crate::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use crate::aws::AccountRegion;
use crate::monitor::{OVERVIEW_MARK, Owner, Settings, Tags, base_name, role_arn, tags_of};

/// An overview, as far as its resources in one account and region follow from it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its Kubernetes name.
    pub name: String,
    /// The value of the ownership tag.
    pub owner: String,
    /// The spec, from the user.
    pub spec: VpcFlowOverviewSpec,
    /// The account and region of the bus, the topic and the dashboard.
    pub home: AccountRegion,
    account_region: AccountRegion,
    settings: Settings,
    tags: Tags,
    base: String,
}

/// The part of the names of an overview's resources after the prefix of the operator: no monitor's hash follows it.
const NAMES_BEGIN: &str = "o-";

impl Overview {
    /// Makes an overview from everything that its AWS resources follow from.
    #[must_use]
    pub fn new(
        namespace: &str,
        name: &str,
        spec: VpcFlowOverviewSpec,
        home: AccountRegion,
        settings: Settings,
    ) -> Self {
        let owner = format!("{}/{namespace}{OVERVIEW_MARK}{name}", settings.cluster_name);
        Self {
            tags: tags_of(&owner, &spec.tags),
            base: base_name(NAMES_BEGIN, &owner, namespace, name),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            owner,
            spec,
            account_region: home.clone(),
            home,
            settings,
        }
    }

    /// The same overview, for its resources in another account and region.
    #[must_use]
    pub fn at(&self, account_region: &AccountRegion) -> Self {
        Self { account_region: account_region.clone(), ..self.clone() }
    }

    /// The name of the cluster, from which all names in AWS follow.
    #[must_use]
    pub fn cluster_name(&self) -> &str {
        &self.settings.cluster_name
    }

    /// Name of the event bus and of the dashboard.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// ARN of the event bus.
    #[must_use]
    pub fn bus_arn(&self) -> String {
        self.home.arn("events", format!("event-bus/{}", self.base))
    }

    /// Name of the overview's own topic.
    #[must_use]
    pub fn topic(&self) -> String {
        format!("{}-alerts", self.base)
    }

    /// ARN of the topic in use: the user's own, or ours.
    #[must_use]
    pub fn topic_arn(&self) -> String {
        self.spec.alerts.topic_arn.clone().unwrap_or_else(|| self.home.arn("sns", self.topic()))
    }

    /// Name of the rule on the event bus.
    #[must_use]
    pub fn alarms_rule(&self) -> String {
        format!("{}-alarms", self.base)
    }

    /// Name of the role by which `EventBridge` sends events to the event bus: one in each account.
    #[must_use]
    pub fn forward_role(&self) -> String {
        format!("{}-forward", self.base)
    }

    /// ARN of that role in this account.
    #[must_use]
    pub fn forward_role_arn(&self) -> String {
        role_arn(&self.account_region, &self.forward_role())
    }

    /// Name of a rule that sends events to the event bus.
    #[must_use]
    pub fn forward_rule(&self, number: usize) -> String {
        format!("{}-forward-{number}", self.base)
    }
}

impl Owner for Overview {
    const NOUN: &'static str = "overview";

    fn owner(&self) -> &str {
        &self.owner
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn account_region(&self) -> &AccountRegion {
        &self.account_region
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn spec_tags(&self) -> &BTreeMap<String, TagValue> {
        &self.spec.tags
    }

    fn deletion_policy(&self) -> DeletionPolicy {
        match self.spec.deletion_policy {
            OverviewDeletionPolicy::Delete => DeletionPolicy::Delete,
            OverviewDeletionPolicy::Retain => DeletionPolicy::Retain,
        }
    }

    /// No name can be chosen, so nothing of others can have one.
    fn adoption_policy(&self) -> AdoptionPolicy {
        AdoptionPolicy::Never
    }
}
