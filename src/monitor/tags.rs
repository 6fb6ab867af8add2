use std::collections::BTreeMap;

use super::owner::in_words;
use super::{Owner, fingerprints};
use crate::api::spec::{AdoptionPolicy, TagValue};

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Key of the tag with the owner of a resource: `<cluster>/<namespace>/<name>`.
pub const OWNER: &str = "vpcflow.dev/owner";
/// Key of the tag with the program that manages the resource.
pub const MANAGED_BY: &str = "vpcflow.dev/managed-by";
/// Its value.
pub const OPERATOR: &str = "vpc-flow-operator";
/// Key of the tag with the monitor that left the resource behind; it has the value that [`OWNER`] had.
pub const RETAINED_BY: &str = "vpcflow.dev/retained-by";
/// Marks a resource with data that existed before a monitor took it over: it is never emptied or deleted.
pub const ADOPTED: &str = "vpcflow.dev/adopted";
/// Records the tag keys that the spec has put on the resource, see [`fingerprints`]: keys removed from the spec are removed, others stay.
pub const TAG_KEYS: &str = "vpcflow.dev/tag-keys";

/// Prefix of the keys of all tags that are the operator's alone.
const RESERVED: &str = "vpcflow.dev/";

/// The claim of a monitor to an existing resource, by the resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours, or a monitor of our identity left it behind.
    Ours,
    /// It has no owner, and the spec allows to take it over.
    Adopt,
    /// It is not ours to touch; the text gives the reason and the remedy.
    Foreign(String),
}

/// A name that the spec may choose, so that the resource of that name may be anybody's.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// The field of the spec that gives the name.
    pub field: &'static str,
    /// True if the spec gives it.
    pub by_spec: bool,
}

/// Tags to put on and to take off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagDiff {
    /// To put on, or to change.
    pub set: Tags,
    /// To take off.
    pub unset: Vec<String>,
    /// To put on once the rest is done.
    pub at_last: Tags,
}

/// A call that carries out a part of a [`TagDiff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagCall<'a> {
    /// Puts tags on, or changes them.
    Set(&'a Tags),
    /// Takes tags off.
    Unset(&'a [String]),
}

impl TagDiff {
    /// True if nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls().next().is_none()
    }

    /// The calls that carry it out, in an order in which any may be the last: at no time is the resource without an owner, or a tag to
    /// remove without its record.
    pub fn calls(&self) -> impl Iterator<Item = TagCall<'_>> {
        let set = |tags| Some(TagCall::Set(tags)).filter(|_| !Tags::is_empty(tags));
        let unset = (!self.unset.is_empty()).then_some(TagCall::Unset(&self.unset));
        [set(&self.set), unset, set(&self.at_last)].into_iter().flatten()
    }

    /// The observed tags after the change, for services that replace all tags at once.
    #[must_use]
    pub fn applied_to(&self, observed: &Tags) -> Tags {
        let mut tags = observed.clone();
        tags.retain(|key, _| !self.unset.contains(key));
        tags.extend(self.set.clone());
        tags.extend(self.at_last.clone());
        tags
    }
}

/// All tags that a resource of the owner shall have: those of the spec, and ours.
#[must_use]
pub fn tags_of(owner: &str, of_spec: &BTreeMap<String, TagValue>) -> Tags {
    let mut tags: Tags = of_spec.iter().map(|(key, value)| (key.clone(), value.0.clone())).collect();
    let keys = fingerprints::record(of_spec.keys().map(String::as_str));
    tags.extend(keys.map(|keys| (TAG_KEYS.to_owned(), keys)));
    tags.insert(OWNER.to_owned(), owner.to_owned());
    tags.insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    tags
}

/// The claims of an owner to AWS resources, and the tags that show them.
pub trait Claims: Owner {
    /// The claim to an existing resource with these `tags`.
    fn claim(&self, tags: &Tags) -> Claim {
        self.claim_or(tags, None)
    }

