//! The controller: watches monitors and reconciles them.

mod allowed_roles;
mod client;
mod context;
mod events;
mod reconcile;
mod retry;
mod server;
mod status;

use std::future::{Future, pending, ready};
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use kube::Api;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::{Predicate, PredicateConfig};
use kube::runtime::{WatchStreamExt, predicates, reflector, watcher};
use tokio::sync::watch;
use tokio::time::sleep;

pub use allowed_roles::{AllowedRole, AllowedRoles, NotAnAllowedRole};
pub use client::fenced_client;
pub use context::{Context, Options};
pub use retry::Backoff;
pub use server::serve;

use crate::api::VpcFlowMonitor;

/// How long the steps under way may take once the operator is told to stop: less than the 30 seconds that Kubernetes leaves a pod.
const GRACE: Duration = Duration::from_secs(20);

/// How the controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every step that was begun is finished.
    Finished,
    /// Calls to AWS were left without hearing their answers, so they may still take effect.
    Abandoned,
}

/// Runs until `stop` ends. From then on no step is begun; those under way have 20 seconds. `known` turns true once all monitors have been
/// listed.
pub async fn run(
    context: Context,
    known: watch::Sender<bool>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Ended {
    let client = context.client.clone();
    let api: Api<VpcFlowMonitor> = match &context.options.watch_namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let stopping = context.stopping.clone();
    let stop = stop.inspect(move |()| stopping.begin()).shared();
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
    let told_to_stop = stop.clone();
    let out_of_time = async move {
        told_to_stop.await;
        sleep(GRACE).await;
    };
    let config = Config::default().concurrency(context.options.concurrency);
    let controller = Controller::for_stream(monitors, reader)
        .with_config(config)
        .graceful_shutdown_on(stop)
        .run(reconcile::reconcile, reconcile::on_error, Arc::new(context))
        .for_each(|_| ready(()));
    tokio::select! {
        () = controller => Ended::Finished,
        () = stopped_before_the_first_list => Ended::Finished,
        () = out_of_time => {
            tracing::warn!("calls under way were not answered in time; the next start finds out what became of them");
            Ended::Abandoned
        }
    }
}
