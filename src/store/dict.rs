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
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn key(number: u64) -> Vec<u8> {
        format!("key:{number}").into_bytes()
    }

    /// Scans the whole, with `between` called after each step; gives how often each key was visited.
    fn scan_all<V>(dict: &mut Dict<V>, count: usize, mut between: impl FnMut(&mut Dict<V>)) -> HashMap<Vec<u8>, usize> {
        let mut seen = HashMap::new();
        let mut cursor = 0;
        loop {
            cursor = dict.scan(cursor, count, |key, _| *seen.entry(key.to_vec()).or_default() += 1);
            if cursor == 0 {
                return seen;
            }
            between(dict);
        }
    }

    #[test]
    fn an_empty_dict_allocates_nothing() {
        let mut dict: Dict<u64> = Dict::new();
        assert_eq!(dict.memory(), 0);
        assert_eq!((dict.len(), dict.get(b"a")), (0, None));
        assert_eq!(dict.remove(b"a"), None);
        assert_eq!(dict.scan(0, 10, |_, _| unreachable!()), 0);
        assert!(dict.random(7).is_none());
        dict.insert(b"", 1);
        assert_eq!(dict.get(b""), Some(&1));
        assert!(dict.memory() > 0);
        dict.remove(b"");
        assert_eq!(dict.memory(), 0);
    }

    #[test]
    fn no_insertion_moves_more_than_a_segment() {
        let mut dict = Dict::new();
        for number in 0..200_000 {
            dict.insert(&key(number), number);
        }
        assert!(dict.segments.len() > 200, "{} segments", dict.segments.len());
        assert!(dict.directory.len() <= dict.segments.len() * 8, "{} places", dict.directory.len());
        for number in 0..200_000 {
            assert_eq!(dict.get(&key(number)), Some(&number));
        }
        for number in 0..199_990 {
            assert_eq!(dict.remove(&key(number)).map(|(_, value)| value), Some(number));
        }
        assert!(dict.most_moved <= SEGMENT_ENTRIES, "{} entries moved at once", dict.most_moved);
        // What is nearly empty has given its memory back.
        assert!(dict.memory() < 8_000, "{} bytes for 10 entries", dict.memory());
        assert_eq!(dict.segments.len(), 1);
        assert_eq!(dict.iter().count(), 10);
        for number in 199_990..200_000 {
            dict.remove(&key(number));
        }
        assert_eq!(dict.memory(), 0);
    }

    /// Entries that come and go leave deleted places; they must neither make a segment larger nor split it.
    #[test]
    fn a_dict_that_keeps_its_size_keeps_its_memory() {
        let mut dict = Dict::new();
        for number in 0..10_000 {
            dict.insert(&key(number), number);
        }
        let segments = dict.segments.len();
        for number in 10_000..300_000 {
            dict.insert(&key(number), number);
            dict.remove(&key(number - 10_000));
        }
        assert!(dict.segments.len() <= segments * 2, "{segments} segments became {}", dict.segments.len());
        let full = SEGMENT_ENTRIES / 7 * 8;
        assert!(dict.segments.iter().all(|segment| segment.table.num_buckets() <= full));
        assert!(dict.most_moved <= SEGMENT_ENTRIES);
    }

    /// Hashes that are all alike can't be split; the table has to stay correct, and the directory small.
    #[test]
    fn equal_hashes_do_not_make_the_directory_grow() {
        let mut dict = Dict::new();
        for number in 0..2_000_u64 {
            dict.insert_hashed(0x1234_5678_9abc_def0, &key(number), number);
        }
        assert!(dict.directory.len() <= 4_096, "{} places", dict.directory.len());
        for number in 0..2_000 {
            assert_eq!(dict.get_hashed(0x1234_5678_9abc_def0, &key(number)), Some(&number));
        }
        assert_eq!(scan_all(&mut dict, 10, |_| {}).len(), 2_000);
        for number in 0..2_000 {
            assert!(dict.remove_hashed(0x1234_5678_9abc_def0, &key(number)).is_some());
        }
        assert_eq!(dict.memory(), 0);
    }

    #[test]
    fn a_scan_visits_each_once_and_about_as_many_as_asked_for() {
        let mut dict = Dict::new();
        for number in 0..20_000 {
            dict.insert(&key(number), number);
        }
        for count in [1, 10, 1_000, 100_000] {
            let mut steps = 0;
            let seen = scan_all(&mut dict, count, |_| steps += 1);
            assert!(seen.len() == 20_000 && seen.values().all(|&times| times == 1));
            assert!(steps <= 20_000 / count + 1, "{steps} steps of {count}");
        }
        for cursor in [1, 1 << 47, (1 << 48) - 1, 1 << 48, u64::MAX] {
            assert!(dict.scan(cursor, 10, |_, _| {}) < 1 << 48);
        }
    }

    #[test]
    fn a_random_entry_is_any_entry() {
        for entries in [1_u64, 3, 20, 3_000] {
            let mut dict = Dict::new();
            for number in 0..entries {
                dict.insert(&key(number), number as usize);
            }
            let mut times = vec![0_u64; entries as usize];
            let draws = entries * 200;
            for random in 0..draws {
                times[*dict.random(random).unwrap().1] += 1;
            }
            let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
            assert!(*least > 80 && *most < 400, "{entries} entries were drawn {least} to {most} times");
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u64, u64),
        Remove(u64, u64),
        Scan(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let range = (0..6_000_u64, 1..1_500_u64);
        let step = prop_oneof![
            4 => range.clone().prop_map(|(first, count)| Step::Insert(first, count)),
            4 => range.prop_map(|(first, count)| Step::Remove(first, count)),
            3 => (1..700_usize).prop_map(Step::Scan),
        ];
        prop::collection::vec(step, 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 40 } else { 400 }))]

        /// Behaves as std's map does, and a scan that goes on through all changes misses nothing that stays, and shows
        /// nothing twice that was not put there anew.
        #[test]
        fn behaves_as_a_map_while_it_is_scanned(steps in steps()) {
            let mut dict = Dict::new();
            let mut model = HashMap::new();
            let mut cursor = 0;
            let mut steady: HashSet<Vec<u8>> = HashSet::new();
            let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
            for step in steps {
                match step {
                    Step::Insert(first, count) => for number in first..first + count {
                        prop_assert_eq!(dict.insert(&key(number), number + count), model.insert(key(number), number + count));
                    },
                    Step::Remove(first, count) => for number in first..first + count {
                        steady.remove(&key(number));
                        seen.remove(&key(number));
                        prop_assert_eq!(dict.remove(&key(number)).map(|(_, value)| value), model.remove(&key(number)));
                    },
                    Step::Scan(count) => {
                        if cursor == 0 {
                            steady = model.keys().cloned().collect();
                            seen.clear();
                        }
                        let mut twice = None;
                        cursor = dict.scan(cursor, count, |key, value| {
                            assert_eq!(model.get(key), Some(value));
                            if seen.insert(key.to_vec(), 1).is_some() {
                                twice = Some(key.to_vec());
                            }
                        });
                        prop_assert_eq!(twice, None);
                        if cursor == 0 {
                            prop_assert!(steady.iter().all(|key| seen.contains_key(key)));
                        }
                    }
                }
                prop_assert_eq!(dict.len(), model.len());
                prop_assert!(dict.most_moved <= SEGMENT_ENTRIES);
            }
            let mut entries: Vec<_> = dict.iter().map(|(key, value)| (key.to_vec(), *value)).collect();
            let mut expected: Vec<_> = model.iter().map(|(key, value)| (key.clone(), *value)).collect();
            entries.sort();
            expected.sort();
            prop_assert_eq!(entries, expected);
            let tables: usize = dict.segments.iter().map(Segment::memory).sum();
            prop_assert_eq!(dict.table_bytes, tables);
            let keys: usize = dict.iter().map(|(key, _)| key_memory(key)).sum();
            prop_assert_eq!(dict.key_bytes, keys);
        }
    }
}
