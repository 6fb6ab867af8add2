//! Flux: the controllers of sources, Kustomizations and Helm releases, and a registry with charts.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devenv::{Supervised, free_port, provided_by, supervised_command, wait_for};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;

use super::Folder;
use super::kubernetes::Kubernetes;

const DEADLINE: Duration = Duration::from_mins(3);

pub const NAMESPACE: &str = "flux-system";

pub struct Flux {
    /// Host and port of the registry.
    pub registry: String,
    helm: PathBuf,
    _processes: [Supervised; 4],
}

impl Flux {
    pub async fn start(kubernetes: &Kubernetes, folder: &Folder) -> Self {
        let (flux, helm) =
            tokio::join!(provided_by("tools/others/flux/build.sh"), provided_by("tools/chart-tools/build.sh"));
        let (flux, helm) = (flux.unwrap(), helm.unwrap().join("helm"));
        kubernetes.create_namespace(NAMESPACE).await;
        for controller in ["source", "kustomize", "helm"] {
            kubernetes.apply_files(&flux.join(format!("{controller}-crds")), NAMESPACE).await;
        }
        let [artifacts, registry] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port().unwrap()));
        let spawn =
            |name: &str, command| Supervised::spawn(name, command, &folder.path().join(format!("{name}.log"))).unwrap();
        let controller = |name: &str| {
            let mut command = supervised_command(flux.join(name));
            for address in ["--metrics-addr", "--health-addr"] {
                command.arg(format!("{address}=127.0.0.1:{}", free_port().unwrap()));
            }
            command
                .args(["--watch-all-namespaces", "--enable-leader-election=false"])
                .env("KUBECONFIG", kubernetes.kubeconfig())
                .env("RUNTIME_NAMESPACE", NAMESPACE)
                .env("TMPDIR", folder.below("flux"))
                .env("HOME", folder.below("flux"));
            command
        };
        let mut sources = controller("source-controller");
        sources.arg(format!("--storage-path={}", folder.below("artifacts").display()));
        sources.args([format!("--storage-addr={artifacts}"), format!("--storage-adv-addr={artifacts}")]);
        let mut kustomizations = controller("kustomize-controller");
        // Half a minute by default.
        kustomizations.arg("--requeue-dependency=2s");
        let processes = [
            spawn("registry", registry_command(&flux, &registry, folder)),
            spawn("source-controller", sources),
            spawn("kustomize-controller", kustomizations),
            spawn("helm-controller", controller("helm-controller")),
        ];
        Self { registry, helm, _processes: processes }
    }

    /// Packages a chart, and pushes it to the registry.
    pub async fn push(&self, chart: &Path, folder: &Folder) {
        let packed = folder.below("charts");
        self.helm(&["package", chart.to_str().unwrap(), "--destination", packed.to_str().unwrap()], folder).await;
        let file = std::fs::read_dir(&packed).unwrap().next().unwrap().unwrap().path();
        let target = format!("oci://{}/vpcflow-dev/charts", self.registry);
        self.helm(&["push", "--plain-http", file.to_str().unwrap(), &target], folder).await;
    }

    async fn helm(&self, arguments: &[&str], folder: &Folder) {
        let mut command = Command::new(&self.helm);
        command.args(arguments).env("HOME", folder.below("helm"));
        let pushed = wait_for("the registry to take the chart", DEADLINE, async || {
            Ok(command.output().await?.status.success().then_some(()))
        });
        pushed.await.unwrap();
    }
}

fn registry_command(flux: &Path, address: &str, folder: &Folder) -> Command {
    let config = folder.path().join("registry.yaml");
    let root = folder.below("registry");
    let settings = json!({
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": root}},
        "http": {"addr": address},
    });
    std::fs::write(&config, serde_yaml_ng::to_string(&settings).unwrap()).unwrap();
    let mut command = supervised_command(flux.join("registry"));
    command.arg("serve").arg(config);
    command
}

/// An object of Flux, whose conditions are kstatus.
pub struct FluxObject {
    pub api: Api<DynamicObject>,
    pub name: String,
}

impl FluxObject {
    pub fn kustomization(kubernetes: &Kubernetes, name: &str) -> Self {
        let api = kubernetes.objects(("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"), NAMESPACE);
        Self { api, name: name.to_owned() }
    }

    pub fn repository(kubernetes: &Kubernetes) -> Self {
        let api = kubernetes.objects(("source.toolkit.fluxcd.io", "v1", "GitRepository"), NAMESPACE);
        Self { api, name: NAMESPACE.to_owned() }
    }

    /// Makes Flux look at it now, as a webhook or `flux reconcile` does.
    pub async fn request(&self) {
        let now = format!("{:?}", std::time::SystemTime::now());
        self.merge(json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}})).await;
    }

    pub async fn merge(&self, change: Value) {
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    pub async fn status(&self) -> Value {
        self.api.get(&self.name).await.unwrap().data["status"].clone()
    }

    /// Waits until its status is so. Returns the time it took.
    pub async fn wait(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Duration {
        let begun = Instant::now();
        let mut latest = Value::Null;
        let waited = wait_for(what, DEADLINE, async || {
            latest = self.status().await;
            Ok(condition(&latest).then_some(()))
        });
        waited.await.unwrap_or_else(|error| panic!("{}: {error}: {latest:#}", self.name));
        begun.elapsed()
    }

    /// Waits until it is Ready with the commit.
    pub async fn wait_ready(&self, commit: &str) -> Duration {
        let is = |status: &Value| {
            is_commit(&status["lastAppliedRevision"], commit)
                && condition(status, "Ready").is_some_and(|it| it.0 == "True")
        };
        self.wait(&format!("{commit} to be Ready"), is).await
    }

    /// Waits until it is gone. Returns the time it took.
    pub async fn wait_gone(&self) -> Duration {
        let begun = Instant::now();
        let gone = wait_for("it to be gone", DEADLINE, async || {
            Ok(self.api.get_opt(&self.name).await?.is_none().then_some(()))
        });
        gone.await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        begun.elapsed()
    }
}

/// True if the revision, such as `main@sha1:0a1b…`, is of the commit.
pub fn is_commit(revision: &Value, commit: &str) -> bool {
    revision.as_str().is_some_and(|revision| revision.ends_with(commit))
}

/// Status, reason and message of a condition.
pub fn condition(status: &Value, type_: &str) -> Option<(String, String, String)> {
    let condition = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)?;
    let text = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason"), text("message")))
}
