//! Watches fleets, and reconciles them.

mod context;
mod events;
mod monitors;
mod places;
mod reconcile;

use std::sync::Arc;

use futures::future::join_all;
use kube::api::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::Controller;
use kube::runtime::watcher::{self, watcher};

use self::context::FleetContext;
use super::context::Context;
use super::read::WatchedMonitor;
use super::until_stopped;
use super::watch::{api, namespaces};
use crate::api::fleet::{FLEET_LABEL, VpcFlowFleet};

/// The part of a fleet that is watched: it can be read whatever the spec contains.
type WatchedFleet = PartialObjectMeta<VpcFlowFleet>;

/// Watches and reconciles fleets until `stop` ends, if the operator's settings ask for it.
pub async fn keep(context: Arc<Context>, stop: impl Future<Output = ()> + Clone + Send + Sync + 'static) {
    if !context.options.fleets {
        return;
    }
    let fleets = Arc::new(FleetContext::new(Arc::clone(&context)));
    let namespaces = namespaces(&context.options.watch_namespaces).into_iter();
    join_all(namespaces.map(|namespace| keep_in(namespace, Arc::clone(&fleets), stop.clone()))).await;
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
    let forget = |uid: &str| fleets.forget(uid);
    until_stopped::run(
        controller,
        "fleets and their monitors",
        Arc::clone(&fleets),
        reconcile::reconcile,
        forget,
        stop,
    )
    .await;
}
