use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::cel::rule;

/// The monitor of each VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorTemplate {
    /// Labels and annotations of the monitors.
    pub metadata: TemplateMetadata,

    /// The spec of a `VpcFlowMonitor` without `vpcId`, `region` and `assumeRole`, which the fleet sets, and without names that can belong to
    /// one monitor only. `kubectl explain vpcflowmonitor.spec` describes the fields. A template that no monitor could have is refused by a
    /// dry run of the API server; the condition `Ready` names the field.
    pub spec: TemplateSpec,
}

/// Labels and annotations of the monitors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule(
        "(!has(self.labels) || self.labels.all(key, !key.startsWith('vpcflow.dev/'))) && (!has(self.annotations) || self.annotations.all(key, !key.startsWith('vpcflow.dev/')))",
        "labels and annotations that begin with vpcflow.dev/ are the operator's own",
    )
]))]
pub struct TemplateMetadata {
    /// Labels: at most 20.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 20))]
    pub labels: BTreeMap<String, String>,

    /// Annotations: at most 20.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 20))]
    pub annotations: BTreeMap<String, String>,
}

/// A change of the template for some of the VPCs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Override {
    /// The VPCs. All conditions must hold.
    pub when: OverrideCondition,

    /// A JSON merge patch (RFC 7386) of the template's spec: fields replace those of the template, lists as a whole, and `null` removes one.
    pub spec: TemplateSpec,
}

/// The VPCs that an override is for. An empty condition holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OverrideCondition {
    /// Names of places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 40)))]
    pub places: Vec<String>,

    /// Regions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    pub regions: Vec<String>,

    /// Tags that the VPC has, with these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub match_tags: BTreeMap<String, String>,
}

/// The fields of a monitor's spec that a template sets. Their schema is that of the monitor: a dry run checks them, so that it stands in one
/// place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateSpec(pub Map<String, Value>);

/// Texts that can belong to one monitor only, with the part of the spec in which they are.
const OF_ONE_MONITOR: [(&str, &str); 3] =
    [("s3", "bucketName"), ("cloudWatchLogs", "logGroupName"), ("analytics", "database")];
/// Fields that the fleet sets.
const OF_THE_FLEET: [&str; 3] = ["vpcId", "region", "assumeRole"];

impl JsonSchema for TemplateSpec {
    fn schema_name() -> Cow<'static, str> {
        "TemplateSpec".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// CEL sees only fields that the schema has with a type, so those that are refused are in it.
    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let object = json!({"type": "object", "nullable": true, "x-kubernetes-preserve-unknown-fields": true});
        let text = json!({"type": "string", "nullable": true});
        let mut properties = Map::new();
        let mut rules = Vec::new();
        for field in OF_THE_FLEET {
            properties.insert(field.to_owned(), if field == "assumeRole" { object.clone() } else { text.clone() });
            rules.push(rule(
                &format!("!has(self.{field})"),
                &format!("{field} is set by the fleet, from its places and the VPCs that it finds: remove it"),
            ));
        }
        for (part, field) in OF_ONE_MONITOR {
            let mut schema = object.clone();
            schema["properties"] = json!({field: text});
            properties.insert(part.to_owned(), schema);
            rules.push(rule(
                &format!("!has(self.{part}) || !has(self.{part}.{field})"),
                &format!("{part}.{field} names one thing, which can belong to one monitor only: remove it"),
            ));
        }
        json_schema!({
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": properties,
            "x-kubernetes-validations": json!(rules),
        })
    }
}
