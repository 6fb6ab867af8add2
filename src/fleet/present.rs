//! The monitors that exist.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::api::conditions::{READY, Reason, STALLED};
use crate::api::fleet::{ORPHANED_SINCE, PLACE_LABEL, TEMPLATE_APPLIED_AT, TEMPLATE_HASH_LABEL};

use super::wanted::DesiredMonitor;

/// A monitor of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentMonitor {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The VPC.
    pub vpc_id: String,
    /// The region.
    pub region: String,
    /// The place that found the VPC.
    pub place: String,
    /// The hash of the template that it has.
    pub hash: String,
    /// The time at which it got the template; the earliest one if that is not known.
    pub applied_at: Timestamp,
    /// The time since which its VPC is no longer selected.
    pub orphaned_since: Option<Timestamp>,
    /// True if it is being deleted.
    pub is_deleting: bool,
    /// Its health.
    pub health: Health,
    /// Labels, annotations and spec.
    pub(crate) object: Value,
}

/// The health of a monitor, for its latest spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is Ready.
    Ready {
        /// The time since which it is.
        since: Timestamp,
    },
    /// It is not Ready yet.
    Progressing(String),
    /// Something fails that may pass by itself.
    Failing(String),
    /// Something fails that a person must mend.
    Stalled(String),
}

impl Health {
    /// That of a stored monitor.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let status = &object["status"];
        let condition = |type_: &str| {
            status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == type_)
        };
        let generation = &object["metadata"]["generation"];
        let Some(ready) = condition(READY).filter(|_| status["observedGeneration"] == *generation) else {
            return Self::Progressing("the operator has not taken up its spec yet".to_owned());
        };
        let text = |field: &str| ready[field].as_str().unwrap_or_default();
        if text("status") == "True" {
            return Self::Ready { since: text("lastTransitionTime").parse().unwrap_or(Timestamp::MIN) };
        }
        let message = format!("{}: {}", text("reason"), text("message"));
        if condition(STALLED).is_some_and(|stalled| stalled["status"] == "True") {
            Self::Stalled(message)
        } else if Reason::parse(text("reason")).is_none_or(Reason::is_trouble) {
            Self::Failing(message)
        } else {
            Self::Progressing(message)
        }
    }
}

/// A monitor that is not the fleet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMonitor {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The VPC.
    pub vpc_id: String,
}

impl PresentMonitor {
    /// The monitor, if it is one of the fleet with this uid.
    #[must_use]
    pub fn read(object: &Value, fleet_uid: &str) -> Option<Self> {
        let metadata = &object["metadata"];
        let owners = metadata["ownerReferences"].as_array()?;
        owners.iter().find(|owner| owner["uid"] == fleet_uid && owner["controller"] == true)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let time = |key: &str| metadata["annotations"][key].as_str().and_then(|time| time.parse().ok());
        Some(Self {
            name: text(&metadata["name"]),
            uid: text(&metadata["uid"]),
            vpc_id: text(&object["spec"]["vpcId"]),
            region: text(&object["spec"]["region"]),
            place: text(&metadata["labels"][PLACE_LABEL]),
            hash: text(&metadata["labels"][TEMPLATE_HASH_LABEL]),
            applied_at: time(TEMPLATE_APPLIED_AT).unwrap_or(Timestamp::MIN),
            orphaned_since: time(ORPHANED_SINCE),
            is_deleting: metadata["deletionTimestamp"].is_string(),
            health: Health::of(object),
            object: json!({
                "metadata": {"labels": metadata["labels"], "annotations": metadata["annotations"]},
                "spec": object["spec"],
            }),
        })
    }

    /// True if it is Ready for its latest spec.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.health, Health::Ready { .. })
    }

    /// True if it still has all that the fleet set in it: fields that a person set beside them stay.
    pub(super) fn has(&self, desired: &DesiredMonitor) -> bool {
        let metadata = &self.object["metadata"];
        has_all(&metadata["labels"], &desired.labels)
            && has_all(&metadata["annotations"], &desired.annotations)
            && has_all(&self.object["spec"], &desired.spec)
    }
}

impl OtherMonitor {
    /// The monitor, unless it is one of the fleet with this uid.
    #[must_use]
    pub fn read(object: &Value, fleet_uid: &str) -> Option<Self> {
        if PresentMonitor::read(object, fleet_uid).is_some() {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            namespace: text(&object["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"]),
            vpc_id: text(&object["spec"]["vpcId"]),
        })
    }
}

