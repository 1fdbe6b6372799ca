//! What must hold of any bytes whatever. The fuzz targets call these, and `tests/fuzz_corpus.rs` does with the corpus.
//!
//! The first byte of the data says how the others are cut: its lower six bits are the length of a piece, less one.

use respool::resp::reply::{Progress, ReplyError, ReplyScanner, Value};
use respool::resp::request::{Limits, ProtocolError, RequestScanner, Scan};
use respool::resp::write::append_request;

/// Scans bytes as a client's requests. The bits above the length of a piece: authenticated, with tight limits.
pub fn request(data: &[u8]) {
    let Some((&how, stream)) = data.split_first() else { return };
    let authenticated = how & 0x80 != 0;
    let limits = match how & 0x40 {
        0 => Limits::default(),
        _ => Limits { arguments: 20, bulk_bytes: 50, inline_bytes: 30, request_bytes: 90 },
    };
    let whole = scan_requests(stream, limits, authenticated, stream.len());
    let in_pieces = scan_requests(stream, limits, authenticated, usize::from(how & 0x3f) + 1);
    assert_eq!(whole, in_pieces, "the same however the stream is cut");

    for request in whole.0 {
        let mut bytes = Vec::new();
        append_request(&mut bytes, request.arguments.iter().map(Vec::as_slice));
        if !request.inline && !request.arguments.is_empty() {
            assert_eq!(bytes.len(), request.length, "lengths have one spelling");
        }
        // Arguments that came inline may be more than are allowed otherwise.
        let (again, error) = scan_requests(&bytes, Limits::default(), true, bytes.len());
        assert_eq!(error, None);
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].arguments, request.arguments);
    }
}

#[derive(Debug, PartialEq)]
struct Request {
    arguments: Vec<Vec<u8>>,
    inline: bool,
    length: usize,
}

fn scan_requests(
    stream: &[u8],
    limits: Limits,
    authenticated: bool,
    piece: usize,
) -> (Vec<Request>, Option<ProtocolError>) {
    let mut scanner = RequestScanner::new(limits);
    let (mut requests, mut from, mut to) = (Vec::new(), 0, 0);
    loop {
        match scanner.scan(&stream[from..to], authenticated) {
            Err(error) => return (requests, Some(error)),
            Ok(Scan::Complete { consumed }) => {
                assert!((1..=to - from).contains(&consumed));
                let arguments = scanner.args(&stream[from..to]).iter().map(<[u8]>::to_vec).collect();
                requests.push(Request { arguments, inline: scanner.is_inline(), length: consumed });
                from += consumed;
            }
            Ok(Scan::Incomplete { needed }) => {
                assert!(needed > to - from, "more is needed than there is");
                if to == stream.len() {
                    return (requests, None);
                }
                to = stream.len().min(to + piece);
            }
        }
    }
}

/// Scans bytes as an upstream's replies, and parses them.
pub fn reply(data: &[u8]) {
    let Some((&how, stream)) = data.split_first() else { return };
    let whole = scan_replies(stream, stream.len());
    let in_pieces = scan_replies(stream, usize::from(how & 0x3f) + 1);
    assert_eq!(whole, in_pieces, "the same however the stream is cut");

    let (replies, _, error) = whole;
    let mut from = 0;
    for reply in replies {
        match Value::parse(&stream[from..]) {
            Ok((value, length)) => {
                assert_eq!(length, reply.length);
                assert_eq!(value.is_null(), reply.null);
                assert_eq!(value.is_error(), matches!(reply.kind, b'-' | b'!'));
                assert_eq!(matches!(value, Value::Push(_)), reply.kind == b'>');
            }
            // The scanner doesn't look into numbers, and doesn't mind levels.
            Err(error) => assert!(matches!(error, ReplyError::InvalidLength | ReplyError::TooDeep), "{error:?}"),
        }
        from += reply.length;
    }
    match Value::parse(&stream[from..]) {
        Ok(_) => panic!("parsed what was not scanned"),
        // Only the scanner has limits for what isn't there yet.
        Err(ReplyError::Incomplete) => {
            assert!(matches!(error, None | Some(ReplyError::TooDeep | ReplyError::TooLongLine)), "{error:?}");
        }
        Err(ReplyError::InvalidLength | ReplyError::TooDeep) => {}
        Err(other) => assert!(error == Some(other) || error == Some(ReplyError::TooDeep), "{error:?}, not {other:?}"),
    }
}

#[derive(Debug, PartialEq)]
struct Reply {
    kind: u8,
    null: bool,
    length: usize,
}

/// The replies, how many bytes were consumed behind them, and the error that ended it if any.
fn scan_replies(stream: &[u8], piece: usize) -> (Vec<Reply>, usize, Option<ReplyError>) {
    let mut scanner = ReplyScanner::new();
    let (mut replies, mut from, mut to, mut length) = (Vec::new(), 0, 0, 0);
    loop {
        match scanner.scan(&stream[from..to]) {
            Err(error) => return (replies, 0, Some(error)),
            Ok(Progress { consumed, complete }) => {
                assert!(consumed <= to - from);
                from += consumed;
                length += consumed;
                if complete {
                    replies.push(Reply { kind: scanner.kind(), null: scanner.is_null(), length });
                    length = 0;
                } else if to == stream.len() {
                    return (replies, length, None);
                } else {
                    to = stream.len().min(to + piece);
                }
            }
        }
    }
}
