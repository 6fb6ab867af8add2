//! The results of checks.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::aws::{AwsError, Class};
use crate::monitor::Monitor;

/// The name of a check, with its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// Are the flow logs active, and do they deliver?
    FlowLogs,
    /// Do records reach the log group?
    LogEvents,
    /// Do files reach the bucket?
    Objects,
    /// Does an alarm reach somebody?
    AlarmNotification,
    /// Does a query find records?
    Query,
}

impl CheckName {
    /// As the table and the JSON document name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FlowLogs => "flow-logs",
            Self::LogEvents => "log-events",
            Self::Objects => "objects",
            Self::AlarmNotification => "alarm-notification",
            Self::Query => "query",
        }
    }
}

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The answer is yes.
    Passed,
    /// The answer is no, or not known.
    Failed,
    /// Not passed yet; it should pass later without any action.
    Waiting,
    /// The check was not asked for.
    Skipped,
    /// The spec switches off the subject of the check.
    Disabled,
}

impl Status {
    /// As the table and the JSON document name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Skipped => "skipped",
            Self::Disabled => "disabled",
        }
    }

    /// True if the check failed or waits.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Waiting)
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The name of the check.
    pub name: CheckName,
    /// Its status.
    pub status: Status,
    /// The findings.
    pub detail: String,
    /// The time of the event that was found, by AWS's clock; RFC 3339 with whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub observed_at: Option<Timestamp>,
    /// The next step for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

#[allow(clippy::ref_option, reason = "serde passes it so")]
fn whole_seconds<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:.0}", time.unwrap_or_default()))
}

impl Check {
    pub(super) fn new(name: CheckName, status: Status, detail: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), observed_at: None, next_step: None }
    }

    /// AWS returned an error instead of the state.
    pub(super) fn unanswered(name: CheckName, monitor: &Monitor, error: &AwsError) -> Self {
        let (service, operation) = (error.operation.service.id(), error.operation.name);
        let detail = format!("could not be checked: {service} {operation}: {}: {}", error.code, error.message);
        let next_step = match error.class {
            Class::Denied => format!("allow your AWS identity {}", error.operation.actions.join(", ")),
            Class::Transient | Class::Throttled | Class::NotYet => "run verify again".to_owned(),
            _ => see_status(monitor),
        };
        Self::new(name, Status::Failed, detail).next(next_step)
    }

    pub(super) fn at(self, time: Option<Timestamp>) -> Self {
        Self { observed_at: time, ..self }
    }

    pub(super) fn next(self, step: impl Into<String>) -> Self {
        Self { next_step: Some(step.into()), ..self }
    }
}

/// The command that shows the operator's own report.
pub(super) fn see_status(monitor: &Monitor) -> String {
    format!("see `vpc-flow-operator status -n {} {}`", monitor.namespace, monitor.name)
}

/// The results of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// All checks, in the order of the recipe's validation steps.
    pub checks: Vec<Check>,
    /// True if no check failed or waits. Skipped and disabled checks were not asked for.
    pub passed: bool,
}

impl Verification {
    pub(super) fn new(monitor: &Monitor, checks: Vec<Check>) -> Self {
        let passed = !checks.iter().any(|check| check.status.is_trouble());
        Self { monitor: format!("{}/{}", monitor.namespace, monitor.name), checks, passed }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::operations as ops;
    use crate::monitor::fixtures;

    #[test]
    fn passed_means_that_nothing_asked_for_is_missing() {
        for (status, passed) in [
            (Status::Passed, true),
            (Status::Skipped, true),
            (Status::Disabled, true),
            (Status::Waiting, false),
            (Status::Failed, false),
        ] {
            let checks =
                vec![Check::new(CheckName::FlowLogs, Status::Passed, ""), Check::new(CheckName::Query, status, "")];
            assert_eq!(Verification::new(&fixtures::monitor(), checks).passed, passed, "{status:?}");
        }
    }

    #[test]
    fn the_document_has_what_there_is_to_tell() {
        let time = "2026-11-23T11:30:00.9Z".parse().unwrap();
        let checks = vec![
            Check::new(CheckName::LogEvents, Status::Failed, "old").at(Some(time)).next("look"),
            Check::new(CheckName::AlarmNotification, Status::Skipped, "pass --test-alarm"),
        ];
        assert_eq!(
            serde_json::to_value(Verification::new(&fixtures::monitor(), checks)).unwrap(),
            json!({
                "monitor": "network/production",
                "checks": [
                    {"name": "log-events", "status": "failed", "detail": "old", "observedAt": "2026-11-23T11:30:00Z",
                     "nextStep": "look"},
                    {"name": "alarm-notification", "status": "skipped", "detail": "pass --test-alarm"},
                ],
                "passed": false,
            })
        );
    }

    #[test]
    fn an_error_of_aws_is_a_failure_with_a_way_out() {
        for (code, clue) in [
            ("AccessDenied", "allow your AWS identity s3:ListBucket"),
            ("SlowDown", "run verify again"),
            ("NoSuchBucket", "see `vpc-flow-operator status -n network production`"),
        ] {
            let error = AwsError::reported(ops::LIST_OBJECTS, code, "AWS's words");
            let check = Check::unanswered(CheckName::Objects, &fixtures::monitor(), &error);
            assert_eq!(check.status, Status::Failed);
            assert!(check.detail.contains(code) && check.detail.contains("AWS's words"), "{check:?}");
            assert!(check.next_step.as_ref().unwrap().contains(clue), "{check:?}");
        }
    }

    #[test]
    fn names_are_the_same_in_table_and_document() {
        for name in [
            CheckName::FlowLogs,
            CheckName::LogEvents,
            CheckName::Objects,
            CheckName::AlarmNotification,
            CheckName::Query,
        ] {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
        for status in [Status::Passed, Status::Failed, Status::Waiting, Status::Skipped, Status::Disabled] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
