//! The string kind of value.

use std::borrow::Cow;

use super::segment::ALLOCATION_OVERHEAD;
use crate::resp::number::parse_integer;

/// The longest string that commands make: Redis's `proto-max-bulk-len`.
pub const MAX_LENGTH: usize = 512 << 20;

/// Longer ones are `raw` to `OBJECT ENCODING` even if they were set as a whole.
const MAX_EMBEDDED: usize = 44;

/// A string that grows in place grows by at most as much again, and by no more than this.
const MAX_SPARE: usize = 1 << 20;

/// A string; one that is an integer is kept as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Str {
    /// The digits of an `i64`, and nothing else.
    Integer(i64),
    /// Bytes that were set as a whole.
    Bytes(Box<[u8]>),
    /// Bytes that were changed in place: `raw` to `OBJECT ENCODING` whatever their length.
    Raw(Vec<u8>),
}

impl Default for Str {
    fn default() -> Self {
        Str::Bytes(Box::default())
    }
}

impl From<&[u8]> for Str {
    /// As `SET` keeps it: an integer as an integer.
    fn from(bytes: &[u8]) -> Self {
        parse_integer(bytes).map_or_else(|| Str::Bytes(bytes.into()), Str::Integer)
    }
}

impl Str {
    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Str::Integer(_) => "int",
            Str::Bytes(bytes) if bytes.len() <= MAX_EMBEDDED => "embstr",
            Str::Bytes(_) | Str::Raw(_) => "raw",
        }
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Str::Integer(_) => 0,
            Str::Bytes(bytes) => allocated(bytes.len()),
            Str::Raw(bytes) => allocated(bytes.capacity()),
        }
    }

    /// How many bytes long it is.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match self {
            Str::Integer(value) => itoa::Buffer::new().format(*value).len(),
            Str::Bytes(bytes) => bytes.len(),
            Str::Raw(bytes) => bytes.len(),
        }
    }

    /// The bytes; an integer's digits are made.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Str::Integer(value) => Cow::Owned(itoa::Buffer::new().format(*value).as_bytes().to_vec()),
            Str::Bytes(bytes) => Cow::Borrowed(bytes),
            Str::Raw(bytes) => Cow::Borrowed(bytes),
        }
    }

    /// The integer that it is.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Str::Integer(value) => Some(*value),
            Str::Bytes(bytes) => parse_integer(bytes),
            Str::Raw(bytes) => parse_integer(bytes),
        }
    }

    /// The bytes, to change in place. Whoever makes them longer calls [`Str::grow`] before.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Str::Raw(_)) {
            *self = Str::Raw(match std::mem::take(self) {
                Str::Bytes(bytes) => bytes.into(),
                other => other.bytes().into_owned(),
            });
        }
        match self {
            Str::Raw(bytes) => bytes,
            _ => unreachable!("made raw above"),
        }
    }

    /// The bytes, at least `length` of them: zeros are added where there are fewer.
    pub fn grow(&mut self, length: usize) -> &mut Vec<u8> {
        let bytes = self.bytes_mut();
        if bytes.is_empty() {
            // Comes from the system as zeros already, which costs nothing until they are written.
            *bytes = vec![0; length];
        } else if bytes.len() < length {
            reserve(bytes, length);
            bytes.resize(length, 0);
        }
        bytes
    }

    /// Adds `more` at the end.
    pub fn append(&mut self, more: &[u8]) {
        let bytes = self.bytes_mut();
        reserve(bytes, bytes.len() + more.len());
        bytes.extend_from_slice(more);
    }
}

/// What a block of so many bytes takes on the heap.
pub(super) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + ALLOCATION_OVERHEAD }
}

/// Makes room for `length` bytes in all, with some to spare.
fn reserve(bytes: &mut Vec<u8>, length: usize) {
    if bytes.capacity() < length {
        bytes.reserve_exact(length + length.min(MAX_SPARE) - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Value;

    #[test]
    fn a_value_is_no_larger_than_a_vector() {
        assert_eq!(size_of::<Str>(), size_of::<Vec<u8>>());
        assert_eq!(size_of::<Value>(), size_of::<Vec<u8>>());
    }

    #[test]
    fn integers_are_kept_as_such_if_their_digits_are_what_was_set() {
        for (text, encoding) in [("0", "int"), ("-9223372036854775808", "int"), ("-0", "embstr"), ("01", "embstr")] {
            let value = Str::from(text.as_bytes());
            assert_eq!((value.encoding(), &*value.bytes(), value.len()), (encoding, text.as_bytes(), text.len()));
        }
        assert_eq!(Str::from(&[b'x'; 44][..]).encoding(), "embstr");
        assert_eq!(Str::from(&[b'x'; 45][..]).encoding(), "raw");
    }

    #[test]
    fn changed_bytes_stay_raw() {
        let mut value = Str::Integer(12);
        value.append(b"3");
        assert_eq!((value.encoding(), value.integer()), ("raw", Some(123)));
        value.grow(2);
        assert_eq!(*value.bytes(), *b"123");
        value.grow(5);
        assert_eq!(*value.bytes(), *b"123\0\0");
    }

    #[test]
    fn memory_is_what_was_allocated() {
        assert_eq!(Str::Integer(1 << 40).memory(), 0);
        assert_eq!(Str::from(&b"value"[..]).memory(), 5 + ALLOCATION_OVERHEAD);
        let mut value = Str::default();
        assert_eq!(value.memory(), 0);
        value.grow(100);
        assert_eq!(value.memory(), 100 + ALLOCATION_OVERHEAD);
        value.append(b"x");
        assert_eq!(value.memory(), 202 + ALLOCATION_OVERHEAD);
        let mut large = Str::default();
        large.grow(4 << 20);
        large.append(b"x");
        assert_eq!(large.memory(), (4 << 20) + 1 + MAX_SPARE + ALLOCATION_OVERHEAD);
    }
}
