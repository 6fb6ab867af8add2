//! The monitors that have the present template of their fleet.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::Deserialize;

use crate::api::VpcFlowFleetSpec;
use crate::fleet::{DesiredMonitor, FleetIdentity, FoundVpc, PlaceRegion, PresentMonitor};

/// The most combinations of tags that are tried for a monitor.
const COMBINATIONS: usize = 64;

/// Tags of a VPC.
type Tags = BTreeMap<String, String>;

/// The present template of a fleet.
pub struct PresentTemplate {
    fleet: FleetIdentity,
    spec: VpcFlowFleetSpec,
    /// The tags that a VPC of the fleet can have, as far as overrides ask for them: only AWS knows those that it has.
    tags: Vec<Tags>,
}

impl PresentTemplate {
    /// The template, unless the spec is of another version, or its overrides ask for too many tags.
    pub fn of(fleet: &DynamicObject) -> Option<Self> {
        let spec = VpcFlowFleetSpec::deserialize(&fleet.data["spec"]).ok()?;
        let identity = FleetIdentity {
            namespace: fleet.namespace().unwrap_or_default(),
            name: fleet.name_any(),
            uid: fleet.uid().unwrap_or_default(),
        };
        Some(Self { fleet: identity, tags: possible_tags(&spec)?, spec })
    }

    /// True if the monitor has it; `None` for one that the fleet no longer wants.
    pub fn is_in(&self, monitor: &PresentMonitor) -> Option<bool> {
        let place = self.spec.places.iter().find(|place| place.name == monitor.place);
        let place = place.filter(|_| monitor.orphaned_since.is_none())?;
        let at = PlaceRegion {
            place: place.name.clone(),
            region: Some(monitor.region.clone()),
            assume_role: place.assume_role.clone(),
        };
        let hash = |tags: &Tags| {
            let vpc = FoundVpc { id: monitor.vpc_id.clone(), tags: tags.clone(), is_default: false, owner: None };
            DesiredMonitor::new(&self.fleet, &self.spec, &vpc, &at, &monitor.region).hash
        };
        Some(self.tags.iter().any(|tags| hash(tags) == monitor.hash))
    }
}

fn possible_tags(spec: &VpcFlowFleetSpec) -> Option<Vec<Tags>> {
    let mut asked: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (key, value) in spec.overrides.iter().flat_map(|change| &change.when.match_tags) {
        asked.entry(key).or_default().insert(value);
    }
    // Every VPC has these.
    let mut possible = vec![spec.selector.match_tags.clone()];
    for (key, values) in asked.into_iter().filter(|(key, _)| !spec.selector.match_tags.contains_key(*key)) {
        let with_each = |tags: &Tags| {
            let with = |value: &&String| tags.clone().into_iter().chain([(key.clone(), (*value).clone())]).collect();
            values.iter().map(with).collect::<Vec<Tags>>()
        };
        let with: Vec<_> = possible.iter().flat_map(with_each).collect();
        possible.extend(with);
        if possible.len() > COMBINATIONS {
            return None;
        }
    }
    Some(possible)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fleet(overrides: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "vpcflow.dev/v1alpha1",
            "kind": "VpcFlowFleet",
            "metadata": {"namespace": "network", "name": "prod", "uid": "u"},
            "spec": {
                "places": [{"name": "payments"}],
                "selector": {"matchTags": {"env": "prod"}},
                "template": {"spec": {"trafficType": "REJECT"}},
                "overrides": overrides,
            },
        }))
        .unwrap()
    }

    /// The monitor that the fleet makes for a VPC with these tags.
    fn monitor(of: &DynamicObject, tags: &[(&str, &str)]) -> PresentMonitor {
        let PresentTemplate { fleet, spec, .. } = PresentTemplate::of(of).unwrap();
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let vpc = FoundVpc { id: "vpc-0123456789abcdef0".to_owned(), tags, is_default: false, owner: None };
        let at = PlaceRegion { place: "payments".to_owned(), region: None, assume_role: None };
        let desired = DesiredMonitor::new(&fleet, &spec, &vpc, &at, "eu-west-1");
        PresentMonitor::read(&desired.manifest(&fleet, "2026-11-30T00:00:00Z"), "u").unwrap()
    }

    #[test]
    fn a_monitor_has_the_present_template_whatever_its_tags() {
        let overrides = json!([
            {"when": {"matchTags": {"tier": "1"}}, "spec": {"trafficType": "ALL"}},
            {"when": {"matchTags": {"tier": "2"}}, "spec": {"trafficType": "ACCEPT"}},
            {"when": {"matchTags": {"team": "a", "env": "prod"}}, "spec": {"aggregationInterval": 600}},
        ]);
        let before = fleet(&json!([]));
        let now = fleet(&overrides);
        let template = PresentTemplate::of(&now).unwrap();
        assert_eq!(template.tags.len(), 6, "{:?}", template.tags);
        for tags in [
            &[("env", "prod")][..],
            &[("env", "prod"), ("tier", "2")],
            &[("tier", "1"), ("team", "a"), ("env", "prod")],
        ] {
            assert_eq!(template.is_in(&monitor(&now, tags)), Some(true), "{tags:?}");
        }
        let other = fleet(&json!([{"spec": {"trafficType": "ALL", "aggregationInterval": 60}}]));
        assert_eq!(template.is_in(&monitor(&other, &[])), Some(false));
        assert_eq!(PresentTemplate::of(&before).unwrap().is_in(&monitor(&now, &[("tier", "1")])), Some(false));
    }

    #[test]
    fn without_a_place_or_with_too_many_tags_it_is_not_known() {
        let overrides: Vec<_> =
            (0..7).map(|number| json!({"when": {"matchTags": {format!("key-{number}"): "a"}}, "spec": {}})).collect();
        assert!(PresentTemplate::of(&fleet(&json!(overrides))).is_none());
        let plain = fleet(&json!([]));
        let elsewhere = PresentMonitor { place: "gone".to_owned(), ..monitor(&plain, &[]) };
        assert_eq!(PresentTemplate::of(&plain).unwrap().is_in(&elsewhere), None);
        assert!(PresentTemplate::of(&fleet(&json!("of another version"))).is_none());
    }
}
