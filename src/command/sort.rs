//! `SORT` and `SORT_RO`.

use std::cmp::Ordering;

use super::context::Context;
use super::error::{Error, printed};
use super::parse::integer;
use crate::resp::Args;
use crate::resp::number::parse_double;
use crate::store::hash::Hash;
use crate::store::list::{End, List};
use crate::store::value::Kind;
use crate::store::{Database, Value};

/// `SORT`
pub fn sort(context: &mut Context, args: Args) -> Result<(), Error> {
    sort_key(context, args, Options::parse(args, true)?)
}

/// `SORT_RO`
pub fn sort_ro(context: &mut Context, args: Args) -> Result<(), Error> {
    sort_key(context, args, Options::parse(args, false)?)
}

/// What a request asks for.
#[derive(Default)]
struct Options<'a> {
    descending: bool,
    alpha: bool,
    /// The first element and how many, if there is a limit.
    limit: Option<(i64, i64)>,
    by: Option<&'a [u8]>,
    /// `BY` a pattern without a star: the elements stay as they are.
    unsorted: bool,
    get: Vec<&'a [u8]>,
    store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>, may_store: bool) -> Result<Self, Error> {
        let mut options = Options::default();
        let mut index = 2;
        while index < args.len() {
            let value = args.get(index + 1);
            index += match value {
                _ if args.is(index, "ASC") => {
                    options.descending = false;
                    1
                }
                _ if args.is(index, "DESC") => {
                    options.descending = true;
                    1
                }
                _ if args.is(index, "ALPHA") => {
                    options.alpha = true;
                    1
                }
                Some(start) if args.is(index, "LIMIT") && index + 2 < args.len() => {
                    options.limit = Some((integer(start)?, integer(args.at(index + 2))?));
                    3
                }
                Some(key) if args.is(index, "STORE") && may_store => {
                    options.store = Some(key);
                    2
                }
                Some(pattern) if args.is(index, "BY") => {
                    options.by = Some(pattern);
                    options.unsorted |= !printed(pattern).contains(&b'*');
                    2
                }
                Some(pattern) if args.is(index, "GET") => {
                    options.get.push(pattern);
                    2
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        Ok(options)
    }

    /// The part of `length` elements that is asked for.
    fn range(&self, length: usize) -> std::ops::Range<usize> {
        let Some((start, count)) = self.limit else {
            return 0..length;
        };
        let start = usize::try_from(start.max(0)).unwrap_or(usize::MAX).min(length);
        // A negative count is all.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        start..start.saturating_add(count).min(length)
    }
}

/// What an element is sorted by.
enum Weight {
    Number(f64),
    Text(Option<Vec<u8>>),
}

fn sort_key(context: &mut Context, args: Args, mut options: Options) -> Result<(), Error> {
    let (mut elements, is_set) = load(context.db, args.at(1))?;
    // The order of a set is none: what is stored has to be the same each time.
    if options.unsorted && is_set && options.store.is_some() {
        options = Options { unsorted: false, alpha: true, by: None, ..options };
    }
    if !options.unsorted {
        elements = sorted(context.db, elements, &options)?;
    } else if options.descending && !is_set {
        elements.reverse();
    }
    let range = options.range(elements.len());
    let chosen = &elements[range];
    match options.store {
        Some(destination) => store(context, chosen, &options, destination),
        None => write(context, chosen, &options),
    }
    Ok(())
}

/// The elements of the list, set or sorted set at `key`, in its own order, and whether it is a set.
fn load(db: &mut Database<'_>, key: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Error> {
    Ok(match db.value(key) {
        None => (Vec::new(), false),
        Some(Value::List(list)) => (list.iter().map(<[u8]>::to_vec).collect(), false),
        Some(Value::Set(set)) => (set.iter().map(|member| member.with_bytes(<[u8]>::to_vec)).collect(), true),
        Some(Value::SortedSet(set)) => (set.iter().map(|(member, _)| member.to_vec()).collect(), false),
        Some(_) => return Err(Error::WRONG_TYPE),
    })
}

fn sorted(db: &mut Database<'_>, elements: Vec<Vec<u8>>, options: &Options) -> Result<Vec<Vec<u8>>, Error> {
    let mut weighed = Vec::with_capacity(elements.len());
    for element in elements {
        let weight = match options.by {
            Some(pattern) => weight(fetch(db, pattern, &element).as_deref(), options.alpha)?,
            // The element itself is compared.
            None if options.alpha => Weight::Text(None),
            None => weight(Some(&element), false)?,
        };
        weighed.push((weight, element));
    }
    // Redis compares as C does, up to a zero byte, except for what it stores.
    let text = |bytes: &'_ [u8]| if options.store.is_some() { bytes.len() } else { printed(bytes).len() };
    let compare_text = |one: &[u8], other: &[u8]| one[..text(one)].cmp(&other[..text(other)]);
    weighed.sort_by(|(one, element), (other, other_element)| {
        let order = match (one, other) {
            (Weight::Number(one), Weight::Number(other)) => {
                one.partial_cmp(other).unwrap_or(Ordering::Equal).then_with(|| element.cmp(other_element))
            }
            (Weight::Text(Some(one)), Weight::Text(Some(other))) => compare_text(one, other),
            (Weight::Text(one), Weight::Text(other)) if options.by.is_some() => one.is_some().cmp(&other.is_some()),
            _ => compare_text(element, other_element),
        };
        if options.descending { order.reverse() } else { order }
    });
    Ok(weighed.into_iter().map(|(_, element)| element).collect())
}

/// The weight that `value` is; without a value it is the least text, or 0.
fn weight(value: Option<&[u8]>, alpha: bool) -> Result<Weight, Error> {
    if alpha {
        return Ok(Weight::Text(value.map(<[u8]>::to_vec)));
    }
    let number = value.map_or(Some(0.0), parse_score).ok_or(Error::SORT_SCORE)?;
    Ok(Weight::Number(number))
}

/// The double that C's `strtod` takes from the text up to a zero byte: spaces may stand in front, and nothing at all
/// is 0.
fn parse_score(text: &[u8]) -> Option<f64> {
    let text = printed(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let spaces = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'\x0b').count();
    parse_double(&text[spaces..])
}

/// What `pattern` means for `element`: the element itself (`#`), the string at the key that the pattern is with the
/// element in place of its first star, or behind `->` a field of the hash there.
fn fetch(db: &mut Database<'_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    let text = printed(pattern);
    if text == b"#" {
        return Some(element.to_vec());
    }
    let star = text.iter().position(|&byte| byte == b'*')?;
    let behind = &text[star + 1..];
    let arrow = behind.windows(2).position(|pair| pair == b"->").map(|at| star + 1 + at);
    let arrow = arrow.filter(|at| at + 2 < text.len());
    let key = [&pattern[..star], element, &pattern[star + 1..arrow.unwrap_or(pattern.len())]].concat();
    let value = db.value(&key)?;
    match arrow {
        Some(at) => Hash::of(value)?.get(&pattern[at + 2..]).map(<[u8]>::to_vec),
        None => match value {
            Value::String(string) => Some(string.bytes().into_owned()),
            _ => None,
        },
    }
}

/// Calls `visit` with all that is asked for of `elements`.
fn for_each(db: &mut Database<'_>, elements: &[Vec<u8>], options: &Options, mut visit: impl FnMut(Option<&[u8]>)) {
    for element in elements {
        if options.get.is_empty() {
            visit(Some(element));
        }
        for pattern in &options.get {
            visit(fetch(db, pattern, element).as_deref());
        }
    }
}

fn write(context: &mut Context, elements: &[Vec<u8>], options: &Options) {
    let Context { db, reply, .. } = context;
    reply.array(elements.len() * options.get.len().max(1));
    for_each(db, elements, options, |value| reply.bulk_or_null(value));
}

fn store(context: &mut Context, elements: &[Vec<u8>], options: &Options, destination: &[u8]) {
    let mut list = List::default();
    for_each(context.db, elements, options, |value| list.push(End::Right, value.unwrap_or_default()));
    let length = list.len();
    let changed = if length > 0 {
        context.db.set(destination, list.into_value());
        true
    } else {
        context.db.remove(destination)
    };
    if changed {
        context.db.touch(destination);
    }
    context.reply.count(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_what_strtod_takes() {
        let cases: [(&[u8], Option<f64>); 10] = [
            (b"", Some(0.0)),
            (b" \t1", Some(1.0)),
            (b"0x10", Some(16.0)),
            (b"1\0x", Some(1.0)),
            (b"-inf", Some(f64::NEG_INFINITY)),
            (b"1 ", None),
            (b" ", None),
            (b"nan", None),
            (b"1e400", None),
            (b"x", None),
        ];
        for (text, score) in cases {
            assert_eq!(parse_score(text), score, "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn limits_stay_inside() {
        let range = |limit: Option<(i64, i64)>| Options { limit, ..Options::default() }.range(3);
        assert_eq!(range(None), 0..3);
        assert_eq!(range(Some((1, 1))), 1..2);
        assert_eq!(range(Some((-5, 2))), 0..2);
        assert_eq!(range(Some((5, 2))), 3..3);
        assert_eq!(range(Some((i64::MAX, i64::MAX))), 3..3);
        assert_eq!(range(Some((1, -1))), 1..3);
        assert_eq!(range(Some((i64::MIN, i64::MIN))), 0..3);
    }
}
