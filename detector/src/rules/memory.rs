//! The memory of tables that stays from one batch to the next.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// The most that the tables of an engine keep, in bytes of entries: what a batch of ten thousand records of a usual day needs. After an
/// unusual batch they keep nothing, since what stays between large tables would keep their memory from the kernel.
pub(super) const KEPT_BYTES: usize = 2 * 1024 * 1024;

/// A table whose memory can be used again.
pub(super) trait Table: Default {
    /// Bytes of its entries, as many as there is room for.
    fn bytes(&self) -> usize;

    fn clear(&mut self);

    /// Forgets all entries, and gives the memory back unless the table `keeps` it.
    fn forget(&mut self, keeps: bool) {
        if keeps {
            self.clear();
        } else {
            *self = Self::default();
        }
    }
}

impl<K, V> Table for HashMap<K, V, RandomState> {
    fn bytes(&self) -> usize {
        self.capacity() * size_of::<(K, V)>()
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl<K> Table for HashSet<K, RandomState> {
    fn bytes(&self) -> usize {
        self.capacity() * size_of::<K>()
    }

    fn clear(&mut self) {
        self.clear();
    }
}
