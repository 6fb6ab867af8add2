//! The controller: watches monitors and reconciles them.

mod allowed_roles;
mod context;
mod events;
mod reconcile;
mod retry;
mod server;
mod status;

use std::future::{Future, ready};
use std::sync::Arc;

use futures::StreamExt;
use kube::Api;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::{Predicate, PredicateConfig};
use kube::runtime::{WatchStreamExt, predicates, reflector, watcher};
use tokio::sync::watch;

pub use allowed_roles::{AllowedRole, AllowedRoles, NotAnAllowedRole};
pub use context::{Context, Options};
pub use server::serve;

use crate::api::VpcFlowMonitor;

/// Runs until `stop` ends, then finishes the passes under way. `known` turns true once all monitors have been listed.
pub async fn run(context: Context, known: watch::Sender<bool>, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let client = context.client.clone();
    let api: Api<VpcFlowMonitor> = match &context.options.watch_namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let (reader, writer) = reflector::store();
    // Our own status writes must not wake us.
    let wakes = predicates::generation.combine(predicates::annotations).combine(predicates::finalizers);
    let monitors = watcher(api, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .applied_objects()
        .predicate_filter(wakes, PredicateConfig::default());
    let listed = reader.clone();
    tokio::spawn(async move {
        // The writer lives as long as the controller, so this cannot fail before the process ends.
        if listed.wait_until_ready().await.is_ok() {
            known.send_replace(true);
        }
    });
    let config = Config::default().concurrency(context.options.concurrency);
    Controller::for_stream(monitors, reader)
        .with_config(config)
        .graceful_shutdown_on(stop)
        .run(reconcile::reconcile, reconcile::on_error, Arc::new(context))
        .for_each(|_| ready(()))
        .await;
}
