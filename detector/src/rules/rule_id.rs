//! A rule of either kind.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::rule::{Rule, Severity};
use crate::custom_rule::CustomRule;

/// A rule of the detector, or one of a user. Rules of users come last, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// A rule of the detector.
    BuiltIn(Rule),
    /// A rule of a user.
    Custom(Arc<CustomRule>),
}

impl RuleId {
    /// The name, the same in the spec, messages, metrics and message attributes.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(rule) => rule.name(),
            Self::Custom(rule) => &rule.name,
        }
    }

    /// The severity of its findings.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::BuiltIn(rule) => rule.severity(),
            Self::Custom(rule) => rule.severity,
        }
    }

    /// The step that a person should take.
    #[must_use]
    pub fn action(&self) -> &str {
        match self {
            Self::BuiltIn(rule) => rule.action(),
            // Messages have the address of the runbook as the link of the rule.
            Self::Custom(rule) if rule.runbook.is_some() => "follow the runbook of the rule",
            Self::Custom(rule) => &rule.description,
        }
    }

    /// The rule of the detector.
    #[must_use]
    pub fn built_in(&self) -> Option<Rule> {
        match self {
            Self::BuiltIn(rule) => Some(*rule),
            Self::Custom(_) => None,
        }
    }

    /// The rule of a user.
    #[must_use]
    pub fn custom(&self) -> Option<&CustomRule> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(rule) => Some(rule),
        }
    }
}

impl From<Rule> for RuleId {
    fn from(rule: Rule) -> Self {
        Self::BuiltIn(rule)
    }
}

impl PartialEq<Rule> for RuleId {
    fn eq(&self, other: &Rule) -> bool {
        self.built_in() == Some(*other)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
