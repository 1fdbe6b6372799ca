//! A hash table that grows in small steps and can be scanned with a cursor.
//!
//! Extendible hashing: a directory of segments, chosen by the hash's high bits; a segment that is full splits in two,
//! so that no insertion moves more than one segment's entries, whatever the table's size. A cursor is a position in
//! hash order, so that a scan neither misses an entry that stays nor needs any state, however the table changes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::segment::{ALLOCATION_OVERHEAD, Room, SEGMENT_ENTRIES, Segment, Slot};

/// Where a scan goes on; 0 starts one, and 0 comes back at its end. Less than 2^48, so that a double can hold it, even
/// with a shard's number beside it: there are clients that read cursors as doubles.
pub type Cursor = u64;

/// The hash's bits that a cursor leaves out. Entries that differ in these only are visited in one call.
const CURSOR_SHIFT: u32 = 16;

/// The most bits of the hash that choose a segment.
const MAX_DEPTH: u32 = 32;

/// The quality variant, since every bit is used: the low ones choose the shard, the high ones the segment, and the
/// middle ones the bucket. The fast variant's bits are not equally good. The seed comes from the operating system (by
/// way of std), so that nobody outside can prepare keys that collide.
static HASHER: LazyLock<SeedableRandomState> =
    LazyLock::new(|| SeedableRandomState::with_seed(RandomState::new().hash_one(0), SharedSeed::global_random()));

/// The hash of `key`, of every [`Dict`] in this process.
#[inline]
pub(crate) fn hash(key: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// The next of a sequence of random numbers (splitmix64).
#[inline]
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Where an entry is. Valid until an entry is added or removed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    segment: usize,
    bucket: usize,
}

/// A map from byte strings.
#[derive(Clone)]
pub struct Dict<V> {
    /// The number of the segment for each value of the hash's `depth` highest bits; empty while there is only one.
    directory: Vec<u32>,
    segments: Vec<Segment<V>>,
    depth: u32,
    len: usize,
    /// Bytes of the keys on the heap.
    key_bytes: usize,
    /// Bytes of the segments' tables.
    table_bytes: usize,
    /// The most entries that one call has moved.
    #[cfg(test)]
    most_moved: usize,
}

impl<V> Default for Dict<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Dict<V> {
    /// An empty table; it allocates nothing.
    pub const fn new() -> Self {
        Dict {
            directory: Vec::new(),
            segments: Vec::new(),
            depth: 0,
            len: 0,
            key_bytes: 0,
            table_bytes: 0,
            #[cfg(test)]
            most_moved: 0,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value at `key`.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.get_hashed(hash(key), key)
    }

    /// As [`Dict::get`], with the key's hash known.
    pub(crate) fn get_hashed(&self, hash: u64, key: &[u8]) -> Option<&V> {
        self.locate(hash, key).map(|place| self.at(place).1)
    }

    /// The value at `key`, to change.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.get_mut_hashed(hash(key), key)
    }

    /// As [`Dict::get_mut`], with the key's hash known.
    pub(crate) fn get_mut_hashed(&mut self, hash: u64, key: &[u8]) -> Option<&mut V> {
        let place = self.locate(hash, key)?;
        Some(self.at_mut(place))
    }

