//! The AWS emulator: ministack with the overlay of `emulator`.

mod client;
mod permissions;
mod queue;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;

pub use client::{Call, EmulatorClient, Fault};
pub use permissions::{Need, PermissionTable, RoleSession};
pub use queue::Queue;
pub use traffic::{Delivery, Scenario, Traffic};

use crate::local::{free_port, provided_by, start_on_free_ports};
use crate::supervised::{Supervised, supervised_command};
use crate::wait::wait_for;

const READY_DEADLINE: Duration = Duration::from_mins(1);
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../emulator");

/// A running emulator. It ends when dropped, or with this process.
#[derive(Debug)]
pub struct Emulator {
    process: Supervised,
    python: PathBuf,
    client: EmulatorClient,
}

impl Emulator {
    /// Starts the emulator on a free port of 127.0.0.1, with everything it writes in the folder `dir`, and waits until
    /// it answers. Makes its virtual environment first if this machine does not have it yet.
    pub async fn start(dir: &Path) -> Result<Self> {
        let python = provided_by("emulator/install.sh").await?;
        let spawn = |dir: &Path| Self::spawn(&python, dir);
        start_on_free_ports(dir, spawn, Self::wait_until_ready, Self::lost_its_port).await
    }

    fn spawn(python: &Path, dir: &Path) -> Result<Self> {
        let data = dir.join("data");
        std::fs::create_dir_all(&data)?;
        let port = free_port()?;
        let process = Supervised::spawn("the emulator", command(python, &data, port), &dir.join("emulator.log"))?;
        let client = EmulatorClient::new(format!("http://127.0.0.1:{port}"));
        Ok(Self { process, python: python.to_owned(), client })
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let ready = wait_for("the emulator to answer", READY_DEADLINE, async || {
            self.process.check_running()?;
            Ok(self.client.is_healthy().await.then_some(()))
        });
        if let Err(error) = ready.await {
            self.process.check_running()?;
            bail!("{error:#}\n{}", self.process.end_of_log());
        }
        Ok(())
    }

    fn lost_its_port(&self) -> bool {
        self.process.end_of_log().to_lowercase().contains("address already in use")
    }

    /// A client of the control endpoints, which exist besides AWS's own API.
    #[must_use]
    pub fn client(&self) -> &EmulatorClient {
        &self.client
    }

    /// The Python it runs on, which has botocore.
    #[must_use]
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// Stops the process and waits until it is gone.
    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }
}

fn command(python: &Path, data: &Path, port: u16) -> Command {
    let mut command = supervised_command(python);
    command
        .args(["-m", "overlay"])
        .current_dir(SOURCES)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("EMULATOR_DATA_DIR", data)
        // Both would listen on fixed ports.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        // The sources are in the clone, which stays as git made it.
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
