//! Reads stored monitors, fleets and overviews. The schema may have changed since one was stored, so not every object can be read.

use kube::ResourceExt;
use kube::api::{DynamicObject, ObjectMeta, PartialObjectMeta};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use thiserror::Error;

use crate::api::conditions::Reason;
use crate::api::{
    FINALIZER, VpcFlowFleet, VpcFlowFleetSpec, VpcFlowMonitor, VpcFlowMonitorSpec, VpcFlowMonitorStatus,
    VpcFlowOverview, VpcFlowOverviewSpec, VpcFlowOverviewStatus,
};
use crate::engine::Failure;

/// The part of a monitor that is watched: it can be read whatever the spec contains.
pub type WatchedMonitor = PartialObjectMeta<VpcFlowMonitor>;

/// A monitor whose spec cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Its status.
    pub status: VpcFlowMonitorStatus,
    /// The field that cannot be read.
    pub problem: Problem,
}

/// An overview whose spec cannot be read.
#[derive(Debug)]
pub struct UnreadableOverview {
    /// Its status.
    pub status: VpcFlowOverviewStatus,
    /// The field that cannot be read.
    pub problem: Problem,
}

/// A field with a value that does not fit the schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} does not fit the schema: {problem}")]
pub struct Problem {
    /// Path of the field.
    field: String,
    /// The problem of its value.
    problem: String,
}

impl Problem {
    /// The failure of a pass over the object. `is_kept`: the object is deleted, and waits for its finalizer.
    pub fn failure(&self, is_kept: bool) -> Failure {
        let waits = format!(
            "; deletion waits until it does, or until the finalizer {FINALIZER} is removed by hand, which leaves everything in AWS as it is"
        );
        let waits = if is_kept { waits.as_str() } else { "" };
        Failure::new(Reason::InvalidSpec, format!("{self}{waits}"))
    }
}

/// Reads a monitor. Unreadable parts of its status are left out: they are the operator's own, and are found out again.
pub fn read(object: DynamicObject) -> Result<VpcFlowMonitor, Box<Unreadable>> {
    let name = object.name_any();
    let DynamicObject { metadata, mut data, .. } = object;
    let spec = parse::<VpcFlowMonitorSpec>("spec", data["spec"].take());
    let status = match data["status"].take() {
        Value::Null => None,
        stored => Some(read_status::<VpcFlowMonitorStatus>(stored)),
    };
    match spec {
        Ok(spec) => Ok(VpcFlowMonitor { metadata, status, ..VpcFlowMonitor::new(&name, spec) }),
        Err((_, problem)) => Err(Box::new(Unreadable { metadata, status: status.unwrap_or_default(), problem })),
    }
}

/// Reads a fleet. An unreadable status is left out: it is found out again.
pub fn read_fleet(object: DynamicObject) -> Result<VpcFlowFleet, Problem> {
    let name = object.name_any();
    let DynamicObject { metadata, mut data, .. } = object;
    let spec = parse::<VpcFlowFleetSpec>("spec", data["spec"].take()).map_err(|(_, problem)| problem)?;
    let status = serde_json::from_value(data["status"].take()).ok();
    Ok(VpcFlowFleet { metadata, status, ..VpcFlowFleet::new(&name, spec) })
}

/// Reads an overview. Unreadable parts of its status are left out, as for a monitor.
pub fn read_overview(object: DynamicObject) -> Result<VpcFlowOverview, Box<UnreadableOverview>> {
    let name = object.name_any();
    let DynamicObject { metadata, mut data, .. } = object;
    let status = match data["status"].take() {
        Value::Null => None,
        stored => Some(read_status::<VpcFlowOverviewStatus>(stored)),
    };
    match parse::<VpcFlowOverviewSpec>("spec", data["spec"].take()) {
        Ok(spec) => Ok(VpcFlowOverview { metadata, status, ..VpcFlowOverview::new(&name, spec) }),
        Err((_, problem)) => Err(Box::new(UnreadableOverview { status: status.unwrap_or_default(), problem })),
    }
}

fn read_status<S: DeserializeOwned + Default>(mut stored: Value) -> S {
    loop {
        match parse("status", stored.clone()) {
            Ok(status) => return status,
            Err((path, problem)) => {
                tracing::warn!(%problem, "ignored a status field that does not fit the schema");
                if !leave_out(&mut stored, &path) {
                    return S::default();
                }
            }
        }
    }
}

