//! All that happens to the monitors of a fleet, as a watch shows it, and the things that must never happen.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use devenv::wait_for;
use futures::StreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, ResourceExt as _};
use testkit::cluster::is;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::spec::TrafficType;

use crate::world::DEADLINE;

/// A state of a monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    vpc: String,
    uid: String,
    version: String,
    /// It has the new template.
    is_new: bool,
    is_ready: bool,
    is_going: bool,
}

impl Seen {
    fn of(monitor: &VpcFlowMonitor, is_gone: bool) -> Self {
        Self {
            vpc: monitor.spec.vpc_id.clone(),
            uid: monitor.uid().unwrap_or_default(),
            version: monitor.resource_version().unwrap_or_default(),
            is_new: monitor.spec.traffic_type == TrafficType::Reject,
            is_ready: is(monitor, "Ready", "True"),
            is_going: is_gone || monitor.metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The states of all monitors, in the order of the API server.
pub struct History(Arc<Mutex<Vec<Seen>>>);

impl History {
    /// Records from now on, until the runtime ends.
    pub fn record(monitors: Api<VpcFlowMonitor>) -> Self {
        let history = Arc::new(Mutex::new(Vec::new()));
        let seen = history.clone();
        tokio::spawn(async move {
            let mut events = pin!(watcher(monitors, Config::default()));
            while let Some(event) = events.next().await {
                let state = match event {
                    Ok(Event::Apply(monitor) | Event::InitApply(monitor)) => Seen::of(&monitor, false),
                    Ok(Event::Delete(monitor)) => Seen::of(&monitor, true),
                    // After an error the watch begins anew.
                    Ok(Event::Init | Event::InitDone) | Err(_) => continue,
                };
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(state);
            }
        });
        Self(history)
    }

    /// Fails if something has happened up to these states that must not happen.
    pub async fn check(&self, monitors: &[VpcFlowMonitor], first_wave: &[String]) -> Result<()> {
        let seen = || self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        wait_for("the watch to show the latest states", DEADLINE, async || {
            let known: BTreeSet<_> = seen().into_iter().map(|state| state.version).collect();
            Ok(monitors.iter().all(|it| it.resource_version().is_some_and(|it| known.contains(&it))).then_some(()))
        })
        .await?;
        check(&seen(), first_wave)
    }
}

fn check(history: &[Seen], first_wave: &[String]) -> Result<()> {
    let mut uids: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut has_new, mut was_ready) = (BTreeSet::new(), BTreeSet::new());
    for Seen { vpc, uid, is_new, is_ready, is_going, .. } in history {
        ensure!(!is_going, "the monitor of {vpc} was deleted");
        ensure!(*uids.entry(vpc).or_insert(uid) == uid, "{vpc} has a second monitor");
        if *is_new {
            let waits: Vec<_> = first_wave.iter().filter(|first| !was_ready.contains(first.as_str())).collect();
            let is_first = first_wave.contains(vpc);
            ensure!(is_first || waits.is_empty(), "{vpc} has the new template before {waits:?} is Ready with it");
            has_new.insert(vpc);
            if *is_ready {
                was_ready.insert(vpc.as_str());
            }
        }
        ensure!(*is_new || !has_new.contains(vpc), "{vpc} has lost the new template");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(steps: &[(&str, bool, bool)]) -> Vec<Seen> {
        let seen = |(vpc, is_new, is_ready): &(&str, bool, bool)| Seen {
            vpc: (*vpc).to_owned(),
            is_new: *is_new,
            is_ready: *is_ready,
            ..Seen::default()
        };
        steps.iter().map(seen).collect()
    }

    fn problem(history: &[Seen]) -> Option<String> {
        check(history, &["a".to_owned(), "b".to_owned()]).err().map(|error| error.to_string())
    }

    #[test]
    fn the_second_wave_begins_when_all_of_the_first_are_ready() {
        let first = [("a", true, false), ("b", true, false), ("a", true, true)];
        let after = |more: &[(&str, bool, bool)]| of(&[&first[..], more].concat());
        assert_eq!(problem(&after(&[("b", true, true), ("c", true, false)])), None);
        let early = problem(&after(&[("c", true, false)])).unwrap();
        assert_eq!(early, r#"c has the new template before ["b"] is Ready with it"#);
        assert_eq!(problem(&after(&[("a", false, true)])).unwrap(), "a has lost the new template");
    }

    #[test]
    fn no_monitor_is_deleted_and_none_is_made_twice() {
        let mut history = of(&[("a", false, true), ("a", false, true)]);
        assert_eq!(problem(&history), None);
        history[1].uid = "another".to_owned();
        assert_eq!(problem(&history).unwrap(), "a has a second monitor");
        history[0].is_going = true;
        assert_eq!(problem(&history).unwrap(), "the monitor of a was deleted");
    }
}
