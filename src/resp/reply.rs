//! Finds complete replies in an upstream's bytes.

use std::fmt;

use memchr::memchr;

use super::number::{parse_double, parse_integer, short_length};

/// Bytes of a line that is held back until its end is there: a part of what is read at a time, since the reader keeps
/// them in front of what it reads next.
const LINE_LIMIT: usize = 16 << 10;
/// Bytes of a line with a length: more than any length has.
const HEADER_LIMIT: usize = 64;
/// Elements of one reply still to come.
const OUTSTANDING_LIMIT: u64 = 1 << 40;
/// How deep a parsed reply may be nested.
const DEPTH_LIMIT: usize = 32;

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

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyError::UnknownType(byte) => write!(f, "a reply of unknown type '{}'", byte.escape_ascii()),
            ReplyError::InvalidLength => f.write_str("a reply with an invalid number"),
            ReplyError::TooLongLine => f.write_str("a reply with a line that does not end"),
            ReplyError::MissingLineBreak => f.write_str("a reply without a line break behind a string"),
            ReplyError::TooDeep => f.write_str("a reply with too many elements or levels"),
            ReplyError::Incomplete => f.write_str("an incomplete reply"),
        }
    }
}

impl std::error::Error for ReplyError {}

/// What a scanner is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Before an element.
    #[default]
    Element,
    /// A text line so long that it is passed on before its end is there.
    LongLine,
    /// The bytes of a bulk string, or its line break.
    Bulk,
}

/// Scans one connection's replies. It holds a count, no tree and no stack: 32 KB of nested array headers cost it
/// nothing.
///
/// A bulk string is passed on as it comes in; a line is held back until its end is there, unless it is a text of more
/// than 16 KiB. So an integer or an error of usual length is whole in the input of the call that consumes it.
#[derive(Debug, Default)]
pub struct ReplyScanner {
    state: State,
    kind: u8,
    null: bool,
    /// True if the elements to come are those of the reply, and not of an attribute in front of it.
    inside: bool,
    /// Elements still to come, the one at hand included; 0 between replies.
    outstanding: u64,
    /// Bytes of the bulk string still to come, without its line break.
    bulk: u64,
    /// Bytes at the front of the next input that have no line break.
    searched: usize,
}

impl ReplyScanner {
    /// A scanner at the start of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first byte of the reply in progress, or just completed: `b'-'` of an error, `b'>'` of a push. An attribute
    /// in front of a reply shows as `b'|'` only while it passes by. 0 before the first byte.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// True if the reply just completed is a null, in any spelling.
    pub fn is_null(&self) -> bool {
        self.null
    }

    /// Scans on. `input` begins where the last call's `consumed` ended. After a complete reply the next call begins a
    /// new one.
    pub fn scan(&mut self, input: &[u8]) -> Result<Progress, ReplyError> {
        if self.outstanding == 0 {
            *self = ReplyScanner { outstanding: 1, ..Self::default() };
        }
        let mut at = 0;
        while self.outstanding > 0 {
            let step = match self.state {
                State::Element => self.scan_element(input, at)?,
                State::LongLine => self.scan_long_line(input, at),
                State::Bulk => self.scan_bulk(input, at)?,
            };
            match step {
                Step::Next(next) => at = next,
                Step::Wait(next) => {
                    at = next;
                    break;
                }
            }
        }
        Ok(Progress { consumed: at, complete: self.outstanding == 0 })
    }

