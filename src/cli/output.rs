//! The format of a command's output.

use clap::ValueEnum;
use serde::Serialize;

use super::print;

/// One name for each format, in every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs, as YAML.
    Yaml,
}

impl Output {
    /// Prints the document, or its text for people.
    pub fn print(self, document: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let printed = match self {
            Self::Text => text(),
            Self::Json => serde_json::to_string_pretty(document)? + "\n",
            Self::Yaml => serde_yaml_ng::to_string(document)?,
        };
        Ok(print(&printed)?)
    }
}
