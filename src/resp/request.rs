//! Finds complete requests in a client's bytes.

use std::fmt;

use memchr::memchr2;

use super::args::{Args, Span};
use super::number::{parse_integer, short_length};

/// Arguments that a client may send before it has authenticated.
const UNAUTHENTICATED_ARGUMENTS: usize = 10;
/// Bytes of an argument that a client may send before it has authenticated.
const UNAUTHENTICATED_BULK: usize = 16384;
/// Buffers with room for more spans, or bytes, than this are given back after use.
const KEPT: usize = 1024;

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

impl ProtocolError {
    /// The text of the error reply as Redis words it, without the leading `-`; `None` if Redis closes the connection
    /// without a word. A byte that is no ASCII is replaced: [`ProtocolError::text_bytes`] repeats it as Redis does.
    pub fn text(&self) -> Option<String> {
        let text = match self {
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::TooBigMultibulkCount => "too big mbulk count string",
            ProtocolError::TooBigBulkCount => "too big bulk count string",
            ProtocolError::TooBigInline => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::ExpectedDollar(byte) => {
                let shown = match byte {
                    // A line break would end the reply.
                    b'\r' | b'\n' => ' ',
                    byte if byte.is_ascii() => char::from(*byte),
                    _ => char::REPLACEMENT_CHARACTER,
                };
                return Some(format!("ERR Protocol error: expected '$', got '{shown}'"));
            }
            ProtocolError::TooBigRequest => return None,
        };
        Some(format!("ERR Protocol error: {text}"))
    }

    /// As [`ProtocolError::text`], byte by byte what Redis sends.
    pub fn text_bytes(&self) -> Option<Vec<u8>> {
        match self {
            ProtocolError::ExpectedDollar(byte) if !byte.is_ascii() => {
                let mut text = b"ERR Protocol error: expected '$', got '".to_vec();
                text.extend([*byte, b'\'']);
                Some(text)
            }
            _ => self.text().map(String::into_bytes),
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_deref().unwrap_or("request over the size limit"))
    }
}

impl std::error::Error for ProtocolError {}

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

/// What a scanner is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a request.
    Start,
    /// The line with the number of arguments.
    Count,
    /// The arguments.
    Arguments,
    /// The line of an inline command.
    Inline,
    /// A request is complete.
    Complete { inline: bool },
}

/// Scans one connection's bytes. It keeps its place in an unfinished request, so that no byte is looked at twice
/// however the stream is cut.
///
/// It takes what Redis takes: the byte after a `\r` and the two bytes after an argument may be any, and a line with a
/// NUL in it never ends.
pub struct RequestScanner {
    limits: Limits,
    state: State,
    /// The arguments so far: places in the input, or in `unquoted` if they came inline.
    spans: Vec<Span>,
    /// The arguments of an inline command, without quotes and escapes.
    unquoted: Vec<u8>,
    /// All input before this is done with.
    at: usize,
    /// All input before this has no end of the line that begins at `at`.
    searched: usize,
    /// Arguments to come.
    remaining: usize,
    /// The length of the argument that begins at `at`, if its length line is done with.
    bulk: Option<usize>,
}

impl RequestScanner {
    /// A scanner at the start of a request.
    pub fn new(mut limits: Limits) -> Self {
        // Spans count in 32 bits.
        limits.request_bytes = limits.request_bytes.min(u32::MAX as usize);
        RequestScanner {
            limits,
            state: State::Start,
            spans: Vec::new(),
            unquoted: Vec::new(),
            at: 0,
            searched: 0,
            remaining: 0,
            bulk: None,
        }
    }

    /// Scans on. `input` begins with the first byte of the unfinished request, and holds at least what it held at the
    /// last call. After a complete request the next call begins a new one (and gives back big buffers, even if there
    /// is no input yet). After an error all calls give the same error.
    pub fn scan(&mut self, input: &[u8], authenticated: bool) -> Result<Scan, ProtocolError> {
        if let State::Complete { .. } = self.state {
            self.reset();
        }
        if self.state == State::Start {
            match input.first() {
                None => return Ok(Scan::Incomplete { needed: 1 }),
                Some(b'*') => self.state = State::Count,
                Some(_) => self.state = State::Inline,
            }
        }
        if self.state == State::Inline {
            return self.scan_inline(input);
        }
        if self.state == State::Count {
            match self.scan_count(input, authenticated)? {
                None => return Ok(Scan::Incomplete { needed: input.len() + 1 }),
                Some(count) => {
                    self.remaining = count;
                    self.state = State::Arguments;
                }
            }
        }
        self.scan_arguments(input, authenticated)
    }

