//! Finds complete replies in an upstream's bytes.

/// How far a scan came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes from the front of the input that belong to the reply and may be passed on at once.
    pub consumed: usize,
    /// True if they end the reply.
    pub complete: bool,
}

/// Why an upstream's bytes are no reply. The connection can't be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyError {
    /// A reply begins with this byte.
    UnknownType(u8),
    /// A length or count is none.
    InvalidLength,
    /// A line goes on for longer than any that Redis sends.
    TooLongLine,
    /// A bulk string isn't followed by a line break.
    MissingLineBreak,
    /// Nested deeper, or more elements, than the limit.
    TooDeep,
    /// The bytes end before the reply does (only from [`Value::parse`]).
    Incomplete,
}

/// Scans one connection's replies. It holds a count, no tree and no stack: 32 KB of nested array headers cost it
/// nothing.
#[derive(Debug, Default)]
pub struct ReplyScanner {}

impl ReplyScanner {
    /// A scanner at the start of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scans on. `input` begins where the last call's `consumed` ended. After a complete reply the next call begins a
    /// new one.
    pub fn scan(&mut self, input: &[u8]) -> Result<Progress, ReplyError> {
        let _ = input;
        todo!()
    }
}

/// A parsed reply, for the few places that look into one.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `+`
    Simple(Vec<u8>),
    /// `-` (and `!`): the whole text.
    Error(Vec<u8>),
    /// `:`
    Integer(i64),
    /// `$` (and `=`, without its format).
    Bulk(Vec<u8>),
    /// `$-1`, `*-1`, `_`
    Null,
    /// `*`, `~`
    Array(Vec<Value>),
    /// `>`
    Push(Vec<Value>),
    /// `%`
    Map(Vec<(Value, Value)>),
    /// `,`
    Double(f64),
    /// `#`
    Boolean(bool),
    /// `(`
    BigNumber(Vec<u8>),
}

impl Value {
    /// Parses the one reply at the front of `input`; says how many bytes it took. Nested at most 32 deep.
    pub fn parse(input: &[u8]) -> Result<(Value, usize), ReplyError> {
        let _ = input;
        todo!()
    }
}
