use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of each object that is kept between passes, by uid.
#[derive(Debug)]
pub struct Memories<T>(Mutex<HashMap<String, T>>);

impl<T> Default for Memories<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Default> Memories<T> {
    /// The memory of an object.
    pub fn get(&self, uid: &str) -> T {
        self.all().get(uid).cloned().unwrap_or_default()
    }

    /// Keeps the memory of an object.
    pub fn keep(&self, uid: &str, memory: T) {
        self.all().insert(uid.to_owned(), memory);
    }

    /// Changes the memory of an object.
    pub fn change(&self, uid: &str, change: impl FnOnce(&mut T)) {
        change(self.all().entry(uid.to_owned()).or_default());
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, T>> {
        // A panic elsewhere leaves at worst something that is found out again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