    /// The same; `else_` is a further remedy for a resource that somebody owns.
    fn claim_or(&self, tags: &Tags, else_: Option<&str>) -> Claim {
        let foreign = |problem: String, remedies: Vec<String>| {
            let remedies: Vec<_> = remedies.into_iter().chain(else_.map(str::to_owned)).collect();
            let separator = if remedies.is_empty() { "" } else { "; " };
            Claim::Foreign(format!("{problem}{separator}{}", remedies.join(", or ")))
        };
        let renamed = |owner: &str| {
            let cluster = owner.strip_suffix(self.identity())?;
            let problem = format!("it belongs to this {}'s name in cluster {cluster}", Self::NOUN);
            let remedy = format!("if that is this cluster, the operator and plan need --cluster-name {cluster}");
            Some(foreign(problem, vec![remedy]))
        };
        match (tags.get(OWNER), tags.get(RETAINED_BY)) {
            (Some(owner), _) if *owner == *self.owner() => Claim::Ours,
            (None, Some(former)) if *former == *self.owner() => Claim::Ours,
            (Some(owner), _) => {
                renamed(owner).unwrap_or_else(|| foreign(format!("it belongs to {}", in_words(owner)), Vec::new()))
            }
            (None, Some(former)) => renamed(former).unwrap_or_else(|| {
                let remedies = ["create that one again".to_owned(), format!("remove the tag {RETAINED_BY}")];
                foreign(format!("{} left it behind", in_words(former)), remedies.into())
            }),
            (None, None) if self.adoption_policy() == AdoptionPolicy::IfUnowned => Claim::Adopt,
            (None, None) => Claim::Foreign(format!(
                "it was not made by this operator; set spec.adoptionPolicy to IfUnowned to take it over, or choose another name; if it is \
                 this {}'s and has lost its tag, put {OWNER}={} back",
                Self::NOUN,
                self.owner()
            )),
        }
    }

    /// The same for a resource whose name the spec may choose. It may belong to other users of the account, so the operator's owner must
    /// have allowed to take it over.
    fn claim_chosen(&self, tags: &Tags, chosen: Chosen, arn: &str) -> Claim {
        let Chosen { field, by_spec } = chosen;
        let is_unowned = !tags.contains_key(OWNER) && !tags.contains_key(RETAINED_BY);
        if is_unowned && by_spec && !self.allowed_adoptions().allow(self.namespace(), arn) {
            let policy = match self.adoption_policy() {
                AdoptionPolicy::IfUnowned => "",
                AdoptionPolicy::Never => "spec.adoptionPolicy must be IfUnowned and ",
            };
            return Claim::Foreign(format!(
                "it was not made by this operator: choose another spec.{field}; to take it over, {policy}the operator must be started with \
                 --allowed-adoption {}={arn}; if it is this {}'s and has lost its tag, put {OWNER}={} back",
                self.namespace(),
                Self::NOUN,
                self.owner()
            ));
        }
        self.claim_or(tags, Some(&format!("choose another spec.{field}")))
    }

    /// True if a monitor of our identity has left the resource behind.
    fn has_retained(&self, tags: &Tags) -> bool {
        !tags.contains_key(OWNER) && tags.get(RETAINED_BY).map(String::as_str) == Some(self.owner())
    }

    /// Changes that bring a resource's tags to what the monitor wants. Tags of others are left alone.
    fn tag_diff(&self, observed: &Tags) -> TagDiff {
        let differs = |(key, value): &(&String, &String)| observed.get(*key) != Some(*value);
        let set = self.tags().iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut diff = TagDiff { set, ..TagDiff::default() };
        let record = observed.get(TAG_KEYS).map(String::as_str).unwrap_or_default();
        let superseded = observed.keys().filter(|key| !self.tags().contains_key(*key));
        let (reserved, others): (Vec<_>, Vec<_>) = superseded.partition(|key| key.starts_with(RESERVED));
        let once_ours: Vec<_> = others.into_iter().filter(|key| fingerprints::contains(record, key)).collect();
        if !once_ours.is_empty() {
            // Tags to remove make room first: a resource has 50 tags at most. Until they are off, the record shows that they are ours;
            // where no other key is left, the record goes with them, in one call.
            (diff.set, diff.at_last) = diff.set.into_iter().partition(|(key, _)| key.starts_with(RESERVED));
            if let Some(last) = self.tags().get(TAG_KEYS) {
                let keys = once_ours.iter().copied().chain(self.spec_tags().keys());
                let both = fingerprints::record(keys.map(String::as_str)).filter(|both| both != last);
                diff.at_last.extend(both.iter().map(|_| (TAG_KEYS.to_owned(), last.clone())));
                diff.set.remove(TAG_KEYS);
                diff.set.extend(both.filter(|both| both != record).map(|both| (TAG_KEYS.to_owned(), both)));
            }
        }
        let marks = reserved.into_iter().filter(|key| [RETAINED_BY, TAG_KEYS].contains(&key.as_str()));
        diff.unset = once_ours.into_iter().chain(marks).cloned().collect();
        diff
    }

