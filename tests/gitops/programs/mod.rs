//! The programs of other projects, each on free ports of 127.0.0.1. They end with the test.

pub mod argocd;
pub mod flux;
pub mod git;
pub mod http;
pub mod kubernetes;
pub mod monitoring;
pub mod operator;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The folder of all that the programs write. It stays if a test fails, since its logs may show the cause.
pub struct Folder(Option<TempDir>);

impl Folder {
    pub fn new(test: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("vpc-flow-operator-{test}-")).tempdir();
        Self(Some(folder.unwrap()))
    }

    pub fn path(&self) -> &Path {
        self.0.as_ref().unwrap().path()
    }

    /// A folder below, for one program.
    pub fn below(&self, name: &str) -> PathBuf {
        let folder = self.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = self.0.take().map(TempDir::keep);
            eprintln!("the logs are in {}", kept.unwrap_or_default().display());
        }
    }
}

/// `PATH` with these folders before it.
pub fn path_with(folders: &[&Path]) -> std::ffi::OsString {
    static PATH: LazyLock<std::ffi::OsString> = LazyLock::new(|| std::env::var_os("PATH").unwrap_or_default());
    let folders = folders.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&*PATH));
    std::env::join_paths(folders).unwrap()
}
