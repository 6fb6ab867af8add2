//! The cluster's knowledge of a fleet.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use kube::ResourceExt;
use kube::api::DynamicObject;
use vpc_flow_operator::api::fleet::{FLEET_LABEL, VpcFlowFleet};
use vpc_flow_operator::fleet::{FleetIdentity, OtherMonitor, PresentMonitor};

use super::super::dry_run::NotAsked;
use super::super::targets::typed;
use super::planner::{OfFleet, Planner, Subject, not_checked};

/// The note on a plan without a cluster.
const UNKNOWN: &str = "the monitors of the cluster are not known: the plan takes every selected VPC for a new one, and contains neither \
                       waves nor monitors whose VPC is no longer selected";

/// The note on a plan without the monitors of other namespaces.
const ONLY_OWN_NAMESPACE: &str = "monitors of other namespaces are not known: a VPC that one of them watches gets no monitor of the fleet, which this plan does not show";

/// The cluster's knowledge of a fleet.
pub struct Known {
    pub identity: FleetIdentity,
    /// True if the cluster was read.
    pub is_complete: bool,
    /// True if the deletion of the fleet is to be planned.
    pub is_deleted: bool,
    /// Its monitors, by their names.
    pub stored: BTreeMap<String, DynamicObject>,
    /// The same.
    pub present: Vec<PresentMonitor>,
    pub others: Vec<OtherMonitor>,
    pub notes: Vec<String>,
}

impl Known {
    fn nothing(identity: FleetIdentity, others: Vec<OtherMonitor>, is_deleted: bool) -> Self {
        let (stored, present, notes) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { identity, is_complete: false, is_deleted, stored, present, others, notes }
    }

    fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// Takes the fleet and all monitors of the cluster.
    fn with(mut self, fleet: Option<&VpcFlowFleet>, monitors: Vec<DynamicObject>) -> serde_json::Result<Self> {
        self.is_complete = true;
        self.identity.uid = fleet.and_then(ResourceExt::uid).unwrap_or_default();
        self.is_deleted |= fleet.is_some_and(|fleet| fleet.metadata.deletion_timestamp.is_some());
        let FleetIdentity { namespace, name, uid } = &self.identity;
        for monitor in monitors {
            let value = serde_json::to_value(&monitor)?;
            let is_labelled =
                monitor.namespace().as_ref() == Some(namespace) && monitor.labels().get(FLEET_LABEL) == Some(name);
            match PresentMonitor::read(&value, uid).filter(|_| is_labelled) {
                Some(present) => {
                    self.stored.insert(present.name.clone(), monitor);
                    self.present.push(present);
                }
                None => self.others.extend(OtherMonitor::read(&value, uid)),
            }
        }
        self.present.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(self)
    }

    /// A monitor of the fleet as it is in the cluster.
    pub fn subject(&self, name: &str, wave: Option<usize>, destroy: bool) -> anyhow::Result<Subject> {
        let stored =
            self.stored.get(name).with_context(|| format!("{name} is not in the cluster any more: plan again"))?;
        let (object, fleet) = (typed(stored.clone())?, Some(self.of_fleet(wave, false)));
        Ok(Subject { object, knows_status: true, changes_spec: false, destroy, fleet, notes: Vec::new() })
    }

    /// The part of the plan of the fleet that a monitor with this wave is.
    pub fn of_fleet(&self, wave: Option<usize>, is_suspended: bool) -> OfFleet {
        let FleetIdentity { namespace, name, .. } = &self.identity;
        OfFleet { fleet: format!("{namespace}/{name}"), wave, is_suspended }
    }
}

impl Planner<'_> {
    /// Reads what the cluster knows of the fleet, and submits the fleet in a dry run.
    pub async fn known(&self, fleet: &VpcFlowFleet, others: &[OtherMonitor]) -> anyhow::Result<Known> {
        let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
        let identity = FleetIdentity { namespace: namespace.clone(), name, uid: String::new() };
        let known = Known::nothing(identity, others.to_vec(), self.command.destroy);
        let Some(server) = &self.server else { return Ok(known.with_note(UNKNOWN.to_owned())) };
        let stored = match server.stored(fleet).await {
            Ok(stored) => stored.map(typed::<VpcFlowFleet>).transpose()?,
            Err(why) => return self.without_cluster(known, &why),
        };
        let not_judged = self.submit(server, fleet, stored.as_ref()).await?;
        let known = match not_judged {
            Some(why) => known.with_note(not_checked("the fleet", &why)),
            None => known,
        };
        let (monitors, known) = match server.monitors(None).await {
            Ok(monitors) => (monitors, known),
            Err(of_all) => match server.monitors(Some(&namespace)).await {
                Ok(monitors) => (monitors, known.with_note(format!("{ONLY_OWN_NAMESPACE}: {of_all}"))),
                Err(why) => return self.without_cluster(known, &why),
            },
        };
        Ok(known.with(stored.as_ref(), monitors)?)
    }

    fn without_cluster(&self, known: Known, why: &NotAsked) -> anyhow::Result<Known> {
        if self.command.live {
            bail!("the fleet and its monitors cannot be read from the cluster: {why}");
        }
        Ok(known.with_note(not_checked("the fleet", why)).with_note(UNKNOWN.to_owned()))
    }
}
