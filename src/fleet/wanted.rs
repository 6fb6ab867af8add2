//! The monitor that a fleet wants for a VPC.

use std::collections::BTreeMap;

use kube::Resource;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::vpc::{FoundVpc, PlaceRegion};
use crate::api::VpcFlowMonitor;
use crate::api::fleet::{
    FLEET_LABEL, OverrideCondition, PLACE_LABEL, TEMPLATE_APPLIED_AT, TEMPLATE_HASH_LABEL, VpcFlowFleet,
    VpcFlowFleetSpec,
};

/// The fleet as the owner of its monitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetIdentity {
    /// Its namespace, which is that of its monitors.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// The monitor that a fleet wants for a VPC.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredMonitor {
    /// Its name.
    pub name: String,
    /// The VPC.
    pub vpc_id: String,
    /// Its labels without the hash, its annotations, and its spec.
    pub labels: Map<String, Value>,
    /// See `labels`.
    pub annotations: Map<String, Value>,
    /// See `labels`.
    pub spec: Map<String, Value>,
    /// A hash of these.
    pub hash: String,
}

/// The field manager of all that a fleet sets in its monitors.
pub const FIELD_MANAGER: &str = "vpc-flow-fleet";

/// The id of no VPC.
const NO_VPC: &str = "vpc-00000000000000000";

/// Digits of the hash: enough that no two templates of a fleet have the same one.
const HASH_DIGITS: usize = 16;

impl DesiredMonitor {
    /// The monitor of a VPC in a place and region.
    #[must_use]
    pub fn new(fleet: &FleetIdentity, spec: &VpcFlowFleetSpec, vpc: &FoundVpc, at: &PlaceRegion, region: &str) -> Self {
        let texts = |texts: &BTreeMap<String, String>| -> Map<String, Value> {
            texts.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
        };
        let mut labels = texts(&spec.template.metadata.labels);
        labels.insert(FLEET_LABEL.to_owned(), json!(fleet.name));
        labels.insert(PLACE_LABEL.to_owned(), json!(at.place));
        let annotations = texts(&spec.template.metadata.annotations);
        let mut of_monitor = merged(spec, at, region, vpc);
        of_monitor.insert("vpcId".to_owned(), json!(vpc.id));
        of_monitor.insert("region".to_owned(), json!(region));
        if let Some(role) = &at.assume_role {
            of_monitor.insert("assumeRole".to_owned(), json!(role));
        }
        let mut desired = Self {
            name: name(&fleet.name, &vpc.id),
            vpc_id: vpc.id.clone(),
            labels,
            annotations,
            spec: of_monitor,
            hash: String::new(),
        };
        desired.hash = desired.own_hash();
        desired
    }

    /// The same monitor for a VPC that does not exist. The API server checks a template with it, in a dry run.
    #[must_use]
    pub fn without_vpc(&self) -> Self {
        let mut desired = self.clone();
        let fleet = self.labels[FLEET_LABEL].as_str().unwrap_or_default();
        desired.name = name(fleet, NO_VPC);
        NO_VPC.clone_into(&mut desired.vpc_id);
        desired.spec.insert("vpcId".to_owned(), json!(NO_VPC));
        desired.hash = desired.own_hash();
        desired
    }

    fn own_hash(&self) -> String {
        let all = json!([self.labels, self.annotations, self.spec]);
        let mut digits = hex::encode(Sha256::digest(all.to_string()));
        digits.truncate(HASH_DIGITS);
        digits
    }

    /// The object for a server-side apply. `applied_at`: the time at which the monitor gets this template.
    #[must_use]
    pub fn manifest(&self, fleet: &FleetIdentity, applied_at: &str) -> Value {
        let mut labels = self.labels.clone();
        labels.insert(TEMPLATE_HASH_LABEL.to_owned(), json!(self.hash));
        let mut annotations = self.annotations.clone();
        annotations.insert(TEMPLATE_APPLIED_AT.to_owned(), json!(applied_at));
        json!({
            "apiVersion": VpcFlowMonitor::api_version(&()),
            "kind": VpcFlowMonitor::kind(&()),
            "metadata": {
                "name": self.name,
                "namespace": fleet.namespace,
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [{
                    "apiVersion": VpcFlowFleet::api_version(&()),
                    "kind": VpcFlowFleet::kind(&()),
                    "name": fleet.name,
                    "uid": fleet.uid,
                    "controller": true,
                    "blockOwnerDeletion": true,
                }],
            },
            "spec": self.spec,
        })
    }
}

