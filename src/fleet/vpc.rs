use std::collections::BTreeMap;

use crate::api::spec::AssumeRole;
use crate::engine::Failure;

/// A VPC as AWS describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVpc {
    /// Its id.
    pub id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// True for the default VPC of the region.
    pub is_default: bool,
    /// The account that owns it, if AWS names it.
    pub owner: Option<String>,
}

/// A place in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRegion {
    /// Name of the place.
    pub place: String,
    /// The region; `None` for the operator's own.
    pub region: Option<String>,
    /// The role of another account.
    pub assume_role: Option<AssumeRole>,
}

/// The latest answer of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The place.
    pub at: PlaceRegion,
    /// Account and region, once they are known.
    pub account_region: Option<(String, String)>,
    /// Its VPCs that can be selected, or the reason why they are not known. A place that cannot be read has no say: its monitors stay wanted.
    pub vpcs: Result<Vec<FoundVpc>, Failure>,
}

impl Reading {
    /// The region, if it is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.account_region.as_ref().map(|(_, region)| region.as_str()).or(self.at.region.as_deref())
    }

    /// The place and its region.
    #[must_use]
    pub fn in_words(&self) -> String {
        let region = self.region().map(|region| format!(" in {region}")).unwrap_or_default();
        format!("{}{region}", self.at.place)
    }
}
