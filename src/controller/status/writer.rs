//! Writes the status of a monitor, and publishes its events and metrics.

use std::time::{Duration, Instant};

use kube::Api;
use kube::api::{DynamicObject, ObjectMeta};
use kube::runtime::events::Event;
use serde_json::json;

use super::super::context::Context;
use super::super::events;
use super::store::replace_status;
use crate::api::status::VpcFlowMonitorStatus;
use crate::api::{VpcFlowMonitor, requested_pass};

/// The shortest time between two statuses that only show progress. A pass that builds a monitor changes a dozen systems, and each write costs the
/// API server and all who watch.
const PROGRESS: Duration = Duration::from_secs(5);

/// Writes the status during one pass, only where it changes.
pub struct StatusWriter<'a> {
    context: &'a Context,
    api: &'a Api<DynamicObject>,
    metadata: &'a ObjectMeta,
    /// The status as it was when the pass began.
    before: VpcFlowMonitorStatus,
    /// The status as last written.
    written: VpcFlowMonitorStatus,
    /// True once this pass has written it.
    has_written: bool,
    /// The time of that, or of the beginning.
    written_at: Instant,
}

impl<'a> StatusWriter<'a> {
    pub fn new(
        context: &'a Context,
        api: &'a Api<DynamicObject>,
        metadata: &'a ObjectMeta,
        status: Option<VpcFlowMonitorStatus>,
    ) -> Self {
        let before = status.unwrap_or_default();
        Self { context, api, metadata, written: before.clone(), before, has_written: false, written_at: Instant::now() }
    }

    /// The status as it was when the pass began.
    pub const fn before(&self) -> &VpcFlowMonitorStatus {
        &self.before
    }

    /// The status as last written.
    pub const fn written(&self) -> &VpcFlowMonitorStatus {
        &self.written
    }

    /// True if this pass has written the status.
    pub const fn has_written(&self) -> bool {
        self.has_written
    }

    /// The time from which a status may be written that only shows progress.
    pub fn progress_due(&self) -> Instant {
        self.written_at + PROGRESS
    }

    /// Ends a pass: writes the status, with the request for a pass that is now answered, and publishes the events that go with it.
    pub async fn finish(&mut self, mut status: VpcFlowMonitorStatus) -> kube::Result<()> {
        status.last_handled_reconcile_at = requested_pass(self.metadata).cloned();
        let mut events = events::of_troubles(&self.before.conditions, &status.conditions);
        events.extend(events::of_notices(&self.before, &status));
        self.store(status).await?;
        self.publish(events).await;
        Ok(())
    }

    /// Publishes events about the monitor.
    pub async fn publish(&self, events: Vec<Event>) {
        self.context.publish::<VpcFlowMonitor>(self.metadata, events).await;
    }

    /// Writes the status in the middle of a pass. New notices wait for the end, since their events do.
    pub async fn write(&mut self, status: VpcFlowMonitorStatus) -> kube::Result<()> {
        let notices = self.before.notices.clone();
        self.store(VpcFlowMonitorStatus { notices, ..status }).await
    }

    /// Stores the status if it differs from what was last written.
    async fn store(&mut self, status: VpcFlowMonitorStatus) -> kube::Result<()> {
        self.context.metrics.monitors().learn(self.metadata, &status);
        if status == self.written {
            return Ok(());
        }
        replace_status(self.api, self.metadata, &json!(self.written), json!(status)).await?;
        self.written = status;
        self.has_written = true;
        self.written_at = Instant::now();
        Ok(())
    }
}
