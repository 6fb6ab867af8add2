//! The objects that `plan` is about.

use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};

use super::super::cluster::Kind;
use super::name::Named;
use super::{Targets, distinct, find, missing, typed};

/// Objects of all kinds, and an error for each that cannot be used.
#[derive(Debug, Default)]
pub struct Declared {
    /// The monitors, in the order of the command line, of files, or of the API server.
    pub monitors: Vec<VpcFlowMonitor>,
    /// The fleets, in the same order.
    pub fleets: Vec<VpcFlowFleet>,
    /// The overviews, in the same order.
    pub overviews: Vec<VpcFlowOverview>,
    /// The others.
    pub errors: Vec<anyhow::Error>,
}

impl Declared {
    /// True if there is nothing to plan.
    pub const fn is_empty(&self) -> bool {
        self.monitors.is_empty() && self.fleets.is_empty() && self.overviews.is_empty()
    }
}

/// Adds the object, or the error.
pub fn keep<K>(found: anyhow::Result<K>, objects: &mut Vec<K>, errors: &mut Vec<anyhow::Error>) {
    match found {
        Ok(object) => objects.push(object),
        Err(error) => errors.push(error),
    }
}

impl Targets {
    /// Reads the objects of these names. Without names, the monitors.
    pub async fn declared(&self) -> anyhow::Result<Declared> {
        if self.names.is_empty() {
            let selection = self.read().await?.typed();
            return Ok(Declared { monitors: selection.monitors, errors: selection.errors, ..Declared::default() });
        }
        let client = self.cluster.client().await?;
        let namespace = self.namespace_of(&client);
        let mut declared = Declared::default();
        for Named { kind, name } in distinct(self.objects()) {
            let Declared { monitors, fleets, overviews, errors } = &mut declared;
            match find(&client, kind, &namespace, &name).await? {
                Some((Kind::Monitor, object)) => keep(typed(object), monitors, errors),
                Some((Kind::Fleet, object)) => keep(typed(object), fleets, errors),
                Some((Kind::Overview, object)) => keep(typed(object), overviews, errors),
                None => errors.push(missing(kind.unwrap_or(Kind::Monitor), &namespace, &name)),
            }
        }
        Ok(declared)
    }
}
