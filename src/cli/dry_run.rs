//! Asks the API server of the kubeconfig's cluster which monitors and fleets it has, and whether it would accept others. Nothing is stored.

use std::time::Duration;

use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::kubernetes::{ConfigError, message};
use vpc_flow_operator::plan::CustomObject;

use super::cluster::{self, ClusterAccess};
use super::with_causes;

/// Time for an answer: a cluster that is further away than that is not reachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attempts to change an object that the operator changes at the same time.
const ATTEMPTS: usize = 3;

/// Monitors that are read at once.
const PAGE: u32 = 100;

/// The answer of an API server that has not accepted an object.
#[derive(Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// It would refuse the object, with this message.
    Refused(String),
    /// It has not judged the object.
    NotAsked(NotAsked),
}

/// The reason why the API server has not judged an object.
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
    #[error("the {0} CRD is not installed in the cluster")]
    NoCrd(String),
    /// The object's namespace is missing.
    #[error("namespace {0} does not exist in the cluster: it must be created first")]
    NoNamespace(String),
    /// The answer is not about the object itself.
    #[error("{0}")]
    Other(String),
}

impl From<NotAsked> for NotAccepted {
    fn from(why: NotAsked) -> Self {
        Self::NotAsked(why)
    }
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

    /// The object of that kind, namespace and name in the cluster, if there is one.
    pub async fn stored<K: CustomObject>(&self, object: &K) -> Result<Option<DynamicObject>, NotAsked> {
        let client = self.0.clone()?;
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let objects: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &ApiResource::erase::<K>(&()));
        let answer = timeout(PATIENCE, objects.get_opt(&name)).await.map_err(|_| NotAsked::NoAnswer)?;
        answer.map_err(|error| not_asked::<K>(&error, &namespace))
    }

    /// All monitors of a namespace, or of all namespaces.
    pub async fn monitors(&self, namespace: Option<&str>) -> Result<Vec<DynamicObject>, NotAsked> {
        let monitors = cluster::monitors(self.0.clone()?, namespace);
        let (mut found, mut parameters) = (Vec::new(), ListParams::default().limit(PAGE));
        loop {
            let page = timeout(PATIENCE, monitors.list(&parameters)).await.map_err(|_| NotAsked::NoAnswer)?;
            let page = page.map_err(|error| not_asked::<VpcFlowMonitor>(&error, namespace.unwrap_or_default()))?;
            found.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// Submits the object as `kubectl apply` would leave it, in a dry run; `stored` is the one in the cluster.
    pub async fn submit<K: CustomObject>(&self, object: &K, stored: Option<&K>) -> Result<(), NotAccepted> {
        let client = self.0.clone()?;
        timeout(PATIENCE, submit(&client, object, stored.cloned())).await.unwrap_or(Err(NotAsked::NoAnswer.into()))
    }

    /// The monitor that a server-side apply of the manifest would leave, in a dry run.
    pub async fn apply(&self, manager: &str, namespace: &str, manifest: &Value) -> Result<DynamicObject, NotAccepted> {
        let monitors = cluster::monitors(self.0.clone()?, Some(namespace));
        let parameters = PatchParams::apply(manager).force().validation_strict().dry_run();
        let (name, patch) = (manifest["metadata"]["name"].as_str().unwrap_or_default(), Patch::Apply(manifest));
        let answer = timeout(PATIENCE, monitors.patch(name, &parameters, &patch)).await;
        let answer = answer.map_err(|_| NotAsked::NoAnswer)?;
        answer.map_err(|error| judge::<VpcFlowMonitor>(&error, namespace))
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

async fn submit<K: CustomObject>(client: &Client, object: &K, mut stored: Option<K>) -> Result<(), NotAccepted> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let objects: Api<K> = Api::namespaced(client.clone(), &namespace);
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        let answer = match stored.take() {
            Some(live) => objects.replace(&name, &parameters, &applied(object, live)).await,
            None => objects.create(&parameters, object).await,
        };
        result = match answer {
            Ok(_) => return Ok(()),
            Err(error) if is_outdated(&error) => Err(NotAsked::Other(message(&error)).into()),
            Err(error) => return Err(judge::<K>(&error, &namespace)),
        };
        stored = match objects.get_opt(&name).await {
            Ok(stored) => stored,
            Err(error) => return Err(judge::<K>(&error, &namespace)),
        };
    }
    result
}

/// The live object after the file is applied. The spec replaces the present one, because the plan is for it; a patch would leave fields that
/// the file lacks. Labels and annotations of other writers stay.
fn applied<K: CustomObject>(file: &K, mut live: K) -> K {
    *live.spec_mut() = file.spec().clone();
    live.labels_mut().extend(file.labels().clone());
    live.annotations_mut().extend(file.annotations().clone());
    live
}

fn is_outdated(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// The end of the answer if a webhook that has side effects keeps the API server from a dry run.
const NO_DRY_RUN: &str = " does not support dry run";

fn not_asked<K: CustomObject>(error: &kube::Error, namespace: &str) -> NotAsked {
    match error {
        kube::Error::Api(status) if status.code == 404 && status.message.contains("namespaces") => {
            NotAsked::NoNamespace(namespace.to_owned())
        }
        kube::Error::Api(status) if status.code == 404 => NotAsked::NoCrd(K::kind(&()).into_owned()),
        kube::Error::Api(status) => NotAsked::Other(status.message.clone()),
        error => NotAsked::NotReachable(message(error)),
    }
}

/// Only a refusal of the object itself is a refusal: who plans may lack the right to write, and the namespace or the CRD may come later.
fn judge<K: CustomObject>(error: &kube::Error, namespace: &str) -> NotAccepted {
    let not_asked = || NotAccepted::NotAsked(not_asked::<K>(error, namespace));
    let kube::Error::Api(status) = error else { return not_asked() };
    let message = &status.message;
    // A policy's message is free text; this is the API server's own one about missing rights.
    let is_about_rights = message.contains(" is forbidden: User ");
    match status.code {
        400 if message.ends_with(NO_DRY_RUN) => not_asked(),
        403 if !is_about_rights => NotAccepted::Refused(message.clone()),
        400 | 422 => NotAccepted::Refused(message.clone()),
        _ => not_asked(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kube::core::Status;
    use serde_json::{Value, json};

    use super::*;

    fn judged(code: u16, message: &str) -> NotAccepted {
        let status = Status { code, message: message.to_owned(), ..Status::default() };
        judge::<VpcFlowMonitor>(&kube::Error::Api(Box::new(status)), "network")
    }

    #[test]
    fn only_a_refusal_of_the_object_is_a_refusal() {
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
            assert_eq!(judged(code, message), NotAccepted::Refused(message.to_owned()));
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
            assert_eq!(judged(code, message), NotAccepted::NotAsked(NotAsked::Other(message.to_owned())));
        }
        assert_eq!(
            judged(404, "404 page not found"),
            NotAccepted::NotAsked(NotAsked::NoCrd("VpcFlowMonitor".to_owned()))
        );
        let no_namespace = NotAccepted::NotAsked(NotAsked::NoNamespace("network".to_owned()));
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
