//! The watch: existing, changed and deleted monitors.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt, predicates};
use kube::{Api, Client, Resource, ResourceExt};
use tokio::sync::watch::Sender;

use super::context::Context;
use super::read::WatchedMonitor;
use crate::api::RECONCILE_REQUESTED_AT;
use crate::kubernetes::advice;
use crate::network::ConnectionProblem;

/// Monitors that need a pass, as soon as they do. `listed` turns true once all are known.
pub fn monitors(
    api: Api<WatchedMonitor>,
    writer: Writer<WatchedMonitor>,
    context: Arc<Context>,
    listed: Sender<bool>,
) -> impl Stream<Item = Result<WatchedMonitor, watcher::Error>> {
    // Our own status writes must not wake us.
    let wakes = predicates::generation.combine(predicates::annotations).combine(predicates::finalizers);
    let mut seen = Seen { context, listed, list: HashMap::new(), present: HashSet::new(), failing: false };
    watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(strip)
        .inspect(move |event| seen.note(event))
        .reflect(writer)
        .applied_objects()
        .predicate_filter(wakes, PredicateConfig::default())
}

/// Removes unused metadata: the store contains every monitor of the cluster.
fn strip(monitor: &mut WatchedMonitor) {
    let metadata = &mut monitor.metadata;
    metadata.managed_fields = None;
    metadata.labels = None;
    metadata.owner_references = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| key == RECONCILE_REQUESTED_AT);
    }
}

struct Seen {
    context: Arc<Context>,
    listed: Sender<bool>,
    /// Monitors of the list that is being read, with their generations.
    list: HashMap<String, Option<i64>>,
    /// Monitors that this watch knows to exist. Another watch has those of another namespace.
    present: HashSet<String>,
    failing: bool,
}

impl Seen {
    fn note(&mut self, event: &watcher::Result<Event<WatchedMonitor>>) {
        match event {
            Err(error) => {
                if !self.failing {
                    let remedy = ConnectionProblem::of(error).map(advice);
                    tracing::warn!(%error, remedy, "cannot watch monitors; retrying");
                }
                self.failing = true;
                return;
            }
            Ok(Event::Init) => {
                self.list.clear();
                // This does not show yet that the API server answers.
                return;
            }
            // No pass begins before all are listed.
            Ok(Event::InitApply(monitor)) => {
                self.list.insert(monitor.uid().unwrap_or_default(), monitor.metadata.generation);
            }
            Ok(Event::InitDone) => {
                let list = std::mem::take(&mut self.list);
                // Deleted without an event.
                for uid in self.present.iter().filter(|uid| !list.contains_key(*uid)) {
                    self.context.forget(uid);
                }
                for (uid, generation) in &list {
                    self.context.saw(uid, *generation);
                }
                self.present = list.into_keys().collect();
                self.listed.send_replace(true);
            }
            Ok(Event::Apply(monitor)) => {
                let (namespace, name) = (monitor.namespace(), monitor.name_any());
                let generation = monitor.metadata.generation;
                tracing::debug!(namespace, monitor = name, generation, "watch event");
                let uid = monitor.uid().unwrap_or_default();
                self.context.saw(&uid, generation);
                self.present.insert(uid);
            }
            Ok(Event::Delete(monitor)) => {
                let uid = monitor.uid().unwrap_or_default();
                self.context.forget(&uid);
                self.present.remove(&uid);
            }
        }
        if std::mem::take(&mut self.failing) {
            tracing::info!("monitors are watched again");
        }
    }
}
/// The namespaces to watch one by one; `None` is all of them.
pub fn namespaces(watched: &BTreeSet<String>) -> Vec<Option<String>> {
    if watched.is_empty() { vec![None] } else { watched.iter().cloned().map(Some).collect() }
}

/// The objects of a namespace, or of all.
pub fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
