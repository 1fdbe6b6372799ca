//! Appends replies and requests to a buffer.

use super::Protocol;
use super::number;

/// Appends replies to a client's output in the protocol that the client speaks.
///
/// A handler writes exactly one reply; an aggregate's header is followed by as many replies as it announced.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

/// The place of a length that is written after its elements are known; see [`Writer::deferred`].
#[must_use]
pub struct Deferred {
    at: usize,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Writer { out, protocol }
    }

    /// The protocol of the client.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// True for a RESP3 client.
    pub fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// How many bytes the buffer holds: a mark for [`Writer::rewind`].
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Takes back all that was written since [`Writer::position`] said `position`.
    pub fn rewind(&mut self, position: usize) {
        self.out.truncate(position);
    }

    /// Bytes that are already a reply.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// `+OK`
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// `+text`; `text` has no line break.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// `-text`; the text begins with its code (`ERR`, `WRONGTYPE`, ...). Line breaks become spaces, as in Redis.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// As [`Writer::error`], of a text that repeats a client's own bytes.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.out.push(b'-');
        self.out.extend(text.iter().map(|&byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }));
        self.out.extend_from_slice(b"\r\n");
    }

    /// `:value`
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// `:length`, of a count.
    pub fn count(&mut self, value: usize) {
        self.integer(value as i64);
    }

    /// `:1` or `:0`.
    pub fn flag(&mut self, value: bool) {
        self.raw(if value { b":1\r\n" } else { b":0\r\n" });
    }

    /// `#t` or `#f` in RESP3, `:1` or `:0` in RESP2.
    pub fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp2 => self.flag(value),
            Protocol::Resp3 => self.raw(if value { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// `$length` and the bytes.
    pub fn bulk(&mut self, bytes: &[u8]) {
        append_bulk(self.out, bytes);
    }

    /// The digits of `value` as a bulk string.
    pub fn bulk_integer(&mut self, value: i64) {
        let mut digits = itoa::Buffer::new();
        append_bulk(self.out, digits.format(value).as_bytes());
    }

    /// A bulk string, or the null if there is none.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// A double: a bulk string in RESP2, `,value` in RESP3; 17 significant digits as Redis prints them.
    pub fn double(&mut self, value: f64) {
        let mut text = number::DoubleBuffer::new();
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.format(value)),
            Protocol::Resp3 => self.line(b',', text.format(value)),
        }
    }

    /// `=length` with the format (three letters) in RESP3, a bulk string in RESP2.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.header(b'=', text.len() as i64 + 4);
                self.raw(format.as_bytes());
                self.raw(b":");
                self.raw(text);
                self.raw(b"\r\n");
            }
        }
    }

    /// The null where a bulk string could stand: `$-1` in RESP2, `_` in RESP3.
    pub fn null(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"$-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// The null where an array could stand: `*-1` in RESP2, `_` in RESP3.
    pub fn null_array(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"*-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// The header of an array of `length` replies.
    pub fn array(&mut self, length: usize) {
        self.header(b'*', length as i64);
    }

    /// The header of a map of `pairs` keys with their values; a flat array in RESP2.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', pairs as i64 * 2),
            Protocol::Resp3 => self.header(b'%', pairs as i64),
        }
    }

    /// The header of a set of `length` replies; an array in RESP2.
    pub fn set(&mut self, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', length as i64),
            Protocol::Resp3 => self.header(b'~', length as i64),
        }
    }

    /// The header of an out-of-band message of `length` replies; an array in RESP2.
    pub fn push(&mut self, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', length as i64),
            Protocol::Resp3 => self.header(b'>', length as i64),
        }
    }

    /// Marks where an aggregate of a length not known yet begins. [`Writer::array_at`] and its kin write the header.
    pub fn deferred(&mut self) -> Deferred {
        Deferred { at: self.out.len() }
    }

    /// Writes the header of the array that began at `place`.
    pub fn array_at(&mut self, place: Deferred, length: usize) {
        self.insert_header(place, b'*', length);
    }

    /// Writes the header of the map of `pairs` that began at `place`.
    pub fn map_at(&mut self, place: Deferred, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.insert_header(place, b'*', pairs * 2),
            Protocol::Resp3 => self.insert_header(place, b'%', pairs),
        }
    }

    /// Writes the header of the set that began at `place`.
    pub fn set_at(&mut self, place: Deferred, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.insert_header(place, b'*', length),
            Protocol::Resp3 => self.insert_header(place, b'~', length),
        }
    }

    fn insert_header(&mut self, place: Deferred, kind: u8, length: usize) {
        let end = self.out.len();
        self.header(kind, length as i64);
        let header = self.out.len() - end;
        self.out[place.at..].rotate_right(header);
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    fn header(&mut self, kind: u8, value: i64) {
        append_header(self.out, kind, value);
    }
}

/// Appends a request as an array of bulk strings.
pub fn append_request<'a>(out: &mut Vec<u8>, arguments: impl ExactSizeIterator<Item = &'a [u8]>) {
    append_header(out, b'*', arguments.len() as i64);
    for argument in arguments {
        append_bulk(out, argument);
    }
}

/// Appends `$length`, the bytes and a line break.
pub fn append_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    append_header(out, b'$', bytes.len() as i64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn append_header(out: &mut Vec<u8>, kind: u8, value: i64) {
    let mut digits = itoa::Buffer::new();
    out.push(kind);
    out.extend_from_slice(digits.format(value).as_bytes());
    out.extend_from_slice(b"\r\n");
}
