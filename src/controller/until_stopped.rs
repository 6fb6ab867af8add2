//! Runs the controller of fleets or of overviews until the operator stops.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{pending, ready};
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use kube::Resource;
use kube::runtime::controller::{self, Action, Controller};
use serde::de::DeserializeOwned;

use crate::kubernetes::advice;
use crate::network::ConnectionProblem;

/// Runs `controller` until `stop` ends. `forget` gets the uid of an object that is gone before its pass began.
pub async fn run<K, C, Pass>(
    controller: Controller<K>,
    kinds: &'static str,
    context: Arc<C>,
    reconcile: impl FnMut(Arc<K>, Arc<C>) -> Pass,
    forget: impl Fn(&str),
    stop: impl Future<Output = ()> + Clone + Send + Sync + 'static,
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    Pass: Future<Output = Result<Action, Infallible>> + Send + 'static,
{
    let list = controller.store();
    let stopped = stop.clone();
    // The controller does not stop before it has its first list, which it may never get.
    let stopped_before_the_first_list = async move {
        stopped.await;
        if list.wait_until_ready().now_or_never().is_some() {
            pending::<()>().await;
        }
    };
    let passes = controller.graceful_shutdown_on(stop).run(reconcile, |_, error, _| match *error {}, context);
    let passes = passes.for_each(|result| {
        match result {
            Err(controller::Error::ObjectNotFound(object)) => {
                if let Some(uid) = &object.extra.uid {
                    forget(uid);
                }
            }
            Err(controller::Error::QueueError(error)) => {
                let remedy = ConnectionProblem::of(&error).map(advice);
                tracing::warn!(%error, remedy, kinds, "cannot watch; retrying");
            }
            _ => {}
        }
        ready(())
    });
    tokio::select! {
        () = passes => {}
        () = stopped_before_the_first_list => {}
    }
}
