//! The folder in which one run of the environment keeps its files.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::signals::Interrupted;

/// A temporary folder, removed when dropped.
pub struct Folder(TempDir);

impl Folder {
    pub fn create() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("vpc-flow-operator-").tempdir();
        Ok(Self(folder.context("cannot make a temporary folder")?))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// After a failure, keeps the folder and prints its path: its logs may show the cause.
    pub fn keep_after_failure(self, result: &Result<ExitCode>) {
        let keep = match result {
            Ok(code) => *code != ExitCode::SUCCESS,
            Err(error) => !error.is::<Interrupted>(),
        };
        if keep {
            eprintln!("The logs are in {}", self.0.keep().display());
        }
    }
}
