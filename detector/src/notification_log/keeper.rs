//! Shares the notification log among the instances of the function.
//!
//! An instance claims an incident in the store before it publishes it, so that no other does as well. A claim names its batch. If
//! publishing fails, the claim is taken back; if the instance stops before it can do so, Lambda sends it the same batch again, and
//! a claim of the same batch is no reason for silence. Where the store fails, an incident is published: twice is better than never.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;

use super::store::{ETag, Store, StoreError};
use super::{Addition, Batch, Notification, NotificationLog};

/// Writes of one batch, where other instances write too.
const ATTEMPTS: u32 = 8;

/// The time in seconds for which sums over known incidents stay in memory.
const WRITE_AFTER: u64 = 300;

/// The notification log of an instance, kept in a store if there is one.
#[derive(Debug)]
pub struct Keeper<S> {
    store: Option<S>,
    renotify_after: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The log as it was last read or written.
    log: NotificationLog,
    /// Findings of known incidents that are not in the store yet.
    unwritten: BTreeMap<String, Addition>,
    /// The time of the last write, Unix seconds.
    written: u64,
}

/// An answer of the keeper.
#[derive(Debug)]
pub struct Claim<'f> {
    /// The findings to publish.
    pub notification: Notification<'f>,
    /// The log before.
    before: NotificationLog,
}

impl<S: Store + Sync> Keeper<S> {
    /// Without a store the log lasts as long as the instance.
    #[must_use]
    pub fn new(store: Option<S>, renotify_after: Duration) -> Self {
        Self { store, renotify_after, state: Mutex::default() }
    }

    /// Decides what is published of a batch, and claims it.
    pub async fn claim<'f>(&self, batch: &Batch<'f>, account: Option<&str>) -> Claim<'f> {
        let state = &mut *self.state.lock().await;
        let mut log = state.log.clone();
        let notification = log.add(batch, self.renotify_after);
        let is_settled = notification.is_empty() && batch.now.saturating_sub(state.written) < WRITE_AFTER;
        let Some(store) = self.store.as_ref().filter(|_| !is_settled) else {
            self.note(state, batch);
            return Claim { notification, before: std::mem::replace(&mut state.log, log) };
        };
        match self.write(store, state, batch, account).await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::warn!(%error, "the notification log of this instance is used: incidents may be published again");
                self.note(state, batch);
                Claim { notification, before: std::mem::replace(&mut state.log, log) }
            }
        }
    }

    /// Takes a claim back whose message was not published.
    pub async fn withdraw(&self, batch: &Batch<'_>, claim: &Claim<'_>, account: Option<&str>) {
        let state = &mut *self.state.lock().await;
        state.log.withdraw(batch, &claim.before);
        let Some(store) = &self.store else { return };
        for _ in 0..ATTEMPTS {
            let result = async {
                let Some((mut log, read)) = read(store, account).await? else { return Ok(()) };
                log.withdraw(batch, &claim.before);
                store.write(account, json(&log), Some(&read)).await
            };
            match result.await {
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return tracing::warn!(%error, "the batch is published when it comes again"),
                Ok(()) => return,
            }
        }
    }

    /// Findings of known incidents, to be written later.
    fn note(&self, state: &mut State, batch: &Batch) {
        if self.store.is_some() {
            for (name, addition) in state.log.additions(batch) {
                state.unwritten.entry(name).or_default().include(addition);
            }
        }
    }

    async fn write<'f>(
        &self,
        store: &S,
        state: &mut State,
        batch: &Batch<'f>,
        account: Option<&str>,
    ) -> Result<Claim<'f>, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (mut log, read) = match read(store, account).await? {
                Some((log, read)) => (log, Some(read)),
                None => (NotificationLog::default(), None),
            };
            log.add_sums(&state.unwritten);
            let before = log.clone();
            let notification = log.add(batch, self.renotify_after);
            match store.write(account, json(&log), read.as_ref()).await {
                Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    *state = State { log, unwritten: BTreeMap::new(), written: batch.now };
                    return Ok(Claim { notification, before });
                }
            }
        }
    }
}

/// The log in the store; a new one in the place of one that cannot be read.
async fn read(store: &impl Store, account: Option<&str>) -> Result<Option<(NotificationLog, ETag)>, StoreError> {
    let Some((object, read)) = store.read(account).await? else { return Ok(None) };
    let log = serde_json::from_slice(&object).unwrap_or_else(|error| {
        tracing::warn!(%error, "the notification log cannot be read and is begun anew");
        NotificationLog::default()
    });
    Ok(Some((log, read)))
}

/// A log can always be written as JSON.
fn json(log: &NotificationLog) -> Vec<u8> {
    serde_json::to_vec(log).unwrap_or_default()
}
