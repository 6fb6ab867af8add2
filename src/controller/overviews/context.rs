use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::super::context::Context;

/// Settings and state that every pass over an overview uses.
pub struct OverviewContext {
    pub context: Arc<Context>,
    memories: Mutex<HashMap<String, OverviewMemory>>,
}

/// The state of an overview that is kept between passes. If it is lost, AWS is read again.
#[derive(Clone, Debug, Default)]
pub struct OverviewMemory {
    /// A hash of what was declared when AWS was last found as declared, and the time of that.
    pub settled: Option<(u64, Instant)>,
    /// The end of the latest pass.
    pub ended_at: Option<Instant>,
}

impl OverviewContext {
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, memories: Mutex::default() }
    }

    /// The memory of an overview.
    pub fn memory(&self, uid: &str) -> OverviewMemory {
        self.memories().get(uid).cloned().unwrap_or_default()
    }

    /// Keeps the memory of an overview.
    pub fn keep(&self, uid: &str, memory: OverviewMemory) {
        self.memories().insert(uid.to_owned(), memory);
    }

    /// Forgets an overview that is gone.
    pub fn forget(&self, uid: &str) {
        self.memories().remove(uid);
        self.context.metrics.overviews().forget(uid);
        self.context.forget(uid);
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<String, OverviewMemory>> {
        // A panic elsewhere leaves at worst an account that is read again.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