fn has_all(stored: &Value, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| contains(&stored[key.as_str()], value))
}

/// True if the stored value is the wanted one, with at most further fields: the API server adds defaults.
fn contains(stored: &Value, wanted: &Value) -> bool {
    match (stored, wanted) {
        (Value::Object(_), Value::Object(wanted)) => has_all(stored, wanted),
        // A template may leave out all fields of a part, which has defaults.
        (Value::Null, Value::Object(wanted)) => wanted.is_empty(),
        (Value::Array(stored), Value::Array(wanted)) => {
            stored.len() == wanted.len() && stored.iter().zip(wanted).all(|(stored, wanted)| contains(stored, wanted))
        }
        (Value::Null, Value::Array(wanted)) => wanted.is_empty(),
        // The same number, whether it is written as 1 or 1.0.
        (Value::Number(stored), Value::Number(wanted)) => stored.as_f64() == wanted.as_f64(),
        _ => stored == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{fleet_spec, identity, place, prod, ready};

    #[test]
    fn a_monitor_of_another_owner_is_not_the_fleets() {
        let object = json!({"metadata": {"name": "a", "namespace": "n", "ownerReferences": [{"uid": "u", "controller": true}]}, "spec": {"vpcId": "vpc-1"}});
        assert!(PresentMonitor::read(&object, "u").is_some());
        assert_eq!(PresentMonitor::read(&object, "v"), None);
        let other = OtherMonitor { namespace: "n".into(), name: "a".into(), vpc_id: "vpc-1".into() };
        assert_eq!(OtherMonitor::read(&object, "v"), Some(other));
        assert_eq!(OtherMonitor::read(&object, "u"), None);
    }

    #[test]
    fn the_health_is_that_of_the_latest_spec() {
        let of = |observed: i64, conditions: Value| {
            Health::of(
                &json!({"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": conditions}}),
            )
        };
        let ready = |status: &str, reason: &str| json!({"type": "Ready", "status": status, "reason": reason, "message": "m", "lastTransitionTime": "2026-11-30T00:00:00Z"});
        assert!(matches!(of(2, json!([ready("True", "Reconciled")])), Health::Ready { .. }));
        assert!(matches!(of(1, json!([ready("True", "Reconciled")])), Health::Progressing(_)));
        assert!(matches!(of(2, json!([ready("False", "Progressing")])), Health::Progressing(_)));
        assert_eq!(of(2, json!([ready("False", "Throttled")])), Health::Failing("Throttled: m".into()));
        let stalled = json!([ready("False", "AccessDenied"), {"type": "Stalled", "status": "True"}]);
        assert_eq!(of(2, stalled), Health::Stalled("AccessDenied: m".into()));
        assert!(matches!(Health::of(&json!({"metadata": {"generation": 1}})), Health::Progressing(_)));
    }

    #[test]
    fn defaults_and_fields_of_others_are_no_drift() {
        let spec = fleet_spec(
            "template: {spec: {s3: {prefix: a}, notifications: {subscriptions: [{protocol: email, endpoint: a@b.c}]}, dashboard: {}}}",
        );
        let vpc = prod(1);
        let desired = DesiredMonitor::new(&identity(), &spec, &vpc, &place("payments"), "eu-west-1");
        let mut monitor = ready(&spec, &vpc, "2026-11-30T00:00:00Z");
        assert!(monitor.has(&desired));
        monitor.object["spec"]["s3"]["versioning"] = json!(true);
        monitor.object["spec"]["notifications"]["subscriptions"][0]["rawMessageDelivery"] = json!(false);
        monitor.object["spec"]["dashboard"] = Value::Null;
        monitor.object["metadata"]["labels"]["own"] = json!("x");
        assert!(monitor.has(&desired));
        let mut changed = monitor.clone();
        changed.object["spec"]["s3"]["prefix"] = json!("b");
        assert!(!changed.has(&desired));
        let mut shortened = monitor.clone();
        shortened.object["spec"]["notifications"]["subscriptions"] = json!([]);
        assert!(!shortened.has(&desired));
        monitor.object["metadata"]["labels"][PLACE_LABEL] = json!("other");
        assert!(!monitor.has(&desired));
    }
}
