//! A grant: an action in one place of the policy, on some resources, under a condition. [`table`](super::table) has them all.

use super::feature::Feature;
use super::scope::PolicyScope;

/// The condition under which an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The resource is the operator's, and of no other cluster.
    Ours,
    /// The resource carries no other owner's tag.
    NotForeign,
    /// The request puts the owner's tag on, and no other owner's is there.
    BecomesOurs,
    OursOrBecomesOurs,
    /// The resource is in the account, which S3's ARNs do not contain.
    InAccount,
    /// The role is handed to this service.
    PassedTo(&'static str),
}

/// A row: one action, in one place of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub action: &'static str,
    /// Start of the `Sid`.
    pub part: &'static str,
    pub scope: PolicyScope,
    pub when: When,
    /// Needed only if one of these features is used. Always, if there are none.
    pub features: &'static [Feature],
    pub extra: Extra,
}

/// A further restriction of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    None,
    /// Needed only where a monitor's deletion may remove its data.
    DeletesData,
    /// The role must carry the permissions boundary, if there is one.
    WithBoundary,
    /// The same, and needed only if there is one.
    ForBoundary,
}

/// Actions with the same resources and conditions.
pub(super) type Row = (PolicyScope, When, Extra, &'static [&'static str]);