    #[inline]
    fn scan_element(&mut self, input: &[u8], at: usize) -> Result<Step, ReplyError> {
        let Some(&kind) = input.get(at) else { return Ok(Step::Wait(at)) };
        // An attribute's elements come on top of the reply that it stands before.
        let outermost = self.outstanding == 1 && !self.inside;
        if outermost {
            self.kind = kind;
        }
        match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => return self.scan_line(input, at, outermost),
            b'$' | b'*' | b'!' | b'=' | b'~' | b'%' | b'>' | b'|' => {}
            _ => return Err(ReplyError::UnknownType(kind)),
        }
        let Some((length, next)) = header(input, at)? else { return Ok(Step::Wait(at)) };
        let Some(length) = length else {
            self.null = outermost;
            self.outstanding -= 1;
            return Ok(Step::Next(next));
        };
        let elements = match kind {
            b'*' | b'~' | b'>' => Some(length),
            b'%' => length.checked_mul(2),
            // The attribute is no element itself.
            b'|' => length.checked_mul(2).and_then(|elements| elements.checked_add(1)),
            _ => {
                self.bulk = length;
                self.state = State::Bulk;
                return self.scan_bulk(input, next);
            }
        };
        self.outstanding = elements
            .and_then(|elements| elements.checked_add(self.outstanding - 1))
            .filter(|&outstanding| outstanding <= OUTSTANDING_LIMIT)
            .ok_or(ReplyError::TooDeep)?;
        self.inside |= outermost && kind != b'|';
        Ok(Step::Next(next))
    }

    fn scan_line(&mut self, input: &[u8], at: usize, outermost: bool) -> Result<Step, ReplyError> {
        let is_text = matches!(input[at], b'+' | b'-' | b'(');
        match find_line_break(input, at + self.searched) {
            Some(end) if end - at <= LINE_LIMIT || is_text => {
                self.null = outermost && input[at] == b'_';
                self.searched = 0;
                self.outstanding -= 1;
                Ok(Step::Next(end + 2))
            }
            None if input.len() - at <= LINE_LIMIT + 1 => {
                self.searched = without_half_break(input).saturating_sub(at);
                Ok(Step::Wait(at))
            }
            None if is_text => {
                self.searched = 0;
                self.state = State::LongLine;
                Ok(Step::Wait(without_half_break(input)))
            }
            _ => Err(ReplyError::TooLongLine),
        }
    }

    fn scan_long_line(&mut self, input: &[u8], at: usize) -> Step {
        match find_line_break(input, at) {
            Some(end) => {
                self.state = State::Element;
                self.outstanding -= 1;
                Step::Next(end + 2)
            }
            None => Step::Wait(without_half_break(input).max(at)),
        }
    }

    #[inline]
    fn scan_bulk(&mut self, input: &[u8], at: usize) -> Result<Step, ReplyError> {
        let available = input.len() - at;
        let taken = usize::try_from(self.bulk).map_or(available, |bulk| bulk.min(available));
        self.bulk -= taken as u64;
        let end = at + taken;
        match input.get(end..end + 2) {
            // Fewer than two bytes are left, whether of the string or of its line break.
            None => Ok(Step::Wait(end)),
            Some(b"\r\n") => {
                self.state = State::Element;
                self.outstanding -= 1;
                Ok(Step::Next(end + 2))
            }
            Some(_) => Err(ReplyError::MissingLineBreak),
        }
    }
}

/// What became of the bytes before this place, and after.
enum Step {
    /// An element, or its header, ends here: the next one follows.
    Next(usize),
    /// All before is consumed; to go on takes more input.
    Wait(usize),
}

/// The length in the header at `at`, `None` of a null; and where the header ends. Nothing if its end isn't there yet.
#[inline]
fn header(input: &[u8], at: usize) -> Result<Option<(Option<u64>, usize)>, ReplyError> {
    match short_length(input, at + 1) {
        Some((length, next)) if input[next - 1] == b'\n' => Ok(Some((Some(length as u64), next))),
        _ => long_header(input, at),
    }
}

#[cold]
fn long_header(input: &[u8], at: usize) -> Result<Option<(Option<u64>, usize)>, ReplyError> {
    let window = &input[at..input.len().min(at + HEADER_LIMIT)];
    let Some(end) = memchr(b'\r', window) else {
        return if window.len() < HEADER_LIMIT { Ok(None) } else { Err(ReplyError::TooLongLine) };
    };
    match input.get(at + end + 1) {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) => return Err(ReplyError::InvalidLength),
    }
    let length = match parse_integer(&window[1..end]) {
        Some(-1) if matches!(window[0], b'$' | b'*') => None,
        Some(length) => Some(u64::try_from(length).map_err(|_| ReplyError::InvalidLength)?),
        None => return Err(ReplyError::InvalidLength),
    };
    Ok(Some((length, at + end + 2)))
}

