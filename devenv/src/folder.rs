//! The folder in which one run of the environment keeps its files.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::signals::Interrupted;

/// A temporary folder, removed when dropped.
pub struct Folder(TempDir);

impl Folder {
    /// Does `work` in a new folder. After a failure, keeps it and prints its path: its logs may show the cause.
    pub async fn run(work: impl AsyncFnOnce(&Self) -> Result<ExitCode>) -> Result<ExitCode> {
        let folder = tempfile::Builder::new().prefix("vpc-flow-operator-").tempdir();
        let folder = Self(folder.context("cannot make a temporary folder")?);
        let result = work(&folder).await;
        let keep = match &result {
            Ok(code) => *code != ExitCode::SUCCESS,
            Err(error) => !error.is::<Interrupted>(),
        };
        if keep {
            eprintln!("The logs are in {}", folder.0.keep().display());
        }
        result
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
