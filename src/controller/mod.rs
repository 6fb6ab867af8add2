//! The controller: watches monitors and reconciles them.

mod alarm_reader;
mod alarm_states;
mod client;
mod concurrency;
mod connect;
mod context;
mod events;
mod finalizer;
mod fleets;
mod health;
mod listener;
mod memories;
mod mode;
mod observer;
mod overviews;
mod paced;
mod pages;
mod pass_end;
mod read;
mod reconcile;
mod retry;
mod server;
mod status;
mod until_stopped;
mod watch;

use std::future::{Future, pending, ready};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all, join4};
use futures::{FutureExt, StreamExt};
use kube::Api;
use kube::runtime::controller::{self, Config, Controller};
use kube::runtime::reflector;
use tokio::sync::watch::{Sender, channel};
use tokio::time::sleep;

pub use client::{Clients, clients};
pub use context::{Context, Options};
pub use health::{Health, Stuck};
pub use listener::listen;
pub use observer::aws_gate;
pub use retry::Backoff;
pub use server::{Served, serve};

use read::WatchedMonitor;
use watch::{api, namespaces};

/// Time for the steps under way once the operator must stop: less than the 30 seconds that Kubernetes leaves a pod.
const GRACE: Duration = Duration::from_secs(20);

/// The end of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every step that was begun is finished.
    Finished,
    /// Calls to AWS were abandoned before their answers, so they may still take effect.
    Abandoned,
}

/// Runs until `stop` ends. From then on no step is begun; those under way have 20 seconds. `known` turns true once all monitors have been
/// listed.
pub async fn run(context: Context, known: Sender<bool>, stop: impl Future<Output = ()> + Send + 'static) -> Ended {
    let context = Arc::new(context);
    let stopping = context.stopping.clone();
    let stop = stop.inspect(move |()| stopping.cancel()).shared();
    let stop_requested = stop.clone();
    let out_of_time = async move {
        stop_requested.await;
        sleep(GRACE).await;
    };
    let (mut keepers, mut lists) = (Vec::new(), Vec::new());
    for namespace in namespaces(&context.options.watch_namespaces) {
        let (listed, list) = channel(false);
        let monitors = api(&context.watching, namespace.as_deref());
        keepers.push(keep(monitors, Arc::clone(&context), listed, stop.clone()));
        lists.push(list);
    }
    let alarms = alarm_reader::keep_current(Arc::clone(&context), stop.clone());
    let fleets = fleets::keep(Arc::clone(&context), stop.clone());
    let overviews = overviews::keep(Arc::clone(&context), stop.clone());
    let others = join(fleets, overviews);
    let report_when_all_are_listed = async move {
        for mut list in lists {
            if list.wait_for(|listed| *listed).await.is_err() {
                return; // Stopped before.
            }
        }
        known.send_replace(true);
    };
    tokio::select! {
        (_, (), (), _) = join4(join_all(keepers), report_when_all_are_listed, alarms, others) => Ended::Finished,
        () = out_of_time => {
            tracing::warn!("calls under way did not finish in time; the next start reads their effects from AWS");
            Ended::Abandoned
        }
    }
}

/// Watches and reconciles some monitors until `stop` ends. `listed` turns true once they are known.
async fn keep(
    monitors: Api<WatchedMonitor>,
    context: Arc<Context>,
    listed: Sender<bool>,
    stop: impl Future<Output = ()> + Clone + Send + Sync + 'static,
) {
    let (list, stopped) = (listed.subscribe(), stop.clone());
    // The controller does not stop before it has its first list, which it may never get.
    let stopped_before_the_first_list = async move {
        stopped.await;
        if *list.borrow() {
            pending::<()>().await;
        }
    };
    let (reader, writer) = reflector::store();
    let monitors = watch::monitors(monitors, writer, Arc::clone(&context), listed);
    let controller = Controller::for_stream(monitors, reader)
        // The controller starts all passes that are due, never two over one monitor; `Concurrency` lets them through.
        .with_config(Config::default())
        .graceful_shutdown_on(stop)
        .run(reconcile::reconcile, reconcile::on_error, Arc::clone(&context))
        .for_each(|result| {
            // Gone before its pass began.
            if let Err(controller::Error::ObjectNotFound(monitor)) = result
                && let Some(uid) = monitor.extra.uid
            {
                context.forget(&uid);
            }
            ready(())
        });
    tokio::select! {
        () = controller => {}
        () = stopped_before_the_first_list => {}
    }
}
