use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An operator of a condition on a label or a tag, as label selectors of Kubernetes have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MatchOperator {
    /// It has one of the values.
    In,
    /// It has none of the values, or is absent.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

impl MatchOperator {
    /// True if the condition holds for a label or tag with this value, or without any if it is absent.
    #[must_use]
    pub fn holds(self, values: &[String], value: Option<&String>) -> bool {
        let is_one = value.is_some_and(|value| values.contains(value));
        match self {
            Self::In => is_one,
            Self::NotIn => !is_one,
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
        }
    }
}
