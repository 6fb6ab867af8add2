//! Argo CD: application controller, repo server and redis.

use std::time::{Duration, Instant};

use devenv::{Supervised, free_port, project_root, provided_by, supervised_command, wait_for};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::kubernetes::{Kubernetes, documents};
use super::{Folder, path_with};

/// Long enough for the retries of a sync that fails, by the examples' settings.
const DEADLINE: Duration = Duration::from_mins(3);

pub const NAMESPACE: &str = "argocd";

pub struct ArgoCd {
    applications: Api<DynamicObject>,
    _processes: [Supervised; 3],
}

impl ArgoCd {
    /// Starts it with our health check and its own settings otherwise.
    pub async fn start(kubernetes: &Kubernetes, folder: &Folder) -> Self {
        let (argocd, helm, kustomize) = tokio::join!(
            provided_by("tools/others/argocd/build.sh"),
            provided_by("tools/chart-tools/build.sh"),
            provided_by("tools/others/kustomize/build.sh"),
        );
        let (argocd, helm, kustomize) = (argocd.unwrap(), helm.unwrap(), kustomize.unwrap());
        kubernetes.create_namespace(NAMESPACE).await;
        kubernetes.apply_files(&argocd.join("crds"), NAMESPACE).await;
        kubernetes.apply_files(&argocd.join("settings"), NAMESPACE).await;
        let health_check = project_root().join("gitops/argocd/argocd-cm.yaml");
        let apply = ["apply", "--server-side", "--field-manager", "vpc-flow-operator", "-f"];
        kubernetes.kubectl(&[&apply[..], &[health_check.to_str().unwrap()]].concat()).await.unwrap();
        kubernetes.apply(default_project()).await;

        let [redis, repo_server, metrics, repo_metrics] = [(); 4].map(|()| free_port().unwrap());
        let spawn =
            |name: &str, command| Supervised::spawn(name, command, &folder.path().join(format!("{name}.log"))).unwrap();
        let component = |name: &str| {
            let mut command = supervised_command(argocd.join("cmd"));
            command
                .env("ARGOCD_BINARY_NAME", name)
                .env("ARGOCD_GPG_ENABLED", "false")
                // Its kubeconfig leads to the cluster that it takes for its own.
                .env("ARGOCD_FAKE_IN_CLUSTER", "true")
                .env("KUBECONFIG", kubernetes.kubeconfig())
                .env("TMPDIR", folder.below("argocd"))
                .env("HOME", folder.below("argocd"))
                .env("PATH", path_with(&[&helm, &kustomize]))
                .arg("--redis")
                .arg(format!("127.0.0.1:{redis}"));
            command
        };
        let mut store = supervised_command("redis-server");
        store.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &redis.to_string()]);
        let mut repositories = component("argocd-repo-server");
        repositories.args(["--address", "127.0.0.1", "--disable-tls", "--metrics-address", "127.0.0.1"]).args([
            "--port",
            &repo_server.to_string(),
            "--metrics-port",
            &repo_metrics.to_string(),
        ]);
        let mut controller = component("argocd-application-controller");
        controller
            .arg("--kubeconfig")
            .arg(kubernetes.kubeconfig())
            .args(["--namespace", NAMESPACE, "--repo-server-plaintext"])
            .arg("--repo-server")
            .arg(format!("127.0.0.1:{repo_server}"))
            .args(["--metrics-port", &metrics.to_string()]);
        let processes = [
            spawn("redis", store),
            spawn("argocd-repo-server", repositories),
            spawn("argocd-application-controller", controller),
        ];
        let applications = kubernetes.objects(("argoproj.io", "v1alpha1", "Application"), NAMESPACE);
        Self { applications, _processes: processes }
    }

    /// The Application of that name.
    pub fn application(&self, name: &str) -> Application {
        Application { api: self.applications.clone(), name: name.to_owned() }
    }
}

/// Argo CD makes the project when its API server starts, which is not needed here.
fn default_project() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    })
}

/// The Application of the examples, with other sources.
pub fn example(name: &str, sources: Value) -> Value {
    let file = project_root().join("examples/gitops/argocd/application.yaml");
    let mut application = documents(&std::fs::read_to_string(file).unwrap()).remove(0);
    application["metadata"]["name"] = json!(name);
    application["spec"]["sources"] = sources;
    application
}

