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

/// Another process may take a free port before the started one listens on it.
const ATTEMPTS: usize = 3;

/// Starts something on free ports, in a folder of its own below `dir`, and waits until it is ready. Tries again with
/// other ports if it lost one.
pub async fn start_on_free_ports<T>(
    dir: &Path,
    spawn: impl Fn(&Path) -> Result<T>,
    wait_until_ready: impl AsyncFn(&mut T) -> Result<()>,
    lost_its_port: impl Fn(&T) -> bool,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        let mut started = spawn(&dir.join(format!("attempt-{attempt}")))?;
        match wait_until_ready(&mut started).await {
            Ok(()) => return Ok(started),
            Err(error) if attempt < ATTEMPTS && lost_its_port(&started) => {
                eprintln!("{error:#}\nTrying again with other ports.");
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
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
