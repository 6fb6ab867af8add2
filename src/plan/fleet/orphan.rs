//! Monitors whose VPC the fleet no longer selects.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::api::fleet::PrunePolicy;
use crate::fleet::{Action, Decision, Input, PresentMonitor};

/// A monitor whose VPC is no longer selected.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The VPC.
    pub vpc_id: String,
    /// Its fate.
    pub fate: OrphanFate,
    /// The time from which it may be deleted, if `prune.policy` is `Delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_from: Option<String>,
}

impl Orphan {
    /// Takes back a deletion that does not take place now.
    pub(super) fn wait(&mut self) {
        if self.fate == OrphanFate::Delete {
            self.fate = OrphanFate::DeleteLater;
        }
    }
}

/// The fate of a monitor whose VPC is no longer selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OrphanFate {
    /// It goes on.
    Keep,
    /// It is deleted after `prune.afterSeconds`, or once fewer than `prune.maxAtOnce` are being deleted.
    DeleteLater,
    /// It is deleted now.
    Delete,
}

/// The monitors whose VPC is no longer selected.
pub fn orphans(input: Input<'_>, decision: &Decision) -> Vec<Orphan> {
    let present = input.present.iter().filter(|monitor| decision.orphans.contains(&monitor.name));
    present.map(|monitor| orphan(input, decision, monitor)).collect()
}

fn orphan(input: Input<'_>, decision: &Decision, monitor: &PresentMonitor) -> Orphan {
    let prune = input.spec.prune;
    let is_due = |action: &Action| matches!(action, Action::Delete { name, .. } if *name == monitor.name);
    let fate = if monitor.is_deleting || decision.actions.iter().any(is_due) {
        OrphanFate::Delete
    } else if prune.policy == PrunePolicy::Delete {
        OrphanFate::DeleteLater
    } else {
        OrphanFate::Keep
    };
    let since = monitor.orphaned_since.unwrap_or(input.now);
    let from = since.checked_add(Duration::from_secs(prune.after_seconds.into())).unwrap_or(Timestamp::MAX);
    Orphan {
        monitor: format!("{}/{}", input.fleet.namespace, monitor.name),
        vpc_id: monitor.vpc_id.clone(),
        fate,
        deleted_from: (prune.policy == PrunePolicy::Delete).then(|| format!("{from:.0}")),
    }
}
