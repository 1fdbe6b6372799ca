//! A hash table that grows in small steps and can be scanned with a cursor.
//!
//! Extendible hashing: a directory of segments, chosen by the hash's high bits; a segment that is full splits in two,
//! so that no insertion moves more than one segment's entries, whatever the table's size. A cursor is a position in
//! hash order, so that a scan neither misses an entry that stays nor needs any state, however the table changes.

/// Where a scan goes on; 0 starts one, and 0 comes back at its end.
pub type Cursor = u64;

/// A map from byte strings.
pub struct Dict<V> {
    _values: Vec<(Box<[u8]>, V)>,
}

impl<V> Default for Dict<V> {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(unused_variables)]
impl<V> Dict<V> {
    /// An empty table; it allocates nothing.
    pub fn new() -> Self {
        Dict { _values: Vec::new() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `key`.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        todo!()
    }

    /// The value at `key`, to change.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        todo!()
    }

    /// True if there is a value at `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Puts `value` at `key`; gives what was there before.
    pub fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        todo!()
    }

    /// Takes the entry at `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<(Box<[u8]>, V)> {
        todo!()
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self._values.iter().map(|(key, value)| (&**key, value))
    }

    /// Calls `visit` with about `count` entries from `cursor` on; gives the cursor to go on with.
    pub fn scan(&self, cursor: Cursor, count: usize, mut visit: impl FnMut(&[u8], &V)) -> Cursor {
        todo!()
    }

    /// An entry chosen by `random`, each about as likely as any other.
    pub fn random(&self, random: u64) -> Option<(&[u8], &V)> {
        todo!()
    }

    /// Bytes that the table itself takes: directory, segments and keys, without what values hold on the heap. O(1).
    pub fn memory(&self) -> usize {
        todo!()
    }
}
