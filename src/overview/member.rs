//! A monitor that an overview selects.

use serde_json::{Value, json};

use crate::api::conditions::READY;
use crate::api::overview::MOST_MONITORS;
use crate::api::spec::AssumeRole;
use crate::api::{VpcFlowMonitor, VpcFlowMonitorStatus};
use crate::aws::AccountRegion;
use crate::monitor::{Monitor, Settings};
use crate::resources::common::alarm_kind::AlarmKind;

/// A monitor that an overview selects.
#[derive(Clone, Debug)]
pub struct Member {
    /// The monitor in its account and region. `None` until the operator has reached these.
    pub monitor: Option<Monitor>,
    /// The role by which the operator works in its account.
    pub assume_role: Option<AssumeRole>,
    /// True if it is Ready, for its latest spec.
    pub is_ready: bool,
    /// Its alarms in state ALARM.
    pub firing: u32,
}

impl Member {
    /// The monitor, as it is stored.
    #[must_use]
    pub fn new(object: &VpcFlowMonitor, partition: &str, settings: &Settings) -> Self {
        let metadata = &object.metadata;
        let status = object.status.as_ref();
        let at = |status: &VpcFlowMonitorStatus| {
            let (account, region) = (status.account_id.clone()?, status.region.clone()?);
            Some(AccountRegion { partition: partition.to_owned(), account, region })
        };
        let name = |part: &Option<String>| part.clone().unwrap_or_default();
        let monitor = status.and_then(at).map(|account_region| {
            let (namespace, name) = (name(&metadata.namespace), name(&metadata.name));
            Monitor::new(&namespace, &name, object.spec.clone(), status, account_region, settings.clone())
        });
        let is_ready = |status: &VpcFlowMonitorStatus| {
            let ready = status.conditions.iter().find(|condition| condition.type_ == READY);
            ready.is_some_and(|ready| ready.status == "True" && ready.observed_generation == metadata.generation)
        };
        let firing = status.map_or(0, |status| status.alarms.iter().filter(|alarm| alarm.fires()).count());
        Self {
            monitor,
            assume_role: object.spec.assume_role.clone(),
            is_ready: status.is_some_and(is_ready),
            firing: u32::try_from(firing).unwrap_or(u32::MAX),
        }
    }
}

/// The members by name, as many as an overview may have, and the number of those above that.
#[must_use]
pub fn within_limit(mut named: Vec<(String, Member)>) -> (Vec<Member>, usize) {
    named.sort_by(|left, right| left.0.cmp(&right.0));
    let left_out = named.len().saturating_sub(MOST_MONITORS);
    named.truncate(MOST_MONITORS);
    (named.into_iter().map(|(_, member)| member).collect(), left_out)
}

/// The matchers of an event pattern for the names of the monitor's alarms that notify. A monitor without bands has one for all its names;
/// the alarms below a composite alarm change their states too, and must not notify by themselves.
pub fn alarm_names(monitor: &Monitor) -> Vec<Value> {
    let kinds = AlarmKind::declared(monitor);
    if kinds.iter().all(|kind| kind.anomaly(monitor).is_none()) {
        return vec![json!({"prefix": format!("{}-", monitor.names.base())})];
    }
    kinds.into_iter().filter(|kind| kind.enabled(monitor)).map(|kind| json!(kind.shown_name(monitor))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::anomaly_mode::AnomalyMode;
    use crate::monitor::fixtures;

    #[test]
    fn alarms_below_a_composite_alarm_are_left_out() {
        let mut monitor = fixtures::monitor();
        let base = monitor.names.base().to_owned();
        assert_eq!(alarm_names(&monitor), [json!({"prefix": format!("{base}-")})]);
        monitor.spec.detections.rejected_connections.anomaly.mode = AnomalyMode::Both;
        let names = alarm_names(&monitor);
        assert!(names.contains(&json!(format!("{base}-rejected-connections-verdict"))), "{names:?}");
        assert!(!names.contains(&json!(format!("{base}-rejected-connections"))), "{names:?}");
        assert!(names.contains(&json!(format!("{base}-detector-errors"))), "{names:?}");
    }
}
