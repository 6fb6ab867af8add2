use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm_limits::{AlarmLimits, datapoints, evaluation_span};
use super::custom_rule::RuleTest;
use crate::api::cel::{matching, names_differ, record_condition, rule};

/// A detection of your own: a metric filter on the log group, which counts the records that match, and an alarm on its metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    evaluation_span(),
    datapoints(),
    rule("self.tests.exists(test, test.matches) && self.tests.exists(test, !test.matches)", "a detection needs a test with matches: true and one with matches: false")
]))]
pub struct CustomDetection {
    /// Name within those of the filter, the metric and the alarm: 3 to 30 small letters, digits and `-`.
    #[schemars(length(max = 30), extend("x-kubernetes-validations" = [
        matching("^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$", "a detection's name has 3 to 30 small letters, digits and -, no - first or last")
    ]))]
    pub name: String,
    /// Condition on a record, in the language of `detector.customRules[].when`, such as `dstport == 445 && action == "ACCEPT"`. CloudWatch's
    /// pattern has its limits: each condition that `&&` joins is about one field, and `source_public`, `opens` and TCP flags have no form in it. Without a
    /// log group the detector counts, and the limits of patterns do not hold. At most 1024 characters.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [record_condition()]))]
    pub when: String,
    /// The alarm fires when more flows than this are counted in a period, in as many periods as `datapointsToAlarm` says.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Number of periods in a row that the alarm looks at. Default 1.
    #[serde(default = "default_periods")]
    #[schemars(range(min = 1, max = 1440))]
    pub evaluation_periods: i32,
    /// Number of these periods that must be above the threshold, at most `evaluationPeriods`. Default: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1440))]
    pub datapoints_to_alarm: Option<i32>,
    /// Length of a period in seconds, a multiple of 60. Default 300.
    #[serde(default = "default_period_seconds")]
    #[schemars(range(min = 60, max = 604_800), extend("multipleOf" = 60))]
    pub period_seconds: i32,
    /// Tests of `when`, 2 to 16: at least one record that matches and one that does not. If one fails, the metric filter stays as it is, and the
    /// condition `MetricFiltersReady` names the test.
    #[schemars(length(min = 2, max = 16), extend("x-kubernetes-validations" = [
        names_differ("the names of a detection's tests must differ")
    ]))]
    pub tests: Vec<RuleTest>,
}

impl CustomDetection {
    /// Limits of its alarm.
    #[must_use]
    pub fn limits(&self) -> AlarmLimits {
        AlarmLimits {
            enabled: true,
            threshold: self.threshold,
            evaluation_periods: self.evaluation_periods,
            datapoints_to_alarm: self.datapoints_to_alarm.unwrap_or(self.evaluation_periods),
            period_seconds: self.period_seconds,
        }
    }
}

const fn default_periods() -> i32 {
    1
}

const fn default_period_seconds() -> i32 {
    300
}
