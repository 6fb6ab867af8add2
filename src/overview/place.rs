//! The accounts and regions of an overview.

use std::collections::BTreeMap;

use super::member::Member;
use crate::api::overview::status::OverviewPlace;
use crate::api::spec::AssumeRole;
use crate::monitor::Monitor;

/// An account and region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceKey {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// An account and region with selected monitors.
#[derive(Clone, Debug)]
pub struct WantedPlace {
    /// The role by which the operator works there.
    pub assume_role: Option<AssumeRole>,
    /// The monitors there, by name.
    pub monitors: Vec<Monitor>,
}

impl PlaceKey {
    /// That of a place in the status.
    #[must_use]
    pub fn of(place: &OverviewPlace) -> Self {
        Self { account: place.account_id.clone(), region: place.region.clone() }
    }
}

/// The places of the members. Monitors of one place may have several roles: that of the first one is used.
#[must_use]
pub fn wanted_places(members: &[Member]) -> BTreeMap<PlaceKey, WantedPlace> {
    let mut places: BTreeMap<PlaceKey, WantedPlace> = BTreeMap::new();
    for member in members {
        let Some(monitor) = &member.monitor else { continue };
        let at = &monitor.account_region;
        let key = PlaceKey { account: at.account.clone(), region: at.region.clone() };
        let place = places
            .entry(key)
            .or_insert_with(|| WantedPlace { assume_role: member.assume_role.clone(), monitors: Vec::new() });
        place.monitors.push(monitor.clone());
    }
    places
}
