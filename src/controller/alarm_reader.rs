//! Reads the states of all alarms about once a minute, between the passes: a pass follows only after minutes, and an alarm is urgent.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::{StreamExt, stream};
use kube::api::Patch;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, instrument, warn};

use super::alarm_states::{AccountAccess, MonitorAlarms};
use super::context::Context;
use super::observer::in_background;
use super::read::read;
use super::status::{firing, patch_params};
use crate::api::status::AlarmStatus;
use crate::resources::alarms::states_of_names;

/// Most names that `DescribeAlarms` accepts in one call: see its entry in the CloudWatch API reference.
const MOST_NAMES: usize = 100;

/// The most accounts that are read at once.
const AT_ONCE: usize = 8;

/// Answers of the API server about an object that has changed, or is gone.
const CONFLICT: u16 = 409;
const NOT_FOUND: u16 = 404;

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
    // An account that does not answer delays no other.
    let accounts = stream::iter(context.alarm_states.by_access());
    accounts.for_each_concurrent(AT_ONCE, |(access, members)| refresh_account(context, access, members)).await;
}

async fn refresh_account(context: &Context, (region, role): AccountAccess, members: Vec<(String, MonitorAlarms)>) {
    // A failure is not reported here: the next pass meets it too, and reports it in the status.
    let aws = match context.aws.get(region.as_deref(), role.as_ref()).await {
        Ok(aws) => aws,
        Err(error) => return debug!(%error, "cannot read the states of alarms"),
    };
    let names: Vec<String> =
        members.iter().flat_map(|(_, monitor)| &monitor.alarms).map(|alarm| alarm.name.clone()).collect();
    let mut found = BTreeMap::new();
    for names in names.chunks(MOST_NAMES) {
        match states_of_names(&aws, names.to_vec()).await {
            Ok(states) => found.extend(states.into_iter().map(|state| (state.name.clone(), state))),
            Err(error) => debug!(%error, "cannot read the states of alarms"),
        }
    }
    for (uid, monitor) in members {
        if latest(&monitor.alarms, &found) != monitor.alarms
            && let Err(error) = write(context, &uid, &monitor, &found).await
        {
            let MonitorAlarms { namespace, name, .. } = monitor;
            warn!(%error, namespace, monitor = name, "cannot write the states of alarms");
        }
    }
}

/// The alarms with their latest states. One that AWS does not list stays as it was until the next pass.
fn latest(known: &[AlarmStatus], found: &BTreeMap<String, AlarmStatus>) -> Vec<AlarmStatus> {
    known.iter().map(|alarm| found.get(&alarm.name).unwrap_or(alarm).clone()).collect()
}

/// Writes the states into the status, and nothing else: a pass may write the rest at the same time. If it does, the next reading follows.
#[instrument(skip_all, fields(namespace = monitor.namespace, monitor = monitor.name))]
async fn write(
    context: &Context,
    uid: &str,
    monitor: &MonitorAlarms,
    found: &BTreeMap<String, AlarmStatus>,
) -> kube::Result<()> {
    // A pass under way writes its own reading.
    if context.health.is_running(uid) {
        return Ok(());
    }
    let objects = context.objects(&monitor.namespace);
    let Some(stored) = objects.get_opt(&monitor.name).await?.filter(|it| it.metadata.uid.as_deref() == Some(uid))
    else {
        return Ok(());
    };
    let resource_version = stored.metadata.resource_version.clone();
    let Some(status) = read(stored).ok().and_then(|object| object.status) else { return Ok(()) };
    let alarms = latest(&status.alarms, found);
    let patch = json!({
        "metadata": {"uid": uid, "resourceVersion": resource_version},
        "status": {"alarms": alarms, "summary": {"alarms": firing(&alarms)}},
    });
    match objects.patch_status(&monitor.name, &patch_params(), &Patch::Merge(patch)).await {
        Ok(_) => {}
        Err(kube::Error::Api(answer)) if [CONFLICT, NOT_FOUND].contains(&answer.code) => return Ok(()),
        Err(error) => return Err(error),
    }
    info!("alarm states written");
    if context.alarm_states.update(uid, &alarms) {
        context.metrics.monitors().learn_alarms(uid, &alarms);
    }
    Ok(())
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
