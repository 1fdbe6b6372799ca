//! Where a request's keys stand.

use super::row::access::{ACCESS, DELETE, INCOMPLETE, NOT_KEY, OW, RO, RW, UPDATE, VARIABLE_FLAGS};
use super::row::{Begin, Find, KeySpec, Row};
use crate::resp::Args;
use crate::resp::number::parse_integer;

/// Calls `visit` with the index of every key in `args` that the row's key specs tell of, in order. False if a spec is
/// unknown, or the request is so malformed that its keys can't be told.
pub fn for_each(row: &Row, args: Args<'_>, mut visit: impl FnMut(usize, &KeySpec)) -> bool {
    let mut known = true;
    for spec in row.keys {
        known &= for_each_of(spec, args, |index| visit(index, spec));
    }
    known
}

/// As [`for_each`], of one spec.
pub fn for_each_of(spec: &KeySpec, args: Args<'_>, mut visit: impl FnMut(usize)) -> bool {
    let (word, mut from) = match spec.begin {
        Begin::Index(index) => return visit_at(spec.find, args, index, visit),
        Begin::Keyword(word, from) => (word, from),
        Begin::Unknown => return false,
    };
    // The word is optional: without it there are no such keys. Of a repeated `STORE key` the last one counts, so that
    // all have to be seen: whoever rewrites keys must not leave out the one that is used.
    while let Some(index) = find_keyword(args, word, from) {
        let mut found = false;
        let known = visit_at(spec.find, args, index + 1, |index| {
            found = true;
            visit(index);
        });
        // With no key behind it, the word may have been something else.
        if !known || !found {
            return false;
        }
        if !matches!(spec.find, Find::Range { last: 0, .. }) {
            break;
        }
        from = index as i32 + 2;
    }
    true
}

fn visit_at(find: Find, args: Args<'_>, begin: usize, visit: impl FnMut(usize)) -> bool {
    let Some(span) = span(find, args, begin) else {
        return false;
    };
    span.for_each(visit);
    true
}

/// The keys that `COMMAND GETKEYS` answers with, and how it says that they are used; none if it can't tell.
pub fn documented(row: &Row, args: Args<'_>) -> Vec<(usize, u16)> {
    let variable = row.keys.iter().any(|spec| spec.flags & VARIABLE_FLAGS != 0);
    let told = if variable { None } else { by_specs(row, args) };
    told.unwrap_or_else(|| by_grammar(row.name, args))
}

/// The keys that the specs tell of; `None` if one of them can't.
fn by_specs(row: &Row, args: Args<'_>) -> Option<Vec<(usize, u16)>> {
    let mut keys = Vec::new();
    for spec in row.keys.iter().filter(|spec| spec.flags & NOT_KEY == 0) {
        let begin = match spec.begin {
            Begin::Index(index) => index,
            Begin::Keyword(word, from) => match find_keyword(args, word, from) {
                Some(index) => index + 1,
                None => continue,
            },
            Begin::Unknown => return None,
        };
        let before = keys.len();
        keys.extend(span(spec.find, args, begin)?.map(|index| (index, spec.flags)));
        if keys.len() == before || spec.flags & INCOMPLETE != 0 {
            return None;
        }
    }
    Some(keys)
}

/// The keys of the commands whose specs don't tell all.
fn by_grammar(name: &str, args: Args<'_>) -> Vec<(usize, u16)> {
    let has = |from: usize, word: &str| (from..args.len()).any(|index| args.is(index, word));
    match name {
        "set" if has(3, "GET") => vec![(1, RW | ACCESS | UPDATE)],
        "set" => vec![(1, OW | UPDATE)],
        "bitfield" if only_reads(args) => vec![(1, RO | ACCESS)],
        "bitfield" => vec![(1, RW | ACCESS | UPDATE)],
        "sort" => {
            let destination = sort_destination(args).map(|index| (index, OW | UPDATE));
            [(1, RO | ACCESS)].into_iter().chain(destination).collect()
        }
        "sort_ro" => vec![(1, RO | ACCESS)],
        "xread" | "xreadgroup" => streams(args).map(|index| (index, 0)).collect(),
        "migrate" => migrated(args).map(|index| (index, RW | ACCESS | DELETE)).collect(),
        _ => Vec::new(),
    }
}

/// True of a `BITFIELD` that has nothing but `GET`.
fn only_reads(args: Args<'_>) -> bool {
    let mut index = 2;
    while index < args.len() {
        let behind = args.len() - index - 1;
        if args.is(index, "GET") && behind >= 2 {
            index += 3;
        } else if args.is(index, "OVERFLOW") && behind >= 1 {
            index += 2;
        } else {
            return false;
        }
    }
    true
}