    /// True if there is a value at `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Where `key` is, for [`Dict::at`] and its kin.
    #[inline]
    pub(crate) fn locate(&self, hash: u64, key: &[u8]) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        let segment = self.segment_of(hash);
        let bucket = self.segments[segment].find(hash, key)?;
        Some(Place { segment, bucket })
    }

    /// Where an entry with this hash is that `matches`.
    pub(crate) fn locate_by(&self, hash: u64, mut matches: impl FnMut(&[u8], &V) -> bool) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        let segment = self.segment_of(hash);
        let bucket = self.segments[segment].find_by(hash, |slot| matches(&slot.key, &slot.value))?;
        Some(Place { segment, bucket })
    }

    /// The entry at `place`.
    #[inline]
    pub(crate) fn at(&self, place: Place) -> (&[u8], &V) {
        let slot = self.segments[place.segment].table.get_bucket(place.bucket).expect("a place is valid");
        (&slot.key, &slot.value)
    }

    /// The value at `place`, to change.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: Place) -> &mut V {
        &mut self.segments[place.segment].table.get_bucket_mut(place.bucket).expect("a place is valid").value
    }

    /// Puts `value` at `key`; gives what was there before.
    pub fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        self.insert_hashed(hash(key), key, value)
    }

    /// As [`Dict::insert`], with the key's hash known.
    pub(crate) fn insert_hashed(&mut self, hash: u64, key: &[u8], value: V) -> Option<V> {
        match self.get_mut_hashed(hash, key) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => {
                self.add_hashed(hash, key, value);
                None
            }
        }
    }

    /// The value at `key`, to change; `make` makes it where there is none.
    pub(crate) fn get_or_insert_with(&mut self, hash: u64, key: &[u8], make: impl FnOnce() -> V) -> &mut V {
        let place = match self.locate(hash, key) {
            Some(place) => place,
            None => self.add_hashed(hash, key, make()),
        };
        self.at_mut(place)
    }

    /// Adds an entry that isn't there.
    pub(crate) fn add_hashed(&mut self, hash: u64, key: &[u8], value: V) -> Place {
        let segment = self.make_room(hash);
        let bucket = self.segments[segment].add(Slot { hash, key: key.into(), value });
        self.len += 1;
        self.key_bytes += key_memory(key);
        Place { segment, bucket }
    }

    /// Takes the entry at `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<(Box<[u8]>, V)> {
        self.remove_hashed(hash(key), key)
    }

    /// As [`Dict::remove`], with the key's hash known.
    pub(crate) fn remove_hashed(&mut self, hash: u64, key: &[u8]) -> Option<(Box<[u8]>, V)> {
        self.locate(hash, key).map(|place| self.remove_at(place))
    }

    /// Takes the entry at `place` out.
    pub(crate) fn remove_at(&mut self, place: Place) -> (Box<[u8]>, V) {
        let table = &mut self.segments[place.segment].table;
        let Ok(entry) = table.get_bucket_entry(place.bucket) else { unreachable!("a place is valid") };
        let (slot, _) = entry.remove();
        self.len -= 1;
        self.key_bytes -= key_memory(&slot.key);
        if self.len == 0 {
            self.clear();
        } else {
            self.shrink(slot.hash);
        }
        (slot.key, slot.value)
    }

    /// Removes all entries, and frees what they took.
    pub fn clear(&mut self) {
        #[cfg(test)]
        let most_moved = self.most_moved;
        *self = Self::new();
        #[cfg(test)]
        self.note_moved(most_moved);
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.segments.iter().flat_map(|segment| segment.table.iter().map(|slot| (&*slot.key, &slot.value)))
    }

    /// All entries, in no order, with the values to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut V)> {
        self.segments.iter_mut().flat_map(|segment| segment.table.iter_mut().map(|slot| (&*slot.key, &mut slot.value)))
    }

    /// Calls `visit` with about `count` entries from `cursor` on; gives the cursor to go on with.
    ///
    /// An entry that is there during the whole scan is visited exactly once, whatever happens to others meanwhile.
    pub fn scan(&self, cursor: Cursor, count: usize, mut visit: impl FnMut(&[u8], &V)) -> Cursor {
        const LAST: u64 = u64::MAX >> CURSOR_SHIFT;
        if cursor > LAST || self.len == 0 {
            return 0;
        }
        let mut from = cursor << CURSOR_SHIFT;
        let mut wanted = count.max(1);
        let mut found: Vec<&Slot<V>> = Vec::new();
        loop {
            let segment = &self.segments[self.segment_of(from)];
            found.extend(segment.table.iter().filter(|slot| slot.hash >= from));
            if found.len() > wanted {
                // The first `wanted` in hash order, and those that share the position of the last of them.
                let (_, last, _) = found.select_nth_unstable_by_key(wanted - 1, |slot| slot.hash);
                let last = last.hash >> CURSOR_SHIFT;
                for slot in found.iter().filter(|slot| slot.hash >> CURSOR_SHIFT <= last) {
                    visit(&slot.key, &slot.value);
                }
                return if last == LAST { 0 } else { last + 1 };
            }
            wanted -= found.len();
            for slot in found.drain(..) {
                visit(&slot.key, &slot.value);
            }
            match segment.end() {
                None => return 0,
                Some(end) if wanted == 0 => return end >> CURSOR_SHIFT,
                Some(end) => from = end,
            }
        }
    }

    /// An entry chosen by `random`, each about as likely as any other.
    pub fn random(&self, random: u64) -> Option<(&[u8], &V)> {
        if self.len == 0 {
            return None;
        }
        let mut state = random;
        // A segment is as likely as its share of the hashes, which is about its share of the entries.
        for _ in 0..64 {
            let segment = &self.segments[self.segment_of(next_random(&mut state))];
            if segment.table.is_empty() {
                continue;
            }
            let buckets = segment.table.num_buckets() as u64;
            // At least one bucket in 16 is taken.
            for _ in 0..256 {
                let bucket = ((next_random(&mut state) >> 32) * buckets) >> 32;
                if let Some(slot) = segment.table.get_bucket(bucket as usize) {
                    return Some((&slot.key, &slot.value));
                }
            }
        }
        self.iter().next()
    }

    /// Bytes that the table itself takes: directory, segments and keys, without what values hold on the heap. O(1).
    pub fn memory(&self) -> usize {
        let block = |bytes: usize| if bytes == 0 { 0 } else { bytes + ALLOCATION_OVERHEAD };
        self.key_bytes
            + self.table_bytes
            + block(self.directory.capacity() * size_of::<u32>())
            + block(self.segments.capacity() * size_of::<Segment<V>>())
    }

    /// The number of the segment for `hash`; there is at least one.
    #[inline]
    fn segment_of(&self, hash: u64) -> usize {
        if self.depth == 0 { 0 } else { self.directory[(hash >> (64 - self.depth)) as usize] as usize }
    }

    /// Makes sure that the segment for `hash` has room for one entry more, and gives its number.
    #[inline]
    fn make_room(&mut self, hash: u64) -> usize {
        if self.segments.is_empty() {
            self.segments.reserve_exact(1);
            self.segments.push(Segment::new(0, 0));
        }
        loop {
            let segment = self.segment_of(hash);
            match self.segments[segment].room() {
                Room::Free => return segment,
                Room::Rebuild(capacity) => self.rebuild(segment, capacity),
                Room::Split if self.can_split(segment) => self.split(segment),
                Room::Split => self.rebuild(segment, self.segments[segment].next_capacity()),
            }
        }
    }

    /// False where hashes are so uneven that splitting would only make the directory large: it is the only thing here
    /// that doubles. Such a segment grows instead.
    fn can_split(&self, segment: usize) -> bool {
        let depth = self.segments[segment].depth;
        depth < self.depth || (depth < MAX_DEPTH && self.directory.len() <= 64 + 8 * self.segments.len())
    }

    fn split(&mut self, segment: usize) {
        if self.segments[segment].depth == self.depth {
            self.directory = match self.depth {
                0 => vec![0, 0],
                _ => self.directory.iter().flat_map(|&segment| [segment, segment]).collect(),
            };
            self.depth += 1;
        }
        let moved = self.segments[segment].table.len();
        self.table_bytes -= self.segments[segment].memory();
        let upper = self.segments[segment].split();
        self.table_bytes += self.segments[segment].memory() + upper.memory();
        self.segments.push(upper);
        self.direct(self.segments.len() - 1);
        self.note_moved(moved);
    }

    /// Points the directory's places for a segment to it.
    fn direct(&mut self, segment: usize) {
        let Segment { prefix, depth, .. } = self.segments[segment];
        if self.depth == 0 {
            return;
        }
        let first = (prefix >> (64 - self.depth)) as usize;
        self.directory[first..first + (1 << (self.depth - depth))].fill(segment as u32);
    }

    fn rebuild(&mut self, segment: usize, capacity: usize) {
        self.table_bytes -= self.segments[segment].memory();
        let moved = self.segments[segment].rebuild(capacity);
        self.table_bytes += self.segments[segment].memory();
        self.note_moved(moved);
    }

    /// Gives memory back around `hash`, where an entry was removed: a small table for a large one, and one segment for
    /// two that are nearly empty.
    #[inline]
    fn shrink(&mut self, hash: u64) {
        let segment = self.segment_of(hash);
        if let Some(capacity) = self.segments[segment].shrunk() {
            self.rebuild(segment, capacity);
        }
        if self.depth > 0 && self.segments[segment].table.len() <= SEGMENT_ENTRIES / 8 {
            self.merge(hash);
        }
    }

    fn merge(&mut self, hash: u64) {
        let mut moved = 0;
        // Again and again, since what is merged may have an empty neighbour that no removal will ever look at.
        loop {
            let segment = self.segment_of(hash);
            let Segment { prefix, depth, .. } = self.segments[segment];
            if depth == 0 {
                break;
            }
            let half = self.segment_of(prefix ^ (1 << (64 - depth)));
            let entries = self.segments[segment].table.len() + self.segments[half].table.len();
            if self.segments[half].depth != depth || entries > SEGMENT_ENTRIES / 4 {
                break;
            }
            self.table_bytes -= self.segments[segment].memory() + self.segments[half].memory();
            let last = self.segments.len() - 1;
            let other = self.segments.swap_remove(half);
            // The last segment has taken the free number.
            let segment = if segment == last { half } else { segment };
            if half != last {
                self.direct(half);
            }
            moved += self.segments[segment].merge(other);
            self.table_bytes += self.segments[segment].memory();
            self.direct(segment);
        }
        self.note_moved(moved);
        if self.segments.len() * 4 < self.segments.capacity() {
            self.segments.shrink_to(self.segments.len() * 2);
        }
        self.halve_directory();
    }

    /// Halves the directory while it is much too large and no segment needs its last bit.
    fn halve_directory(&mut self) {
        while self.depth > 0
            && self.directory.len() >= self.segments.len() * 4
            && self.directory.chunks_exact(2).all(|pair| pair[0] == pair[1])
        {
            self.depth -= 1;
            self.directory = match self.depth {
                0 => Vec::new(),
                _ => self.directory.iter().copied().step_by(2).collect(),
            };
        }
        if self.segments.len() == 1 {
            self.depth = 0;
            self.directory = Vec::new();
        }
    }

    #[cfg(test)]
    fn note_moved(&mut self, entries: usize) {
        self.most_moved = self.most_moved.max(entries);
    }

    #[cfg(not(test))]
    fn note_moved(&mut self, _: usize) {}
}

/// Bytes that a key takes on the heap.
fn key_memory(key: &[u8]) -> usize {
    if key.is_empty() { 0 } else { key.len() + ALLOCATION_OVERHEAD }
}

#[cfg(test)]
mod tests;
