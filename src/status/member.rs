//! A monitor as a part of a fleet or an overview.

use kube::api::DynamicObject;
use serde::Serialize;

use super::summary::{ConditionSummary, MonitorSummary, qualified_name};
use crate::api::status::AlarmStatus;
use crate::fleet::Health;

/// A monitor of a fleet or an overview.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberSummary {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The VPC.
    pub vpc_id: String,
    /// True if it is Ready for its latest spec.
    pub is_ready: bool,
    /// The reason for which it is not.
    pub why_not_ready: Option<String>,
    /// True if it is being deleted.
    pub is_deleting: bool,
    /// The condition `Ready`, once the operator has reported it.
    pub ready: Option<ConditionSummary>,
    /// The names of its alarms that fire.
    pub firing: Vec<String>,
}

impl MemberSummary {
    pub(super) fn new(object: &DynamicObject, health: &Health) -> Self {
        let (ready, firing, unreadable) = match MonitorSummary::new(object, &[]) {
            Ok(summary) => {
                let firing = summary.alarms.into_iter().filter(AlarmStatus::fires).map(|alarm| alarm.name);
                (summary.ready, firing.collect(), None)
            }
            Err(error) => (None, Vec::new(), Some(error.to_string())),
        };
        let why_not_ready = match health {
            Health::Ready { .. } => None,
            Health::Progressing(why) | Health::Failing(why) | Health::Stalled(why) => {
                Some(unreadable.unwrap_or_else(|| why.clone()))
            }
        };
        Self {
            monitor: qualified_name(object),
            vpc_id: object.data["spec"]["vpcId"].as_str().unwrap_or_default().to_owned(),
            is_ready: why_not_ready.is_none(),
            why_not_ready,
            is_deleting: object.metadata.deletion_timestamp.is_some(),
            ready,
            firing,
        }
    }

    /// True if the monitor is Ready and has nothing to report.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.is_ready && !self.is_deleting && self.firing.is_empty()
    }
}
