//! A proxy between an AWS client and the emulator that fails as AWS does: by rule, for one operation or for all, and that
//! remembers every call. It speaks every wire protocol that the operator's clients do.

mod call;
mod consistency;
mod errors;
mod gate;
mod operation;
mod routes;
mod rule;
mod server;
mod state;
mod wire;

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use call::{ProxiedCall, Treatment};
pub use consistency::Consistency;
pub use gate::Gate;
pub use rule::{ProxyFault, Rule};

use state::State;

/// A proxy on a free port of 127.0.0.1. It ends when dropped, and its connections with it.
#[derive(Debug)]
pub struct FaultProxy {
    endpoint: String,
    state: Arc<State>,
    server: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy in front of the AWS endpoint `upstream`, such as the emulator's. It passes everything on until it
    /// has rules.
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port for the fault proxy")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State::default());
        let server = tokio::spawn(server::serve(listener, upstream.trim_end_matches('/').to_owned(), state.clone()));
        Ok(Self { endpoint, state, server })
    }

    /// The URL, to be used as `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Adds a rule. If several rules match a call, the first added one applies that has no calls to skip and is not used
    /// up.
    pub fn add(&self, rule: Rule) {
        self.state.add(rule);
    }

    /// Removes every rule; held calls go on.
    pub fn clear(&self) {
        self.state.clear();
    }

    /// Makes AWS slow to show what has been changed from now on; the default is at once. Rules come first.
    pub fn set_consistency(&self, consistency: Consistency) {
        self.state.set_consistency(consistency);
    }

    /// Every call in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<ProxiedCall> {
        self.state.calls()
    }

    /// Requests that are no AWS operation the proxy knows, one sentence for each. They were answered with an error.
    #[must_use]
    pub fn unknown_requests(&self) -> Vec<String> {
        self.state.unknown_requests()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}
