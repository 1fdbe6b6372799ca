//! A reply as a value, for assertions.

use std::fmt;

use super::frame::Frame;

/// What a server answered. Attributes are dropped; all nulls are one.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `+text`
    Simple(Vec<u8>),
    /// `-text` or `!n text`
    Error(Vec<u8>),
    /// `:number`
    Integer(i64),
    /// `$n bytes`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or `_`
    Null,
    /// `,number`
    Double(f64),
    /// `#t` or `#f`
    Boolean(bool),
    /// `(digits`
    BigNumber(Vec<u8>),
    /// `=n fmt:text`; the three letters of the format, then the text
    Verbatim(Vec<u8>, Vec<u8>),
    /// `*n`
    Array(Vec<Value>),
    /// `~n`
    Set(Vec<Value>),
    /// `>n`
    Push(Vec<Value>),
    /// `%n`
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// Reads one complete reply, as `Client::read_raw` returns it. It descends: for replies nested thousands deep
    /// compare raw bytes instead.
    pub fn parse(raw: &[u8]) -> Self {
        let frame = Frame::open(raw);
        if frame.null {
            return Value::Null;
        }
        let text = frame.text;
        let items = || frame.items.iter().map(|item| Value::parse(item)).collect();
        match frame.kind {
            b'+' => Value::Simple(text.to_vec()),
            b'-' | b'!' => Value::Error(text.to_vec()),
            b':' => Value::Integer(number(text)),
            b'$' => Value::Bulk(text.to_vec()),
            b',' => Value::Double(number(text)),
            b'#' => Value::Boolean(text == b"t"),
            b'(' => Value::BigNumber(text.to_vec()),
            b'=' => Value::Verbatim(text[..3].to_vec(), text[4..].to_vec()),
            b'~' => Value::Set(items()),
            b'>' => Value::Push(items()),
            b'%' => {
                Value::Map(frame.items.chunks(2).map(|pair| (Value::parse(pair[0]), Value::parse(pair[1]))).collect())
            }
            _ => Value::Array(items()),
        }
    }

    /// The bytes of a string of any kind, of an error, or of a number's text; none of the others.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Value::Simple(text)
            | Value::Error(text)
            | Value::Bulk(text)
            | Value::BigNumber(text)
            | Value::Verbatim(_, text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string().into_bytes()),
            Value::Double(number) => Some(number.to_string().into_bytes()),
            _ => None,
        }
    }

    /// The same as text; empty where there is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes().unwrap_or_default()).into_owned()
    }

    /// The number of an integer reply.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        match self {
            Value::Integer(number) => *number,
            other => panic!("{other:?} is no integer"),
        }
    }

    /// The elements of an array, set or push.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => items,
            other => panic!("{other:?} has no elements"),
        }
    }

    /// Whether it is an error whose text begins so.
    pub fn is_error(&self, beginning: &str) -> bool {
        matches!(self, Value::Error(text) if text.starts_with(beginning.as_bytes()))
    }

    /// Whether it is a null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

fn number<N: std::str::FromStr<Err: fmt::Debug>>(text: &[u8]) -> N {
    let text = std::str::from_utf8(text).expect("a number is text");
    text.parse().expect("a number")
}

/// A string of any kind compares with plain text.
impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        match self {
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(_, text) => text == other.as_bytes(),
            _ => false,
        }
    }
}

/// An integer compares with a number.
impl PartialEq<i64> for Value {
    fn eq(&self, other: &i64) -> bool {
        matches!(self, Value::Integer(number) if number == other)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Simple(text) => write!(f, "+{}", text.escape_ascii()),
            Value::Error(text) => write!(f, "-{}", text.escape_ascii()),
            Value::Integer(number) => write!(f, ":{number}"),
            Value::Bulk(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Value::Null => write!(f, "null"),
            Value::Double(number) => write!(f, ",{number}"),
            Value::Boolean(truth) => write!(f, "#{truth}"),
            Value::BigNumber(text) => write!(f, "({}", text.escape_ascii()),
            Value::Verbatim(_, text) => write!(f, "={}", text.escape_ascii()),
            Value::Array(items) => f.debug_list().entries(items).finish(),
            Value::Set(items) => f.debug_set().entries(items).finish(),
            Value::Push(items) => {
                write!(f, ">")?;
                f.debug_list().entries(items).finish()
            }
            Value::Map(pairs) => f.debug_map().entries(pairs.iter().map(|(key, value)| (key, value))).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_nested_replies() {
        let value = Value::parse(b"*3\r\n$1\r\na\r\n%1\r\n+k\r\n,1.5\r\n~1\r\n_\r\n");
        let Value::Array(items) = value else {
            panic!("an array");
        };
        assert_eq!(items[0], "a");
        let pair = (Value::Simple(b"k".to_vec()), Value::Double(1.5));
        assert_eq!(items[1], Value::Map(vec![pair]));
        assert_eq!(items[2], Value::Set(vec![Value::Null]));
    }

    #[test]
    fn compares_with_plain_values() {
        assert_eq!(Value::parse(b"+OK\r\n"), "OK");
        assert_eq!(Value::parse(b":5\r\n"), 5);
        assert_eq!(Value::parse(b"=6\r\ntxt:hi\r\n"), "hi");
        assert!(Value::parse(b"-WRONGTYPE x\r\n").is_error("WRONGTYPE"));
        assert!(Value::parse(b"*-1\r\n").is_null());
    }
}
