//! When two replies count as equal.

use crate::support::frame::Frame;

/// How a reply is compared with the reference's; a marker in front of the command chooses it.
#[derive(Clone, Debug, PartialEq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// `~any`: not at all.
    Any,
    /// `~kind`: the same type of reply; a null is a type of its own.
    Kind,
    /// `~shape`: the same types and lengths all the way down.
    Shape,
    /// `~error`: two errors with the same first word.
    Error,
    /// `~unordered`: the elements in any order.
    Unordered,
    /// `~pairs`: key-value pairs in any order, flat or as a map.
    Pairs,
    /// `~sorted2`: `[cursor, elements]`; any cursor, the elements in any order.
    CursorAndElements,
    /// `~within 10`: numbers may differ by so much, wherever they stand.
    Within(f64),
    /// `~mask id,version`: the values behind these names are not compared.
    Mask(Vec<Vec<u8>>),
    /// `~has text`: both contain the text.
    Has(Vec<u8>),
    /// `~fields`: a text's field names (`name=value` or `name:value`), in order, without the values.
    Fields,
}

impl Compare {
    /// Whether the actual reply may stand for the expected one.
    pub fn accepts(&self, expected: &[u8], actual: &[u8]) -> bool {
        match self {
            Compare::Exact => expected == actual,
            Compare::Any => true,
            Compare::Kind => kind(expected) == kind(actual),
            Compare::Shape => same_shape(expected, actual),
            Compare::Error => match (first_word(expected), first_word(actual)) {
                (Some(expected), Some(actual)) => expected == actual,
                _ => false,
            },
            Compare::Unordered => by(expected, actual, unordered),
            Compare::Pairs => by(expected, actual, pairs),
            Compare::CursorAndElements => cursor_and_elements(expected, actual),
            Compare::Within(distance) => within(expected, actual, *distance),
            Compare::Mask(names) => by(expected, actual, |raw| masked(raw, names)),
            Compare::Has(text) => [expected, actual].iter().all(|raw| contains(raw, text)),
            Compare::Fields => by(expected, actual, fields),
        }
    }
}

/// The same kind of reply, and equal after the same treatment.
fn by<'a, T: PartialEq>(expected: &'a [u8], actual: &'a [u8], view: impl Fn(&'a [u8]) -> T) -> bool {
    kind(expected) == kind(actual) && view(expected) == view(actual)
}

fn kind(raw: &[u8]) -> (u8, bool) {
    let frame = Frame::open(raw);
    (frame.kind, frame.null)
}

fn same_shape(expected: &[u8], actual: &[u8]) -> bool {
    let (left, right) = (Frame::open(expected), Frame::open(actual));
    (left.kind, left.null, left.items.len()) == (right.kind, right.null, right.items.len())
        && std::iter::zip(left.items, right.items).all(|(left, right)| same_shape(left, right))
}

fn first_word(raw: &[u8]) -> Option<&[u8]> {
    let frame = Frame::open(raw);
    matches!(frame.kind, b'-' | b'!').then(|| {
        let mut words = frame.text.split(|byte| *byte == b' ');
        words.next().unwrap_or_default()
    })
}

/// An aggregate's elements (a map's pairs) in one order; for a scalar the reply itself.
fn unordered(raw: &[u8]) -> Vec<Vec<&[u8]>> {
    let frame = Frame::open(raw);
    let size = if frame.kind == b'%' { 2 } else { 1 };
    grouped(raw, frame, size)
}

fn pairs(raw: &[u8]) -> Vec<Vec<&[u8]>> {
    let frame = Frame::open(raw);
    let nested = frame.items.iter().all(|item| item.starts_with(b"*"));
    let size = if nested { 1 } else { 2 };
    grouped(raw, frame, size)
}

fn grouped<'a>(raw: &'a [u8], frame: Frame<'a>, size: usize) -> Vec<Vec<&'a [u8]>> {
    if frame.items.is_empty() {
        return vec![vec![raw]];
    }
    let mut groups: Vec<_> = frame.items.chunks(size).map(<[_]>::to_vec).collect();
    groups.sort_unstable();
    groups
}

fn cursor_and_elements(expected: &[u8], actual: &[u8]) -> bool {
    let (left, right) = (Frame::open(expected), Frame::open(actual));
    match (left.items.as_slice(), right.items.as_slice()) {
        ([left_cursor, left], [right_cursor, right]) => {
            kind(left_cursor) == kind(right_cursor) && by(left, right, unordered)
        }
        _ => expected == actual,
    }
}

