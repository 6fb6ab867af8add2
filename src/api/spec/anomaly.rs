use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::anomaly_mode::AnomalyMode;
use crate::api::cel::{Validation, matching, rule, rule_at, utc_time};

/// The usual values of the detection's metric at this hour, which CloudWatch learns: an anomaly detection model and its band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(".direction", "self.mode != 'Both' || self.direction != 'Below'", "direction Below and mode Both exclude each other: no value is above the threshold and below the band")
]))]
pub struct Anomaly {
    /// Use of the band. `Disabled` (default): the threshold alone decides, and the other settings here do nothing. `Both`: the alarm notifies
    /// above the threshold and outside the band, for fewer false alarms. `Either`: one of them is enough, which finds more. `Band`: the band
    /// alone, for metrics without a sensible threshold. Until the band is trained, the threshold alone decides. A model, an alarm on the band and
    /// a composite alarm are added per detection.
    pub mode: AnomalyMode,
    /// Width of the band, like a number of standard deviations, 0.5 to 20. Default 3. A wider band means fewer alarms.
    // The API server compares whole numbers with the least value without its fraction, and would accept 0.
    #[schemars(range(min = 0.5, max = 20.0), extend("x-kubernetes-validations" = [
        rule("self >= 0.5", "band must be from 0.5 to 20: with a narrower one the usual values are outside")
    ]))]
    pub band: f64,
    /// Side of the band that counts as unusual. Default `Above`.
    pub direction: Direction,
    /// Days until the band may decide, 1 to 30, from the time when its alarm was made. Default 14. The model must be trained too.
    #[schemars(range(min = 1, max = 30))]
    pub training_days: i32,
    /// Time zone of the daily rhythm, a name of the tz database such as `Europe/Berlin`. Default `UTC`.
    #[schemars(length(max = 50), extend("x-kubernetes-validations" = [time_zone()]))]
    pub timezone: String,
    /// True if the metric has regular peaks that are usual, as from a backup. Default false.
    pub periodic_spikes: bool,
    /// Times that the model does not learn from, at most 9. Default none. The operator adds one if it changes what the detection counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 9), extend("x-kubernetes-validations" = [
        rule("self.all(entry, self.exists_one(other, other == entry))", "a time may be named once only in excludedRanges: take out the repeated one")
    ]))]
    pub excluded_ranges: Vec<ExcludedRange>,
}

impl Default for Anomaly {
    fn default() -> Self {
        Self {
            mode: AnomalyMode::default(),
            band: 3.0,
            direction: Direction::default(),
            training_days: 14,
            timezone: "UTC".to_owned(),
            periodic_spikes: false,
            excluded_ranges: Vec::new(),
        }
    }
}

impl Anomaly {
    /// True if there is a band.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mode != AnomalyMode::Disabled
    }
}

/// Side of the band that counts as unusual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// Above the band.
    #[default]
    Above,
    /// Below the band.
    Below,
    /// Above or below it.
    Outside,
}

/// A time that the model does not learn from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.start < self.end", "start must be before end").showing("%s is not before %s", &["self.start", "self.end"])
]))]
pub struct ExcludedRange {
    /// Begin, a time in UTC such as `2026-11-27T00:00:00Z`.
    #[schemars(length(max = 20), extend("x-kubernetes-validations" = [utc_time("start", "2026-11-27T00:00:00Z")]))]
    pub start: String,
    /// End, a time in UTC such as `2026-11-30T00:00:00Z`.
    #[schemars(length(max = 20), extend("x-kubernetes-validations" = [utc_time("end", "2026-11-27T00:00:00Z")]))]
    pub end: String,
}

/// A rule about a name of the tz database.
#[must_use]
pub fn time_zone() -> Validation {
    matching("^[A-Za-z][A-Za-z0-9_+/-]*$", "a time zone is a name of the tz database, such as Europe/Berlin")
}
