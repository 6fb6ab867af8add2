//! The alarms of all monitors, with their states as the status last had them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;

use crate::api::VpcFlowMonitor;
use crate::api::spec::AssumeRole;
use crate::api::status::AlarmStatus;

/// The alarms of all monitors, by the UID of the monitor.
#[derive(Debug, Default)]
pub struct AlarmStates(Mutex<HashMap<String, Watched>>);

/// A monitor with alarms.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    reach: Reach,
    /// The alarms as the status has them.
    pub alarms: Vec<AlarmStatus>,
}

/// The way to an account and region: the monitors that share it are read together.
pub type Reach = (Option<String>, Option<AssumeRole>);

impl AlarmStates {
    /// Records the alarms of a monitor, as its status now has them.
    pub fn learn(&self, object: &VpcFlowMonitor, alarms: &[AlarmStatus]) {
        let uid = object.uid().unwrap_or_default();
        if alarms.is_empty() {
            self.forget(&uid);
            return;
        }
        let watched = Watched {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            reach: (object.spec.region.clone(), object.spec.assume_role.clone()),
            alarms: alarms.to_vec(),
        };
        self.all().insert(uid, watched);
    }

    /// Forgets a monitor that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    /// All monitors, by UID, in groups of one account and region.
    pub fn by_reach(&self) -> Vec<(Reach, Vec<(String, Watched)>)> {
        let mut groups: Vec<(Reach, Vec<(String, Watched)>)> = Vec::new();
        for (uid, watched) in self.all().iter() {
            let member = (uid.clone(), watched.clone());
            match groups.iter_mut().find(|(reach, _)| *reach == watched.reach) {
                Some((_, members)) => members.push(member),
                None => groups.push((watched.reach.clone(), vec![member])),
            }
        }
        groups
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        // A panic elsewhere leaves at worst one state old until the next pass.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(name: &str, state: &str) -> AlarmStatus {
        AlarmStatus { name: name.to_owned(), state: state.to_owned(), since: None }
    }

    fn monitor(name: &str, region: &str) -> VpcFlowMonitor {
        let mut spec = crate::api::VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.region = Some(region.to_owned());
        let mut monitor = VpcFlowMonitor::new(name, spec);
        monitor.metadata.uid = Some(name.to_owned());
        monitor
    }

    #[test]
    fn monitors_of_one_account_and_region_are_read_together() {
        let states = AlarmStates::default();
        for (name, region) in [("a", "eu-west-1"), ("b", "eu-west-1"), ("c", "us-east-1")] {
            states.learn(&monitor(name, region), &[alarm(name, "OK")]);
        }
        let mut sizes: Vec<_> = states.by_reach().iter().map(|(_, members)| members.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2]);
        states.learn(&monitor("c", "us-east-1"), &[]);
        states.forget("a");
        assert_eq!(states.by_reach().len(), 1);
    }
}