/// The template's spec for a VPC, with its overrides.
fn merged(spec: &VpcFlowFleetSpec, at: &PlaceRegion, region: &str, vpc: &FoundVpc) -> Map<String, Value> {
    let mut merged = Value::Object(spec.template.spec.0.clone());
    for change in spec.overrides.iter().filter(|change| holds(&change.when, at, region, vpc)) {
        json_patch::merge(&mut merged, &Value::Object(change.spec.0.clone()));
    }
    match merged {
        Value::Object(fields) => without_null(fields),
        _ => Map::new(),
    }
}

fn holds(when: &OverrideCondition, at: &PlaceRegion, region: &str, vpc: &FoundVpc) -> bool {
    let is_among = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
    is_among(&when.places, &at.place)
        && is_among(&when.regions, region)
        && when.match_tags.iter().all(|(key, value)| vpc.tags.get(key) == Some(value))
}

/// The fields without those that are null: the API server stores none of them.
fn without_null(fields: Map<String, Value>) -> Map<String, Value> {
    let without = |value| match value {
        Value::Object(fields) => Value::Object(without_null(fields)),
        other => other,
    };
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, without(value))).collect()
}

fn name(fleet: &str, vpc_id: &str) -> String {
    format!("{fleet}-{}", vpc_id.strip_prefix("vpc-").unwrap_or(vpc_id))
}

/// A message about a monitor in words of the fleet's template: the fields of a spec are below `spec.template`.
#[must_use]
pub fn in_template(message: &str) -> String {
    // A server-side apply names fields so that the schema lacks.
    let message = message.replace(" .spec.", " spec.");
    let mut rest = message.as_str();
    let mut text = String::new();
    while let Some(at) = rest.find("spec.") {
        let is_word = rest[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '.');
        text.push_str(&rest[..at]);
        text.push_str(if is_word { "spec." } else { "spec.template.spec." });
        rest = &rest[at + "spec.".len()..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{fleet_spec, identity, place, vpc};

    fn desired(yaml: &str, tags: &[(&str, &str)]) -> DesiredMonitor {
        DesiredMonitor::new(&identity(), &fleet_spec(yaml), &vpc(1, tags), &place("payments"), "eu-west-1")
    }

    #[test]
    fn a_monitor_has_the_template_the_place_and_the_vpc() {
        let desired = desired("template: {metadata: {labels: {team: a}}, spec: {trafficType: REJECT}}", &[]);
        let manifest = desired.manifest(&identity(), "2026-11-30T00:00:00Z");
        assert_eq!(manifest["metadata"]["name"], "prod-00000000000000001");
        assert_eq!(
            manifest["spec"],
            json!({"trafficType": "REJECT", "vpcId": "vpc-00000000000000001", "region": "eu-west-1"})
        );
        assert_eq!(
            manifest["metadata"]["labels"],
            json!({"team": "a", "vpcflow.dev/fleet": "prod", "vpcflow.dev/place": "payments", "vpcflow.dev/template-hash": desired.hash})
        );
        assert_eq!(manifest["metadata"]["ownerReferences"][0]["uid"], "uid-of-prod");
        assert_eq!(desired.hash.len(), HASH_DIGITS);
    }

    #[test]
    fn overrides_are_merged_in_their_order() {
        let yaml = "
            template: {spec: {trafficType: REJECT, s3: {versioning: true, prefix: a}}}
            overrides:
            - {when: {places: [payments], matchTags: {tier: '1'}}, spec: {trafficType: ALL, s3: {prefix: null}}}
            - {when: {regions: [us-east-1]}, spec: {trafficType: ACCEPT}}
            - {when: {places: [other]}, spec: {trafficType: ACCEPT}}
        ";
        assert_eq!(desired(yaml, &[("tier", "1")]).spec["trafficType"], "ALL");
        assert_eq!(desired(yaml, &[("tier", "1")]).spec["s3"], json!({"versioning": true}));
        assert_eq!(desired(yaml, &[]).spec["trafficType"], "REJECT");
        assert_ne!(desired(yaml, &[("tier", "1")]).hash, desired(yaml, &[]).hash);
    }

    #[test]
    fn the_hash_does_not_depend_on_tags_that_change_nothing() {
        let yaml = "template: {spec: {}}";
        assert_eq!(desired(yaml, &[]).hash, desired(yaml, &[("a", "b")]).hash);
    }

    #[test]
    fn a_message_about_a_monitor_names_fields_of_the_template() {
        assert_eq!(
            in_template("VpcFlowMonitor.vpcflow.dev \"x\" is invalid: spec.s3.prefix: Invalid value: see spec.s3"),
            "VpcFlowMonitor.vpcflow.dev \"x\" is invalid: spec.template.spec.s3.prefix: Invalid value: see spec.template.spec.s3"
        );
        assert_eq!(in_template("field unspec.a"), "field unspec.a");
        assert_eq!(
            in_template("(n/x): .spec.trafficTyp: field not declared in schema"),
            "(n/x): spec.template.spec.trafficTyp: field not declared in schema"
        );
    }
}
