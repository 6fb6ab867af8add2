use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::rule_at;
use crate::api::match_operator::MatchOperator;

/// Labels of the monitors, as in any Kubernetes selector. All conditions must hold; an empty selector selects all monitors of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorSelector {
    /// Labels with their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions on labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub match_expressions: Vec<LabelExpression>,
}

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(
        ".values",
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "In and NotIn need values, Exists and DoesNotExist take none",
    )
]))]
pub struct LabelExpression {
    /// Key of the label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// The condition.
    pub operator: MatchOperator,
    /// The values of `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 63)))]
    pub values: Vec<String>,
}

impl MonitorSelector {
    /// True if an object with these labels is selected.
    #[must_use]
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let equals = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.match_labels.iter().all(equals)
            && self.match_expressions.iter().all(|it| it.operator.holds(&it.values, labels.get(&it.key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_select_as_in_kubernetes() {
        let labels: BTreeMap<_, _> = [("env".to_owned(), "prod".to_owned())].into();
        for (yaml, expected) in [
            ("{}", true),
            ("matchLabels: {env: prod}", true),
            ("matchLabels: {env: test}", false),
            ("matchExpressions: [{key: env, operator: In, values: [prod]}]", true),
            ("matchExpressions: [{key: env, operator: NotIn, values: [prod]}]", false),
            ("matchExpressions: [{key: team, operator: NotIn, values: [a]}]", true),
            ("matchExpressions: [{key: team, operator: Exists}]", false),
            ("matchExpressions: [{key: team, operator: DoesNotExist}]", true),
        ] {
            let selector: MonitorSelector = serde_yaml_ng::from_str(yaml).unwrap();
            assert_eq!(selector.selects(&labels), expected, "{yaml}");
        }
    }
}