    /// Changes that mark a resource as left behind, for a monitor of the same identity to take back.
    fn retained_tag_diff(&self, observed: &Tags) -> TagDiff {
        let mut diff = TagDiff::default();
        if observed.get(RETAINED_BY).map(String::as_str) != Some(self.owner()) {
            diff.set.insert(RETAINED_BY.to_owned(), self.owner().to_owned());
        }
        if observed.contains_key(OWNER) {
            diff.unset.push(OWNER.to_owned());
        }
        diff
    }
}

impl<O: Owner> Claims for O {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::spec::TagValue;
    use crate::monitor::fixtures;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn tagged(keys: &[&str]) -> VpcFlowMonitorSpec {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.tags = keys.iter().map(|key| ((*key).to_owned(), TagValue("1".to_owned()))).collect();
        spec
    }

    #[test]
    fn wherever_a_change_is_interrupted_no_key_is_forgotten() {
        let of = |keys: &[&str]| fixtures::with_spec(tagged(keys));
        let (before, after, none) = (of(&["team", "stage"]), of(&["stage", "unit"]), of(&[]));
        let mut now = before.tags.clone();
        now.insert("theirs".to_owned(), "1".to_owned());
        let diff = after.tag_diff(&now);
        let wanted = diff.applied_to(&now);
        assert!(!wanted.contains_key("team") && wanted.contains_key("theirs"));
        for call in diff.calls() {
            match call {
                TagCall::Set(set) => now.extend(set.clone()),
                TagCall::Unset(unset) => now.retain(|key, _| !unset.contains(key)),
            }
            assert_eq!(after.tag_diff(&now).applied_to(&now), wanted);
            let bare = none.tag_diff(&now).applied_to(&now);
            let keys: Vec<_> = bare.keys().collect();
            assert_eq!(keys, ["theirs", MANAGED_BY, OWNER], "the spec may change before the next pass");
        }
        assert_eq!(now, wanted);
        assert!(after.tag_diff(&now).is_empty());
    }

    #[test]
    fn all_tags_of_a_spec_can_be_changed_at_once() {
        let keys = |prefix: &str| -> Vec<String> { (0..40).map(|number| format!("{prefix}{number}")).collect() };
        let of = |keys: &[String]| fixtures::with_spec(tagged(&keys.iter().map(String::as_str).collect::<Vec<_>>()));
        let (before, after) = (of(&keys("old")), of(&keys("new")));
        let mut now = before.tags.clone();
        for call in after.tag_diff(&now).calls() {
            match call {
                TagCall::Set(set) => now.extend(set.clone()),
                TagCall::Unset(unset) => now.retain(|key, _| !unset.contains(key)),
            }
            assert!(now.len() <= 50, "{}", now.len());
            assert_eq!(after.tag_diff(&now).applied_to(&now), after.tags);
        }
        assert_eq!(now, after.tags);
    }

    #[test]
    fn a_record_that_somebody_has_written_takes_no_tag_off_that_is_the_operators() {
        let monitor = fixtures::with_spec(tagged(&["team"]));
        let mut observed = monitor.tags.clone();
        let keys = [OWNER, MANAGED_BY, ADOPTED, "cost-centre"];
        observed.extend(tags(&[(ADOPTED, "true"), ("cost-centre", "7")]));
        observed.insert(TAG_KEYS.to_owned(), fingerprints::record(keys).unwrap());
        let diff = monitor.tag_diff(&observed);
        assert_eq!(diff.unset, ["cost-centre"], "who may write the record may as well take the tag off");
        assert_eq!(diff.set.keys().collect::<Vec<_>>(), [TAG_KEYS]);
    }

