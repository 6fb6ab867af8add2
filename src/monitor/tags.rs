use std::collections::{BTreeMap, BTreeSet};

use super::Monitor;
use crate::api::spec::AdoptionPolicy;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Who a resource belongs to: `<cluster>/<namespace>/<name>`.
pub const OWNER: &str = "vpcflow.dev/owner";
/// What keeps it.
pub const MANAGED_BY: &str = "vpcflow.dev/managed-by";
/// Who left it behind when deleted; its value is what [`OWNER`]'s was.
pub const RETAINED_BY: &str = "vpcflow.dev/retained-by";

/// What a resource's tags say about taking hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours, or a monitor of our identity left it behind.
    Ours,
    /// It has no owner, and the spec allows to take it over.
    Adopt,
    /// It is not ours to touch; the text says whose it is.
    Foreign(String),
}

/// Tags to put on and to take off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagDiff {
    /// To put on, or to change.
    pub set: Tags,
    /// To take off.
    pub unset: Vec<String>,
}

impl TagDiff {
    /// True if nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// The observed tags after the change, for services that replace all tags at once.
    #[must_use]
    pub fn applied_to(&self, observed: &Tags) -> Tags {
        let mut tags = observed.clone();
        tags.retain(|key, _| !self.unset.contains(key));
        tags.extend(self.set.clone());
        tags
    }
}

impl Monitor {
    /// What `tags` of an existing resource say about taking hold of it.
    #[must_use]
    pub fn claim(&self, tags: &Tags) -> Claim {
        match tags.get(OWNER).or_else(|| tags.get(RETAINED_BY)) {
            Some(owner) if *owner == self.owner && tags.contains_key(OWNER) => Claim::Ours,
            _ if self.has_retained(tags) => Claim::Ours,
            Some(owner) => Claim::Foreign(self.belongs_to(owner)),
            None if self.spec.adoption_policy == AdoptionPolicy::IfUnowned => Claim::Adopt,
            None => Claim::Foreign(
                "it was not made by this operator; set spec.adoptionPolicy to IfUnowned to take it over, or choose another name"
                    .to_owned(),
            ),
        }
    }

    fn belongs_to(&self, owner: &str) -> String {
        match owner.strip_suffix(&format!("/{}/{}", self.namespace, self.name)) {
            Some(cluster) => format!(
                "it belongs to this monitor's name in cluster {cluster}; if that is this cluster, start the operator with \
                 --cluster-name {cluster}"
            ),
            None => format!("it belongs to VpcFlowMonitor {owner}"),
        }
    }

    /// True if a monitor of our identity has left the resource behind.
    #[must_use]
    pub fn has_retained(&self, tags: &Tags) -> bool {
        !tags.contains_key(OWNER) && tags.get(RETAINED_BY) == Some(&self.owner)
    }

    /// Changes that bring a resource's tags to what the monitor wants. Tags of others are left alone.
    #[must_use]
    pub fn tag_diff(&self, observed: &Tags) -> TagDiff {
        let set = self
            .tags
            .iter()
            .filter(|(key, value)| observed.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let once_ours = self.recorded_tag_keys.iter().map(String::as_str).chain([RETAINED_BY]).collect::<BTreeSet<_>>();
        let unset = once_ours
            .into_iter()
            .filter(|key| observed.contains_key(*key) && !self.tags.contains_key(*key))
            .map(str::to_owned)
            .collect();
        TagDiff { set, unset }
    }

    /// Changes that mark a resource as left behind, for a monitor of the same identity to take back.
    #[must_use]
    pub fn retained_tag_diff(&self, observed: &Tags) -> TagDiff {
        let mut diff = TagDiff::default();
        if observed.get(RETAINED_BY) != Some(&self.owner) {
            diff.set.insert(RETAINED_BY.to_owned(), self.owner.clone());
        }
        if observed.contains_key(OWNER) {
            diff.unset.push(OWNER.to_owned());
        }
        diff
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn ownership_decides_the_claim() {
        let monitor = fixtures::monitor();
        let owner = monitor.owner.clone();
        assert_eq!(monitor.claim(&tags(&[(OWNER, &owner)])), Claim::Ours);
        assert_eq!(monitor.claim(&tags(&[(RETAINED_BY, &owner)])), Claim::Ours);
        assert!(matches!(monitor.claim(&tags(&[(OWNER, "c/other/x")])), Claim::Foreign(_)));
        assert!(matches!(monitor.claim(&tags(&[(RETAINED_BY, "c/other/x")])), Claim::Foreign(_)));
        assert!(matches!(monitor.claim(&tags(&[(OWNER, "c/other/x"), (RETAINED_BY, &owner)])), Claim::Foreign(_)));
        assert!(matches!(monitor.claim(&Tags::new()), Claim::Foreign(_)));
        let renamed = monitor.claim(&tags(&[(OWNER, "former/network/production")]));
        assert!(matches!(renamed, Claim::Foreign(told) if told.contains("--cluster-name former")));
    }

    #[test]
    fn only_what_has_no_owner_is_adopted() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        assert_eq!(monitor.claim(&tags(&[("team", "a")])), Claim::Adopt);
        assert!(matches!(monitor.claim(&tags(&[(OWNER, "c/other/x")])), Claim::Foreign(_)));
        assert!(matches!(monitor.claim(&tags(&[(RETAINED_BY, "c/other/x")])), Claim::Foreign(_)));
    }

    #[test]
    fn tags_of_others_stay_and_our_former_ones_go() {
        let mut monitor = fixtures::monitor();
        monitor.recorded_tag_keys = ["old".to_owned()].into();
        let mut observed = monitor.tags.clone();
        observed.extend(tags(&[("old", "1"), ("cost-centre", "7"), (RETAINED_BY, "x")]));
        observed.remove(MANAGED_BY);
        let diff = monitor.tag_diff(&observed);
        assert_eq!(diff.set.keys().collect::<Vec<_>>(), [MANAGED_BY]);
        assert_eq!(diff.unset, ["old", RETAINED_BY]);
        assert!(monitor.tag_diff(&diff.applied_to(&observed)).is_empty());
    }

    #[test]
    fn what_is_left_behind_says_by_whom() {
        let monitor = fixtures::monitor();
        let diff = monitor.retained_tag_diff(&monitor.tags);
        let left = diff.applied_to(&monitor.tags);
        assert_eq!(left.get(RETAINED_BY), Some(&monitor.owner));
        assert!(!left.contains_key(OWNER));
        assert!(monitor.retained_tag_diff(&left).is_empty());
    }
}
