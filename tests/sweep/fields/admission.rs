//! Every kind of invalid value of every property is refused by the API server, with words that name the field.

use anyhow::{Result, ensure};
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::{Api, CustomResourceExt};
use regex::Regex;
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::plan;

use super::invalid::invalid;
use super::others::Others;
use super::rules::{rules, violations};
use super::schema::{Property, properties};
use super::values::{Other, entry, other};
use crate::report::Sweep;
use testkit::cluster::Cluster;
use testkit::sandbox::Sandbox;

const VPC: &str = "vpc-0123456789abcdef0";

/// The faults that the server finds in a spec, each with its field, without storing the spec; none if it is accepted.
async fn faults(cluster: &Cluster, mut spec: Value) -> Vec<(String, String)> {
    if spec.get("vpcId").is_none() {
        spec["vpcId"] = json!(VPC);
    }
    let resource = VpcFlowMonitor::api_resource();
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    let mut object = DynamicObject::new("m", &resource);
    object.data = json!({ "spec": spec });
    let parameters = PatchParams {
        dry_run: true,
        // As kubectl has it.
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("test")
    };
    let faults = of_server(&api, &parameters, object).await;
    // `plan` must not pass a file that the server refuses.
    let text =
        json!({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "m"}, "spec": spec});
    let offline = plan::read(&text.to_string()).errors;
    assert_eq!(offline.is_empty(), faults.is_empty(), "{spec}: plan: {offline:?}, server: {faults:?}");
    faults
}

async fn of_server(api: &Api<DynamicObject>, parameters: &PatchParams, object: DynamicObject) -> Vec<(String, String)> {
    match api.patch("m", parameters, &Patch::Apply(object)).await {
        Ok(_) => Vec::new(),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.map(|details| details.causes).unwrap_or_default();
            if causes.is_empty() {
                // If the whole request is malformed, only the message names the fault.
                return vec![(status.message.clone(), status.message)];
            }
            causes.into_iter().map(|cause| (cause.field, cause.message)).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

/// Fails unless one of the faults names this field; entries of lists and maps are named by their index or key.
fn at(faults: &[(String, String)], path: &str) -> Result<()> {
    ensure!(!faults.is_empty(), "accepted");
    let indexes = Regex::new(r"\[\d+\]")?;
    let path = regex::escape(&path.replace("[]", "").replace("{}", ".key"));
    let whole = Regex::new(&format!(r"(^|\W)spec\.{path}($|[^.\w]|\.unknownProperty: field not declared)"))?;
    let named = faults.iter().flat_map(|(field, message)| [field, message]);
    ensure!(
        named.into_iter().any(|text| whole.is_match(&indexes.replace_all(text, ""))),
        "spec.{path} is not named: {faults:?}"
    );
    Ok(())
}

#[tokio::test]
async fn every_kind_of_invalid_value_is_refused_and_the_field_is_named() {
    let mut sweep = Sweep::start("fields: invalid values");
    let (sandbox, cluster) = (Sandbox::new("fields-invalid").await, Cluster::new("fields-invalid").await);
    let others = Others::new(&sandbox).await;
    for property in properties() {
        let Property { path, schema, required } = &property;
        let example = property.is_leaf().then(|| match other(&property, &others) {
            Other::Values(values) => values.into_iter().next(),
            Other::Immutable(value) => Some(value),
            Other::Suspends => None,
        });
        for (kind, value) in invalid(schema, example.flatten().as_ref()) {
            sweep.add_points(1);
            let mut patch = property.patch(value.clone(), entry);
            // The API server checks no rule of an object that lacks a required field.
            if path == "assumeRole.externalId" {
                patch["assumeRole"]["roleArn"] = json!("arn:aws:iam::123456789012:role/somebody");
            }
            let refused = at(&faults(&cluster, patch).await, path);
            sweep.add_run(&format!("spec.{path}, {kind}: {value}"), refused);
        }
        // From an object that is there without it.
        if *required && path.contains('.') {
            sweep.add_points(1);
            let mut patch = property.patch(Value::Null, entry);
            remove_nulls(&mut patch);
            sweep.add_run(&format!("spec.{path}, missing"), at(&faults(&cluster, patch).await, path));
        }
    }
    sweep.finish();
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(entries) => entries.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

#[tokio::test]
async fn every_rule_of_the_schema_refuses_what_breaks_it() {
    let mut sweep = Sweep::start("fields: rules");
    let cluster = Cluster::new("fields-rules").await;
    let mut unbroken: Vec<String> = rules();
    for (spec, field) in violations() {
        sweep.add_points(1);
        let faults = faults(&cluster, spec.clone()).await;
        unbroken.retain(|rule| !faults.iter().any(|(_, message)| message.contains(rule.as_str())));
        sweep.add_run(&spec.to_string(), at(&faults, field));
    }
    for rule in unbroken {
        sweep.add_failure(format!(
            "nothing in violations() of tests/sweep/fields/rules.rs breaks the rule `{rule}`: add a spec that does"
        ));
    }
    sweep.finish();
}
