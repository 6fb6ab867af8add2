//! A rule of a user with its tests, as a monitor declares it.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Value};

use crate::custom_rule::CustomRule;
use crate::rule_tests::RuleTest;

/// A rule with its tests. The function has the rule only.
#[derive(Clone, Debug)]
pub struct DeclaredRule {
    /// The rule.
    pub rule: CustomRule,
    /// Its tests.
    pub tests: Vec<RuleTest>,
}

impl<'de> Deserialize<'de> for DeclaredRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let tests = match fields.remove("tests") {
            Some(tests) => {
                serde_json::from_value(tests).map_err(|error| D::Error::custom(format!("tests: {error}")))?
            }
            None => Vec::new(),
        };
        let rule = serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { rule, tests })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::custom_rule::tests::database;

    #[test]
    fn tests_are_read_apart_from_the_rule() {
        let read = |tests: Value| {
            let mut rule = database();
            rule["tests"] = tests;
            serde_json::from_value::<DeclaredRule>(rule).map_err(|error| error.to_string())
        };
        let declared = read(json!([{"name": "t", "matches": true, "record": {"dstport": 5432}}])).unwrap();
        assert_eq!((declared.rule.name.as_str(), declared.tests.len()), ("database_from_elsewhere", 1));
        assert!(serde_json::from_value::<DeclaredRule>(database()).unwrap().tests.is_empty());
        let error = read(json!([{"name": "t", "matches": true}])).unwrap_err();
        assert!(error.starts_with("tests: the test `t` needs either"), "{error}");
        let error = serde_json::from_value::<DeclaredRule>(json!({"name": "abc"})).unwrap_err().to_string();
        assert_eq!(error, "missing field `severity`");
    }
}
