use std::sync::Arc;
use std::time::Instant;

use super::super::context::Context;
use super::super::memories::Memories;
use super::super::paced::FormerPass;

/// Settings and state that every pass over an overview uses.
pub struct OverviewContext {
    pub context: Arc<Context>,
    pub memories: Memories<OverviewMemory>,
}

/// The state of an overview that is kept between passes. If it is lost, AWS is read again.
#[derive(Clone, Debug, Default)]
pub struct OverviewMemory {
    /// A hash of what was declared when AWS was last found as declared, and the time of that.
    pub settled: Option<(u64, Instant)>,
    /// The monitors that the latest pass has listed.
    pub monitors: usize,
    /// The latest pass.
    pub former: Option<FormerPass>,
}

impl OverviewContext {
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, memories: Memories::default() }
    }

    /// Forgets an overview that is gone.
    pub fn forget(&self, uid: &str) {
        self.memories.forget(uid);
        self.context.metrics.overviews().forget(uid);
        self.context.forget(uid);
    }
}
