//! Holds calls at a known point while a test acts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::time::timeout;

use super::call::ProxiedCall;

/// A point at which calls are held. Clones are the same gate.
///
/// To end a client at a call: wait until it has [`arrived`](Self::arrived), end the client, then
/// [`drop_calls`](Self::drop_calls), so that no held call goes on after the client has ended.
#[derive(Clone, Debug)]
pub struct Gate {
    passage: Arc<watch::Sender<Passage>>,
    held: Arc<watch::Sender<Vec<ProxiedCall>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Shut,
    Open,
    /// Calls are dropped: their connections are closed.
    Dropping,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A gate that is shut.
    #[must_use]
    pub fn new() -> Self {
        Self { passage: Arc::new(watch::Sender::new(Passage::Shut)), held: Arc::new(watch::Sender::new(Vec::new())) }
    }

    /// Waits until a call has arrived at the gate; the first one that ever did.
    pub async fn arrived(&self, deadline: Duration) -> Result<ProxiedCall> {
        let mut held = self.held.subscribe();
        // The sender is this gate's own, so that only time can end the wait.
        let first = timeout(deadline, held.wait_for(|held| !held.is_empty()));
        let first = first.await.with_context(|| format!("no call came to the gate in {} s", deadline.as_secs()))??;
        first.first().cloned().context("a call came to the gate")
    }

    /// Every call that has ever arrived at the gate.
    #[must_use]
    pub fn arrivals(&self) -> Vec<ProxiedCall> {
        self.held.borrow().clone()
    }

    /// Lets held calls and all later ones go on.
    pub fn open(&self) {
        self.passage.send_replace(Passage::Open);
    }

    /// Closes the connections of held calls and of all later ones, also after [`FaultProxy::clear`](super::FaultProxy::clear).
    pub fn drop_calls(&self) {
        self.passage.send_replace(Passage::Dropping);
    }

    /// Opens the gate unless its calls are dropped.
    pub(super) fn release(&self) {
        self.passage.send_if_modified(|passage| {
            let shut = *passage == Passage::Shut;
            if shut {
                *passage = Passage::Open;
            }
            shut
        });
    }

    /// Holds a call; true if it is to go on.
    pub(super) async fn hold(&self, call: ProxiedCall) -> bool {
        let mut passage = self.passage.subscribe();
        self.held.send_modify(|held| held.push(call));
        passage.wait_for(|passage| *passage != Passage::Shut).await.is_ok_and(|passage| *passage == Passage::Open)
    }
}
