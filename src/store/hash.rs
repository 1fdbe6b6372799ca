//! The hash kind of value.

use super::dict::{Cursor, Dict};
use super::string::allocated;

/// A hash of more fields becomes a table (`hash-max-listpack-entries`).
const MAX_COMPACT_FIELDS: usize = 512;

/// A hash with a longer field or value becomes a table (`hash-max-listpack-value`).
const MAX_COMPACT_LENGTH: usize = 64;

/// A hash. A small one keeps the order in which fields were added.
#[derive(Clone)]
pub struct Hash(Fields);

#[derive(Clone)]
enum Fields {
    Compact(Compact),
    Table {
        fields: Dict<Box<[u8]>>,
        /// What all values take on the heap.
        values: usize,
    },
}

impl Default for Hash {
    fn default() -> Self {
        Hash(Fields::Compact(Compact::default()))
    }
}

impl Hash {
    /// How many elements it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.0 {
            Fields::Compact(compact) => compact.len,
            Fields::Table { fields, .. } => fields.len(),
        }
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Fields::Compact(_) => "listpack",
            Fields::Table { .. } => "hashtable",
        }
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        match &self.0 {
            Fields::Compact(compact) => allocated(compact.bytes.capacity()),
            Fields::Table { fields, values } => fields.memory() + values,
        }
    }

    /// The value of `field`.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.0 {
            Fields::Compact(compact) => compact.find(field).map(|place| place.value(&compact.bytes)),
            Fields::Table { fields, .. } => fields.get(field).map(|value| &**value),
        }
    }

    /// Sets the value of `field`; true if the field is new.
    pub fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        if let Fields::Compact(compact) = &mut self.0 {
            if field.len().max(value.len()) <= MAX_COMPACT_LENGTH {
                let place = compact.find(field);
                if place.is_some() || compact.len < MAX_COMPACT_FIELDS {
                    compact.put(place, field, value);
                    return place.is_none();
                }
            }
            self.0 = compact.to_table();
        }
        match &mut self.0 {
            Fields::Compact(_) => unreachable!("made a table above"),
            Fields::Table { fields, values } => {
                *values += allocated(value.len());
                let old = fields.insert(field, value.into());
                *values -= old.as_ref().map_or(0, |old| allocated(old.len()));
                old.is_none()
            }
        }
    }

    /// Removes `field`; says whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.0 {
            Fields::Compact(compact) => {
                let place = compact.find(field);
                place.inspect(|place| compact.remove(*place)).is_some()
            }
            Fields::Table { fields, values } => {
                let old = fields.remove(field);
                *values -= old.as_ref().map_or(0, |(_, value)| allocated(value.len()));
                old.is_some()
            }
        }
    }

    /// All fields with their values; those of a small hash in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (compact, table) = match &self.0 {
            Fields::Compact(compact) => (Some(compact.iter()), None),
            Fields::Table { fields, .. } => (None, Some(fields.iter().map(|(field, value)| (field, &**value)))),
        };
        compact.into_iter().flatten().chain(table.into_iter().flatten())
    }

    /// Calls `visit` with about `count` fields from `cursor` on; gives the cursor to go on with. All of a small hash
    /// are visited at once.
    pub fn scan(&self, cursor: Cursor, count: usize, mut visit: impl FnMut(&[u8], &[u8])) -> Cursor {
        match &self.0 {
            Fields::Compact(compact) => {
                compact.iter().for_each(|(field, value)| visit(field, value));
                0
            }
            Fields::Table { fields, .. } => fields.scan(cursor, count, |field, value| visit(field, value)),
        }
    }

    /// A field chosen by `random`, with its value.
    pub fn random(&self, random: u64) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            Fields::Compact(compact) if compact.len == 0 => None,
            Fields::Compact(compact) => compact.iter().nth((random % compact.len as u64) as usize),
            Fields::Table { fields, .. } => fields.random(random).map(|(field, value)| (field, &**value)),
        }
    }
}

/// Fields and values in one piece of memory: of each field its length and its value's length (a byte each), its
/// bytes, and its value's bytes.
#[derive(Default, Clone)]
struct Compact {
    bytes: Vec<u8>,
    len: usize,
}

/// Where a field stands in [`Compact::bytes`].
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    value: usize,
    end: usize,
}

impl Place {
    const HEADER: usize = 2;

    /// What starts at `start`, unless that is the end.
    fn at(bytes: &[u8], start: usize) -> Option<Place> {
        let [field, value] = *bytes.get(start..start + Self::HEADER)? else { return None };
        let value_at = start + Self::HEADER + usize::from(field);
        Some(Place { start, value: value_at, end: value_at + usize::from(value) })
    }

