//! Finds complete requests in a client's bytes.

use super::args::{Args, Span};

/// What a client may send at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arguments of one request.
    pub arguments: usize,
    /// Bytes of one argument (`proto-max-bulk-len`).
    pub bulk_bytes: usize,
    /// Bytes of an inline command, or of a length line.
    pub inline_bytes: usize,
    /// Bytes of one request, as it stands on the wire (`client-query-buffer-limit`).
    pub request_bytes: usize,
}

impl Default for Limits {
    /// Redis's own limits.
    fn default() -> Self {
        Limits { arguments: i32::MAX as usize, bulk_bytes: 512 << 20, inline_bytes: 64 << 10, request_bytes: 1 << 30 }
    }
}

/// Why a client's bytes are no request. The connection is closed after the error was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolError {
    /// `*` with a length that is none, or over the limit.
    InvalidMultibulkLength,
    /// More than ten arguments before `AUTH`.
    UnauthenticatedMultibulkLength,
    /// `$` with a length that is none, or over the limit.
    InvalidBulkLength,
    /// An argument of over 16 KiB before `AUTH`.
    UnauthenticatedBulkLength,
    /// A length line without an end in `inline_bytes`.
    TooBigMultibulkCount,
    /// A bulk length line without an end in `inline_bytes`.
    TooBigBulkCount,
    /// An inline command without an end in `inline_bytes`.
    TooBigInline,
    /// An inline command with a quote that does not close.
    UnbalancedQuotes,
    /// An argument that does not begin with `$` but with this byte.
    ExpectedDollar(u8),
    /// More than `request_bytes`: the connection is closed without an answer, as Redis does.
    TooBigRequest,
}

/// How far a scan came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// The request goes on behind the input. At least `needed` bytes in all, as far as is known.
    Incomplete {
        /// A hint for the size of the next read, counted from the start of the input.
        needed: usize,
    },
    /// The first `consumed` bytes are one request: [`RequestScanner::args`] has it.
    Complete {
        /// Bytes of the request on the wire.
        consumed: usize,
    },
}

/// Scans one connection's bytes. It keeps its place in an unfinished request, so that no byte is looked at twice
/// however the stream is cut.
pub struct RequestScanner {
    limits: Limits,
    spans: Vec<Span>,
}

impl RequestScanner {
    /// A scanner at the start of a request.
    pub fn new(limits: Limits) -> Self {
        RequestScanner { limits, spans: Vec::new() }
    }

    /// Scans on. `input` begins with the first byte of the unfinished request, and holds at least what it held at the
    /// last call.
    pub fn scan(&mut self, input: &[u8], authenticated: bool) -> Result<Scan, ProtocolError> {
        let _ = (input, authenticated, self.limits, &self.spans);
        todo!()
    }

    /// The request that was just complete; `input` is what it was scanned from. No argument at all (`*0`, an empty
    /// line) means that there is nothing to do and nothing to answer.
    pub fn args<'a>(&'a self, input: &'a [u8]) -> Args<'a> {
        let _ = input;
        todo!()
    }

    /// True if the request that was just complete came as an inline command.
    pub fn is_inline(&self) -> bool {
        todo!()
    }
}