    /// The request that was just complete; `input` is what it was scanned from. No argument at all (`*0`, an empty
    /// line) means that there is nothing to do and nothing to answer.
    pub fn args<'a>(&'a self, input: &'a [u8]) -> Args<'a> {
        Args::new(if self.is_inline() { &self.unquoted } else { input }, &self.spans)
    }

    /// True if the request that was just complete came as an inline command.
    pub fn is_inline(&self) -> bool {
        self.state == State::Complete { inline: true }
    }

    fn reset(&mut self) {
        self.state = State::Start;
        self.at = 0;
        self.searched = 0;
        self.spans.clear();
        self.unquoted.clear();
        if self.spans.capacity() > KEPT {
            self.spans = Vec::new();
        }
        if self.unquoted.capacity() > KEPT {
            self.unquoted = Vec::new();
        }
    }

    /// The number of arguments, if its line is there.
    fn scan_count(&mut self, input: &[u8], authenticated: bool) -> Result<Option<usize>, ProtocolError> {
        let (count, next) = match short_length(input, 1) {
            Some((count, next)) => (count, next),
            None => {
                let Some(end) = self.header_end(input, ProtocolError::TooBigMultibulkCount)? else { return Ok(None) };
                let count = parse_integer(&input[1..end]).ok_or(ProtocolError::InvalidMultibulkLength)?;
                // Nothing at all is less than nothing, too.
                (usize::try_from(count.max(0)).unwrap_or(usize::MAX), end + 2)
            }
        };
        if count > self.limits.arguments {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if count > UNAUTHENTICATED_ARGUMENTS && !authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        self.at = next;
        Ok(Some(count))
    }

    fn scan_arguments(&mut self, input: &[u8], authenticated: bool) -> Result<Scan, ProtocolError> {
        let longest = match authenticated {
            true => self.limits.bulk_bytes,
            false => self.limits.bulk_bytes.min(UNAUTHENTICATED_BULK),
        };
        let bound = input.len().min(self.limits.request_bytes);
        loop {
            // The short way, for arguments that are all there; `scan_argument` decides about all others.
            let (mut at, mut remaining) = (self.at, self.remaining);
            if self.bulk.is_none() {
                while remaining > 0 && input.get(at) == Some(&b'$') {
                    let Some((length, start)) = short_length(input, at + 1) else { break };
                    let end = start + length;
                    if length > longest || end + 2 > bound {
                        break;
                    }
                    self.spans.push(Span { start: start as u32, end: end as u32 });
                    at = end + 2;
                    remaining -= 1;
                }
                self.at = at;
                self.remaining = remaining;
            }
            if remaining == 0 {
                self.state = State::Complete { inline: false };
                return Ok(Scan::Complete { consumed: at });
            }
            if let Some(needed) = self.scan_argument(input, authenticated)? {
                return Ok(Scan::Incomplete { needed });
            }
        }
    }

    /// One argument. If it isn't all there: how many bytes are needed.
    fn scan_argument(&mut self, input: &[u8], authenticated: bool) -> Result<Option<usize>, ProtocolError> {
        let length = match self.bulk {
            Some(length) => length,
            None => {
                let Some(end) = self.header_end(input, ProtocolError::TooBigBulkCount)? else {
                    return Ok(Some(input.len() + 1));
                };
                if input[self.at] != b'$' {
                    return Err(ProtocolError::ExpectedDollar(input[self.at]));
                }
                let length = parse_integer(&input[self.at + 1..end])
                    .and_then(|length| usize::try_from(length).ok())
                    .filter(|&length| length <= self.limits.bulk_bytes)
                    .ok_or(ProtocolError::InvalidBulkLength)?;
                if length > UNAUTHENTICATED_BULK && !authenticated {
                    return Err(ProtocolError::UnauthenticatedBulkLength);
                }
                if length.saturating_add(end + 4) > self.limits.request_bytes {
                    return Err(ProtocolError::TooBigRequest);
                }
                self.at = end + 2;
                self.bulk = Some(length);
                length
            }
        };
        let end = self.at + length;
        if input.len() < end + 2 {
            return Ok(Some(end + 2));
        }
        self.spans.push(Span { start: self.at as u32, end: end as u32 });
        self.at = end + 2;
        self.bulk = None;
        self.remaining -= 1;
        Ok(None)
    }

    fn scan_inline(&mut self, input: &[u8]) -> Result<Scan, ProtocolError> {
        let Some(end) = self.line_end(input, b'\n', ProtocolError::TooBigInline)? else {
            return Ok(Scan::Incomplete { needed: input.len() + 1 });
        };
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        if !split_arguments(line, &mut self.unquoted, &mut self.spans) {
            self.unquoted.clear();
            self.spans.clear();
            return Err(ProtocolError::UnbalancedQuotes);
        }
        self.state = State::Complete { inline: true };
        Ok(Scan::Complete { consumed: end + 1 })
    }

    /// Where the `\r` of the length line at `at` is, if the byte after it is there too.
    fn header_end(&mut self, input: &[u8], too_big: ProtocolError) -> Result<Option<usize>, ProtocolError> {
        Ok(self.line_end(input, b'\r', too_big)?.filter(|end| end + 1 < input.len()))
    }

    /// Where the line at `at` has its end, if that is there. Redis looks for it with `strchr`, which stops at a NUL.
    fn line_end(&mut self, input: &[u8], mark: u8, too_big: ProtocolError) -> Result<Option<usize>, ProtocolError> {
        let from = self.searched.max(self.at);
        let limit = self.at.saturating_add(self.limits.inline_bytes);
        let bound = input.len().min(limit.saturating_add(1));
        let found = memchr2(mark, 0, input.get(from..bound).unwrap_or_default());
        self.searched = found.map_or(bound, |found| from + found);
        match found {
            Some(found) if input[from + found] == mark => Ok(Some(from + found)),
            _ if input.len() > limit => Err(too_big),
            _ => Ok(None),
        }
    }
}

/// C's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Splits an inline command at its spaces and takes quotes and escapes off, as Redis's `sdssplitargs` does. False if a
/// quote does not close, or goes on behind its end.
fn split_arguments(line: &[u8], unquoted: &mut Vec<u8>, spans: &mut Vec<Span>) -> bool {
    let mut rest = line;
    loop {
        while let [byte, tail @ ..] = rest
            && is_space(*byte)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return true;
        }
        let start = unquoted.len() as u32;
        loop {
            match rest {
                // A vertical tab or a form feed separates only in front of an argument.
                [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => break,
                [quote @ (b'"' | b'\''), tail @ ..] => {
                    let inside = match quote {
                        b'"' => double_quoted(tail, unquoted),
                        _ => single_quoted(tail, unquoted),
                    };
                    match inside {
                        Some(tail) if tail.first().is_none_or(|&byte| is_space(byte)) => rest = tail,
                        _ => return false,
                    }
                    break;
                }
                [byte, tail @ ..] => {
                    unquoted.push(*byte);
                    rest = tail;
                }
            }
        }
        spans.push(Span { start, end: unquoted.len() as u32 });
    }
}

/// Appends what stands before the closing `"`; gives what stands behind it.
fn double_quoted<'a>(mut rest: &'a [u8], unquoted: &mut Vec<u8>) -> Option<&'a [u8]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (digit(*high)? << 4 | digit(*low)?, tail)
            }
            [b'\\', escaped, tail @ ..] => {
                let byte = match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                };
                (byte, tail)
            }
            [byte, tail @ ..] => (*byte, tail),
        };
        unquoted.push(byte);
        rest = tail;
    }
}

