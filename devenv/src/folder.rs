//! The folder in which one run of the environment keeps its files.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

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

    /// Leaves the folder and says where it is: its logs may tell what went wrong.
    pub fn keep(self) {
        eprintln!("The logs are in {}", self.0.keep().display());
    }
}
