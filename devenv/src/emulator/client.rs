//! The client of the emulator's control endpoints, which exist besides AWS's own API.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

use super::traffic::{Order, Scenario, Traffic};

const TIMEOUT: Duration = Duration::from_mins(1);
/// Longer than [`TIMEOUT`]: the request also runs the functions that subscribe to the log events.
const TRAFFIC_TIMEOUT: Duration = Duration::from_mins(5);

/// A client of the emulator's control endpoints.
#[derive(Debug, Clone)]
pub struct EmulatorClient {
    endpoint: String,
    agent: Agent,
}

/// One AWS request that the emulator answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// Sequence number over all accounts.
    pub seq: u64,
    /// The service's name in a request's signature, such as `ec2` or `monitoring`.
    pub service: String,
    /// The operation's name in AWS's API, such as `CreateFlowLogs`.
    pub operation: String,
    /// The region the request was signed for.
    pub region: String,
    /// True if the operation can change anything.
    pub mutating: bool,
    /// HTTP status of the answer.
    pub status: u16,
    /// Name of the assumed role; none for the account itself.
    pub caller: Option<String>,
}

/// An error that matching requests get, instead of being carried out.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The account (12 digits) whose requests fail.
    pub account: String,
    /// As in [`Call::service`].
    pub service: String,
    /// As in [`Call::operation`].
    pub operation: String,
    /// AWS's error code, such as `Throttling`.
    pub code: String,
    /// The error's message.
    pub message: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The number of requests that fail; `None` for all until [`EmulatorClient::clear_faults`].
    pub times: Option<u32>,
}

#[derive(Deserialize)]
struct Calls {
    calls: Vec<Call>,
}

