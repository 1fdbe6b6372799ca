//! Where one reply ends and what it is made of, on the raw bytes of RESP2 and RESP3.

/// Finds the end of one reply in bytes that arrive piece by piece. It counts the parts still to come instead of
/// keeping a stack, so no nesting is too deep for it.
#[derive(Clone, Copy, Debug)]
pub struct FrameScanner {
    position: usize,
    pending: u64,
}

impl FrameScanner {
    /// A scanner at the beginning of a reply.
    pub fn new() -> Self {
        Self { position: 0, pending: 1 }
    }

    /// The length of the reply at the beginning of `bytes`, or none while it is incomplete. The same bytes, with
    /// more behind them, must be given each time.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        while self.pending > 0 {
            let Some(part) = Part::read(&bytes[self.position..])? else {
                return Ok(None);
            };
            self.position += part.length;
            self.pending = self.pending - 1 + part.children;
        }
        Ok(Some(self.position))
    }
}

/// A reply's first part: a whole scalar, or the header of an aggregate.
pub struct Part<'a> {
    /// The type byte, such as `b'+'`.
    pub kind: u8,
    /// What stands behind the type byte: the line, or the body of a string with a length.
    pub text: &'a [u8],
    /// Whether it is one of the nulls (`$-1`, `*-1`, `_`).
    pub null: bool,
    /// How many replies follow that belong to it. An attribute owns the reply that it describes.
    pub children: u64,
    /// How many bytes it takes.
    pub length: usize,
}

impl<'a> Part<'a> {
    /// Reads the part at the beginning of `bytes`; none while it is incomplete.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, String> {
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
            return Ok(None);
        };
        let Some((&kind, line)) = bytes[..end].split_first() else {
            return Err("a reply begins with an empty line".to_owned());
        };
        let mut part = Part { kind, text: line, null: kind == b'_', children: 0, length: end + 2 };
        match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => {}
            b'$' | b'=' | b'!' => {
                if let Some(size) = count(line)? {
                    let body = end + 2;
                    let size = usize::try_from(size).map_err(|error| error.to_string())?;
                    let Some(tail) = bytes.get(body + size..body + size + 2) else {
                        return Ok(None);
                    };
                    if tail != b"\r\n" {
                        return Err(format!("a string of {size} bytes lacks its line end"));
                    }
                    part.text = &bytes[body..body + size];
                    part.length = body + size + 2;
                } else {
                    part.null = true;
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => match (count(line)?, kind) {
                (None, _) => part.null = true,
                (Some(pairs), b'%') => part.children = pairs * 2,
                (Some(pairs), b'|') => part.children = pairs * 2 + 1,
                (Some(elements), _) => part.children = elements,
            },
            other => return Err(format!("no reply begins with {:?}", char::from(other))),
        }
        Ok(Some(part))
    }
}

fn count(line: &[u8]) -> Result<Option<u64>, String> {
    if line == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let number = text.parse::<u32>();
    number.map(|count| Some(count.into())).map_err(|_| {
        let text = line.escape_ascii();
        format!("{text:?} is no length")
    })
}

/// One complete reply, opened one level deep. Its attributes are passed over.
pub struct Frame<'a> {
    /// The type byte.
    pub kind: u8,
    /// Whether it is a null.
    pub null: bool,
    /// The text of a scalar.
    pub text: &'a [u8],
    /// The raw elements of an aggregate; a map's keys and values alternate.
    pub items: Vec<&'a [u8]>,
}

impl<'a> Frame<'a> {
    /// Opens a reply that is known to be complete.
    pub fn open(raw: &'a [u8]) -> Self {
        let part = Part::read(raw).expect("a reply that was scanned").expect("a complete reply");
        let mut rest = &raw[part.length..];
        let mut items = Vec::new();
        for _ in 0..part.children {
            let length =
                FrameScanner::new().advance(rest).expect("a reply that was scanned").expect("a complete reply");
            let (item, behind) = rest.split_at(length);
            items.push(item);
            rest = behind;
        }
        if part.kind == b'|' {
            let described = items.pop().expect("an attribute describes a reply");
            return Frame::open(described);
        }
        Frame { kind: part.kind, null: part.null, text: part.text, items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: &[&[u8]] = &[
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":-5\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"_\r\n",
        b"$0\r\n\r\n",
        b"$4\r\na\r\nb\r\n",
        b",3.25\r\n",
        b",inf\r\n",
        b"#t\r\n",
        b"(3492890328409238509324850943850943825024385\r\n",
        b"!5\r\nERR x\r\n",
        b"=7\r\ntxt:a\r\n\r\n",
        b"*0\r\n",
        b"*2\r\n*1\r\n:1\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n",
        b">3\r\n+message\r\n+a\r\n$1\r\nb\r\n",
        b"|1\r\n+ttl\r\n:5\r\n*1\r\n$1\r\nx\r\n",
    ];

    #[test]
    fn finds_the_end_of_every_kind_byte_by_byte() {
        for reply in REPLIES {
            let mut scanner = FrameScanner::new();
            let whole = [reply, b"+NEXT\r\n".as_slice()].concat();
            for end in 0..reply.len() {
                assert_eq!(scanner.advance(&whole[..end]), Ok(None), "{reply:?}");
            }
            assert_eq!(scanner.advance(&whole), Ok(Some(reply.len())), "{reply:?}");
        }
    }

    #[test]
    fn deep_nesting_is_no_problem() {
        let deep = [b"*1\r\n".repeat(100_000), b":1\r\n".to_vec()].concat();
        assert_eq!(FrameScanner::new().advance(&deep), Ok(Some(deep.len())));
    }

    #[test]
    fn garbage_is_an_error() {
        for garbage in ["?\r\n", "\r\n", "$x\r\n", "*-2\r\n", "$1\r\nabc"] {
            let result = FrameScanner::new().advance(garbage.as_bytes());
            assert!(result.is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn an_attribute_is_passed_over() {
        let frame = Frame::open(b"|1\r\n+ttl\r\n:5\r\n*1\r\n$1\r\nx\r\n");
        assert_eq!(frame.kind, b'*');
        assert_eq!(frame.items, [b"$1\r\nx\r\n"]);
    }
}
