//! The sorted set kind of value.

/// A sorted set.
#[derive(Default, Clone)]
pub struct SortedSet {}

impl SortedSet {
    /// How many elements it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        todo!()
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        todo!()
    }
}
