//! Parts of AWS that the operator may not read. Bands and quiet times need permissions that not every operator has: without them, the alarms
//! on thresholds go on, and the condition names the missing permission.

use crate::api::status::{ResourceState, ResourceStatus};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{AwsError, Class};
use crate::engine::Existing;
use crate::monitor::Monitor;
use crate::resources::common::detections::Detection;

/// AWS's refusal of a read, with the missing permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread(String);

impl Unread {
    /// The refusal, for the part of the spec that needs the read.
    pub fn of(&self, field: impl Into<String>) -> Invalid {
        Invalid::not_allowed(field.into(), &self.0)
    }
}

/// Other failures pass by themselves, or concern all alarms.
pub fn unless_denied<T>(read: Result<T, AwsError>) -> Result<Result<T, Unread>, AwsError> {
    match read {
        Err(error) if error.class == Class::Denied => {
            let subject = error.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
            Ok(Err(Unread(format!("{subject}{error}"))))
        }
        read => read.map(Ok),
    }
}

/// The models of a detection that earlier passes recorded.
pub fn recorded_models(monitor: &Monitor, detection: Detection) -> impl Iterator<Item = &ResourceStatus> {
    let metric_name = detection.metric_name(monitor);
    recorded(monitor, ResourceKind::AnomalyModel).filter(move |resource| resource.name.ends_with(&metric_name))
}

/// The mute rule that earlier passes recorded.
pub fn recorded_mute_rule<'m>(monitor: &'m Monitor, name: &str) -> Option<&'m ResourceStatus> {
    recorded(monitor, ResourceKind::AlarmMuteRule).find(|resource| resource.name == name)
}

fn recorded(monitor: &Monitor, kind: ResourceKind) -> impl Iterator<Item = &ResourceStatus> {
    monitor.recorded.iter().filter(move |resource| resource.component == Component::Alarms && resource.kind == kind)
}

/// A resource as the status has it: it stays there until AWS shows that it is gone.
pub fn remembered(resource: &ResourceStatus) -> Existing {
    let ResourceStatus { kind, name, arn, state, .. } = resource;
    let retained = *state == ResourceState::Retained;
    Existing { kind: *kind, name: name.clone(), arn: arn.clone(), retained, message: None }
}
