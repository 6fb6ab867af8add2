//! What the controller calls for each monitor that needs a pass.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{Error as FinalizerError, Event, finalizer};
use kube::{Api, ResourceExt};
use tracing::{instrument, warn};

use super::context::Context;
use super::reconcile::{Error, Pass, Verdict};
use super::retry::jittered;
use super::status::{Mode, unreachable};
use super::stored::{self, Known, Unreadable};
use super::teller::Teller;
use crate::api::{FINALIZER, VpcFlowMonitor};
use crate::engine::Failure;
use crate::metrics::PassResult;

/// When the next pass is due, if by itself, and how this one went.
type Next = (Option<Duration>, PassResult);

/// Reconciles one monitor.
#[instrument(skip_all, fields(namespace = known.namespace(), monitor = known.name_any()))]
pub async fn reconcile(known: Arc<Known>, context: Arc<Context>) -> Result<Action, Infallible> {
    let fails = context.with_memory(&known.uid().unwrap_or_default(), |memory| memory.fails());
    Ok(context.lanes.run(fails, Box::pin(pass(&known, &context))).await)
}

async fn pass(known: &Known, context: &Context) -> Action {
    if context.stopping.has_begun() {
        return Action::await_change();
    }
    let (uid, start) = (known.uid().unwrap_or_default(), Instant::now());
    context.health.pass_begins(&uid);
    let (next, result) = Box::pin(pass_over(known, context)).await.unwrap_or_else(|error| {
        warn!(%error, "reconcile failed");
        let options = &context.options;
        let wait = context.with_memory(&uid, |memory| memory.back_off(false, options.resync, options.backoff));
        (Some(jittered(wait)), PassResult::Error)
    });
    context.metrics.reconcile(result, start.elapsed());
    context.health.pass_ends(&uid, next);
    next.map_or_else(Action::await_change, Action::requeue)
}

/// Passes deal with their errors themselves.
#[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, reason = "the controller passes them so")]
pub fn on_error(_known: Arc<Known>, error: &Infallible, _context: Arc<Context>) -> Action {
    match *error {}
}

async fn pass_over(known: &Known, context: &Context) -> Result<Next, Error> {
    let (namespace, name) = (known.namespace().unwrap_or_default(), known.name_any());
    let kind = ApiResource::erase::<VpcFlowMonitor>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &kind);
    // What the watch holds may be older than the status of the latest pass.
    let latest = objects.get_opt(&name).await?;
    // One of the same name that was made since has a pass of its own.
    let Some(object) = latest.filter(|latest| latest.metadata.uid == known.metadata.uid) else {
        context.forget(&known.uid().unwrap_or_default());
        return Ok((None, PassResult::Success));
    };
    match stored::read(object) {
        Ok(monitor) => under_finalizer(context, &objects, monitor).await,
        Err(unreadable) => refuse(context, &objects, *unreadable).await,
    }
}

async fn under_finalizer(
    context: &Context,
    objects: &Api<DynamicObject>,
    monitor: VpcFlowMonitor,
) -> Result<Next, Error> {
    let verdict: OnceLock<Verdict> = OnceLock::new();
    let (reported, object) = (&verdict, &monitor);
    let work = async |event| {
        let mode = match (&event, object.spec.suspend) {
            (Event::Apply(_), false) => Mode::Keep,
            (Event::Apply(_), true) => Mode::Suspended,
            (Event::Cleanup(_), false) => Mode::Delete,
            (Event::Cleanup(_), true) => Mode::DeleteSuspended,
        };
        let verdict = Box::pin(Pass::new(context, objects, object, mode).run()).await?;
        let _ = reported.set(verdict);
        match event {
            Event::Cleanup(_) if !verdict.settled => Err(Error::StillDeleting),
            // What the spec has come to say in the meantime, such as another deletion policy, still counts.
            Event::Cleanup(_) if has_changed(objects, &object.metadata).await? => Err(Error::StillDeleting),
            _ => Ok(Action::await_change()),
        }
    };
    let api: Api<Known> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    match (Box::pin(finalizer(&api, FINALIZER, known(&object.metadata), work)).await, verdict.get()) {
        (Ok(_), Some(_)) if object.metadata.deletion_timestamp.is_some() => {
            context.forget(&object.uid().unwrap_or_default());
            Ok((None, PassResult::Success))
        }
        (Ok(_), None) => Ok((None, PassResult::Success)),
        (Ok(_) | Err(FinalizerError::CleanupFailed(Error::StillDeleting)), Some(verdict)) => {
            Ok((Some(verdict.wait), verdict.result))
        }
        (Err(error), _) => Err(Box::new(error).into()),
    }
}

/// True if the spec is not as it was.
async fn has_changed(objects: &Api<DynamicObject>, known: &ObjectMeta) -> Result<bool, Error> {
    let now = objects.get_metadata_opt(known.name.as_deref().unwrap_or_default()).await?;
    Ok(now.is_some_and(|now| now.metadata.generation != known.generation))
}

/// Tells that a monitor cannot be read. Nothing is done to AWS: what it stands for is not known. It cannot be deleted either unless nothing
/// was ever made for it.
async fn refuse(context: &Context, objects: &Api<DynamicObject>, unreadable: Unreadable) -> Result<Next, Error> {
    let Unreadable { metadata, status, problem } = unreadable;
    let mut failure = Failure::from(&problem);
    let ours = metadata.finalizers.iter().flatten().any(|known| known == FINALIZER);
    if metadata.deletion_timestamp.is_some() && ours {
        if status.account_id.is_none() && status.resources.is_empty() {
            let api: Api<Known> =
                Api::namespaced(context.client.clone(), metadata.namespace.as_deref().unwrap_or_default());
            let nothing_to_do = async |_| Ok::<_, Error>(Action::await_change());
            Box::pin(finalizer(&api, FINALIZER, known(&metadata), nothing_to_do)).await.map_err(Box::new)?;
            return Ok((None, PassResult::Success));
        }
        failure.message = format!(
            "{}; deletion waits until it does, or until the finalizer {FINALIZER} is removed by hand, which leaves everything in AWS as it is",
            failure.message
        );
    }
    warn!(%failure, "cannot work on the monitor");
    let now = unreachable(&failure, metadata.generation, &status, Timestamp::now());
    Teller::new(context, objects, &metadata, Some(status)).finish(now).await?;
    Ok((Some(jittered(context.options.resync)), PassResult::Error))
}

fn known(metadata: &ObjectMeta) -> Arc<Known> {
    Arc::new(Known { types: None, metadata: metadata.clone(), _phantom: PhantomData })
}
