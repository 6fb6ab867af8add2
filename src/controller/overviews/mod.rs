//! Watches overviews, and reconciles them.

mod context;
mod events;
mod members;
mod reconcile;

use std::sync::Arc;

use futures::future::join_all;
use kube::api::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::Controller;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, watcher};

use self::context::OverviewContext;
use super::context::Context;
use super::read::WatchedMonitor;
use super::until_stopped;
use super::watch::{api, namespaces};
use crate::api::VpcFlowOverview;

/// The part of an overview that is watched: it can be read whatever the spec contains.
type WatchedOverview = PartialObjectMeta<VpcFlowOverview>;

/// Watches and reconciles overviews until `stop` ends, if the operator's settings ask for it.
pub async fn keep(context: Arc<Context>, stop: impl Future<Output = ()> + Clone + Send + Sync + 'static) {
    if !context.options.fleets {
        return;
    }
    let overviews = Arc::new(OverviewContext::new(Arc::clone(&context)));
    let namespaces = namespaces(&context.options.watch_namespaces).into_iter();
    join_all(namespaces.map(|namespace| keep_in(namespace, Arc::clone(&overviews), stop.clone()))).await;
}

async fn keep_in(
    namespace: Option<String>,
    overviews: Arc<OverviewContext>,
    stop: impl Future<Output = ()> + Clone + Send + Sync + 'static,
) {
    let client = &overviews.context.watching;
    let monitors = watcher(api::<WatchedMonitor>(client, namespace.as_deref()), watcher::Config::default());
    let controller = Controller::new(api::<WatchedOverview>(client, namespace.as_deref()), watcher::Config::default());
    let known = controller.store();
    // Each overview of the namespace looks at its labels itself: a monitor may have lost those that selected it.
    let of_namespace = move |monitor: WatchedMonitor| -> Vec<ObjectRef<WatchedOverview>> {
        let overviews = known.state().into_iter();
        let beside = overviews.filter(|it| it.metadata.namespace == monitor.metadata.namespace);
        beside.map(|it| ObjectRef::from_obj(&*it)).collect()
    };
    let controller = controller.watches_stream(monitors.default_backoff().touched_objects(), of_namespace);
    let forget = |uid: &str| overviews.forget(uid);
    let kinds = "overviews and monitors";
    until_stopped::run(controller, kinds, Arc::clone(&overviews), reconcile::reconcile, forget, stop).await;
}
