use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count_or_percent::CountOrPercent;
use crate::api::cel::rule;

/// The steps in which a change of the template reaches the monitors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// The monitors that have the new template after each wave, as a number or a part of all, such as `[1, 10%, 100%]`, the default. The last
    /// wave is 100%. Monitors are ordered by place, region and VPC. New VPCs get their monitors at once, unless a change of the template is
    /// still in its first wave.
    #[schemars(length(min = 1, max = 6), extend("x-kubernetes-validations" = [
        rule("self[size(self) - 1] == '100%'", "the last wave is 100%: else some monitors would never get the template")
    ]))]
    pub waves: Vec<CountOrPercent>,

    /// Most monitors with the new template that may be not Ready when the next wave begins, as a number or a part of those that have it.
    /// Default 0. If more are not Ready, the rollout waits for them; it stops if they cannot become Ready by themselves.
    pub max_unready: CountOrPercent,

    /// Time, in seconds, for which a wave is observed after its last monitor became Ready: 0 to 86,400. Default 600.
    #[schemars(range(min = 0, max = 86400))]
    pub soak_seconds: u32,
}

impl Default for Rollout {
    fn default() -> Self {
        let part = |percent: &str| CountOrPercent::Percent(percent.to_owned());
        Self {
            waves: vec![CountOrPercent::Count(1), part("10%"), part("100%")],
            max_unready: CountOrPercent::Count(0),
            soak_seconds: 600,
        }
    }
}
