use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{distinct, one_line, record_condition, rule_name, utc_time};

/// Records that rules of the detector leave out until a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suppression {
    /// Name in the function's log: 3 to 40 small letters, digits and `_`, a letter first.
    #[schemars(length(max = 40), extend("x-kubernetes-validations" = [rule_name()]))]
    pub name: String,
    /// Rules of the detector that leave the records out, such as `portScan`. Default: all rules, also those of `customRules`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 9), extend("x-kubernetes-validations" = [
        distinct("a rule may be named once only in rules: take out the repeated one")
    ]))]
    pub rules: Vec<DetectorRule>,
    /// Condition on a record, in the language of `customRules[].when`, such as `in_networks(source, ["10.0.8.8/32"])`.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [record_condition()]))]
    pub when: String,
    /// End of the suppression, a time in UTC such as `2027-03-01T00:00:00Z`. At most 366 days ahead, so that none is forgotten. After it the
    /// entry has no effect, and the notice `SuppressionExpired` names it.
    #[schemars(length(max = 20), extend("x-kubernetes-validations" = [utc_time("until", "2027-03-01T00:00:00Z")]))]
    pub until: String,
    /// Reason, for people, in one line of at most 256 characters.
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [one_line("reason")]))]
    pub reason: String,
}

/// Name of a rule of the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "as in DetectorRules")]
pub enum DetectorRule {
    HighDataTransfer,
    RejectedTcp,
    PortScan,
    HostSweep,
    SensitivePortAccepted,
    SensitivePortRejected,
    LargeEgress,
    UnusualProtocol,
    SkippedRecords,
}
