//! Asks the API server of the kubeconfig's cluster whether it would accept a monitor. Nothing is stored.

use std::time::Duration;

use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio::time::timeout;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::kubernetes::ConfigError;

use super::cluster::ClusterAccess;

/// Time for an answer: a cluster that is further away than that is not reachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attempts to change a monitor that the operator changes at the same time.
const ATTEMPTS: usize = 3;

/// The answer of the API server.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would accept the monitor.
    Accepted,
    /// It would refuse the monitor, with this message.
    Refused(String),
    /// It could not be asked, for this reason.
    NotAsked(String),
}

/// The API server, or the reason why it cannot be asked.
pub struct ApiServer(Result<Client, String>);

impl ApiServer {
    /// Connects to the chosen cluster.
    pub async fn connect(cluster: &ClusterAccess) -> Self {
        if let Err(ConfigError::Unknown { .. }) = cluster.config().await {
            return Self(Err("there is no kubeconfig with a current context".to_owned()));
        }
        let connected = async {
            let client = cluster.client().await.map_err(|error| format!("{error:#}"))?;
            client.apiserver_version().await.map_err(|error| error.to_string())?;
            Ok(client)
        };
        Self(timeout(PATIENCE, connected).await.unwrap_or_else(|_| Err(no_answer())))
    }

    /// Submits the monitor as `kubectl apply` would leave it, in a dry run.
    pub async fn submit(&self, monitor: &VpcFlowMonitor) -> Verdict {
        match &self.0 {
            Ok(client) => {
                timeout(PATIENCE, submit(client, monitor)).await.unwrap_or_else(|_| Verdict::NotAsked(no_answer()))
            }
            Err(reason) => Verdict::NotAsked(reason.clone()),
        }
    }
}

fn no_answer() -> String {
    format!("the API server did not answer within {} seconds", PATIENCE.as_secs())
}

async fn submit(client: &Client, monitor: &VpcFlowMonitor) -> Verdict {
    let monitors: Api<VpcFlowMonitor> = Api::namespaced(client.clone(), &monitor.namespace().unwrap_or_default());
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let name = monitor.name_any();
    let mut verdict = Verdict::Accepted;
    for _ in 0..ATTEMPTS {
        let answer = match monitors.get_opt(&name).await {
            // A spec that replaces the present one is what the plan is for; a patch would leave fields that the file lacks.
            Ok(Some(live)) => {
                let changed = VpcFlowMonitor { spec: monitor.spec.clone(), ..live };
                monitors.replace(&name, &parameters, &changed).await
            }
            Ok(None) => monitors.create(&parameters, monitor).await,
            Err(error) => Err(error),
        };
        verdict = match answer {
            Ok(_) => return Verdict::Accepted,
            Err(error) if is_outdated(&error) => Verdict::NotAsked(error.to_string()),
            Err(error) => return judge(&error),
        };
    }
    verdict
}

fn is_outdated(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Only a refusal of the object itself is a refusal: who plans may lack the right to write, and the namespace or the CRD may come later.
fn judge(error: &kube::Error) -> Verdict {
    let kube::Error::Api(status) = error else { return Verdict::NotAsked(error.to_string()) };
    let is_about_rights = status.message.contains(" cannot ") && status.message.contains(" resource ");
    match status.code {
        403 if !is_about_rights => Verdict::Refused(status.message.clone()),
        400 | 422 => Verdict::Refused(status.message.clone()),
        404 if status.message.contains("namespaces") => Verdict::NotAsked(status.message.clone()),
        404 => Verdict::NotAsked("the VpcFlowMonitor CRD is not installed in the cluster".to_owned()),
        _ => Verdict::NotAsked(status.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn judged(code: u16, message: &str) -> Verdict {
        judge(&kube::Error::Api(Box::new(Status { code, message: message.to_owned(), ..Status::default() })))
    }

    #[test]
    fn only_a_refusal_of_the_monitor_is_a_refusal() {
        for (code, message) in [
            (422, "VpcFlowMonitor.vpcflow.dev \"m\" is invalid: spec.region: Invalid value"),
            (400, "admission webhook \"policy.example.com\" denied the request: no"),
            (403, "admission webhook \"policy.example.com\" denied the request: no"),
            (403, "vpcflowmonitors.vpcflow.dev \"m\" is forbidden: exceeded quota: q"),
        ] {
            assert_eq!(judged(code, message), Verdict::Refused(message.to_owned()));
        }
        for (code, message) in [
            (401, "Unauthorized"),
            (
                403,
                "vpcflowmonitors.vpcflow.dev is forbidden: User \"u\" cannot create resource \"vpcflowmonitors\" in API group",
            ),
            (404, "namespaces \"network\" not found"),
            (404, "404 page not found"),
            (500, "etcdserver: request timed out"),
        ] {
            assert!(matches!(judged(code, message), Verdict::NotAsked(_)), "{message}");
        }
    }
}
