use crate::api::cel::{Validation, rule, rule_at};

/// Limits of a detection's alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmLimits {
    /// False: there is neither metric filter nor alarm.
    pub enabled: bool,
    /// The alarm fires when more flows than this are counted in a period, in enough of the periods.
    pub threshold: f64,
    /// Number of periods that are looked at.
    pub evaluation_periods: i32,
    /// Number of them that must be above the threshold.
    pub datapoints_to_alarm: i32,
    /// Length of a period in seconds.
    pub period_seconds: i32,
}

/// See `PutMetricAlarm` in the CloudWatch API reference.
pub(super) fn evaluation_span() -> Validation {
    rule(
        "self.periodSeconds * self.evaluationPeriods <= (self.periodSeconds >= 3600 ? 604800 : 86400)",
        "periodSeconds times evaluationPeriods must be at most 86400, a day, or 604800 with periods of an hour or more",
    )
    .showing(
        "%s times %s is %s",
        &["self.periodSeconds", "self.evaluationPeriods", "self.periodSeconds * self.evaluationPeriods"],
    )
}

/// See "Evaluating an alarm" in the CloudWatch user guide: M out of N.
pub(super) fn datapoints() -> Validation {
    rule_at(
        ".datapointsToAlarm",
        "!has(self.datapointsToAlarm) || self.datapointsToAlarm <= self.evaluationPeriods",
        "datapointsToAlarm must be at most evaluationPeriods",
    )
    .showing("evaluationPeriods is %s", &["self.evaluationPeriods"])
}
