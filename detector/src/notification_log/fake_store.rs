//! A store in memory, which instances share as they share a bucket.

use std::sync::{Arc, Mutex};

use super::store::{ETag, Store, StoreError};

/// Clones share the object.
#[derive(Clone, Debug, Default)]
pub struct FakeStore {
    object: Arc<Mutex<Object>>,
}

#[derive(Debug, Default)]
struct Object {
    bytes: Option<Vec<u8>>,
    version: u64,
    reads: u64,
    refuses: bool,
    /// Writes of others that come before the next writes.
    conflicts: Vec<Vec<u8>>,
}

impl FakeStore {
    /// Refuses all calls, or none.
    pub fn refuse(&self, refuses: bool) {
        self.object.lock().unwrap().refuses = refuses;
    }

    /// Another instance writes `bytes` between the next read and write.
    pub fn race(&self, bytes: Vec<u8>) {
        self.object.lock().unwrap().conflicts.push(bytes);
    }

    /// The object.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        self.object.lock().unwrap().bytes.clone()
    }

    /// Replaces the object.
    pub fn set(&self, bytes: Vec<u8>) {
        let object = &mut *self.object.lock().unwrap();
        object.bytes = Some(bytes);
        object.version += 1;
    }

    /// Reads so far.
    pub fn reads(&self) -> u64 {
        self.object.lock().unwrap().reads
    }
}

fn refused(verb: &'static str) -> StoreError {
    StoreError::Failed { verb, bucket: "bucket".to_owned(), reason: "SlowDown".to_owned() }
}

impl Store for FakeStore {
    async fn read(&self, _account: Option<&str>) -> Result<Option<(Vec<u8>, ETag)>, StoreError> {
        let object = &mut *self.object.lock().unwrap();
        object.reads += 1;
        if object.refuses {
            return Err(refused("read"));
        }
        Ok(object.bytes.clone().map(|bytes| (bytes, ETag(object.version.to_string()))))
    }

    async fn write(&self, _account: Option<&str>, bytes: Vec<u8>, read: Option<&ETag>) -> Result<(), StoreError> {
        let object = &mut *self.object.lock().unwrap();
        if object.refuses {
            return Err(refused("write"));
        }
        if let Some(other) = object.conflicts.pop() {
            object.bytes = Some(other);
            object.version += 1;
        }
        let is_current = match read {
            Some(ETag(version)) => object.bytes.is_some() && *version == object.version.to_string(),
            None => object.bytes.is_none(),
        };
        if !is_current {
            return Err(StoreError::Conflict { bucket: "bucket".to_owned() });
        }
        object.bytes = Some(bytes);
        object.version += 1;
        Ok(())
    }
}
