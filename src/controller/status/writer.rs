//! Writes the status of a monitor, and publishes its events and metrics.

use std::time::Instant;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{DynamicObject, ObjectMeta, Patch, PatchParams};
use kube::runtime::events::Event;
use kube::{Api, Resource};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::super::context::Context;
use super::super::events;
use crate::api::status::VpcFlowMonitorStatus;
use crate::api::{RECONCILE_REQUESTED_AT, VpcFlowMonitor};

/// The field manager of the status.
const FIELD_MANAGER: &str = "vpc-flow-operator";

/// The parameters of every write of the status.
pub fn patch_params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

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
}

impl<'a> StatusWriter<'a> {
    pub fn new(
        context: &'a Context,
        api: &'a Api<DynamicObject>,
        metadata: &'a ObjectMeta,
        status: Option<VpcFlowMonitorStatus>,
    ) -> Self {
        let before = status.unwrap_or_default();
        Self { context, api, metadata, written: before.clone(), before, has_written: false }
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

    /// Ends a pass: writes the status, with the request for a pass that is now answered, and publishes the events that go with it.
    pub async fn finish(&mut self, mut status: VpcFlowMonitorStatus) -> kube::Result<()> {
        let requested = self.metadata.annotations.iter().flatten().find(|(key, _)| *key == RECONCILE_REQUESTED_AT);
        status.last_handled_reconcile_at = requested.map(|(_, value)| value.clone());
        let mut events = events::of_troubles(&self.before, &status);
        events.extend(events::of_notices(&self.before, &status));
        self.store(status).await?;
        self.publish(events).await;
        Ok(())
    }

    /// Publishes events about the monitor.
    pub async fn publish(&self, events: Vec<Event>) {
        let uid = self.metadata.uid.clone().unwrap_or_default();
        let reference = ObjectReference {
            api_version: Some(VpcFlowMonitor::api_version(&()).into_owned()),
            kind: Some(VpcFlowMonitor::kind(&()).into_owned()),
            name: self.metadata.name.clone(),
            namespace: self.metadata.namespace.clone(),
            uid: self.metadata.uid.clone(),
            ..ObjectReference::default()
        };
        for event in events {
            if self.context.with_memory(&uid, |memory| memory.events.allows(Instant::now())) {
                self.context.recorder.publish(event, &reference).await;
            } else {
                info!(reason = event.reason, note = event.note, "event budget used up; logged only");
            }
        }
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
        let patch = json!({
            // A monitor deleted and made anew in the meantime must not get this one's status.
            "metadata": {"uid": self.metadata.uid},
            "status": replacement(&json!(self.written), json!(status)),
        });
        let name = self.metadata.name.as_deref().unwrap_or_default();
        let stored = self.api.patch_status(name, &patch_params(), &Patch::Merge(patch)).await?;
        info!("status written");
        let dropped = dropped(&json!(status), &stored.data["status"]);
        if !dropped.is_empty() {
            warn!(
                ?dropped,
                "the installed CRD does not know these fields of the status: apply the CRD of this version, crds/ has it"
            );
        }
        self.written = status;
        self.has_written = true;
        Ok(())
    }
}

/// A merge patch (RFC 7386) that makes `new` of `old`. Server-side apply would keep fields that somebody else has written into the status.
fn replacement(old: &Value, new: Value) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(mut new)) => {
            for (key, old) in old {
                let value = new.remove(key).map_or(Value::Null, |new| replacement(old, new));
                new.insert(key.clone(), value);
            }
            Value::Object(new)
        }
        (_, new) => new,
    }
}

/// The fields that were sent and are not stored: the API server leaves out what the CRD does not have.
fn dropped(sent: &Value, stored: &Value) -> Vec<String> {
    let fields = sent.as_object().into_iter().flatten();
    fields.filter(|(key, _)| stored.get(key.as_str()).is_none()).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_takes_out_what_is_no_more() {
        let (old, new) = (json!({"a": 1, "b": {"c": 1, "d": 2}}), json!({"b": {"d": 3}, "e": [1]}));
        assert_eq!(replacement(&old, new), json!({"a": null, "b": {"c": null, "d": 3}, "e": [1]}));
    }

    #[test]
    fn what_an_old_crd_drops_is_noticed() {
        assert_eq!(dropped(&json!({"a": 1, "b": 2}), &json!({"a": 1})), ["b"]);
        assert!(dropped(&json!({"a": 1}), &json!({"a": 1, "b": 2})).is_empty());
    }
}
