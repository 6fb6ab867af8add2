//! Reads the states of all alarms about once a minute, between the passes: a pass follows only after minutes, and an alarm is urgent.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::alarm_states::Watched;
use super::context::Context;
use super::observer::in_background;
use super::read::read;
use super::status::{StatusWriter, firing};
use crate::api::VpcFlowMonitor;
use crate::api::status::AlarmStatus;
use crate::resources::alarms::states_of_names;

/// Most names that `DescribeAlarms` accepts in one call: see its entry in the CloudWatch API reference.
const MOST_NAMES: usize = 100;

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

    #[test]
    fn an_alarm_that_aws_does_not_list_stays_as_it_was() {
        let found = BTreeMap::from([("a".to_owned(), alarm("a", "ALARM"))]);
        let known = [alarm("a", "OK"), alarm("b", "OK")];
        assert_eq!(latest(&known, &found), [alarm("a", "ALARM"), alarm("b", "OK")]);
    }
}