/// The state of an Application.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub sync: String,
    pub health: String,
    /// The phase of the operation.
    pub phase: String,
    pub message: String,
    /// Its complaints, such as that the cluster cannot be compared.
    pub conditions: Vec<String>,
    /// The commit that was compared with the cluster; the last one, if there are several sources.
    pub revision: String,
}

impl State {
    fn of(object: &DynamicObject) -> Self {
        let status = &object.data["status"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let revisions = &status["sync"]["revisions"];
        let last = revisions.as_array().and_then(|all| all.last()).unwrap_or(&status["sync"]["revision"]);
        Self {
            sync: text(&status["sync"]["status"]),
            health: text(&status["health"]["status"]),
            phase: text(&status["operationState"]["phase"]),
            message: text(&status["operationState"]["message"]),
            conditions: status["conditions"].as_array().into_iter().flatten().map(|it| text(&it["message"])).collect(),
            revision: text(last),
        }
    }

    pub fn is(&self, sync: &str, health: &str) -> bool {
        (self.sync.as_str(), self.health.as_str()) == (sync, health)
    }
}

pub struct Application {
    pub api: Api<DynamicObject>,
    pub name: String,
}

/// Time after which a request for a refresh was overlooked, and the requests until one must be heeded.
const OVERLOOKED: Duration = Duration::from_secs(45);
const ATTEMPTS: usize = 4;

impl Application {
    pub async fn state(&self) -> State {
        State::of(&self.api.get(&self.name).await.unwrap())
    }

    /// The number of the last sync that changed something.
    pub async fn last_sync(&self) -> i64 {
        let object = self.api.get(&self.name).await.unwrap();
        let history = object.data["status"]["history"].as_array().and_then(|all| all.last()?["id"].as_i64());
        history.unwrap_or_default()
    }

    /// Makes Argo CD look at git now, as a webhook of the git server does.
    pub async fn refresh(&self) {
        let change = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        self.merge(change).await;
    }

    /// The same, and waits until it has looked. Argo CD may overlook a request that comes while it ends the one before, so it is asked again.
    pub async fn refreshed(&self) -> State {
        for _ in 0..ATTEMPTS {
            self.refresh().await;
            let looked = wait_for("the refresh", OVERLOOKED, async || {
                let object = self.api.get(&self.name).await?;
                let asked =
                    object.metadata.annotations.iter().flatten().any(|(key, _)| key == "argocd.argoproj.io/refresh");
                Ok((!asked).then(|| State::of(&object)))
            });
            if let Ok(state) = looked.await {
                return state;
            }
            self.merge(json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": null}}})).await;
        }
        panic!("Argo CD overlooked {ATTEMPTS} requests for a refresh");
    }

    pub async fn merge(&self, change: Value) {
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    /// Waits until Argo CD says so. Returns the time it took.
    pub async fn wait(&self, what: &str, condition: impl Fn(&State) -> bool) -> Duration {
        let begun = Instant::now();
        let mut latest = State::default();
        let waited = wait_for(what, DEADLINE, async || {
            latest = self.state().await;
            Ok(condition(&latest).then_some(()))
        });
        waited.await.unwrap_or_else(|error| panic!("{error}: {latest:?}; {:?}", latest.conditions));
        begun.elapsed()
    }

    /// Waits until the commit is in the cluster, and as healthy as that.
    pub async fn wait_synced(&self, commit: &str, health: &str) -> Duration {
        self.refresh().await;
        let is = |state: &State| state.revision == commit && state.is("Synced", health) && state.phase == "Succeeded";
        self.wait(&format!("{commit} to be Synced and {health}"), is).await
    }

    /// `kubectl delete application`, without waiting.
    pub async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }

    /// Ends the operation, as `argocd app terminate-op` does.
    pub async fn terminate_operation(&self) {
        self.merge(json!({"status": {"operationState": {"phase": "Terminating"}}})).await;
    }

    /// Waits until it is gone. Returns the time it took.
    pub async fn wait_gone(&self) -> Duration {
        let begun = Instant::now();
        let gone = wait_for("the Application to be gone", DEADLINE, async || {
            Ok(self.api.get_opt(&self.name).await?.is_none().then_some(()))
        });
        gone.await.unwrap_or_else(|error| panic!("{error}"));
        begun.elapsed()
    }
}
