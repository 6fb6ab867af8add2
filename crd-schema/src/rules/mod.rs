//! Evaluates the rules of the CRD that look at more than one value, as the API server does. They are expressions in CEL.

mod networks;
mod value;

use std::fmt;
use std::sync::Arc;

use cel::{Context, DeclarationError, Env, Program};
use serde_json::Value;
use thiserror::Error;

use crate::{below, shown};

/// The rules cannot be evaluated.
#[derive(Debug, Error)]
#[error("the rules of the CRD cannot be evaluated: {0}")]
pub struct RulesError(#[from] DeclarationError);

/// A rule that the object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The field that the API server would name.
    pub field: String,
    /// The rule in words.
    pub message: String,
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => formatter.write_str(&self.message),
            field => write!(formatter, "{field}: {}", self.message),
        }
    }
}

/// The names of the two objects in a rule: the new one, and the one before the change.
const SELF: &str = "self";
const OLD_SELF: &str = "oldSelf";

/// Every rule that an object with all defaults breaks, in the order of the schema. Rules about a change count only with the object before it.
pub fn broken(object: &Value, before: Option<&Value>, schema: &Value) -> Result<Vec<BrokenRule>, RulesError> {
    let mut evaluator = Evaluator { env: environment()?, broken: Vec::new() };
    evaluator.walk(object, before, schema, "")?;
    Ok(evaluator.broken)
}

/// The same for a part of an object, which is at `path`. Rules about a change do not count.
pub fn broken_at(path: &str, value: &Value, schema: &Value) -> Result<Vec<BrokenRule>, RulesError> {
    let mut evaluator = Evaluator { env: environment()?, broken: Vec::new() };
    evaluator.walk(value, None, schema, path)?;
    Ok(evaluator.broken)
}

/// The functions of Kubernetes that the rules use: those of CEL, and its extension for strings.
fn environment() -> Result<Arc<Env>, DeclarationError> {
    let mut env = Env::stdlib();
    cel::extensions::strings(&mut env)?;
    Ok(Arc::new(env))
}

struct Evaluator {
    env: Arc<Env>,
    broken: Vec<BrokenRule>,
}

impl Evaluator {
    fn walk(
        &mut self,
        value: &Value,
        before: Option<&Value>,
        schema: &Value,
        path: &str,
    ) -> Result<(), DeclarationError> {
        if value.is_null() {
            return Ok(());
        }
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            self.judge(rule, value, before, schema, path)?;
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let before = before.and_then(|before| before.get(name));
                    match &schema["properties"][name.as_str()] {
                        Value::Null => {
                            let path = format!("{path}[{name}]");
                            self.walk(value, before, &schema["additionalProperties"], &path)?;
                        }
                        known => self.walk(value, before, known, &below(path, name))?,
                    }
                }
            }
            // The API server does not know which entry of a list was which one before.
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, None, &schema["items"], &format!("{path}[{index}]"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn judge(
        &mut self,
        rule: &Value,
        value: &Value,
        before: Option<&Value>,
        schema: &Value,
        path: &str,
    ) -> Result<(), DeclarationError> {
        let text = |member: &str| rule[member].as_str().unwrap_or_default();
        let mut context = Context::with_env(Arc::clone(&self.env));
        networks::declare(&mut context)?;
        context.add_variable_from_value(SELF, value::of(value, schema));
        let result = match self.env.compile(text("rule")) {
            Ok(program) => match (program.references().has_variable(OLD_SELF), before) {
                (true, None) => return Ok(()),
                (true, Some(before)) => {
                    context.add_variable_from_value(OLD_SELF, value::of(before, schema));
                    program.execute(&context).map_err(|error| error.to_string())
                }
                (false, _) => program.execute(&context).map_err(|error| error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        let message = match result {
            Ok(cel::Value::Bool(true)) => return Ok(()),
            Ok(_) => self.computed(text("messageExpression"), &context).unwrap_or_else(|| text("message").to_owned()),
            Err(error) => format!("{}: the rule cannot be evaluated: {error}", text("message")),
        };
        let shown = match value {
            Value::Object(_) | Value::Array(_) => String::new(),
            scalar => format!("{}: ", shown(scalar)),
        };
        let field = match text("fieldPath") {
            "" => path.to_owned(),
            field_path => below(path, field_path.trim_start_matches('.')),
        };
        self.broken.push(BrokenRule { field, message: format!("{shown}{message}") });
        Ok(())
    }

    /// The message of a rule that computes it from the values.
    fn computed(&self, expression: &str, context: &Context) -> Option<String> {
        let program: Program = self.env.compile(expression).ok()?;
        match program.execute(context) {
            Ok(cel::Value::String(message)) => Some(message.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
