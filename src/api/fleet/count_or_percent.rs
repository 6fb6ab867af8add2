use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::cel::rule;

/// A number of monitors, or a part of all of them, such as `10%`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CountOrPercent {
    /// A number.
    Count(u32),
    /// A part, such as `10%`.
    Percent(String),
}

impl CountOrPercent {
    /// The number of `total`. A part is rounded up.
    #[must_use]
    pub fn of(&self, total: usize) -> usize {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        match self {
            Self::Count(number) => count(*number),
            // The schema admits nothing else than digits before the sign.
            Self::Percent(text) => match text.trim_end_matches('%').parse() {
                Ok(percent) => total.saturating_mul(count(percent)).div_ceil(100),
                Err(_) => total,
            },
        }
    }
}

impl JsonSchema for CountOrPercent {
    fn schema_name() -> Cow<'static, str> {
        "CountOrPercent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        // The API server takes the text for one of any length, so a longer pattern would cost too much.
        let is_one = rule(
            r"type(self) == int ? self >= 0 && self <= 1000 : self.matches('^(\\d\\d?|100)%$')",
            "a number of monitors is 0 to 1000, and a part of them 0% to 100%",
        );
        json_schema!({"x-kubernetes-int-or-string": true, "x-kubernetes-validations": json!([is_one])})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_up() {
        for (text, total, expected) in [("10%", 40, 4), ("10%", 41, 5), ("100%", 7, 7), ("0%", 7, 0), ("1%", 3, 1)] {
            assert_eq!(CountOrPercent::Percent(text.to_owned()).of(total), expected, "{text} of {total}");
        }
        assert_eq!(CountOrPercent::Count(3).of(2), 3);
    }
}
