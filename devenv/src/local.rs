//! Paths and ports of this machine.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The root of the project's source tree.
#[must_use]
pub fn project_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A TCP port of 127.0.0.1 that is free at this moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Runs a script of the project that provides something, such as `tools/chart-tools/build.sh`, and returns the path in
/// its last line of output.
pub async fn provided_by(script: &str) -> Result<PathBuf> {
    let script = project_root().join(script);
    let output = Command::new(&script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .with_context(|| format!("cannot run {}", script.display()))?;
    ensure!(output.status.success(), "{} failed: what it printed above says why", script.display());
    let printed = String::from_utf8(output.stdout)?;
    let path = PathBuf::from(printed.lines().next_back().unwrap_or_default());
    ensure!(path.exists(), "{} named `{}`, which does not exist", script.display(), path.display());
    Ok(path)
}
