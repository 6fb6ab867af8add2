use std::collections::BTreeMap;

use super::{AllowedArns, Settings, Tags, boundary_in};
use crate::api::Invalid;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use crate::aws::{AccountRegion, Arn};

/// A custom resource that owns AWS resources. The ownership rule is the same for all kinds: see `tags.rs` for claims.
pub trait Owner: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Its noun in messages.
    const NOUN: &'static str;

    /// The value of the ownership tag.
    fn owner(&self) -> &str;
    /// Its Kubernetes namespace.
    fn namespace(&self) -> &str;
    /// The account and region of the resources.
    fn account_region(&self) -> &AccountRegion;
    /// The settings of the operator's owner.
    fn settings(&self) -> &Settings;
    /// All tags a resource shall have: the user's and ours.
    fn tags(&self) -> &Tags;
    /// The tags of the spec.
    fn spec_tags(&self) -> &BTreeMap<String, TagValue>;
    /// The deletion policy in force.
    fn deletion_policy(&self) -> DeletionPolicy;
    /// The treatment of existing resources without an owner.
    fn adoption_policy(&self) -> AdoptionPolicy;

    /// Resources without an owner that the spec may name and take over.
    fn allowed_adoptions(&self) -> &AllowedArns {
        &self.settings().allowed_adoptions
    }

    /// The permissions boundary of its roles, if the operator's settings demand one.
    fn permissions_boundary(&self) -> Option<String> {
        let arn = self.settings().permissions_boundary_arn.as_ref()?;
        Some(boundary_in(arn, &self.account_region().account))
    }

    /// Refuses a key that cannot be used: services use only keys of their own region, whichever account they are in.
    fn check_key(&self, field: &'static str, arn: Option<&String>) -> Result<(), Invalid> {
        let Some(arn) = arn else { return Ok(()) };
        let AccountRegion { partition, region, .. } = self.account_region();
        match Arn::parse(arn) {
            Some(key) if key.region == region && key.partition == partition => Ok(()),
            _ => {
                let noun = Self::NOUN;
                let problem = format!("{arn} is not a key in the {noun}'s region: name one in {region} ({partition})");
                Err(Invalid::new(field, problem))
            }
        }
    }

    /// The end of [`owner`](Self::owner) after the name of the cluster.
    fn identity(&self) -> &str {
        self.owner().strip_prefix(&self.settings().cluster_name).unwrap_or_default()
    }
}

/// An owner of that tag value in words, such as `VpcFlowMonitor c/network/production`.
#[must_use]
pub fn in_words(owner: &str) -> String {
    match owner.rsplit_once(OVERVIEW_MARK) {
        Some((namespace, name)) => format!("VpcFlowOverview {namespace}/{name}"),
        None => format!("VpcFlowMonitor {owner}"),
    }
}

/// Part of the ownership tag of an overview: a monitor may have the same namespace and name.
pub const OVERVIEW_MARK: &str = "/overview/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_named_with_its_kind() {
        assert_eq!(in_words("c/network/production"), "VpcFlowMonitor c/network/production");
        assert_eq!(in_words("c/network/overview/all"), "VpcFlowOverview c/network/all");
    }
}
