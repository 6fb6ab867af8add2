//! The finalizer: it keeps a deleted object until AWS is cleaned up.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use kube::api::{DynamicObject, ObjectMeta, PartialObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::finalizer::{Error as FinalizerError, Event, finalizer};
use kube::{Api, Resource};

use super::context::Context;
use super::mode::Mode;
use super::pass_end::{Error, Next, PassEnd};
use crate::api::{FINALIZER, VpcFlowMonitor, VpcFlowOverview};
use crate::metrics::PassResult;

/// A kind of object that has the finalizer.
pub trait Finalized:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Send + Sync + 'static
{
}

impl Finalized for VpcFlowMonitor {}
impl Finalized for VpcFlowOverview {}

/// Adds the finalizer to a living object, then runs a pass. Takes it from a deleted one once the pass has nothing left to remove.
pub async fn under_finalizer<'a, K: Finalized>(
    context: &Context,
    objects: &Api<DynamicObject>,
    metadata: &ObjectMeta,
    is_suspended: bool,
    pass: impl Fn(Mode) -> BoxFuture<'a, Result<PassEnd, Error>>,
) -> Result<Next, Error> {
    let end: OnceLock<PassEnd> = OnceLock::new();
    let work = async |event| {
        let mode = match (&event, is_suspended) {
            (Event::Apply(_), false) => Mode::Keep,
            (Event::Apply(_), true) => Mode::Suspended,
            (Event::Cleanup(_), false) => Mode::Delete,
            (Event::Cleanup(_), true) => Mode::DeleteSuspended,
        };
        let ended = pass(mode).await?;
        let _ = end.set(ended);
        match event {
            Event::Cleanup(_) if !ended.settled => Err(Error::StillDeleting),
            // A change of the spec during the pass, such as another deletion policy, still counts.
            Event::Cleanup(_) if has_changed(objects, metadata).await? => Err(Error::StillDeleting),
            _ => Ok(Requeue::await_change()),
        }
    };
    let api = metadata_api::<K>(context, metadata);
    match (Box::pin(finalizer(&api, FINALIZER, watched(metadata), work)).await, end.get()) {
        (Ok(_), Some(_)) if metadata.deletion_timestamp.is_some() => {
            context.forget(metadata.uid.as_deref().unwrap_or_default());
            Ok(Next::never())
        }
        (Ok(_), None) => Ok(Next::never()),
        (Ok(_) | Err(FinalizerError::CleanupFailed(Error::StillDeleting)), Some(end)) => {
            Ok(Next { wait: Some(end.wait), result: end.result })
        }
        (Err(error), _) => Err(Box::new(error).into()),
    }
}

/// True if the object is deleted, and only the finalizer keeps it.
pub fn is_kept(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some() && metadata.finalizers.iter().flatten().any(|known| known == FINALIZER)
}

/// Takes the finalizer from a deleted monitor for which nothing was ever made.
pub async fn release<K: Finalized>(context: &Context, metadata: &ObjectMeta) -> Result<Next, Error> {
    let api = metadata_api::<K>(context, metadata);
    let nothing_to_do = async |_| Ok::<_, Error>(Requeue::await_change());
    Box::pin(finalizer(&api, FINALIZER, watched(metadata), nothing_to_do)).await.map_err(Box::new)?;
    Ok(Next { wait: None, result: PassResult::Success })
}

/// True if the spec has changed.
async fn has_changed(objects: &Api<DynamicObject>, known: &ObjectMeta) -> Result<bool, Error> {
    let now = objects.get_metadata_opt(known.name.as_deref().unwrap_or_default()).await?;
    Ok(now.is_some_and(|now| now.metadata.generation != known.generation))
}

fn metadata_api<K: Finalized>(context: &Context, metadata: &ObjectMeta) -> Api<PartialObjectMeta<K>> {
    Api::namespaced(context.client.clone(), metadata.namespace.as_deref().unwrap_or_default())
}

fn watched<K>(metadata: &ObjectMeta) -> Arc<PartialObjectMeta<K>> {
    Arc::new(PartialObjectMeta { types: None, metadata: metadata.clone(), _phantom: PhantomData })
}