impl EmulatorClient {
    /// A client of the emulator at this URL, which AWS SDKs know as `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        // A status other than 200 carries a sentence that says why.
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).proxy(None);
        Self { endpoint: endpoint.into().trim_end_matches('/').to_owned(), agent: config.build().new_agent() }
    }

    /// A client of the emulator that `AWS_ENDPOINT_URL` names, as under `devenv run`.
    pub fn from_env() -> Result<Self> {
        let endpoint = std::env::var("AWS_ENDPOINT_URL")
            .context("AWS_ENDPOINT_URL is not set: start the environment with `devenv run -- COMMAND`")?;
        Ok(Self::new(endpoint))
    }

    /// The URL, to be used as `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// True if the emulator answers.
    pub async fn is_healthy(&self) -> bool {
        self.get("/_devenv/health".to_owned()).await.is_ok()
    }

    /// Everything there is in an account (12 digits) and region.
    pub async fn inventory(&self, account: &str, region: &str) -> Result<Value> {
        self.get(format!("/_devenv/inventory?account={account}&region={region}")).await
    }

    /// The requests of an account with a [`Call::seq`] above `since`, oldest first.
    pub async fn calls(&self, account: &str, since: u64) -> Result<Vec<Call>> {
        let answer = self.get(format!("/_devenv/calls?account={account}&since={since}")).await?;
        let answer: Calls = serde_json::from_value(answer)?;
        Ok(answer.calls)
    }

    /// Makes requests fail from now on.
    pub async fn add_fault(&self, fault: Fault) -> Result<()> {
        self.request(move |agent, endpoint| agent.post(format!("{endpoint}/_devenv/faults")).send_json(&fault)).await?;
        Ok(())
    }

    /// Removes every fault of an account.
    pub async fn clear_faults(&self, account: &str) -> Result<()> {
        let path = format!("/_devenv/faults?account={account}");
        self.request(move |agent, endpoint| agent.delete(format!("{endpoint}{path}")).call()).await?;
        Ok(())
    }

    /// Makes AWS treat an account specially from now on: "Modes" in the README of the emulator.
    pub async fn set_modes(&self, account: &str, modes: Value) -> Result<()> {
        let mut modes = modes;
        modes["account"] = json!(account);
        self.request(move |agent, endpoint| agent.put(format!("{endpoint}/_devenv/modes")).send_json(&modes)).await?;
        Ok(())
    }

    /// Sets the training state of the anomaly models on a metric, and the upper bound of their band. The lower one is 0.
    pub async fn teach(&self, account: &str, region: &str, metric: &str, state: &str, upper: f64) -> Result<()> {
        let body = json!({"account": account, "region": region, "metric": metric, "state": state, "upper": upper});
        let path = "/_devenv/anomaly-models";
        self.request(move |agent, endpoint| agent.put(format!("{endpoint}{path}")).send_json(&body)).await?;
        Ok(())
    }

    /// Simulates `scenario` in a VPC during the last `minutes` minutes (1 to 60). The VPC's flow logs deliver the records.
    /// All effects of the records have happened when this returns: metrics, alarms and their notifications, functions
    /// that subscribe to the log group.
    pub async fn traffic(
        &self,
        account: &str,
        region: &str,
        vpc_id: &str,
        scenario: Scenario,
        minutes: u32,
    ) -> Result<Traffic> {
        let order = Order {
            account: account.to_owned(),
            region: region.to_owned(),
            vpc_id: vpc_id.to_owned(),
            scenario,
            minutes,
        };
        let answer = self.request(move |agent, endpoint| {
            let request = agent.post(format!("{endpoint}/_devenv/traffic"));
            request.config().timeout_global(Some(TRAFFIC_TIMEOUT)).build().send_json(&order)
        });
        Ok(serde_json::from_value(answer.await?)?)
    }

    /// Makes a KMS key that AWS's services may use for the account, and returns its ARN. The operator has no client for KMS.
    pub async fn create_key(&self, account: &str, region: &str) -> Result<String> {
        let logs = format!("logs.{region}");
        self.create_key_for(account, region, &[&logs, "cloudwatch", "delivery.logs"]).await
    }

    /// Makes a KMS key that these services of AWS may use for the account, and returns its ARN.
    pub async fn create_key_for(&self, account: &str, region: &str, services: &[&str]) -> Result<String> {
        let services: Vec<_> = services.iter().map(|service| format!("{service}.amazonaws.com")).collect();
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": services},
                "Action": "kms:*",
                "Resource": "*",
            },
        ]});
        let body = json!({"Policy": policy.to_string()});
        let answer = self.json_call(account, region, "kms", "TrentService.CreateKey", &body).await?;
        answer["KeyMetadata"]["Arn"].as_str().map(str::to_owned).context("CreateKey answered no ARN")
    }

    /// A call of a service for which the operator has no client, in AWS's JSON protocol.
    pub(super) async fn json_call(
        &self,
        account: &str,
        region: &str,
        service: &str,
        target: &'static str,
        body: &Value,
    ) -> Result<Value> {
        let credential = format!("AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request");
        let body = body.to_string();
        self.request(move |agent, endpoint| {
            agent
                .post(endpoint)
                .header("x-amz-target", target)
                .header("content-type", "application/x-amz-json-1.0")
                .header("authorization", format!("{credential}, SignedHeaders=host, Signature=0"))
                .send(body)
        })
        .await
    }

    pub(super) async fn get(&self, path: String) -> Result<Value> {
        self.request(move |agent, endpoint| agent.get(format!("{endpoint}{path}")).call()).await
    }

    pub(super) async fn request<F>(&self, send: F) -> Result<Value>
    where
        F: FnOnce(&Agent, &str) -> Result<Response<Body>, ureq::Error> + Send + 'static,
    {
        let Self { endpoint, agent } = self.clone();
        let answer = tokio::task::spawn_blocking(move || -> Result<Value> {
            let mut response = send(&agent, &endpoint)?;
            let body = response.body_mut().read_to_string()?;
            ensure!(response.status().is_success(), "{}: {body}", response.status());
            serde_json::from_str(&body).map_err(|error| anyhow!("{error} in {body}"))
        });
        answer.await?.with_context(|| format!("the emulator at {} did not answer as asked", self.endpoint))
    }
}
