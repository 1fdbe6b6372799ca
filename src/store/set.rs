//! The set kind of value.

use super::dict::{Cursor, Dict};
use super::string::allocated;
use crate::resp::number::parse_integer;

/// A set of more integers becomes a table (`set-max-intset-entries`).
const MAX_INTEGERS: usize = 512;

/// A set. A small one of nothing but integers is kept sorted.
#[derive(Clone)]
pub struct Set(Members);

#[derive(Clone)]
enum Members {
    Integers(Vec<i64>),
    Table(Dict<()>),
}

/// A member as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Member<'a> {
    /// Its digits are the member.
    Integer(i64),
    /// The member.
    Bytes(&'a [u8]),
}

impl Member<'_> {
    /// Calls `read` with the member's bytes.
    pub fn with_bytes<R>(self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Member::Integer(value) => read(itoa::Buffer::new().format(value).as_bytes()),
            Member::Bytes(bytes) => read(bytes),
        }
    }
}

impl Default for Set {
    fn default() -> Self {
        Set(Members::Integers(Vec::new()))
    }
}

impl Set {
    /// How many elements it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.0 {
            Members::Integers(integers) => integers.len(),
            Members::Table(table) => table.len(),
        }
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Members::Integers(_) => "intset",
            Members::Table(_) => "hashtable",
        }
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        match &self.0 {
            Members::Integers(integers) => allocated(integers.capacity() * size_of::<i64>()),
            Members::Table(table) => table.memory(),
        }
    }

    /// True if `member` is in it.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Members::Integers(integers) => {
                parse_integer(member).is_some_and(|value| integers.binary_search(&value).is_ok())
            }
            Members::Table(table) => table.contains(member),
        }
    }

    /// Adds `member`; false if it was in it already.
    pub fn add(&mut self, member: &[u8]) -> bool {
        if let Members::Integers(integers) = &mut self.0 {
            if let Some(value) = parse_integer(member) {
                let Err(index) = integers.binary_search(&value) else { return false };
                integers.insert(index, value);
                if integers.len() <= MAX_INTEGERS {
                    return true;
                }
                self.0 = to_table(integers);
                return true;
            }
            self.0 = to_table(integers);
        }
        match &mut self.0 {
            Members::Integers(_) => unreachable!("made a table above"),
            Members::Table(table) => table.insert(member, ()).is_none(),
        }
    }

    /// Removes `member`; says whether it was in it.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Members::Integers(integers) => {
                let place = parse_integer(member).and_then(|value| integers.binary_search(&value).ok());
                place.map(|index| integers.remove(index)).is_some()
            }
            Members::Table(table) => table.remove(member).is_some(),
        }
    }

    /// All members; integers of a small set in their order.
    pub fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        let (integers, table) = match &self.0 {
            Members::Integers(integers) => (Some(integers.iter().map(|value| Member::Integer(*value))), None),
            Members::Table(table) => (None, Some(table.iter().map(|(member, ())| Member::Bytes(member)))),
        };
        integers.into_iter().flatten().chain(table.into_iter().flatten())
    }

    /// Calls `visit` with about `count` members from `cursor` on; gives the cursor to go on with. All of a small set
    /// of integers are visited at once.
    pub fn scan(&self, cursor: Cursor, count: usize, mut visit: impl FnMut(Member<'_>)) -> Cursor {
        match &self.0 {
            Members::Integers(integers) => {
                integers.iter().for_each(|value| visit(Member::Integer(*value)));
                0
            }
            Members::Table(table) => table.scan(cursor, count, |member, ()| visit(Member::Bytes(member))),
        }
    }

    /// A member chosen by `random`.
    pub fn random(&self, random: u64) -> Option<Member<'_>> {
        match &self.0 {
            Members::Integers(integers) if integers.is_empty() => None,
            Members::Integers(integers) => Some(Member::Integer(integers[(random % integers.len() as u64) as usize])),
            Members::Table(table) => table.random(random).map(|(member, ())| Member::Bytes(member)),
        }
    }
}

fn to_table(integers: &[i64]) -> Members {
    let mut table = Dict::new();
    for value in integers {
        table.insert(itoa::Buffer::new().format(*value).as_bytes(), ());
    }
    Members::Table(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(set: &Set) -> Vec<String> {
        set.iter().map(|member| member.with_bytes(|bytes| String::from_utf8(bytes.to_vec()).unwrap())).collect()
    }

    #[test]
    fn integers_are_sorted() {
        let mut set = Set::default();
        for member in ["10", "-5", "9", "9223372036854775807", "-9223372036854775808"] {
            assert!(set.add(member.as_bytes()));
        }
        assert!(!set.add(b"9"));
        assert!(!set.remove(b"09"));
        assert_eq!(set.encoding(), "intset");
        assert_eq!(members(&set), ["-9223372036854775808", "-5", "9", "10", "9223372036854775807"]);
    }

    #[test]
    fn anything_else_makes_a_table() {
        for other in ["", "01", "+1", "-0", "9223372036854775808"] {
            let mut set = Set::default();
            set.add(b"1");
            assert!(set.add(other.as_bytes()));
            assert_eq!((set.encoding(), set.len()), ("hashtable", 2));
            assert!(set.contains(b"1") && set.contains(other.as_bytes()));
            set.remove(other.as_bytes());
            assert_eq!(set.encoding(), "hashtable");
        }
    }

    #[test]
    fn the_513th_integer_makes_a_table() {
        let mut set = Set::default();
        for value in 0..512 {
            set.add(value.to_string().as_bytes());
        }
        assert_eq!((set.encoding(), set.memory()), ("intset", allocated(512 * 8)));
        assert!(set.add(b"512"));
        assert_eq!((set.encoding(), set.len()), ("hashtable", 513));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(changes in proptest::collection::vec((any::<bool>(), "-?[0-3]{1,2}|[a-c]"), 0..200)) {
            let mut set = Set::default();
            let mut model = std::collections::BTreeSet::new();
            for (add, member) in changes {
                if add {
                    prop_assert_eq!(set.add(member.as_bytes()), model.insert(member));
                } else {
                    prop_assert_eq!(set.remove(member.as_bytes()), model.remove(&member));
                }
                prop_assert_eq!(set.len(), model.len());
            }
            prop_assert!(model.iter().all(|member| set.contains(member.as_bytes())));
            let mut found = members(&set);
            found.sort();
            prop_assert_eq!(set.random(5).is_some(), !model.is_empty());
            prop_assert_eq!(found, model.into_iter().collect::<Vec<_>>());
        }
    }
}
