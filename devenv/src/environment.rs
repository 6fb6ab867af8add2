//! Control plane and emulator together, and the variables that lead to them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::process::Command;

use crate::control_plane::ControlPlane;
use crate::detector_package::detector_package;
use crate::emulator::Emulator;

/// The default AWS account. The emulator reads the access key id as the account.
pub const ACCOUNT: &str = "123456789012";
/// The AWS region of the environment.
pub const REGION: &str = "eu-west-1";

/// A running environment. It ends when dropped, or with this process.
#[derive(Debug)]
pub struct Environment {
    control_plane: ControlPlane,
    emulator: Emulator,
    detector_package: PathBuf,
}

impl Environment {
    /// Starts control plane and emulator side by side, with everything they write in the folder `dir`.
    pub async fn start(dir: &Path) -> Result<Self> {
        let detector_package = detector_package()?;
        let (kubernetes, aws) = (dir.join("kubernetes"), dir.join("aws"));
        let (control_plane, emulator) = tokio::try_join!(ControlPlane::start(&kubernetes), Emulator::start(&aws))?;
        Ok(Self { control_plane, emulator, detector_package })
    }

    /// The control plane.
    #[must_use]
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The emulator.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Makes a command use this environment, and no AWS account that the caller's own settings lead to.
    pub fn apply_to(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command.envs(self.variables());
    }

    /// The variables that make `kubectl`, AWS SDKs, the operator and the tests use this environment.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("KUBECONFIG", text(self.control_plane.kubeconfig())),
            ("KUBECTL", text(&self.control_plane.kubectl())),
            ("AWS_ENDPOINT_URL", self.emulator.client().endpoint().to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCOUNT.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "emulator".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            // Python's name of the same.
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // A profile may name another endpoint.
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("DETECTOR_PACKAGE", text(&self.detector_package)),
        ]
    }

    /// Stops everything and waits until it is gone.
    pub async fn stop(self) -> Result<()> {
        let (control_plane, emulator) = tokio::join!(self.control_plane.stop(), self.emulator.stop());
        control_plane.and(emulator)
    }
}
