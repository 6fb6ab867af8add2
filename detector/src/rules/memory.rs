//! The memory of tables that stays from one batch to the next.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// The most that a table keeps, in bytes of entries: more than a batch of ten thousand records of a usual day needs.
const KEPT_BYTES: usize = 1024 * 1024;

/// A table whose memory can be used again.
pub(super) trait Table: Default {
    /// Bytes of its entries, as many as there is room for.
    fn bytes(&self) -> usize;

    fn clear(&mut self);
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

/// Empties a table. It keeps its memory, unless a batch of an unusual day made it large.
pub(super) fn empty(table: &mut impl Table) {
    if table.bytes() > KEPT_BYTES {
        *table = Default::default();
    } else {
        table.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_keeps_its_memory_up_to_the_limit() {
        let capacity_after = |entries: u64| {
            let mut table: HashMap<u64, [u64; 7], RandomState> = (0..entries).map(|key| (key, [0; 7])).collect();
            empty(&mut table);
            assert!(table.is_empty());
            table.capacity()
        };
        let most = KEPT_BYTES as u64 / 64 * 7 / 8;
        assert!(capacity_after(most) as u64 >= most);
        assert_eq!(capacity_after(2 * most), 0);
    }
}
