use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::ObjectMeta;

/// The states of the objects of a kind, by uid, as last reported in their status. Deleted objects are not in it.
#[derive(Debug)]
pub(super) struct Standings<T>(Arc<Mutex<HashMap<String, Named<T>>>>);

/// An object.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub namespace: String,
    pub name: String,
    pub standing: T,
}

impl<T> Clone for Standings<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Standings<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Standings<T> {
    /// Records the state of an object.
    pub fn learn(&self, metadata: &ObjectMeta, standing: T) {
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let name = metadata.name.clone().unwrap_or_default();
        self.all().insert(metadata.uid.clone().unwrap_or_default(), Named { namespace, name, standing });
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    /// All objects.
    pub fn all(&self) -> MutexGuard<'_, HashMap<String, Named<T>>> {
        // A panic elsewhere leaves at worst one figure wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
