//! Values for the tests of fleets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::present::{Health, PresentMonitor};
use super::vpc::{FoundVpc, PlaceRegion, Reading};
use super::wanted::{DesiredMonitor, FleetIdentity};
use crate::api::fleet::VpcFlowFleetSpec;

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "eu-west-1";

pub fn identity() -> FleetIdentity {
    FleetIdentity { namespace: "network".into(), name: "prod".into(), uid: "uid-of-prod".into() }
}

/// A fleet of VPCs with the tag `env=prod` in the place `payments`. `yaml` replaces parts of its spec.
pub fn fleet_spec(yaml: &str) -> VpcFlowFleetSpec {
    let mut spec = json!({
        "places": [{"name": "payments"}], "selector": {"matchTags": {"env": "prod"}}, "template": {"spec": {}},
    });
    let changes: Map<String, Value> = serde_yaml_ng::from_str(yaml).unwrap();
    for (key, value) in changes {
        spec[key] = value;
    }
    serde_json::from_value(spec).unwrap()
}

pub fn vpc(number: u32, tags: &[(&str, &str)]) -> FoundVpc {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    FoundVpc { id: format!("vpc-{number:017x}"), tags, is_default: false, owner: Some(ACCOUNT.to_owned()) }
}

pub fn prod(number: u32) -> FoundVpc {
    vpc(number, &[("env", "prod")])
}

pub fn place(name: &str) -> PlaceRegion {
    PlaceRegion { place: name.to_owned(), region: Some(REGION.to_owned()), assume_role: None }
}

pub fn reading(name: &str, vpcs: Vec<FoundVpc>) -> Reading {
    Reading { at: place(name), account_region: Some((ACCOUNT.to_owned(), REGION.to_owned())), vpcs: Ok(vpcs) }
}

/// The monitor that the fleet has made of the template for a VPC of `payments`, Ready since `since`.
pub fn ready(spec: &VpcFlowFleetSpec, vpc: &FoundVpc, since: &str) -> PresentMonitor {
    let desired = DesiredMonitor::new(&identity(), spec, vpc, &place("payments"), REGION);
    let object = desired.manifest(&identity(), since);
    PresentMonitor {
        health: Health::Ready { since: since.parse().unwrap() },
        ..PresentMonitor::read(&object, "uid-of-prod").unwrap()
    }
}
