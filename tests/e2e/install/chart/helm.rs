//! The real Helm.

use std::path::{Path, PathBuf};

use devenv::{project_root, provided_by};
use tokio::process::Command;

/// Helm, towards one control plane.
pub struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    /// The folder for Helm's own files, and for charts.
    pub folder: PathBuf,
}

impl Helm {
    /// `test` must be unique among all tests.
    pub async fn new(kubeconfig: &Path, test: &str) -> Self {
        let program = provided_by("tools/chart-tools/build.sh").await.unwrap().join("helm");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}-helm", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { program, kubeconfig: kubeconfig.to_owned(), folder }
    }

    /// Runs Helm. Returns its standard output, or its standard error if it fails.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, &self.folder)))
            .env("KUBECACHEDIR", self.folder.join("discovery"))
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let (reported, complained) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        if output.status.success() { Ok(reported) } else { Err(complained) }
    }

    /// A copy of the chart, changed, and packaged as for a release.
    pub async fn package(&self, version: &str, change: impl FnOnce(&Path)) -> String {
        let copy = self.folder.join(version);
        let copied = Command::new("cp").arg("-R").arg(chart()).arg(&copy).status().await.unwrap();
        assert!(copied.success());
        change(&copy);
        let (copy, folder) = (copy.to_str().unwrap(), self.folder.to_str().unwrap());
        self.run(&["package", copy, "--version", version, "--app-version", version, "--destination", folder])
            .await
            .unwrap();
        format!("{folder}/vpc-flow-operator-{version}.tgz")
    }

    /// A file of values.
    pub fn values(&self, name: &str, values: &serde_json::Value) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, values.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// The chart's folder.
pub fn chart() -> PathBuf {
    project_root().join("charts/vpc-flow-operator")
}
