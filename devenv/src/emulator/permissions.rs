//! IAM, which the emulator enforces for chosen callers.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::EmulatorClient;

/// Credentials of a session of a role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleSession {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: String,
}

/// An action that AWS would have checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Need {
    /// The operation's name in AWS's API, such as `CreateFlowLogs`.
    pub operation: String,
    /// The IAM action, such as `iam:PassRole`.
    pub action: String,
    /// The ARN it was checked on; `*` for actions that know no resources.
    pub resource: String,
    /// True if the policies allowed it.
    pub allowed: bool,
}

/// The IAM actions that operations may need, sorted: by the service's name in a request's signature, then by operation.
pub type PermissionTable = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[derive(Deserialize)]
struct Needs {
    needs: Vec<Need>,
}

#[derive(Deserialize)]
struct Row {
    actions: Vec<String>,
}

/// The session tags of EKS Pod Identity, all of them transitive: EKS user guide, "Grant Pods access to AWS resources based on tags".
fn pod_identity_tags(account: &str) -> Value {
    json!({
        "eks-cluster-arn": format!("arn:aws:eks:eu-west-1:{account}:cluster/production"),
        "eks-cluster-name": "production",
        "kubernetes-namespace": "vpc-flow-system",
        "kubernetes-service-account": "vpc-flow-operator",
        "kubernetes-pod-name": "vpc-flow-operator-7d4b9c6f5-x2x9z",
        "kubernetes-pod-uid": "0b6f2f0e-6f0c-4f5e-9d0a-6d1f2a3b4c5d",
    })
}

impl EmulatorClient {
    /// Limits the sessions of this role to these policies from now on; each is a managed policy. Returns the credentials of
    /// such a session, the same each time, as EKS Pod Identity does. The role need not exist.
    pub async fn bind_role(&self, account: &str, role: &str, policies: &[Value]) -> Result<RoleSession> {
        let tags = pod_identity_tags(account);
        let order = json!({"account": account, "role": role, "policies": policies, "transitiveTags": tags});
        let answer =
            self.request(move |agent, endpoint| agent.put(format!("{endpoint}/_devenv/permissions")).send_json(&order));
        Ok(serde_json::from_value(answer.await?)?)
    }

    /// The actions that bound callers of an account have needed so far, each once, in order.
    pub async fn needs(&self, account: &str) -> Result<Vec<Need>> {
        let answer: Needs = serde_json::from_value(self.get(format!("/_devenv/permissions?account={account}")).await?)?;
        Ok(answer.needs)
    }

    /// Unbinds all roles of an account, and forgets the actions that they needed.
    pub async fn release_roles(&self, account: &str) -> Result<()> {
        let path = format!("/_devenv/permissions?account={account}");
        self.request(move |agent, endpoint| agent.delete(format!("{endpoint}{path}")).call()).await?;
        Ok(())
    }

    /// The IAM actions that each operation may need.
    pub async fn permission_table(&self) -> Result<PermissionTable> {
        let answer = self.get("/_devenv/permissions/table".to_owned()).await?;
        let table: BTreeMap<String, BTreeMap<String, Row>> = serde_json::from_value(answer)?;
        let actions = |rows: BTreeMap<String, Row>| rows.into_iter().map(|(name, row)| (name, row.actions)).collect();
        Ok(table.into_iter().map(|(service, rows)| (service, actions(rows))).collect())
    }
}
