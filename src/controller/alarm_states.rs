//! The alarms of all monitors, with their states as the status last had them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;

use crate::api::VpcFlowMonitor;
use crate::api::spec::AssumeRole;
use crate::api::status::{AlarmStatus, VpcFlowMonitorStatus};

/// The alarms of all monitors, by the UID of the monitor.
#[derive(Debug, Default)]
pub struct AlarmStates(Mutex<HashMap<String, MonitorAlarms>>);

/// The alarms of a monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorAlarms {
    /// The namespace of the monitor.
    pub namespace: String,
    /// The name of the monitor.
    pub name: String,
    access: AccountAccess,
    /// The alarms as the status has them.
    pub alarms: Vec<AlarmStatus>,
}

/// The region and the role by which a monitor's account is reached. The alarms of monitors that share them are read together.
pub type AccountAccess = (Option<String>, Option<AssumeRole>);

impl AlarmStates {
    /// Records the alarms at the end of a pass. `written`: the pass has written them into the status. If it has not, the alarm reader may
    /// have written later ones, which stay.
    pub fn learn(&self, object: &VpcFlowMonitor, status: &VpcFlowMonitorStatus, written: bool) {
        let uid = object.uid().unwrap_or_default();
        let mut all = self.all();
        if status.alarms.is_empty() {
            all.remove(&uid);
        } else if written || !all.contains_key(&uid) {
            let alarms = MonitorAlarms {
                namespace: object.namespace().unwrap_or_default(),
                name: object.name_any(),
                access: (status.region.clone(), object.spec.assume_role.clone()),
                alarms: status.alarms.clone(),
            };
            all.insert(uid, alarms);
        }
    }

    /// Records alarms that the alarm reader has written into the status. Returns false if the monitor is gone in the meantime.
    pub fn update(&self, uid: &str, alarms: &[AlarmStatus]) -> bool {
        match self.all().get_mut(uid) {
            Some(known) => {
                alarms.clone_into(&mut known.alarms);
                true
            }
            None => false,
        }
    }

    /// Forgets a monitor that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    /// All monitors, by UID, in groups of one account and region.
    pub fn by_access(&self) -> Vec<(AccountAccess, Vec<(String, MonitorAlarms)>)> {
        let mut groups: HashMap<AccountAccess, Vec<(String, MonitorAlarms)>> = HashMap::new();
        for (uid, monitor) in self.all().iter() {
            groups.entry(monitor.access.clone()).or_default().push((uid.clone(), monitor.clone()));
        }
        groups.into_iter().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, MonitorAlarms>> {
        // A panic elsewhere leaves at worst one state old until the next pass.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;

    fn status(region: &str, state: &str) -> VpcFlowMonitorStatus {
        let alarm = AlarmStatus { name: "a".to_owned(), state: state.to_owned(), since: None };
        VpcFlowMonitorStatus { region: Some(region.to_owned()), alarms: vec![alarm], ..VpcFlowMonitorStatus::default() }
    }

    fn monitor(name: &str) -> VpcFlowMonitor {
        let mut monitor = VpcFlowMonitor::new(name, VpcFlowMonitorSpec::new("vpc-0123456789abcdef0"));
        monitor.metadata.uid = Some(name.to_owned());
        monitor
    }

    #[test]
    fn monitors_of_one_account_and_region_are_read_together() {
        let states = AlarmStates::default();
        for (name, region) in [("a", "eu-west-1"), ("b", "eu-west-1"), ("c", "us-east-1")] {
            states.learn(&monitor(name), &status(region, "OK"), true);
        }
        let mut sizes: Vec<_> = states.by_access().iter().map(|(_, members)| members.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2]);
        states.learn(&monitor("c"), &VpcFlowMonitorStatus::default(), true);
        states.forget("a");
        assert_eq!(states.by_access().len(), 1);
    }

    #[test]
    fn what_the_reader_has_written_stays_unless_a_pass_writes_later() {
        let states = AlarmStates::default();
        let known = || states.by_access()[0].1[0].1.alarms[0].state.clone();
        states.learn(&monitor("a"), &status("eu-west-1", "OK"), false);
        assert!(states.update("a", &status("eu-west-1", "ALARM").alarms));
        states.learn(&monitor("a"), &status("eu-west-1", "OK"), false);
        assert_eq!(known(), "ALARM", "the status has it, so the next reading must correct it");
        states.learn(&monitor("a"), &status("eu-west-1", "OK"), true);
        assert_eq!(known(), "OK");
        states.forget("a");
        assert!(!states.update("a", &status("eu-west-1", "ALARM").alarms), "a monitor that is gone does not come back");
        assert!(states.by_access().is_empty());
    }
}
