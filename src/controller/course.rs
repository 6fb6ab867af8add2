use std::sync::atomic::{AtomicBool, Ordering};

use kube::Api;
use kube::api::{DynamicObject, ObjectMeta};
use tokio::sync::mpsc::UnboundedSender;

use super::context::Context;
use crate::engine::{Outcome, Overseer};

/// The engine's way back to a pass: what it tells, and whether it is to go on.
pub struct Course<'a> {
    context: &'a Context,
    api: &'a Api<DynamicObject>,
    metadata: &'a ObjectMeta,
    outcomes: UnboundedSender<Outcome>,
    ended: AtomicBool,
}

impl<'a> Course<'a> {
    /// The course of a pass over the monitor of `metadata`, which tells `outcomes`.
    pub fn new(
        context: &'a Context,
        api: &'a Api<DynamicObject>,
        metadata: &'a ObjectMeta,
        outcomes: UnboundedSender<Outcome>,
    ) -> Self {
        Self { context, api, metadata, outcomes, ended: AtomicBool::new(false) }
    }

    /// True if the monitor is no longer to be worked on as it was when the pass began: it is suspended now, to be deleted, or gone. Any other
    /// change waits for the next pass, or a spec that changes often would never be carried out.
    async fn is_called_off(&self) -> bool {
        let uid = self.metadata.uid.clone().unwrap_or_default();
        let latest = self.context.with_memory(&uid, |memory| memory.generation);
        if latest.is_some_and(|latest| Some(latest) <= self.metadata.generation) {
            return false;
        }
        let now = match self.api.get_opt(self.metadata.name.as_deref().unwrap_or_default()).await {
            Ok(Some(now)) if now.metadata.uid == self.metadata.uid => now,
            // Somebody has taken the finalizer off.
            Ok(_) => return true,
            // Without an answer the pass goes on: the next one sees it.
            Err(_) => return false,
        };
        let suspended = now.data["spec"]["suspend"].as_bool().unwrap_or(false);
        suspended || (now.metadata.deletion_timestamp.is_some() && self.metadata.deletion_timestamp.is_none())
    }
}

impl Overseer for Course<'_> {
    async fn may_begin_step(&self) -> bool {
        if !self.ended.load(Ordering::SeqCst) && (self.context.stopping.has_begun() || self.is_called_off().await) {
            self.ended.store(true, Ordering::SeqCst);
        }
        !self.ended.load(Ordering::SeqCst)
    }

    fn hear(&self, outcome: &Outcome) {
        // The work goes on whether or not it can still be told of.
        let _ = self.outcomes.send(outcome.clone());
    }
}