fn within(expected: &[u8], actual: &[u8], distance: f64) -> bool {
    if expected == actual {
        return true;
    }
    let (left, right) = (Frame::open(expected), Frame::open(actual));
    if (left.kind, left.null, left.items.len()) != (right.kind, right.null, right.items.len()) {
        return false;
    }
    if left.items.is_empty() {
        return match (number(left.text), number(right.text)) {
            (Some(left), Some(right)) => (left - right).abs() <= distance,
            _ => false,
        };
    }
    std::iter::zip(left.items, right.items).all(|(left, right)| within(left, right, distance))
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The elements with the kind of a value in place of the values behind these names.
fn masked(raw: &[u8], names: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut hide = false;
    let items = Frame::open(raw).items.into_iter().map(|item| {
        let frame = Frame::open(item);
        let shown = if hide { vec![frame.kind] } else { item.to_vec() };
        hide = !hide && names.iter().any(|name| name == frame.text);
        shown
    });
    items.collect()
}

fn contains(raw: &[u8], text: &[u8]) -> bool {
    raw.windows(text.len().max(1)).any(|part| part == text)
}

fn fields(raw: &[u8]) -> Vec<Vec<&[u8]>> {
    let text = Frame::open(raw).text;
    let lines = text.split(|byte| *byte == b'\n');
    let names = lines.map(|line| {
        let words = line.split(|byte| byte.is_ascii_whitespace());
        words.filter_map(name).collect()
    });
    names.collect()
}

fn name(word: &[u8]) -> Option<&[u8]> {
    let end = word.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    Some(&word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(compare: &Compare, expected: &str, accepted: &[&str], refused: &[&str]) {
        let accepts = |actual: &str| compare.accepts(expected.as_bytes(), actual.as_bytes());
        for actual in accepted {
            assert!(accepts(actual), "{compare:?}: {expected:?}, {actual:?}");
        }
        for actual in refused {
            assert!(!accepts(actual), "{compare:?}: {expected:?}, {actual:?}");
        }
    }

    #[test]
    fn exact_means_every_byte() {
        check(&Compare::Exact, "+a\r\n", &["+a\r\n"], &["$1\r\na\r\n", "+b\r\n"]);
    }

    #[test]
    fn kind_knows_null() {
        check(&Compare::Kind, ":1\r\n", &[":2\r\n"], &["+1\r\n"]);
        check(&Compare::Kind, "$1\r\na\r\n", &["$0\r\n\r\n"], &["$-1\r\n"]);
    }

    #[test]
    fn shape_goes_down() {
        let expected = "*2\r\n:1\r\n*1\r\n+a\r\n";
        let same = "*2\r\n:7\r\n*1\r\n+bc\r\n";
        let other = "*2\r\n:7\r\n*1\r\n:1\r\n";
        check(&Compare::Shape, expected, &[same], &[other, "*1\r\n:1\r\n"]);
    }

    #[test]
    fn error_compares_the_first_word() {
        let refused = ["-WRONGTYPE a\r\n", "+ERR a\r\n"];
        check(&Compare::Error, "-ERR a\r\n", &["-ERR b c\r\n"], &refused);
        check(&Compare::Error, "+OK\r\n", &[], &["+OK\r\n"]);
    }

    #[test]
    fn unordered_is_a_multiset() {
        let expected = "*3\r\n:1\r\n:2\r\n:2\r\n";
        let refused = ["*3\r\n:1\r\n:1\r\n:2\r\n", "~3\r\n:2\r\n:1\r\n:2\r\n"];
        check(&Compare::Unordered, expected, &["*3\r\n:2\r\n:1\r\n:2\r\n"], &refused);
        let map = "%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n";
        let turned = "%2\r\n:3\r\n:4\r\n:1\r\n:2\r\n";
        let mixed = "%2\r\n:1\r\n:4\r\n:3\r\n:2\r\n";
        check(&Compare::Unordered, map, &[turned], &[mixed]);
        check(&Compare::Unordered, "-ERR a\r\n", &["-ERR a\r\n"], &["-ERR b\r\n"]);
        check(&Compare::Unordered, "*0\r\n", &["*0\r\n"], &["*1\r\n:1\r\n", "*-1\r\n"]);
    }

    #[test]
    fn pairs_stay_together() {
        let flat = "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n";
        let turned = "*4\r\n:3\r\n:4\r\n:1\r\n:2\r\n";
        let mixed = "*4\r\n:1\r\n:4\r\n:3\r\n:2\r\n";
        check(&Compare::Pairs, flat, &[turned], &[mixed]);
        let nested = "*2\r\n*1\r\n:1\r\n*1\r\n:2\r\n";
        check(&Compare::Pairs, nested, &["*2\r\n*1\r\n:2\r\n*1\r\n:1\r\n"], &[]);
    }

    #[test]
    fn a_cursor_is_ignored() {
        let expected = "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n";
        let accepted = "*2\r\n$1\r\n7\r\n*2\r\n:2\r\n:1\r\n";
        let refused = "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n";
        check(&Compare::CursorAndElements, expected, &[accepted], &[refused]);
    }

    #[test]
    fn within_allows_a_distance() {
        check(&Compare::Within(10.0), ":100\r\n", &[":90\r\n"], &[":89\r\n", "$2\r\n99\r\n"]);
        check(&Compare::Within(1.0), "*1\r\n$1\r\n5\r\n", &["*1\r\n$1\r\n6\r\n"], &["*0\r\n"]);
    }

    #[test]
    fn mask_hides_values_behind_names() {
        let mask = Compare::Mask(vec![b"id".to_vec()]);
        let expected = "*4\r\n+id\r\n:5\r\n+mode\r\n+x\r\n";
        let accepted = "*4\r\n+id\r\n:9\r\n+mode\r\n+x\r\n";
        let refused = "*4\r\n+id\r\n:5\r\n+mode\r\n+y\r\n";
        check(&mask, expected, &[accepted], &[refused]);
    }

    #[test]
    fn has_and_fields_look_into_texts() {
        let has = Compare::Has(b"b:".to_vec());
        check(&has, "$3\r\nb:1\r\n", &["$3\r\nb:2\r\n"], &["$1\r\nb\r\n"]);
        let refused = ["$7\r\na=1 c=2\r\n", "$3\r\na=1\r\n"];
        check(&Compare::Fields, "$7\r\na=1 b=2\r\n", &["$8\r\na=33 b=2\r\n"], &refused);
    }
}
