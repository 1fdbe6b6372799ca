//! A part of a [`super::dict::Dict`]: the entries whose hashes begin with the same bits, in one open-addressing table.

use hashbrown::HashTable;

/// How many entries a segment holds before it splits: a table of 1,024 buckets, filled to seven eighths. It bounds
/// what one insertion may move.
pub(super) const SEGMENT_ENTRIES: usize = 896;

/// A full table (deleted entries take places too) with fewer entries than this is cleaned up rather than split, so
/// that a segment which stays equally large does not split and merge for ever.
const SPLIT_ENTRIES: usize = SEGMENT_ENTRIES / 4 * 3;

/// What malloc takes for a block beside the bytes asked for, about.
pub(super) const ALLOCATION_OVERHEAD: usize = 16;

/// An entry, with its hash: splits and scans need it, and it spares most comparisons of unequal keys.
#[derive(Clone)]
pub(super) struct Slot<V> {
    pub(super) hash: u64,
    pub(super) key: Box<[u8]>,
    pub(super) value: V,
}

/// The entries whose hashes begin with the `depth` highest bits of `prefix`.
#[derive(Clone)]
pub(super) struct Segment<V> {
    pub(super) table: HashTable<Slot<V>>,
    pub(super) prefix: u64,
    pub(super) depth: u32,
}

/// How a segment gets room for one more entry.
pub(super) enum Room {
    /// It has some.
    Free,
    /// Its table has to be built anew with this capacity.
    Rebuild(usize),
    /// It has to split.
    Split,
}

/// The hash that a segment's table uses. The table takes its tag from the highest bits and the bucket from the lowest,
/// which are the same for all entries of a segment and of a shard: it gets the middle bits in their place.
const fn within(hash: u64) -> u64 {
    hash.rotate_left(32)
}

impl<V> Segment<V> {
    /// An empty one, which allocates nothing.
    pub(super) fn new(prefix: u64, depth: u32) -> Self {
        Segment { table: HashTable::new(), prefix, depth }
    }

    /// The bucket of `key`.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.table.find_bucket_index(within(hash), |slot| slot.hash == hash && *slot.key == *key)
    }

    /// The bucket of the first entry with this hash that `matches`.
    pub(super) fn find_by(&self, hash: u64, mut matches: impl FnMut(&Slot<V>) -> bool) -> Option<usize> {
        self.table.find_bucket_index(within(hash), |slot| slot.hash == hash && matches(slot))
    }

    /// What an insertion needs before [`Segment::add`].
    #[inline]
    pub(super) fn room(&self) -> Room {
        let entries = self.table.len();
        if entries < self.table.capacity() {
            return Room::Free;
        }
        if entries >= SPLIT_ENTRIES {
            return Room::Split;
        }
        Room::Rebuild(self.next_capacity())
    }

    /// The capacity for one entry more: the next size, or the same where the table is only full of deleted entries.
    pub(super) fn next_capacity(&self) -> usize {
        let buckets = self.table.num_buckets();
        let full = if buckets < 8 { buckets - 1 } else { buckets / 8 * 7 };
        let entries = self.table.len();
        if entries * 4 >= full * 3 { (full + 1).max(entries + 1) } else { full }
    }

    /// Adds an entry that isn't there; [`Segment::room`] was free. Gives its bucket.
    #[inline]
    pub(super) fn add(&mut self, slot: Slot<V>) -> usize {
        self.table.insert_unique(within(slot.hash), slot, |slot| within(slot.hash)).bucket_index()
    }

    /// Builds the table anew. Gives the number of entries moved.
    pub(super) fn rebuild(&mut self, capacity: usize) -> usize {
        let old = std::mem::replace(&mut self.table, HashTable::with_capacity(capacity));
        let moved = old.len();
        for slot in old {
            self.add(slot);
        }
        moved
    }

    /// Splits into this (the entries whose next bit is 0) and the one that is returned.
    pub(super) fn split(&mut self) -> Segment<V> {
        let bit = 1 << (63 - self.depth);
        self.depth += 1;
        let mut upper = Segment::new(self.prefix | bit, self.depth);
        // Both at full size at once: a half is at the edge of the next smaller one.
        upper.table = HashTable::with_capacity(SEGMENT_ENTRIES);
        let old = std::mem::replace(&mut self.table, HashTable::with_capacity(SEGMENT_ENTRIES));
        for slot in old {
            if slot.hash & bit == 0 {
                self.add(slot)
            } else {
                upper.add(slot)
            };
        }
        upper
    }

    /// Takes over the entries of its other half. Gives the number of entries moved.
    pub(super) fn merge(&mut self, mut other: Segment<V>) -> usize {
        self.depth -= 1;
        self.prefix &= !(1 << (63 - self.depth));
        if other.table.len() > self.table.len() {
            std::mem::swap(&mut self.table, &mut other.table);
        }
        let mut moved = other.table.len();
        if self.table.capacity() - self.table.len() < moved {
            let entries = self.table.len() + moved;
            moved += self.rebuild(entries + entries / 2);
        }
        for slot in other.table {
            self.add(slot);
        }
        moved
    }

    /// The capacity to build the table anew with, if it has become much too large.
    pub(super) fn shrunk(&self) -> Option<usize> {
        let buckets = self.table.num_buckets();
        let entries = self.table.len();
        match entries {
            0 if buckets > 1 => Some(0),
            _ if buckets > 16 && entries * 8 < buckets => Some(entries * 2),
            _ => None,
        }
    }

    /// Bytes of the table.
    pub(super) fn memory(&self) -> usize {
        match self.table.allocation_size() {
            0 => 0,
            bytes => bytes + ALLOCATION_OVERHEAD,
        }
    }

    /// The first hash behind this segment's; `None` if it is the last.
    pub(super) fn end(&self) -> Option<u64> {
        match self.depth {
            0 => None,
            depth => self.prefix.checked_add(1 << (64 - depth)),
        }
    }
}