fn parse<T: DeserializeOwned>(root: &str, value: Value) -> Result<T, (Path, Problem)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().clone();
        // Serde names the whole by a dot.
        let field = if path.iter().next().is_none() { root.to_owned() } else { format!("{root}.{path}") };
        (path, Problem { field, problem: error.into_inner().to_string() })
    })
}

/// Leaves out the entry of the outermost list on the path, or the outermost field. False if there is none.
fn leave_out(value: &mut Value, path: &Path) -> bool {
    let mut segments = path.iter();
    let Some(Segment::Map { key }) = segments.next() else { return false };
    let Some(fields) = value.as_object_mut() else { return false };
    if let (Some(Value::Array(entries)), Some(Segment::Seq { index })) = (fields.get_mut(key), segments.next())
        && *index < entries.len()
    {
        entries.remove(*index);
        return true;
    }
    fields.remove(key).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::status::ResourceState;

    fn stored(spec: &Value, status: &Value) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": "m"}, "spec": spec, "status": status})).unwrap()
    }

    #[test]
    fn the_field_that_cannot_be_read_is_named() {
        for (spec, expected) in [
            (
                json!({"vpcId": "vpc-1", "trafficType": "SOME"}),
                "spec.trafficType does not fit the schema: unknown variant",
            ),
            (json!({"vpcId": 7}), "spec.vpcId does not fit the schema: invalid type"),
            (json!({}), "spec does not fit the schema: missing field `vpcId`"),
            (Value::Null, "spec does not fit the schema: invalid type: null"),
            (
                json!({"vpcId": "vpc-1", "s3": {"lifecycle": {"glacierAfterDays": "x"}}}),
                "spec.s3.lifecycle.glacierAfterDays does not fit the schema",
            ),
        ] {
            let problem = read(stored(&spec, &Value::Null)).unwrap_err().problem.to_string();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_ignored() {
        let monitor = read(stored(&json!({"vpcId": "vpc-1", "later": {"x": 1}}), &json!({"later": 1}))).unwrap();
        assert_eq!(monitor.spec.vpc_id, "vpc-1");
    }

    #[test]
    fn a_fleet_of_an_older_or_later_version_is_read() {
        let spec =
            json!({"places": [{"name": "a"}], "selector": {"matchTags": {"a": "b"}}, "template": {}, "later": 1});
        let fleet = read_fleet(stored(&spec, &json!({"places": "as they were", "later": 1}))).unwrap();
        assert_eq!((fleet.spec.max_monitors, fleet.spec.rollout.waves.len()), (50, 3), "it has the defaults");
        assert_eq!(fleet.status, None, "it is found out again");
        let problem = read_fleet(stored(&json!({"places": 7}), &Value::Null)).unwrap_err().to_string();
        assert!(problem.starts_with("spec.places does not fit the schema: invalid type"), "{problem}");
    }

    #[test]
    fn an_overview_of_an_older_or_later_version_is_read_with_the_places_of_its_status() {
        let spec = json!({"monitorSelector": {}, "later": 1});
        let place = json!({"accountId": "444455556666", "region": "us-east-1", "later": 1});
        let overview = read_overview(stored(&spec, &json!({"places": [place, {"region": 7}], "later": 1}))).unwrap();
        let places = overview.status.unwrap().places;
        assert_eq!((places.len(), places[0].region.as_str(), places[0].rules), (1, "us-east-1", 0));
        let unreadable = read_overview(stored(&json!({}), &json!({"accountId": "123456789012"}))).unwrap_err();
        assert!(!unreadable.status.has_made_nothing());
        assert!(unreadable.problem.to_string().contains("missing field `monitorSelector`"));
    }

    #[test]
    fn what_can_be_read_of_a_status_is_kept() {
        let resource =
            |state: &str| json!({"component": "Bucket", "type": "AWS::S3::Bucket", "name": "b", "state": state});
        let status = json!({
            "accountId": "123456789012",
            "observedGeneration": "three",
            "resources": [resource("InSync"), resource("Sideways"), resource("Failed")],
            "summary": 1,
        });
        let monitor = read(stored(&json!({"vpcId": "vpc-1"}), &status)).unwrap();
        let status = monitor.status.unwrap();
        assert_eq!(status.account_id.as_deref(), Some("123456789012"));
        assert_eq!((status.observed_generation, status.summary), (None, None));
        let kept: Vec<_> = status.resources.iter().map(|resource| resource.state).collect();
        assert_eq!(kept, [ResourceState::InSync, ResourceState::Failed]);
        assert_eq!(read_status::<VpcFlowMonitorStatus>(json!("nonsense")), VpcFlowMonitorStatus::default());
    }
}
