//! A control plane of a test's own, to be restarted or given another schema.

use std::path::Path;

use devenv::ControlPlane;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// Starts one.
pub async fn control_plane(test: &str) -> (ControlPlane, Client) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
    let control_plane = ControlPlane::start(&dir).await.unwrap();
    let client = Client::try_from(config_of(control_plane.kubeconfig()).await).unwrap();
    (control_plane, client)
}

/// The client configuration of a kubeconfig.
pub async fn config_of(kubeconfig: &Path) -> kube::Config {
    let (kubeconfig, options) = (Kubeconfig::read_from(kubeconfig).unwrap(), KubeConfigOptions::default());
    kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()
}
