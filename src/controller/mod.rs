//! The controller: watches monitors and reconciles them.

mod context;
mod events;
mod reconcile;
mod retry;
mod server;
mod status;

use std::future::{Future, pending, ready};
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use kube::Api;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::{Predicate, PredicateConfig};
use kube::runtime::{WatchStreamExt, predicates, reflector, watcher};
use tokio::sync::watch;

pub use context::{Context, Options};
pub use retry::Backoff;
pub use server::serve;

use crate::api::VpcFlowMonitor;

/// Runs until `stop` ends, then finishes the passes under way. `known` turns true once all monitors have been listed.
pub async fn run(context: Context, known: watch::Sender<bool>, stop: impl Future<Output = ()> + Send + 'static) {
    let client = context.client.clone();
    let api: Api<VpcFlowMonitor> = match &context.options.watch_namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let stop = stop.shared();
    let (listed, stopped) = (known.subscribe(), stop.clone());
    // The controller heeds no stop before it has its first list, which it may never get.
    let stopped_before_the_first_list = async move {
        stopped.await;
        if *listed.borrow() {
            pending::<()>().await;
        }
    };
    let (reader, writer) = reflector::store();
    // Our own status writes must not wake us.
    let wakes = predicates::generation.combine(predicates::annotations).combine(predicates::finalizers);
    let monitors = watcher(api, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .inspect(move |event| {
            if let Ok(watcher::Event::InitDone) = event {
                known.send_replace(true);
            }
        })
        .applied_objects()
        .predicate_filter(wakes, PredicateConfig::default());
    let config = Config::default().concurrency(context.options.concurrency);
    let controller = Controller::for_stream(monitors, reader)
        .with_config(config)
        .graceful_shutdown_on(stop)
        .run(reconcile::reconcile, reconcile::on_error, Arc::new(context))
        .for_each(|_| ready(()));
    tokio::select! {
        () = controller => {}
        () = stopped_before_the_first_list => {}
    }
}
