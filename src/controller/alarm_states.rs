//! The states of all alarms, read about once a minute between the passes: a pass follows only after minutes, and an alarm is urgent.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, ResourceExt};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::context::Context;
use super::observer::in_background;
use super::read::read;
use super::status::{StatusWriter, firing};
use crate::api::VpcFlowMonitor;
use crate::api::spec::AssumeRole;
use crate::api::status::AlarmStatus;
use crate::resources::alarms::states_of_names;

/// Most names that `DescribeAlarms` accepts in one call: see its entry in the CloudWatch API reference.
const MOST_NAMES: usize = 100;

/// The alarms of all monitors, by the UID of the monitor.
#[derive(Debug, Default)]
pub struct AlarmStates(Mutex<HashMap<String, Watched>>);

/// A monitor with alarms.
#[derive(Clone, Debug, PartialEq)]
struct Watched {
    namespace: String,
    name: String,
    reach: Reach,
    /// The alarms as the status has them.
    alarms: Vec<AlarmStatus>,
}

/// The way to an account and region: the monitors that share it are read together.
type Reach = (Option<String>, Option<AssumeRole>);

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

    fn by_reach(&self) -> Vec<(Reach, Vec<(String, Watched)>)> {
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

/// Reads the states again and again until `stop` ends.
pub async fn keep_current(context: Arc<Context>, stop: impl Future<Output = ()>) {
    let reading = async {
        let mut ticks = interval(context.options.alarm_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Answers to these reads do not show that passes make progress.
            Box::pin(in_background(refresh(&context))).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = stop => {}
    }
}

/// Reads the states of all alarms, and writes those that have changed into the status of their monitors.
async fn refresh(context: &Context) {
    for ((region, role), members) in context.alarm_states.by_reach() {
        // A failure is not reported here: the next pass meets it too, and reports it in the status.
        let aws = match context.aws.get(region.as_deref(), role.as_ref()).await {
            Ok(aws) => aws,
            Err(error) => {
                debug!(%error, "cannot read the states of alarms");
                continue;
            }
        };
        let names: Vec<String> =
            members.iter().flat_map(|(_, watched)| &watched.alarms).map(|alarm| alarm.name.clone()).collect();
        let mut found = BTreeMap::new();
        for names in names.chunks(MOST_NAMES) {
            match states_of_names(&aws, names.to_vec()).await {
                Ok(states) => found.extend(states.into_iter().map(|state| (state.name.clone(), state))),
                Err(error) => debug!(%error, "cannot read the states of alarms"),
            }
        }
        for (uid, watched) in members {
            let now = latest(&watched.alarms, &found);
            if now != watched.alarms
                && let Err(error) = write(context, &uid, &watched, &found).await
            {
                warn!(%error, namespace = watched.namespace, monitor = watched.name, "cannot write the states of alarms");
            }
        }
    }
}

/// The alarms with their latest states. One that AWS does not list stays as it was until the next pass.
fn latest(known: &[AlarmStatus], found: &BTreeMap<String, AlarmStatus>) -> Vec<AlarmStatus> {
    known.iter().map(|alarm| found.get(&alarm.name).unwrap_or(alarm).clone()).collect()
}

async fn write(
    context: &Context,
    uid: &str,
    watched: &Watched,
    found: &BTreeMap<String, AlarmStatus>,
) -> kube::Result<()> {
    // A pass under way writes its own reading.
    if context.health.is_running(uid) {
        return Ok(());
    }
    let kind = ApiResource::erase::<VpcFlowMonitor>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &watched.namespace, &kind);
    let stored = objects.get_opt(&watched.name).await?.filter(|object| object.metadata.uid.as_deref() == Some(uid));
    let Some(Ok(object)) = stored.map(read) else { return Ok(()) };
    let Some(before) = object.status.clone() else { return Ok(()) };
    let mut status = before.clone();
    status.alarms = latest(&before.alarms, found);
    if let Some(summary) = &mut status.summary {
        summary.alarms = firing(&status.alarms);
    }
    context.alarm_states.learn(&object, &status.alarms);
    StatusWriter::new(context, &objects, &object.metadata, Some(before)).write(status).await
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

    #[test]
    fn an_alarm_that_aws_does_not_list_stays_as_it_was() {
        let found = BTreeMap::from([("a".to_owned(), alarm("a", "ALARM"))]);
        let known = [alarm("a", "OK"), alarm("b", "OK")];
        assert_eq!(latest(&known, &found), [alarm("a", "ALARM"), alarm("b", "OK")]);
    }
}
