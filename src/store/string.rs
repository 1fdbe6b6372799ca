//! The string kind of value.

/// A string; one that is an integer is kept as one.
#[derive(Clone)]
pub enum Str {
    /// The digits of an `i64`, and nothing else.
    Integer(i64),
    /// Bytes that were set as a whole.
    Bytes(Vec<u8>),
    /// Bytes that were changed in place: `raw` to `OBJECT ENCODING` whatever their length.
    Raw(Vec<u8>),
}

impl Default for Str {
    fn default() -> Self {
        Str::Bytes(Vec::new())
    }
}

impl Str {
    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Str::Integer(_) => "int",
            Str::Bytes(bytes) if bytes.len() <= 44 => "embstr",
            Str::Bytes(_) | Str::Raw(_) => "raw",
        }
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Str::Integer(_) => 0,
            Str::Bytes(bytes) | Str::Raw(bytes) if bytes.capacity() == 0 => 0,
            // What malloc adds.
            Str::Bytes(bytes) | Str::Raw(bytes) => bytes.capacity() + 16,
        }
    }
}
