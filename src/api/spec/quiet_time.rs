use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anomaly::time_zone;
use crate::api::cel::{distinct, matching};

/// A time in which the alarms of detections do not notify: a CloudWatch alarm mute rule. The alarms still change their state. An alarm that is
/// in ALARM when the time ends notifies then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietTime {
    /// Name, a part of the mute rule's name: 1 to 40 small letters, digits and hyphens.
    #[schemars(length(max = 40), extend("x-kubernetes-validations" = [
        matching("^[a-z0-9-]{1,40}$", "a name has 1 to 40 small letters, digits and hyphens")
    ]))]
    pub name: String,
    /// Begin: `cron(Minutes Hours Day-of-month Month Day-of-week)`, such as `cron(0 2 * * *)`, or once `at(2026-12-24T18:00)`.
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [
        matching(
            "^(cron[(][0-9A-Za-z*,-]+( [0-9A-Za-z*,-]+){4}[)]|at[(][0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[)])$",
            "a schedule is cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK) or at(YYYY-MM-DDTHH:MM), such as cron(0 2 * * *)"
        )
    ]))]
    pub schedule: String,
    /// Length in ISO 8601, such as `PT1H` or `P2DT12H`: a minute to 15 days.
    #[schemars(length(max = 20), extend("x-kubernetes-validations" = [
        matching(
            "^P([0-9]{1,2}D(T([0-9]{1,3}H([0-9]{1,5}M)?|[0-9]{1,5}M))?|T([0-9]{1,3}H([0-9]{1,5}M)?|[0-9]{1,5}M))$",
            "a duration has days, hours and minutes in ISO 8601, such as PT1H or P2DT12H"
        )
    ]))]
    pub duration: String,
    /// Time zone of `schedule`, a name of the tz database such as `Europe/Berlin`. Default `UTC`.
    #[serde(default = "utc")]
    #[schemars(length(max = 50), extend("x-kubernetes-validations" = [time_zone()]))]
    pub timezone: String,
    /// Detections whose alarms are quiet: `rejectedConnections`, `highDataTransfer`, `externalConnections`, or the names of `detections.custom`.
    /// Default: all. The alarm on errors of the detector always notifies, and so do the detector's findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 11), inner(length(max = 30)), extend("x-kubernetes-validations" = [
        distinct("a detection may be named once only in detections: take out the repeated one")
    ]))]
    pub detections: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}
