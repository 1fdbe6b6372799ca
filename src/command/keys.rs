//! Where a request's keys stand.

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
    let length = args.len() as i64;
    let begin = match spec.begin {
        Begin::Index(index) => index as i64,
        Begin::Keyword(word, from) => match find_keyword(args, word, from) {
            Some(index) => index as i64 + 1,
            // The word is optional: without it there are no such keys.
            None => return true,
        },
        Begin::Unknown => return false,
    };
    let (first, last, step) = match spec.find {
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
            let Some(number) = args.get(begin as usize + count).and_then(parse_integer) else {
                return false;
            };
            if number < 0 || number > length {
                return false;
            }
            let first = begin + first as i64;
            (first, first + (number - 1) * step as i64, step)
        }
        Find::Unknown => return false,
    };
    if last >= length {
        return false;
    }
    let mut index = first;
    while index <= last {
        visit(index as usize);
        index += step as i64;
    }
    true
}

/// The index of `word`, from argument `from` on, or backwards from the end if `from` is negative.
fn find_keyword(args: Args<'_>, word: &str, from: i32) -> Option<usize> {
    if from >= 0 {
        (from as usize..args.len()).find(|&index| args.is(index, word))
    } else {
        let from = (args.len() as i64 + i64::from(from)).max(0) as usize;
        (1..=from).rev().find(|&index| args.is(index, word))
    }
}
