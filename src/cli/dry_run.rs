//! Asks the API server of the kubeconfig's cluster whether it has a monitor, and whether it would accept it. Nothing is stored.

use std::time::Duration;

use kube::api::{DynamicObject, PostParams};
use kube::{Api, Client, ResourceExt};
use thiserror::Error;
use tokio::time::timeout;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::kubernetes::{ConfigError, message};

use super::cluster::{self, ClusterAccess};
use super::with_causes;

/// Time for an answer: a cluster that is further away than that is not reachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attempts to change a monitor that the operator changes at the same time.
const ATTEMPTS: usize = 3;

/// The answer of the API server.
#[derive(Debug, PartialEq, Eq)]
pub enum DryRunResult {
    /// It would accept the monitor.
    Accepted,
    /// It would refuse the monitor, with this message.
    Refused(String),
    /// It has not judged the monitor.
    NotAsked(NotAsked),
}

/// The reason why the API server has not judged a monitor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAsked {
    /// There is no cluster to ask.
    #[error("there is no kubeconfig with a current context")]
    NoKubeconfig,
    /// The connection fails.
    #[error("{0}")]
    NotReachable(String),
    /// The connection is silent.
    #[error("the API server did not answer within {} seconds", PATIENCE.as_secs())]
    NoAnswer,
    /// The cluster does not know the kind.
    #[error("the VpcFlowMonitor CRD is not installed in the cluster")]
    NoCrd,
    /// The monitor's namespace is missing.
    #[error("namespace {0} does not exist in the cluster: it must be created before the monitor")]
    NoNamespace(String),
    /// The answer is not about the monitor itself.
    #[error("{0}")]
    Other(String),
}

/// A chosen cluster that does not answer. Without a choice this is only a note: a file needs no cluster.
#[derive(Debug, Error)]
#[error(
    "the cluster of --kubeconfig or --context cannot be asked: {0}; correct the flag, or give --offline to omit this check"
)]
pub struct ChosenClusterSilent(NotAsked);

/// The API server, or the reason why it cannot be asked.
pub struct ApiServer(Result<Client, NotAsked>);

impl ApiServer {
    /// Connects to the cluster, which must answer if the user chose it.
    pub async fn connect(cluster: &ClusterAccess) -> Result<Self, ChosenClusterSilent> {
        match reach(cluster).await {
            Err(why) if cluster.is_chosen() => Err(ChosenClusterSilent(why)),
            reached => Ok(Self(reached)),
        }
    }

    /// The monitor of that namespace and name in the cluster, if there is one.
    pub async fn stored(&self, monitor: &VpcFlowMonitor) -> Result<Option<DynamicObject>, NotAsked> {
        let client = self.0.clone()?;
        let namespace = monitor.namespace().unwrap_or_default();
        let (monitors, name) = (cluster::monitors(client, Some(&namespace)), monitor.name_any());
        let answer = timeout(PATIENCE, monitors.get_opt(&name)).await.map_err(|_| NotAsked::NoAnswer)?;
        answer.map_err(|error| not_asked(&error, &namespace))
    }

    /// Submits the monitor as `kubectl apply` would leave it, in a dry run; `stored` is the one in the cluster.
    pub async fn submit(&self, monitor: &VpcFlowMonitor, stored: Option<&VpcFlowMonitor>) -> DryRunResult {
        match &self.0 {
            Ok(client) => timeout(PATIENCE, submit(client, monitor, stored.cloned()))
                .await
                .unwrap_or(DryRunResult::NotAsked(NotAsked::NoAnswer)),
            Err(why) => DryRunResult::NotAsked(why.clone()),
        }
    }
}

async fn reach(cluster: &ClusterAccess) -> Result<Client, NotAsked> {
    if let Err(ConfigError::Unknown { .. }) = cluster.config().await {
        return Err(NotAsked::NoKubeconfig);
    }
    let connected = async {
        let client = cluster.client().await.map_err(|error| not_reachable(&error))?;
        client.apiserver_version().await.map_err(|error| not_reachable(&error.into()))?;
        Ok(client)
    };
    timeout(PATIENCE, connected).await.unwrap_or(Err(NotAsked::NoAnswer))
}

fn not_reachable(error: &anyhow::Error) -> NotAsked {
    NotAsked::NotReachable(with_causes(error))
}

async fn submit(client: &Client, monitor: &VpcFlowMonitor, mut stored: Option<VpcFlowMonitor>) -> DryRunResult {
    let namespace = monitor.namespace().unwrap_or_default();
    let monitors: Api<VpcFlowMonitor> = Api::namespaced(client.clone(), &namespace);
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let name = monitor.name_any();
    let mut result = DryRunResult::Accepted;
    for _ in 0..ATTEMPTS {
        let answer = match stored.take() {
            Some(live) => monitors.replace(&name, &parameters, &applied(monitor, live)).await,
            None => monitors.create(&parameters, monitor).await,
        };
        result = match answer {
            Ok(_) => return DryRunResult::Accepted,
            Err(error) if is_outdated(&error) => DryRunResult::NotAsked(NotAsked::Other(message(&error))),
            Err(error) => return judge(&error, &namespace),
        };
        stored = match monitors.get_opt(&name).await {
            Ok(stored) => stored,
            Err(error) => return judge(&error, &namespace),
        };
    }
    result
}

