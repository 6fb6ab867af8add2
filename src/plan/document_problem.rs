//! The problems of one document of a file.

use crd_schema::{BrokenRule, RulesError, Violation};
use thiserror::Error;

use super::yaml::YamlError;

/// A problem for which `kubectl apply` would refuse a document.
#[derive(Debug, Error)]
pub enum DocumentProblem {
    /// Neither YAML nor JSON.
    #[error("{0}")]
    Unreadable(#[source] YamlError),
    /// kubectl takes only objects with a kind.
    #[error("kind is missing")]
    Kindless,
    /// A field is misspelt, or in the wrong place.
    #[error("{field}: unknown field; {}", remedy(similar.as_ref(), kind))]
    UnknownField {
        /// Its path.
        field: String,
        /// The name of the field that is probably meant.
        similar: Option<String>,
        /// The kind of the object.
        kind: String,
    },
    /// A field has a value that it cannot have.
    #[error("{field}: {problem}")]
    InvalidField {
        /// Its path.
        field: String,
        /// The problem of the value.
        problem: String,
    },
    /// A rule between fields is broken.
    #[error("{0}")]
    BrokenRule(BrokenRule),
    /// The rules cannot be evaluated.
    #[error("{0}")]
    Rules(#[source] RulesError),
    /// It has no name.
    #[error("metadata.name is missing")]
    Nameless,
}

impl DocumentProblem {
    pub(super) fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Self::InvalidField { field: field.to_owned(), problem: problem.into() }
    }

    /// True if `name` is probably meant by a field that does not exist.
    pub(super) fn means(&self, name: &str) -> bool {
        matches!(self, Self::UnknownField { similar: Some(similar), .. } if similar == name)
    }

    /// The problem of an object of that kind.
    pub(super) fn of_violation(violation: Violation, kind: &str) -> Self {
        match violation {
            Violation::UnknownField { field, similar, .. } => {
                Self::UnknownField { field, similar, kind: kind.to_owned() }
            }
            Violation::Missing(field) => Self::invalid(&field, "is missing"),
            Violation::Malformed(field, problem) | Violation::Invalid(field, problem) => Self::invalid(&field, problem),
        }
    }
}

fn remedy(similar: Option<&String>, kind: &str) -> String {
    match similar {
        Some(name) => format!("did you mean {name}?"),
        None => format!("`kubectl explain {} --recursive` lists all fields", kind.to_lowercase()),
    }
}