/// Where the first line break at or behind `from` is.
fn find_line_break(input: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let found = from + memchr(b'\r', input.get(from..)?)?;
        if *input.get(found + 1)? == b'\n' {
            return Some(found);
        }
        from = found + 1;
    }
}

/// The length of `input` without a `\r` at its end, which may be half of a line break.
fn without_half_break(input: &[u8]) -> usize {
    input.len() - usize::from(input.last() == Some(&b'\r'))
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
    /// Parses the one reply at the front of `input`; says how many bytes it took. Nested at most 32 deep. Attributes
    /// are left out.
    pub fn parse(input: &[u8]) -> Result<(Value, usize), ReplyError> {
        let mut parser = Parser { input, at: 0 };
        let value = parser.value(DEPTH_LIMIT)?;
        Ok((value, parser.at))
    }

    /// The bytes of a string, simple or not, or of an error.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(bytes) | Value::Error(bytes) | Value::Bulk(bytes) | Value::BigNumber(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value of an integer, or of a string that is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(value) => Some(*value),
            Value::Simple(bytes) | Value::Bulk(bytes) => parse_integer(bytes),
            _ => None,
        }
    }

    /// The elements of an array, a set or a push.
    pub fn elements(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) | Value::Push(elements) => Some(elements),
            _ => None,
        }
    }

    /// True of an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_))
    }

    /// True of a null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// Parses one reply; it recurses no deeper than it is told.
struct Parser<'a> {
    input: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, ReplyError> {
        loop {
            let kind = *self.input.get(self.at).ok_or(ReplyError::Incomplete)?;
            match kind {
                b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => return line_value(kind, self.line()?),
                b'$' | b'*' | b'!' | b'=' | b'~' | b'%' | b'>' | b'|' => {}
                _ => return Err(ReplyError::UnknownType(kind)),
            }
            let (length, next) = header(self.input, self.at)?.ok_or(ReplyError::Incomplete)?;
            self.at = next;
            let Some(length) = length else { return Ok(Value::Null) };
            match kind {
                b'$' => return Ok(Value::Bulk(self.bulk(length)?.to_vec())),
                b'!' => return Ok(Value::Error(self.bulk(length)?.to_vec())),
                b'=' => {
                    // Three letters and a colon come first.
                    let text = self.bulk(length)?.get(4..).ok_or(ReplyError::InvalidLength)?;
                    return Ok(Value::Bulk(text.to_vec()));
                }
                b'*' | b'~' => return Ok(Value::Array(self.elements(length, depth, Self::value)?)),
                b'>' => return Ok(Value::Push(self.elements(length, depth, Self::value)?)),
                b'%' => return Ok(Value::Map(self.elements(length, depth, Self::pair)?)),
                // An attribute: the reply that it belongs to follows.
                _ => {
                    self.elements(length, depth, |parser, depth| parser.pair(depth).map(drop))?;
                }
            }
        }
    }

    fn pair(&mut self, depth: usize) -> Result<(Value, Value), ReplyError> {
        Ok((self.value(depth)?, self.value(depth)?))
    }

    fn elements<T>(
        &mut self,
        length: u64,
        depth: usize,
        element: impl Fn(&mut Self, usize) -> Result<T, ReplyError>,
    ) -> Result<Vec<T>, ReplyError> {
        let depth = depth.checked_sub(1).ok_or(ReplyError::TooDeep)?;
        // What a header announces is not yet there.
        let mut elements = Vec::with_capacity(length.min(64) as usize);
        for _ in 0..length {
            elements.push(element(self, depth)?);
        }
        Ok(elements)
    }

    fn line(&mut self) -> Result<&[u8], ReplyError> {
        let end = find_line_break(self.input, self.at).ok_or(ReplyError::Incomplete)?;
        let line = &self.input[self.at + 1..end];
        self.at = end + 2;
        Ok(line)
    }

    fn bulk(&mut self, length: u64) -> Result<&[u8], ReplyError> {
        let rest = &self.input[self.at..];
        let length = usize::try_from(length).map_err(|_| ReplyError::Incomplete)?;
        let (bytes, rest) = rest.split_at_checked(length).ok_or(ReplyError::Incomplete)?;
        match rest.get(..2) {
            Some(b"\r\n") => {}
            Some(_) => return Err(ReplyError::MissingLineBreak),
            None => return Err(ReplyError::Incomplete),
        }
        self.at += length + 2;
        Ok(bytes)
    }
}