/// Where the key stands that `SORT` stores to: the last one, if there are several.
fn sort_destination(args: Args<'_>) -> Option<usize> {
    let mut destination = None;
    let mut index = 2;
    while index < args.len() {
        if args.is(index, "LIMIT") {
            index += 2;
        } else if args.is(index, "GET") || args.is(index, "BY") {
            index += 1;
        } else if args.is(index, "STORE") && index + 1 < args.len() {
            destination = Some(index + 1);
        }
        index += 1;
    }
    destination
}

/// The keys of `XREAD`, found past its other options; half of what follows `STREAMS`.
fn streams(args: Args<'_>) -> std::ops::Range<usize> {
    let mut index = 1;
    while index < args.len() {
        if args.is(index, "STREAMS") {
            let behind = args.len() - index - 1;
            let keys = if behind.is_multiple_of(2) { behind / 2 } else { 0 };
            return index + 1..index + 1 + keys;
        }
        if args.is(index, "BLOCK") || args.is(index, "COUNT") {
            index += 2;
        } else if args.is(index, "GROUP") {
            index += 3;
        } else if args.is(index, "NOACK") {
            index += 1;
        } else {
            break;
        }
    }
    0..0
}

/// The keys of `MIGRATE`: the one in front, or those behind `KEYS`.
fn migrated(args: Args<'_>) -> std::ops::Range<usize> {
    let mut index = 6;
    while index < args.len() {
        if args.is(index, "KEYS") {
            return if args.at(3).is_empty() { index + 1..args.len() } else { 0..0 };
        }
        if args.is(index, "AUTH") {
            index += 1;
        } else if args.is(index, "AUTH2") {
            index += 2;
        }
        index += 1;
    }
    3..4
}

/// The indices that `find` means from `begin` on; `None` if they lie outside of the request or can't be told.
fn span(find: Find, args: Args<'_>, begin: usize) -> Option<impl Iterator<Item = usize> + use<>> {
    let (begin, length) = (begin as i64, args.len() as i64);
    let (first, last, step) = match find {
        Find::Range { last, step, limit } => {
            let last = if last >= 0 {
                begin + i64::from(last)
            } else if limit <= 1 {
                length + i64::from(last)
            } else {
                begin + (length - begin) / limit as i64 + i64::from(last)
            };
            (begin, last, step)
        }
        Find::Counted { count, first, step } => {
            let number = args.get(begin as usize + count).and_then(parse_integer)?;
            if number < 0 || number > length {
                return None;
            }
            let first = begin + first as i64;
            (first, first + (number - 1) * step as i64, step)
        }
        Find::Unknown => return None,
    };
    // An empty span is none outside.
    (last < length).then(|| (first..=last).step_by(step.max(1)).map(|index| index as usize))
}

/// The index of `word` with something behind it, from argument `from` on, or backwards from the end if `from` is
/// negative.
fn find_keyword(args: Args<'_>, word: &str, from: i32) -> Option<usize> {
    let length = args.len();
    if from >= 0 {
        (from as usize..length.saturating_sub(1)).find(|&index| args.is(index, word))
    } else {
        let from = length.saturating_sub(from.unsigned_abs() as usize);
        (2..=from).rev().find(|&index| args.is(index, word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;
    use crate::resp::OwnedArgs;

    /// The keys of `request`, and whether they could be told.
    fn keys(request: &str) -> (Vec<String>, bool) {
        let owned: OwnedArgs = request.split(' ').map(str::as_bytes).collect();
        let args = owned.args();
        let row = table::resolve(args).expect(request);
        let mut keys = Vec::new();
        let known = for_each(row, args, |index, _| keys.push(String::from_utf8_lossy(args.at(index)).into_owned()));
        (keys, known)
    }

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let cases = [
            ("GET a", "a"),
            ("MSET a 1 b 2", "a b"),
            ("BLPOP a b 0", "a b"),
            ("BITOP AND d a b", "d a b"),
            ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b"),
            ("EVAL s 0 x", ""),
            ("EVAL s 2 a b x", "a b"),
            ("XREAD COUNT 1 STREAMS a b 0 0", "a b"),
            ("XREADGROUP GROUP g c STREAMS a >", "a"),
            ("GEORADIUS k 0 0 1 m", "k"),
            ("GEORADIUS k 0 0 1 m STORE a STOREDIST b", "k a b"),
            ("GEORADIUS k 0 0 1 m STORE a STORE b", "k a b"),
            ("GEORADIUS k 0 0 1 m STORE store STORE b", "k store b"),
            ("OBJECT ENCODING a", "a"),
            ("PING", ""),
        ];
        for (request, expected) in cases {
            let (found, known) = keys(request);
            assert_eq!((found.join(" ").as_str(), known), (expected, true), "{request}");
        }
    }

    #[test]
    fn malformed_requests_are_told() {
        for request in ["EVAL s x a", "EVAL s 3 a b", "EVAL s -1 a", "LMPOP 99999999999999999999 a LEFT", "SORT a"] {
            assert!(!keys(request).1, "{request}");
        }
    }
}
