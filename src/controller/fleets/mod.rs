//! Watches fleets, and reconciles them.

mod context;
mod events;
mod monitors;
mod places;
mod reconcile;

use std::future::{pending, ready};
use std::sync::Arc;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use kube::api::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::{self, Controller};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client};

use self::context::FleetContext;
use super::context::Context;
use super::read::WatchedMonitor;
use crate::api::fleet::{FLEET_LABEL, VpcFlowFleet};
use crate::kubernetes::advice;
use crate::network::ConnectionProblem;

/// The part of a fleet that is watched: it can be read whatever the spec contains.
type WatchedFleet = PartialObjectMeta<VpcFlowFleet>;

/// Watches and reconciles fleets until `stop` ends, if the operator's settings ask for it.
pub async fn keep(context: Arc<Context>, stop: impl Future<Output = ()> + Clone + Send + Sync + 'static) {
    if !context.options.fleets {
        return;
    }
    let namespaces: Vec<Option<String>> = match &context.options.watch_namespaces {
        all if all.is_empty() => vec![None],
        some => some.iter().cloned().map(Some).collect(),
    };
    let fleets = Arc::new(FleetContext::new(Arc::clone(&context)));
    join_all(namespaces.into_iter().map(|namespace| keep_in(namespace, Arc::clone(&fleets), stop.clone()))).await;
}

async fn keep_in(
    namespace: Option<String>,
    fleets: Arc<FleetContext>,
    stop: impl Future<Output = ()> + Clone + Send + Sync + 'static,
) {
    let client = &fleets.context.watching;
    let of_fleets = watcher::Config::default().labels(FLEET_LABEL);
    let monitors = watcher(api::<WatchedMonitor>(client, namespace.as_deref()), of_fleets);
    let controller = Controller::new(api::<WatchedFleet>(client, namespace.as_deref()), watcher::Config::default())
        .owns_stream(monitors.default_backoff().touched_objects());
    let list = controller.store();
    let stopped = stop.clone();
    // The controller does not stop before it has its first list, which it may never get.
    let stopped_before_the_first_list = async move {
        stopped.await;
        if list.wait_until_ready().now_or_never().is_some() {
            pending::<()>().await;
        }
    };
    let controller = controller
        .graceful_shutdown_on(stop)
        .run(reconcile::reconcile, reconcile::on_error, Arc::clone(&fleets))
        .for_each(|result| {
            match result {
                Err(controller::Error::ObjectNotFound(fleet)) => {
                    if let Some(uid) = &fleet.extra.uid {
                        fleets.forget(uid);
                    }
                }
                Err(controller::Error::QueueError(error)) => {
                    let remedy = ConnectionProblem::of(&error).map(advice);
                    tracing::warn!(%error, remedy, "cannot watch fleets and their monitors; retrying");
                }
                _ => {}
            }
            ready(())
        });
    tokio::select! {
        () = controller => {}
        () = stopped_before_the_first_list => {}
    }
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
