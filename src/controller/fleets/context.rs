use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::super::context::Context;
use super::super::memories::Memories;
use super::super::paced::FormerPass;
use crate::fleet::Reading;

/// Settings and state that every pass over a fleet uses.
pub struct FleetContext {
    pub context: Arc<Context>,
    /// Held while monitors are created, so that two fleets never create two for one VPC.
    pub creating: tokio::sync::Mutex<()>,
    pub memories: Memories<FleetMemory>,
}

/// The state of a fleet that is kept between passes. If it is lost, the places are read again.
#[derive(Clone, Debug, Default)]
pub struct FleetMemory {
    /// The answers of the places.
    pub readings: Vec<Reading>,
    /// The time of these answers.
    pub read_at: Option<Instant>,
    /// The generation and the request for which they were read.
    pub read_for: (Option<i64>, Option<String>),
    /// The variants of the template that the API server has accepted in a dry run, by their hash.
    pub accepted: BTreeSet<String>,
    /// The monitors that the API server has refused: by name, the hash of the template and the message.
    pub refused: BTreeMap<String, (String, String)>,
    /// The time at which fields of the template were last put back, by the name of the monitor.
    pub restored_at: BTreeMap<String, Instant>,
    /// The latest pass.
    pub former: Option<FormerPass>,
}

impl FleetContext {
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, creating: tokio::sync::Mutex::new(()), memories: Memories::default() }
    }

    /// Forgets a fleet that is gone.
    pub fn forget(&self, uid: &str) {
        self.memories.forget(uid);
        self.context.metrics.fleets().forget(uid);
        self.context.forget(uid);
    }
}