    #[test]
    fn what_the_spec_names_is_taken_over_only_where_the_operators_owner_allows_it() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        let chosen = |by_spec| Chosen { field: "s3.bucketName", by_spec };
        let arn = "arn:aws:s3:::theirs";
        assert_eq!(monitor.claim_chosen(&Tags::new(), chosen(false), arn), Claim::Adopt);
        let Claim::Foreign(reported) = monitor.claim_chosen(&Tags::new(), chosen(true), arn) else { panic!() };
        assert!(reported.contains("--allowed-adoption network=arn:aws:s3:::theirs"), "{reported}");
        monitor.settings.allowed_adoptions.0.push("network=arn:aws:s3:::theirs".parse().unwrap());
        assert_eq!(monitor.claim_chosen(&Tags::new(), chosen(true), arn), Claim::Adopt);
        let theirs = tags(&[(OWNER, "c/other/x")]);
        let Claim::Foreign(reported) = monitor.claim_chosen(&theirs, chosen(true), arn) else { panic!() };
        assert!(reported.contains("c/other/x") && reported.contains("spec.s3.bucketName"), "{reported}");
    }

    #[test]
    fn what_can_be_done_is_joined_into_a_sentence() {
        let monitor = fixtures::monitor();
        let reported = |key: &str, value: &str| {
            let chosen = Chosen { field: "s3.bucketName", by_spec: true };
            let Claim::Foreign(reported) = monitor.claim_chosen(&tags(&[(key, value)]), chosen, "") else { panic!() };
            reported
        };
        assert_eq!(
            reported(OWNER, "c/other/x"),
            "it belongs to VpcFlowMonitor c/other/x; choose another spec.s3.bucketName"
        );
        assert_eq!(
            reported(RETAINED_BY, "c/other/x"),
            "VpcFlowMonitor c/other/x left it behind; create that one again, or remove the tag vpcflow.dev/retained-by, or choose \
             another spec.s3.bucketName"
        );
        assert_eq!(
            reported(OWNER, "former/network/production"),
            "it belongs to this monitor's name in cluster former; if that is this cluster, the operator and plan need \
             --cluster-name former, or choose another spec.s3.bucketName"
        );
    }

    #[test]
    fn every_conflict_is_a_whole_sentence() {
        let monitor = fixtures::monitor();
        let chosen = |by_spec| Chosen { field: "s3.bucketName", by_spec };
        let tags_of = [
            Tags::new(),
            tags(&[(OWNER, "c/other/x")]),
            tags(&[(RETAINED_BY, "c/other/x")]),
            tags(&[(OWNER, "former/network/production")]),
            tags(&[(RETAINED_BY, "former/network/production")]),
        ];
        for tags in tags_of {
            let claims = [
                monitor.claim(&tags),
                monitor.claim_chosen(&tags, chosen(true), "a"),
                monitor.claim_chosen(&tags, chosen(false), "a"),
            ];
            for claim in claims {
                let Claim::Foreign(reported) = claim else { panic!("{tags:?}") };
                let parts: Vec<_> = reported.split("; ").collect();
                let is_whole =
                    |part: &&str| !part.trim().is_empty() && !part.starts_with("or ") && !part.ends_with(',');
                assert!(parts.iter().all(is_whole), "{reported}");
            }
        }
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
        assert!(matches!(renamed, Claim::Foreign(reported) if reported.contains("--cluster-name former")));
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
        let monitor = fixtures::monitor();
        let mut observed = fixtures::with_spec(tagged(&["old"])).tags;
        observed.extend(tags(&[("cost-centre", "7"), (RETAINED_BY, "x")]));
        observed.remove(MANAGED_BY);
        let diff = monitor.tag_diff(&observed);
        assert_eq!(diff.set.keys().collect::<Vec<_>>(), [MANAGED_BY]);
        assert_eq!(diff.unset, ["old", RETAINED_BY, TAG_KEYS]);
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