/// The live monitor after the file is applied. The spec replaces the present one, because the plan is for it; a patch would leave fields that
/// the file lacks. Labels and annotations of other writers stay.
fn applied(file: &VpcFlowMonitor, mut live: VpcFlowMonitor) -> VpcFlowMonitor {
    live.spec = file.spec.clone();
    live.labels_mut().extend(file.labels().clone());
    live.annotations_mut().extend(file.annotations().clone());
    live
}

fn is_outdated(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// The end of the answer if a webhook that has side effects keeps the API server from a dry run.
const NO_DRY_RUN: &str = " does not support dry run";

fn not_asked(error: &kube::Error, namespace: &str) -> NotAsked {
    match error {
        kube::Error::Api(status) if status.code == 404 && status.message.contains("namespaces") => {
            NotAsked::NoNamespace(namespace.to_owned())
        }
        kube::Error::Api(status) if status.code == 404 => NotAsked::NoCrd,
        kube::Error::Api(status) => NotAsked::Other(status.message.clone()),
        error => NotAsked::NotReachable(message(error)),
    }
}

/// Only a refusal of the object itself is a refusal: who plans may lack the right to write, and the namespace or the CRD may come later.
fn judge(error: &kube::Error, namespace: &str) -> DryRunResult {
    let not_asked = || DryRunResult::NotAsked(not_asked(error, namespace));
    let kube::Error::Api(status) = error else { return not_asked() };
    let message = &status.message;
    // A policy's message is free text; this is the API server's own one about missing rights.
    let is_about_rights = message.contains(" is forbidden: User ");
    match status.code {
        400 if message.ends_with(NO_DRY_RUN) => not_asked(),
        403 if !is_about_rights => DryRunResult::Refused(message.clone()),
        400 | 422 => DryRunResult::Refused(message.clone()),
        _ => not_asked(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kube::core::Status;
    use serde_json::{Value, json};

    use super::*;

    fn judged(code: u16, message: &str) -> DryRunResult {
        let status = Status { code, message: message.to_owned(), ..Status::default() };
        judge(&kube::Error::Api(Box::new(status)), "network")
    }

    #[test]
    fn only_a_refusal_of_the_monitor_is_a_refusal() {
        for (code, message) in [
            (422, "VpcFlowMonitor.vpcflow.dev \"m\" is invalid: spec.region: Invalid value"),
            (400, "admission webhook \"policy.example.com\" denied the request: no"),
            (403, "admission webhook \"policy.example.com\" denied the request: no"),
            (
                403,
                "admission webhook \"policy.example.com\" denied the request: a team cannot make a resource of this size",
            ),
            (403, "vpcflowmonitors.vpcflow.dev \"m\" is forbidden: exceeded quota: q"),
            (
                403,
                "vpcflowmonitors.vpcflow.dev \"m\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            ),
        ] {
            assert_eq!(judged(code, message), DryRunResult::Refused(message.to_owned()));
        }
        for (code, message) in [
            (400, "admission webhook \"policy.example.com\" does not support dry run"),
            (401, "Unauthorized"),
            (
                403,
                "vpcflowmonitors.vpcflow.dev is forbidden: User \"u\" cannot create resource \"vpcflowmonitors\" in API group",
            ),
            (500, "etcdserver: request timed out"),
        ] {
            assert_eq!(judged(code, message), DryRunResult::NotAsked(NotAsked::Other(message.to_owned())));
        }
        assert_eq!(judged(404, "404 page not found"), DryRunResult::NotAsked(NotAsked::NoCrd));
        let no_namespace = DryRunResult::NotAsked(NotAsked::NoNamespace("network".to_owned()));
        assert_eq!(judged(404, "namespaces \"network\" not found"), no_namespace);
    }

    #[test]
    fn labels_and_annotations_of_the_file_are_submitted_too() {
        let monitor = |metadata: Value, vpc_id: &str| -> VpcFlowMonitor {
            let (api_version, kind) = ("vpcflow.dev/v1alpha1", "VpcFlowMonitor");
            let spec = json!({"vpcId": vpc_id});
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
            serde_json::from_value(object).unwrap()
        };
        let file = json!({"name": "m", "labels": {"team": "network", "new": "1"}, "annotations": {"a": "file"}});
        let live = json!({"name": "m", "resourceVersion": "7", "labels": {"team": "old", "other": "2"}});
        let expected = json!({
            "name": "m",
            "resourceVersion": "7",
            "labels": {"team": "network", "new": "1", "other": "2"},
            "annotations": {"a": "file"},
        });
        let submitted = applied(&monitor(file, "vpc-1"), monitor(live, "vpc-2"));
        assert_eq!(serde_json::to_value(&submitted.metadata).unwrap(), expected);
        assert_eq!(submitted.spec.vpc_id, "vpc-1");
    }

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        cluster: ClusterAccess,
    }

    #[tokio::test]
    async fn a_chosen_cluster_must_answer() {
        let kubeconfig = std::env::temp_dir().join(format!("kubeconfig-dry-run-{}", std::process::id()));
        // No process listens on port 1.
        let text = "
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: u, user: {}}]
";
        std::fs::write(&kubeconfig, text).unwrap();
        let path = kubeconfig.to_str().unwrap();
        let flags = Flags::parse_from(["plan", "--kubeconfig", path, "--context", "a"]);
        let Err(error) = ApiServer::connect(&flags.cluster).await else { panic!("it answers") };
        let error = error.to_string();
        assert!(error.starts_with("the cluster of --kubeconfig or --context cannot be asked: "), "{error}");
        assert!(error.contains("Connection refused"), "{error}");
        assert!(error.ends_with("give --offline to omit this check"), "{error}");
    }
}
