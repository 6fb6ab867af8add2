//! Expressions in JSON and YAML: their text.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Expression;

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::compile(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_written_as_it_was_read_and_an_error_has_its_place() {
        let json = r#""syn  && action == 'ACCEPT'""#;
        let expression: Expression = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&expression).unwrap(), json);
        let error = serde_json::from_str::<Expression>("\"syn ||\"").unwrap_err().to_string();
        assert!(
            error.starts_with("line 1, column 7: expected a condition, found the end\n  syn ||\n        ^"),
            "{error}"
        );
    }
}