    fn field(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start + Self::HEADER..self.value]
    }

    fn value(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.value..self.end]
    }
}

impl Compact {
    fn places(&self) -> impl Iterator<Item = Place> {
        std::iter::successors(Place::at(&self.bytes, 0), |place| Place::at(&self.bytes, place.end))
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places().map(|place| (place.field(&self.bytes), place.value(&self.bytes)))
    }

    fn find(&self, field: &[u8]) -> Option<Place> {
        self.places().find(|place| place.field(&self.bytes) == field)
    }

    /// Sets the value of the field at `place`, or adds one. Neither may be longer than [`MAX_COMPACT_LENGTH`].
    fn put(&mut self, place: Option<Place>, field: &[u8], value: &[u8]) {
        match place {
            Some(place) => {
                self.bytes[place.start + 1] = value.len() as u8;
                self.bytes.splice(place.value..place.end, value.iter().copied());
            }
            None => {
                self.bytes.reserve(Place::HEADER + field.len() + value.len());
                self.bytes.extend_from_slice(&[field.len() as u8, value.len() as u8]);
                self.bytes.extend_from_slice(field);
                self.bytes.extend_from_slice(value);
                self.len += 1;
            }
        }
    }

    fn remove(&mut self, place: Place) {
        self.bytes.drain(place.start..place.end);
        self.len -= 1;
    }

    fn to_table(&self) -> Fields {
        let (mut fields, mut values) = (Dict::new(), 0);
        for (field, value) in self.iter() {
            values += allocated(value.len());
            fields.insert(field, value.into());
        }
        Fields::Table { fields, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(hash: &Hash) -> Vec<(Vec<u8>, Vec<u8>)> {
        hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn a_small_hash_keeps_its_order() {
        let mut hash = Hash::default();
        for field in ["b", "a", "", "c"] {
            assert!(hash.set(field.as_bytes(), b"1"));
        }
        assert!(!hash.set(b"a", b"longer"));
        assert!(hash.remove(b"b"));
        assert!(!hash.remove(b"b"));
        assert!(hash.set(b"b", b""));
        let expected = [("a", "longer"), ("", "1"), ("c", "1"), ("b", "")];
        assert_eq!(pairs(&hash), expected.map(|(field, value)| (field.into(), value.into())));
        assert_eq!((hash.len(), hash.encoding()), (4, "listpack"));
    }

    #[test]
    fn the_513th_field_makes_a_table() {
        let mut hash = Hash::default();
        for number in 0..512 {
            hash.set(format!("{number}").as_bytes(), b"v");
        }
        hash.set(b"511", b"w");
        assert_eq!(hash.encoding(), "listpack");
        hash.set(b"512", b"v");
        assert_eq!((hash.encoding(), hash.len()), ("hashtable", 513));
        assert_eq!(hash.get(b"511"), Some(&b"w"[..]));
        for number in 1..513 {
            hash.remove(format!("{number}").as_bytes());
        }
        assert_eq!((hash.encoding(), hash.len()), ("hashtable", 1));
    }

    #[test]
    fn a_65th_byte_makes_a_table() {
        for (field, value) in [(65, 1), (1, 65)] {
            let mut hash = Hash::default();
            hash.set(&[b'x'; 64], &[b'y'; 64]);
            assert_eq!(hash.encoding(), "listpack");
            hash.set(&vec![b'f'; field], &vec![b'v'; value]);
            assert_eq!((hash.encoding(), hash.len()), ("hashtable", 2));
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_map(
            changes in proptest::collection::vec(
                (any::<bool>(), "[a-c]{0,2}", prop_oneof!["[x-z]{0,3}", "v{60,70}"]), 0..200)
        ) {
            let mut hash = Hash::default();
            let mut model = std::collections::BTreeMap::new();
            for (set, field, value) in changes {
                let (field, value) = (field.into_bytes(), value.into_bytes());
                if set {
                    prop_assert_eq!(hash.set(&field, &value), model.insert(field, value).is_none());
                } else {
                    prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                }
                if let Fields::Table { values, .. } = &hash.0 {
                    prop_assert_eq!(*values, model.values().map(|value| allocated(value.len())).sum::<usize>());
                }
            }
            let mut found = pairs(&hash);
            found.sort();
            prop_assert_eq!(hash.len(), model.len());
            prop_assert_eq!(hash.random(7).is_some(), !model.is_empty());
            prop_assert!(model.iter().all(|(field, value)| hash.get(field) == Some(value)));
            prop_assert_eq!(found, model.into_iter().collect::<Vec<_>>());
        }
    }
}