fn line_value(kind: u8, line: &[u8]) -> Result<Value, ReplyError> {
    let value = match kind {
        b'+' => Value::Simple(line.to_vec()),
        b'-' => Value::Error(line.to_vec()),
        b'(' => Value::BigNumber(line.to_vec()),
        _ if line.len() >= LINE_LIMIT => return Err(ReplyError::TooLongLine),
        b':' => Value::Integer(parse_integer(line).ok_or(ReplyError::InvalidLength)?),
        b',' if line.ends_with(b"nan") => Value::Double(f64::NAN),
        b',' => Value::Double(parse_double(line).ok_or(ReplyError::InvalidLength)?),
        b'#' if line == b"t" => Value::Boolean(true),
        b'#' if line == b"f" => Value::Boolean(false),
        b'_' if line.is_empty() => Value::Null,
        _ => return Err(ReplyError::InvalidLength),
    };
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was seen of each reply: how long it was, its kind, and whether it was a null.
    type Seen = (usize, u8, bool);

    /// All replies of `stream`, the bytes consumed behind them, and the error that ends it if any. What is there grows
    /// by the lengths in `cuts`, in turn.
    fn scan_all(stream: &[u8], cuts: &[usize]) -> (Vec<Seen>, usize, Option<ReplyError>) {
        let mut scanner = ReplyScanner::new();
        let (mut replies, mut from, mut to, mut length) = (Vec::new(), 0, 0, 0);
        let mut cuts = cuts.iter().copied().cycle();
        loop {
            match scanner.scan(&stream[from..to]) {
                Err(error) => return (replies, 0, Some(error)),
                Ok(Progress { consumed, complete }) => {
                    assert!(consumed <= to - from);
                    from += consumed;
                    length += consumed;
                    if complete {
                        replies.push((length, scanner.kind(), scanner.is_null()));
                        length = 0;
                    } else if to == stream.len() {
                        return (replies, length, None);
                    } else {
                        to = stream.len().min(to + cuts.next().unwrap_or(1).max(1));
                    }
                }
            }
        }
    }

    /// The one reply that `stream` is.
    #[track_caller]
    fn one(stream: &[u8]) -> Seen {
        let whole = scan_all(stream, &[stream.len()]);
        assert_eq!(whole, scan_all(stream, &[1]), "{}", stream.escape_ascii());
        assert_eq!(whole.2, None, "{}", stream.escape_ascii());
        assert_eq!(whole.0.len(), 1, "{}", stream.escape_ascii());
        whole.0[0]
    }

    #[track_caller]
    fn fails(stream: &[u8]) -> ReplyError {
        let whole = scan_all(stream, &[stream.len()]);
        assert_eq!(whole, scan_all(stream, &[1]), "{}", stream.escape_ascii());
        whole.2.expect("an error")
    }

    #[test]
    fn every_type() {
        let streams = "+OK\r\n|-ERR no\r\n|:-12\r\n|$3\r\na\r\n\r\n|$0\r\n\r\n|*0\r\n|*2\r\n:1\r\n*1\r\n+a\r\n|_\r\n|$-1\r\n|*-1\r\n|,1.5\r\n|\
            ,inf\r\n|,-inf\r\n|,nan\r\n|#t\r\n|#f\r\n|!5\r\nERR a\r\n|=7\r\ntxt:abc\r\n|(123456789012345678901234567890\r\n|\
            ~2\r\n:1\r\n:2\r\n|%1\r\n+k\r\n*1\r\n_\r\n|>2\r\n+message\r\n$-1\r\n|%0\r\n|~0\r\n|+\r\n";
        for stream in streams.split('|') {
            let (length, kind, null) = one(stream.as_bytes());
            assert_eq!((length, kind), (stream.len(), stream.as_bytes()[0]), "{stream:?}");
            assert_eq!(null, ["_\r\n", "$-1\r\n", "*-1\r\n"].contains(&stream), "{stream:?}");
            let (value, parsed) = Value::parse(stream.as_bytes()).expect("a value");
            assert_eq!(parsed, stream.len(), "{stream:?}");
            assert_eq!((value.is_null(), value.is_error()), (null, matches!(kind, b'-' | b'!')), "{stream:?}");
            for cut in 0..stream.len() {
                assert_eq!(Value::parse(&stream.as_bytes()[..cut]), Err(ReplyError::Incomplete), "{stream:?}");
            }
        }
    }

    #[test]
    fn values() {
        let parse = |stream: &str| Value::parse(stream.as_bytes()).map(|(value, _)| value);
        let text = |text: &str| Value::Bulk(text.into());
        assert_eq!(parse("=7\r\ntxt:abc\r\n"), Ok(text("abc")));
        assert_eq!(parse("!5\r\nERR a\r\n"), Ok(Value::Error(b"ERR a".to_vec())));
        assert_eq!(parse("%1\r\n$1\r\na\r\n#t\r\n"), Ok(Value::Map(vec![(text("a"), Value::Boolean(true))])));
        assert_eq!(parse(",-1.5e3\r\n"), Ok(Value::Double(-1500.0)));
        assert_eq!(parse(",inf\r\n"), Ok(Value::Double(f64::INFINITY)));
        assert_eq!(parse("|1\r\n+ttl\r\n:9\r\n|0\r\n:5\r\n"), Ok(Value::Integer(5)));
        assert_eq!(
            parse("*2\r\n|1\r\n+ttl\r\n:9\r\n:5\r\n_\r\n"),
            Ok(Value::Array(vec![Value::Integer(5), Value::Null]))
        );
        assert_eq!(parse("$2\r\n12\r\n").map(|value| value.as_integer()), Ok(Some(12)));
        assert_eq!(parse(":9\r\n").map(|value| value.as_integer()), Ok(Some(9)));
        for wrong in [
            ":+1\r\n",
            ":01\r\n",
            ":\r\n",
            "#x\r\n",
            "_x\r\n",
            ",x\r\n",
            ",\r\n",
            "=3\r\nabc\r\n",
            "$-2\r\n",
            "~-1\r\n",
        ] {
            assert_eq!(parse(wrong), Err(ReplyError::InvalidLength), "{wrong:?}");
        }
    }

    #[test]
    fn wrong_bytes() {
        assert_eq!(fails(b"?\r\n"), ReplyError::UnknownType(b'?'));
        assert_eq!(fails(b"*1\r\n\r\n"), ReplyError::UnknownType(b'\r'));
        for length in
            ["$x", "$", "$-2", "*-2", "~-1", "%-1", ">-1", "!-1", "=-1", "|-1", "$01", "$+1", "$99999999999999999999"]
        {
            assert_eq!(fails(format!("{length}\r\n").as_bytes()), ReplyError::InvalidLength, "{length}");
        }
        assert_eq!(fails(b"$1\rx\n"), ReplyError::InvalidLength);
        assert_eq!(fails(b"$1\r\naxx"), ReplyError::MissingLineBreak);
        assert_eq!(fails(b"$1\r\na\rx"), ReplyError::MissingLineBreak);
        assert_eq!(fails(format!("${}", "1".repeat(70)).as_bytes()), ReplyError::TooLongLine);
        assert_eq!(fails(format!(":{}\r\n", "1".repeat(LINE_LIMIT)).as_bytes()), ReplyError::TooLongLine);
        assert_eq!(fails(b"*1099511627777\r\n"), ReplyError::TooDeep);
        assert_eq!(fails(b"%9223372036854775807\r\n"), ReplyError::TooDeep);
        assert_eq!(fails("*1000000000000\r\n".repeat(2).as_bytes()), ReplyError::TooDeep);
    }

    #[test]
    fn texts_of_any_length() {
        for length in [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 1 << 20, 3 << 20] {
            let line = format!("-{}\r\n", "\rE\n".repeat(length / 3));
            for cut in [line.len(), 100_000, 1021] {
                assert_eq!(scan_all(line.as_bytes(), &[cut]), (vec![(line.len(), b'-', false)], 0, None));
            }
        }
        // A line of usual length is consumed at once.
        let mut scanner = ReplyScanner::new();
        assert_eq!(scanner.scan(b"-ERR a"), Ok(Progress { consumed: 0, complete: false }));
        assert_eq!(scanner.scan(b"-ERR a\r"), Ok(Progress { consumed: 0, complete: false }));
        assert_eq!(scanner.scan(b"-ERR a\r\n+"), Ok(Progress { consumed: 8, complete: true }));
    }

    #[test]
    fn bulks_pass_as_they_come() {
        let mut scanner = ReplyScanner::new();
        let wait = |consumed| Ok(Progress { consumed, complete: false });
        assert_eq!(scanner.kind(), 0);
        assert_eq!(scanner.scan(b"$10000"), wait(0));
        assert_eq!(scanner.kind(), b'$');
        assert_eq!(scanner.scan(b"$1000000000\r\nabc"), wait(16));
        let mut left = 1_000_000_000 - 3;
        let piece = vec![0; 1 << 20];
        while left > 0 {
            let length = left.min(piece.len());
            assert_eq!(scanner.scan(&piece[..length]), wait(length));
            left -= length;
        }
        assert_eq!(scanner.scan(b"\r"), wait(0));
        assert_eq!(scanner.scan(b"\r\n+"), Ok(Progress { consumed: 2, complete: true }));
    }

    #[test]
    fn kinds_behind_attributes() {
        assert_eq!(one(b"|1\r\n*1\r\n_\r\n%0\r\n-ERR a\r\n").1, b'-');
        assert_eq!(one(b"|1\r\n+k\r\n+v\r\n|0\r\n>1\r\n-a\r\n").1, b'>');
        assert_eq!(one(b"|1\r\n_\r\n_\r\n+a\r\n"), (14, b'+', false));
        assert_eq!(one(b"|0\r\n_\r\n"), (7, b'_', true));
        assert_eq!(one(b"*1\r\n_\r\n"), (7, b'*', false));
        assert_eq!(one(b"*1\r\n-a\r\n").1, b'*');
    }

    #[test]
    fn nested_headers() {
        for header in ["*1\r\n", "*2\r\n", "%1\r\n", "|1\r\n", ">1\r\n", "~1\r\n"] {
            let bomb = header.repeat(100_000);
            assert_eq!(scan_all(bomb.as_bytes(), &[16384]), (vec![], bomb.len(), None));
            assert_eq!(Value::parse(bomb.as_bytes()), Err(ReplyError::TooDeep));
        }
        let closed = |depth: usize| format!("{}:1\r\n", "*1\r\n".repeat(depth)).into_bytes();
        assert_eq!(one(&closed(50_000)).0, 200_004);
        assert!(Value::parse(&closed(DEPTH_LIMIT)).is_ok());
        assert_eq!(Value::parse(&closed(DEPTH_LIMIT + 1)), Err(ReplyError::TooDeep));
        // Attributes in a row are no nesting.
        let row = format!("{}:1\r\n", "|0\r\n".repeat(100_000));
        assert_eq!(Value::parse(row.as_bytes()), Ok((Value::Integer(1), row.len())));
    }

    #[test]
    fn announced_is_not_reserved() {
        for header in ["*1000000000\r\n", "%1000000000\r\n", "$1000000000\r\n", "*9223372036854775807\r\n"] {
            assert_eq!(Value::parse(header.repeat(10).as_bytes()), Err(ReplyError::Incomplete), "{header:?}");
        }
    }

    /// Replies to choose from.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Types {
        /// What RESP2 has.
        Resp2,
        /// What RESP3 has, as far as `redis-protocol` takes it: RESP2's nulls and attributes within aggregates are
        /// missing, as are pushes within aggregates and elements that are no scalars in keys.
        Resp3,
        /// Everything, everywhere.
        All,
    }

    type Sample = (Vec<u8>, Value);

    fn aggregate(kind: char, parts: Vec<Sample>) -> Sample {
        let (bytes, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let length = if kind == '%' { values.len() / 2 } else { values.len() };
        let value = match kind {
            '>' => Value::Push(values),
            '%' => Value::Map(values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()),
            _ => Value::Array(values),
        };
        ([format!("{kind}{length}\r\n").into_bytes(), bytes.concat()].concat(), value)
    }

    /// A reply on the wire, and what it is.
    fn any_reply(types: Types) -> impl Strategy<Value = Sample> {
        let simple = "[a-zA-Z ]{0,20}x".prop_map(|text| (format!("+{text}\r\n").into(), Value::Simple(text.into())));
        let error = "ERR [a-z ]{0,20}x".prop_map(|text| (format!("-{text}\r\n").into(), Value::Error(text.into())));
        let integer = any::<i64>().prop_map(|value| (format!(":{value}\r\n").into(), Value::Integer(value)));
        let bulk = prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| {
            ([format!("${}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat(), Value::Bulk(bytes))
        });
        let mut fixed = Vec::new();
        if types != Types::Resp3 {
            fixed.extend([("$-1\r\n", Value::Null), ("*-1\r\n", Value::Null)]);
        }
        if types != Types::Resp2 {
            fixed.extend([
                ("_\r\n", Value::Null),
                ("#t\r\n", Value::Boolean(true)),
                ("#f\r\n", Value::Boolean(false)),
                (",-1.25e3\r\n", Value::Double(-1250.0)),
                (",inf\r\n", Value::Double(f64::INFINITY)),
                (",-inf\r\n", Value::Double(-f64::INFINITY)),
                ("(12345678901234567890123\r\n", Value::BigNumber(b"12345678901234567890123".into())),
                ("!7\r\nERR a\r\n\r\n", Value::Error(b"ERR a\r\n".into())),
                ("=5\r\ntxt:a\r\n", Value::Bulk(b"a".into())),
            ]);
        }
        let fixed = prop::sample::select(fixed).prop_map(|(text, value)| (text.as_bytes().to_vec(), value));
        let leaf = prop_oneof![simple, error, integer, bulk, fixed];
        leaf.prop_recursive(6, 60, 6, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..6);
            let array = list.clone().prop_map(|parts| aggregate('*', parts)).boxed();
            if types == Types::Resp2 {
                return array;
            }
            // Keys in order and distinct: `redis-protocol` keeps no order.
            let number = |value: usize| (format!(":{value}\r\n").into(), Value::Integer(value as i64));
            let set = (0usize..5).prop_map(move |length| aggregate('~', (0..length).map(number).collect()));
            let map = list.clone().prop_map(move |parts| {
                let pairs = parts.into_iter().enumerate().flat_map(|(key, part)| [number(key), part]);
                aggregate('%', pairs.collect())
            });
            if types == Types::Resp3 {
                return prop_oneof![array, set, map].boxed();
            }
            let any_set = list.clone().prop_map(|parts| aggregate('~', parts));
            let push = list.prop_map(|parts| aggregate('>', parts));
            let pairs = prop::collection::vec((inner.clone(), inner.clone()), 0..4);
            let any_map = pairs
                .clone()
                .prop_map(|pairs| aggregate('%', pairs.into_iter().flat_map(|(key, value)| [key, value]).collect()));
            let attribute = (pairs, inner).prop_map(|(pairs, (reply, value))| {
                let length = pairs.len();
                let pairs: Vec<u8> = pairs.into_iter().flat_map(|(key, value)| [key.0, value.0].concat()).collect();
                ([format!("|{length}\r\n").into_bytes(), pairs, reply].concat(), value)
            });
            prop_oneof![array, any_set, push, any_map, attribute].boxed()
        })
    }

    fn from_resp2(frame: redis_protocol::resp2::types::OwnedFrame) -> Value {
        use redis_protocol::resp2::types::OwnedFrame as Frame;
        match frame {
            Frame::SimpleString(bytes) => Value::Simple(bytes),
            Frame::Error(text) => Value::Error(text.into()),
            Frame::Integer(value) => Value::Integer(value),
            Frame::BulkString(bytes) => Value::Bulk(bytes),
            Frame::Array(frames) => Value::Array(frames.into_iter().map(from_resp2).collect()),
            Frame::Null => Value::Null,
        }
    }

    fn from_resp3(frame: redis_protocol::resp3::types::OwnedFrame) -> Value {
        use redis_protocol::resp3::types::OwnedFrame as Frame;
        let by_number = |value: &Value| value.as_integer();
        match frame {
            Frame::SimpleString { data, .. } => Value::Simple(data),
            Frame::SimpleError { data, .. } => Value::Error(data.into()),
            Frame::BlobError { data, .. } => Value::Error(data),
            Frame::BlobString { data, .. } | Frame::VerbatimString { data, .. } => Value::Bulk(data),
            Frame::Number { data, .. } => Value::Integer(data),
            Frame::Double { data, .. } => Value::Double(data),
            Frame::Boolean { data, .. } => Value::Boolean(data),
            Frame::BigNumber { data, .. } => Value::BigNumber(data),
            Frame::Null => Value::Null,
            Frame::Array { data, .. } => Value::Array(data.into_iter().map(from_resp3).collect()),
            Frame::Push { data, .. } => Value::Push(data.into_iter().map(from_resp3).collect()),
            Frame::Set { data, .. } => {
                let mut values: Vec<Value> = data.into_iter().map(from_resp3).collect();
                values.sort_by_key(by_number);
                Value::Array(values)
            }
            Frame::Map { data, .. } => {
                let mut pairs: Vec<(Value, Value)> =
                    data.into_iter().map(|(key, value)| (from_resp3(key), from_resp3(value))).collect();
                pairs.sort_by_key(|pair| by_number(&pair.0));
                Value::Map(pairs)
            }
            other => panic!("no reply: {other:?}"),
        }
    }

    proptest! {
        #[test]
        fn any_stream_cut_anywhere(
            replies in prop::collection::vec(any_reply(Types::All), 1..8),
            cuts in prop::collection::vec(1usize..100, 1..20),
        ) {
            let stream: Vec<u8> = replies.iter().flat_map(|reply| reply.0.clone()).collect();
            let whole = scan_all(&stream, &[stream.len()]);
            prop_assert_eq!(&scan_all(&stream, &cuts), &whole);
            prop_assert_eq!(whole.0.len(), replies.len());
            for ((length, _, is_null), (reply, value)) in whole.0.iter().zip(&replies) {
                prop_assert_eq!((*length, *is_null), (reply.len(), value.is_null()));
                prop_assert_eq!(Value::parse(reply), Ok((value.clone(), reply.len())));
            }
        }

        #[test]
        fn as_redis_protocol_decodes_resp2((reply, value) in any_reply(Types::Resp2)) {
            let (frame, length) = redis_protocol::resp2::decode::decode(&reply).expect("a frame").expect("all of it");
            prop_assert_eq!((from_resp2(frame), length), (value.clone(), reply.len()));
            prop_assert_eq!(Value::parse(&reply), Ok((value, length)));
            prop_assert_eq!(one(&reply).0, length);
        }

        #[test]
        fn as_redis_protocol_decodes_resp3((reply, value) in any_reply(Types::Resp3)) {
            use redis_protocol::resp3::decode::complete::decode;
            let (frame, length) = decode(&reply).expect("a frame").expect("all of it");
            prop_assert_eq!((from_resp3(frame), length), (value.clone(), reply.len()));
            prop_assert_eq!(Value::parse(&reply), Ok((value, length)));
            prop_assert_eq!(one(&reply).0, length);
        }

        #[test]
        fn any_bytes_cut_anywhere(
            stream in "([*$%~>|:+=!_,#-]?(-?[0-9]{1,2}|[a-z]{0,5})(\r\n|\n|\r)?){0,12}",
            cuts in prop::collection::vec(1usize..9, 1..5),
        ) {
            let whole = scan_all(stream.as_bytes(), &[stream.len()]);
            prop_assert_eq!(&scan_all(stream.as_bytes(), &cuts), &whole);
            match Value::parse(stream.as_bytes()) {
                Ok((_, length)) => prop_assert_eq!(whole.0[0].0, length),
                Err(ReplyError::Incomplete) => prop_assert!(whole.0.is_empty() && whole.2.is_none()),
                Err(_) => {}
            }
        }
    }
}