/// Appends what stands before the closing `'`; gives what stands behind it.
fn single_quoted<'a>(mut rest: &'a [u8], unquoted: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'\'', tail @ ..] => return Some(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        unquoted.push(byte);
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write::append_request;
    use super::*;

    type Argv = Vec<Vec<u8>>;

    /// All requests of `stream`, and the error that ends it if any. The input grows by the lengths in `cuts`, in turn.
    fn scan_all(
        limits: Limits,
        stream: &[u8],
        authenticated: bool,
        cuts: &[usize],
    ) -> (Vec<Argv>, Option<ProtocolError>) {
        let mut scanner = RequestScanner::new(limits);
        let (mut requests, mut from, mut to) = (Vec::new(), 0, 0);
        let mut cuts = cuts.iter().copied().cycle();
        loop {
            match scanner.scan(&stream[from..to], authenticated) {
                Err(error) => {
                    assert_eq!(scanner.scan(&stream[from..], authenticated), Err(error.clone()), "errors stay");
                    return (requests, Some(error));
                }
                Ok(Scan::Complete { consumed }) => {
                    assert!(consumed > 0 && consumed <= to - from);
                    let args = scanner.args(&stream[from..to]);
                    requests.push(args.iter().map(<[u8]>::to_vec).collect());
                    from += consumed;
                }
                Ok(Scan::Incomplete { needed }) => {
                    assert!(needed > to - from, "a hint of {needed} with {} there", to - from);
                    if to == stream.len() {
                        return (requests, None);
                    }
                    to = stream.len().min(to + cuts.next().unwrap_or(1).max(1));
                }
            }
        }
    }

    fn scan_whole(stream: &[u8]) -> (Vec<Argv>, Option<ProtocolError>) {
        let whole = scan_all(Limits::default(), stream, true, &[stream.len()]);
        let bytewise = scan_all(Limits::default(), stream, true, &[1]);
        assert_eq!(whole, bytewise, "{}", stream.escape_ascii());
        whole
    }

    fn argv<const N: usize>(arguments: [&[u8]; N]) -> Argv {
        arguments.iter().map(|argument| argument.to_vec()).collect()
    }

    #[track_caller]
    fn gives<const N: usize>(stream: &[u8], arguments: [&[u8]; N]) {
        assert_eq!(scan_whole(stream), (vec![argv(arguments)], None), "{}", stream.escape_ascii());
    }

    #[track_caller]
    fn fails(stream: &[u8], error: ProtocolError) {
        assert_eq!(scan_whole(stream), (vec![], Some(error)), "{}", stream.escape_ascii());
    }

    #[track_caller]
    fn waits(stream: &[u8]) {
        assert_eq!(scan_whole(stream), (vec![], None), "{}", stream.escape_ascii());
    }

    // All of these were seen on a redis-server 7.0.15.

    #[test]
    fn counts() {
        gives(b"*1\r\n$4\r\nPING\r\n", [b"PING"]);
        gives(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [b"GET", b""]);
        for none in ["*0\r\n", "*-1\r\n", "*-5\r\n", "*-9223372036854775808\r\n"] {
            gives(none.as_bytes(), []);
        }
        let wrong = ["+1", "01", "1x", "", "-", "-0", "00", " 1", "1 ", "2147483648", "9223372036854775808"];
        for count in wrong.into_iter().chain(["-9223372036854775809", "111111111111111111111111111111"]) {
            fails(format!("*{count}\r\n").as_bytes(), ProtocolError::InvalidMultibulkLength);
        }
        for unfinished in [b"*2147483647\r\n".as_slice(), b"*1\r", b"*1\n$4\nPING\n", b"*", b"*1\0\r\n$4\r\nPING\r\n"] {
            waits(unfinished);
        }
    }

    #[test]
    fn bulk_lengths() {
        for wrong in ["+4", "04", "-1", "", "4x", "536870913", "99999999999999999999"] {
            fails(format!("*1\r\n${wrong}\r\nPING\r\n").as_bytes(), ProtocolError::InvalidBulkLength);
        }
        for unfinished in ["$536870912\r\n", "$4\0\r\nPING\r\n", "\0$4\r\nPING\r\n", "x", "x\r", "$4\r\nPING\r"] {
            waits(format!("*1\r\n{unfinished}").as_bytes());
        }
        for (line, byte) in [("x4", b'x'), ("", b'\r'), ("\n", b'\n'), ("\x01", 1), ("'", b'\''), ("*1", b'*')] {
            fails(format!("*1\r\n{line}\r\n").as_bytes(), ProtocolError::ExpectedDollar(byte));
        }
    }

    #[test]
    fn bytes_that_nobody_looks_at() {
        gives(b"*1\rx$4\rxPINGab", [b"PING"]);
    }

    #[test]
    fn inline_commands() {
        for nothing in [b"\r\n".as_slice(), b"\n", b"\r\r\n", b"  \t\x0b\x0c\r\n"] {
            gives(nothing, []);
        }
        for ping in [b"PING\n".as_slice(), b"PING\r\n", b"PING\r\r\n", b"  PING  \n", b"\x0bPING\n"] {
            gives(ping, [b"PING"]);
        }
        gives(b"PING\x0b\n", [b"PING\x0b"]);
        gives(b"PING\x0ba\n", [b"PING\x0ba"]);
        gives(b" *1\r\n", [b"*1"]);
        gives(b"echo a\rb\r\n", [b"echo", b"a", b"b"]);
        gives(b"echo \xff\n", [b"echo", b"\xff"]);
        waits(b"PI\0NG\n*1\r\n$4\r\nPING\r\n");
        waits(b"\"\\x");
    }

    #[test]
    fn inline_quotes() {
        gives(b"echo \"a\\x41\\n\\r\\t\\b\\a\\q\\xzz\\x4\"\n", [b"echo", b"aA\n\r\t\x08\x07qxzzx4"]);
        gives(b"ECHO \"\\x00\\xFf\"\n", [b"ECHO", b"\0\xff"]);
        gives(b"echo 'a\\'b\\n\"'\n", [b"echo", b"a'b\\n\""]);
        gives(b"echo foo\"bar\"\n", [b"echo", b"foobar"]);
        gives(b"echo foo'bar' \n", [b"echo", b"foobar"]);
        gives(b"echo \"\" ''\n", [b"echo", b"", b""]);
        gives(b"\"\"\n", [b""]);
        gives(b"echo \"a\"\x0b\"b\"\n", [b"echo", b"a", b"b"]);
        gives(b"echo \"a\"\x0b\n", [b"echo", b"a"]);
        gives(b"echo a\\nb\n", [b"echo", b"a\\nb"]);
        gives(b"echo \"a\r\"\r\n", [b"echo", b"a\r"]);
        for open in ["\"a\"b", "'a'b", "\"a", "'a", "\"a\\\"", "\"a\\", "\"a\\\r", "\"", "a'"] {
            fails(format!("echo {open}\n").as_bytes(), ProtocolError::UnbalancedQuotes);
        }
    }

    #[test]
    fn lines_of_64_kib() {
        let filled = |head: &str, length: usize, tail: &str| {
            let digits = length - head.len() - tail.len();
            format!("{head}{}{tail}", "1".repeat(digits)).into_bytes()
        };
        let limit = 65536;
        let scan = |stream: Vec<u8>| scan_all(Limits::default(), &stream, true, &[stream.len()]);
        assert_eq!(scan(filled("a", limit, "")), (vec![], None));
        assert_eq!(scan(filled("a", limit + 1, "")).1, Some(ProtocolError::TooBigInline));
        assert_eq!(scan(filled("a", limit + 1, "\n")).0.len(), 1);
        assert_eq!(scan(filled("a", limit + 2, "\n")).1, Some(ProtocolError::TooBigInline));
        assert_eq!(scan(filled("*", limit, "")), (vec![], None));
        assert_eq!(scan(filled("*", limit + 1, "")).1, Some(ProtocolError::TooBigMultibulkCount));
        assert_eq!(scan(filled("*", limit + 1, "\r")), (vec![], None));
        assert_eq!(scan(filled("*", limit + 2, "\r\n")).1, Some(ProtocolError::InvalidMultibulkLength));
        assert_eq!(scan(filled("*1\r\n$", limit + 4, "")), (vec![], None));
        assert_eq!(scan(filled("*1\r\n$", limit + 5, "")).1, Some(ProtocolError::TooBigBulkCount));
        assert_eq!(scan(filled("*1\r\nx", limit + 5, "")).1, Some(ProtocolError::TooBigBulkCount));
        assert_eq!(scan(filled("a\0\n", limit, "\n")), (vec![], None));
        assert_eq!(scan(filled("a\0\n", limit + 1, "\n")).1, Some(ProtocolError::TooBigInline));
    }

    #[test]
    fn before_auth() {
        let scan = |stream: &[u8]| scan_all(Limits::default(), stream, false, &[stream.len()]);
        let ten = format!("*10\r\n{}", "$1\r\na\r\n".repeat(10));
        assert_eq!(scan(ten.as_bytes()).0.len(), 1);
        assert_eq!(scan(b"*11\r\n").1, Some(ProtocolError::UnauthenticatedMultibulkLength));
        assert_eq!(scan(b"*2147483648\r\n").1, Some(ProtocolError::InvalidMultibulkLength));
        let longest = format!("*1\r\n$16384\r\n{}\r\n", "a".repeat(16384));
        assert_eq!(scan(longest.as_bytes()).0.len(), 1);
        assert_eq!(scan(b"*1\r\n$16385\r\n").1, Some(ProtocolError::UnauthenticatedBulkLength));
        assert_eq!(scan(b"*1\r\n$536870913\r\n").1, Some(ProtocolError::InvalidBulkLength));
        assert_eq!(scan("a ".repeat(20).as_bytes()).1, None);
    }

    #[test]
    fn limits_of_our_own() {
        let limits = Limits { arguments: 3, bulk_bytes: 10, request_bytes: 40, ..Limits::default() };
        let scan = |stream: &[u8]| {
            let whole = scan_all(limits, stream, true, &[stream.len()]);
            assert_eq!(whole, scan_all(limits, stream, true, &[1]));
            whole.1
        };
        assert_eq!(scan(b"*4\r\n"), Some(ProtocolError::InvalidMultibulkLength));
        assert_eq!(scan(b"*1\r\n$11\r\n"), Some(ProtocolError::InvalidBulkLength));
        assert_eq!(scan(b"*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$0\r\n"), Some(ProtocolError::TooBigRequest));
        assert_eq!(scan(b"*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n"), None);
        assert_eq!(scan(b"*2\r\n$10\r\n0123456789\r\n$9\r\n012345678\r\n"), None);
    }

    #[test]
    fn hints_reach_to_the_end_of_a_bulk() {
        let mut scanner = RequestScanner::new(Limits::default());
        assert_eq!(scanner.scan(b"", true), Ok(Scan::Incomplete { needed: 1 }));
        assert_eq!(scanner.scan(b"*2\r\n$100\r\na", true), Ok(Scan::Incomplete { needed: 112 }));
    }

    #[test]
    fn announced_is_not_reserved() {
        let mut scanner = RequestScanner::new(Limits::default());
        let mut input = b"*1000000000\r\n".to_vec();
        assert!(matches!(scanner.scan(&input, true), Ok(Scan::Incomplete { .. })));
        input.extend_from_slice(b"$536870912\r\n");
        assert_eq!(scanner.scan(&input, true), Ok(Scan::Incomplete { needed: input.len() + (512 << 20) + 2 }));
        assert!(scanner.spans.capacity() <= 4 && scanner.unquoted.capacity() == 0);
    }

    #[test]
    fn big_buffers_are_given_back() {
        let mut scanner = RequestScanner::new(Limits::default());
        let many = format!("*5000\r\n{}", "$1\r\na\r\n".repeat(5000));
        assert!(matches!(scanner.scan(many.as_bytes(), true), Ok(Scan::Complete { .. })));
        assert_eq!(scanner.args(many.as_bytes()).len(), 5000);
        assert_eq!(scanner.scan(b"", true), Ok(Scan::Incomplete { needed: 1 }));
        assert_eq!(scanner.spans.capacity(), 0);
        let long = format!("echo {}\n", "a".repeat(5000));
        assert!(matches!(scanner.scan(long.as_bytes(), true), Ok(Scan::Complete { .. })));
        assert!(scanner.is_inline());
        assert_eq!(scanner.scan(b"", true), Ok(Scan::Incomplete { needed: 1 }));
        assert_eq!(scanner.unquoted.capacity(), 0);
    }

    #[test]
    fn nested_headers_are_an_error() {
        fails("*1\r\n".repeat(20_000).as_bytes(), ProtocolError::ExpectedDollar(b'*'));
    }

    #[test]
    fn error_texts() {
        let text = |error: ProtocolError| String::from_utf8(error.text_bytes().unwrap_or_default());
        let dollar = |byte| text(ProtocolError::ExpectedDollar(byte)).ok();
        assert_eq!(dollar(b'x').as_deref(), Some("ERR Protocol error: expected '$', got 'x'"));
        assert_eq!(dollar(b'\n').as_deref(), Some("ERR Protocol error: expected '$', got ' '"));
        assert_eq!(dollar(1).as_deref(), Some("ERR Protocol error: expected '$', got '\x01'"));
        let raw = ProtocolError::ExpectedDollar(0xff);
        assert_eq!(raw.text_bytes().as_deref(), Some(b"ERR Protocol error: expected '$', got '\xff'".as_slice()));
        assert_eq!(raw.text().as_deref(), Some("ERR Protocol error: expected '$', got '\u{fffd}'"));
        assert_eq!(ProtocolError::TooBigInline.to_string(), "ERR Protocol error: too big inline request");
        assert_eq!(ProtocolError::TooBigRequest.text(), None);
    }

    fn any_argv() -> impl Strategy<Value = Argv> {
        let argument = prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 0..40),
            1 => prop::collection::vec(any::<u8>(), 990..1010),
        ];
        prop::collection::vec(argument, 0..12)
    }

    /// `argv` as an inline command, everything quoted.
    fn inline(argv: &Argv) -> Vec<u8> {
        let mut line = Vec::new();
        for argument in argv {
            line.extend_from_slice(b" \"");
            argument.iter().for_each(|byte| line.extend_from_slice(format!("\\x{byte:02x}").as_bytes()));
            line.push(b'"');
        }
        line.extend_from_slice(b"\r\n");
        line
    }

    proptest! {
        #[test]
        fn any_stream_cut_anywhere(
            requests in prop::collection::vec((any_argv(), any::<bool>()), 1..8),
            cuts in prop::collection::vec(1usize..60, 1..20),
        ) {
            let mut stream = Vec::new();
            for (argv, is_inline) in &requests {
                match is_inline {
                    true => stream.extend(inline(argv)),
                    false => append_request(&mut stream, argv.iter().map(Vec::as_slice)),
                }
            }
            let expected: Vec<Argv> = requests.into_iter().map(|(argv, _)| argv).collect();
            prop_assert_eq!(scan_all(Limits::default(), &stream, true, &cuts), (expected.clone(), None));
            prop_assert_eq!(scan_all(Limits::default(), &stream, true, &[stream.len()]), (expected, None));
        }

        #[test]
        fn any_bytes_cut_anywhere(
            stream in "([*$]?(-?[0-9]{1,3}|[a-z\"'\\\\ ]{0,5})(\r\n|\n|\r|\0)?){0,12}",
            cuts in prop::collection::vec(1usize..9, 1..5),
        ) {
            let limits = Limits { arguments: 100, bulk_bytes: 100, inline_bytes: 20, request_bytes: 60 };
            let whole = scan_all(limits, stream.as_bytes(), true, &[stream.len()]);
            prop_assert_eq!(scan_all(limits, stream.as_bytes(), true, &cuts), whole);
        }

        #[test]
        fn as_redis_protocol_decodes(argv in any_argv().prop_filter("no such request", |argv| !argv.is_empty())) {
            use redis_protocol::resp2::{decode::decode, types::OwnedFrame};
            let mut stream = Vec::new();
            append_request(&mut stream, argv.iter().map(Vec::as_slice));
            let decoded = decode(&stream).expect("a frame").expect("the whole of it");
            let frames = argv.iter().map(|argument| OwnedFrame::BulkString(argument.clone())).collect();
            prop_assert_eq!(decoded, (OwnedFrame::Array(frames), stream.len()));
            prop_assert_eq!(scan_all(Limits::default(), &stream, true, &[stream.len()]), (vec![argv], None));
        }
    }
}
