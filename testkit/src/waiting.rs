//! Waiting for an object of Kubernetes.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result};
use devenv::wait_for;
use kube::Api;
use kube::core::object::HasStatus;
use serde::de::DeserializeOwned;

/// Waits until the object is as `condition` says. The panic shows its latest status.
pub async fn until<K>(objects: &Api<K>, name: &str, what: &str, deadline: Duration, condition: impl Fn(&K) -> bool) -> K
where
    K: HasStatus<Status: Debug> + Clone + DeserializeOwned + Debug,
{
    try_until(objects, name, what, deadline, condition).await.unwrap_or_else(|error| panic!("{error:#}"))
}

/// The same, with an error in place of the panic.
pub async fn try_until<K>(
    objects: &Api<K>,
    name: &str,
    what: &str,
    deadline: Duration,
    condition: impl Fn(&K) -> bool,
) -> Result<K>
where
    K: HasStatus<Status: Debug> + Clone + DeserializeOwned + Debug,
{
    let mut latest = None;
    let waited = wait_for(what, deadline, async || {
        let object = objects.get(name).await?;
        let matches = condition(&object);
        latest = Some(object.clone());
        Ok(matches.then_some(object))
    });
    waited.await.with_context(|| format!("{:#?}", latest.as_ref().map(K::status)))
}
