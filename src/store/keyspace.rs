//! One shard's part of one database: its keys, what they hold and when they expire.

use std::collections::BTreeSet;

use super::dict::{Dict, Place};
use super::segment::ALLOCATION_OVERHEAD;
use super::value::Value;

/// What an entry of the expiry index takes, about: a B-tree's nodes are three quarters full.
const EXPIRY_BYTES: usize = 24;

/// What a key has.
pub(super) struct Item {
    value: Value,
    /// When it expires, in milliseconds since 1970; 0 is never.
    deadline: u64,
    /// When it was last read or written, in seconds since 1970.
    accessed: u32,
}

impl Item {
    /// An item that does not expire.
    pub(super) fn new(value: Value, now_ms: u64) -> Self {
        Item { value, deadline: 0, accessed: seconds(now_ms) }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    pub(super) fn into_value(self) -> Value {
        self.value
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        (self.deadline != 0).then_some(self.deadline)
    }

    /// True if its time has come: as in Redis, only once the deadline lies behind.
    pub(super) fn is_expired(&self, now_ms: u64) -> bool {
        self.deadline != 0 && now_ms > self.deadline
    }

    /// Seconds since the last access.
    pub(super) fn idle_seconds(&self, now_ms: u64) -> u64 {
        u64::from(seconds(now_ms).saturating_sub(self.accessed))
    }

    /// Notes an access.
    pub(super) fn access(&mut self, now_ms: u64) {
        self.accessed = seconds(now_ms);
    }
}

fn seconds(now_ms: u64) -> u32 {
    u32::try_from(now_ms / 1000).unwrap_or(u32::MAX)
}

/// One shard's part of one database. It allocates nothing while it has no keys.
#[derive(Default)]
pub(super) struct Keyspace {
    items: Dict<Item>,
    /// Deadlines with their keys' hashes, in order. Two keys with the same hash and deadline would share an entry; the
    /// one that outlives it expires when it is next looked at.
    expiry: BTreeSet<(u64, u64)>,
    /// The sum of all deadlines.
    deadlines: u128,
    /// Bytes that the values hold on the heap.
    value_bytes: usize,
}

impl Keyspace {
    /// The keys.
    pub(super) fn items(&self) -> &Dict<Item> {
        &self.items
    }

    /// Where `key` is, expired or not.
    #[inline]
    pub(super) fn locate(&self, hash: u64, key: &[u8]) -> Option<Place> {
        self.items.locate(hash, key)
    }

    /// The item at `place`.
    #[inline]
    pub(super) fn item(&self, place: Place) -> &Item {
        self.items.at(place).1
    }

    /// Notes an access to the item at `place`.
    #[inline]
    pub(super) fn access(&mut self, place: Place, now_ms: u64) -> &Value {
        let item = self.items.at_mut(place);
        item.access(now_ms);
        &item.value
    }

    /// Changes the value at `place`.
    #[inline]
    pub(super) fn modify<R>(&mut self, place: Place, now_ms: u64, change: impl FnOnce(&mut Value) -> R) -> R {
        let item = self.items.at_mut(place);
        let before = item.value.memory();
        let result = change(&mut item.value);
        item.access(now_ms);
        self.value_bytes = self.value_bytes + item.value.memory() - before;
        result
    }

    /// Adds a key that isn't there.
    pub(super) fn add(&mut self, hash: u64, key: &[u8], item: Item) -> Place {
        self.value_bytes += item.value.memory();
        self.items.add_hashed(hash, key, item)
    }

    /// Takes the entry at `place` out.
    pub(super) fn take(&mut self, hash: u64, place: Place) -> (Box<[u8]>, Item) {
        self.set_deadline(hash, place, None);
        let (key, item) = self.items.remove_at(place);
        self.value_bytes -= item.value.memory();
        (key, item)
    }

    /// Sets or clears when the key at `place` expires. The deadline is not 0.
    pub(super) fn set_deadline(&mut self, hash: u64, place: Place, deadline: Option<u64>) {
        let item = self.items.at_mut(place);
        let old = std::mem::replace(&mut item.deadline, deadline.unwrap_or(0));
        if old == item.deadline {
            return;
        }
        if old != 0 {
            self.expiry.remove(&(old, hash));
            self.deadlines -= u128::from(old);
        }
        if let Some(deadline) = deadline {
            self.expiry.insert((deadline, hash));
            self.deadlines += u128::from(deadline);
        }
    }

    /// The place of a key whose time has come, with its hash.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<(u64, Place)> {
        while let Some(&(deadline, hash)) = self.expiry.first() {
            if deadline >= now_ms {
                return None;
            }
            if let Some(place) = self.items.locate_by(hash, |_, item| item.deadline == deadline) {
                return Some((hash, place));
            }
            debug_assert!(false, "an entry of the expiry index without its key");
            self.expiry.pop_first();
        }
        None
    }

    /// How many keys have not expired.
    pub(super) fn len(&self, now_ms: u64) -> usize {
        self.items.len() - self.expiry.range(..(now_ms, 0)).count()
    }

    /// How many keys expire some time.
    pub(super) fn expires(&self) -> usize {
        self.expiry.len()
    }

    /// The sum of all deadlines, in milliseconds since 1970.
    pub(super) fn deadlines(&self) -> u128 {
        self.deadlines
    }

    /// Bytes that all this takes. O(1).
    pub(super) fn memory(&self) -> usize {
        self.items.memory() + self.value_bytes + self.expiry.len() * EXPIRY_BYTES
    }

    /// Bytes that the key at `place` takes with all that belongs to it.
    pub(super) fn memory_of(&self, place: Place) -> usize {
        let (key, item) = self.items.at(place);
        let expiry = if item.deadline == 0 { 0 } else { EXPIRY_BYTES };
        // The hash and the key's pointer stand beside the item in the table.
        let slot = size_of::<u64>() + size_of::<Box<[u8]>>() + size_of::<Item>();
        slot + key.len() + ALLOCATION_OVERHEAD + item.value.memory() + expiry
    }
}
