//! Lists.

use std::ops::Range;

use super::blocking::{self, Blocking, Plan};
use super::context::Context;
use super::error::Error;
use super::parse;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::{Args, Writer};
use crate::store::list::{End, List};
use crate::store::{Kind, Value};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("blmove", 6, Group::List, "6.2.0", WRITE | DENYOOM | NOSCRIPT | BLOCKING)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, RW | INSERT)])
        .class(Class::Blocking)
        .blocking(&BLMOVE),
    Row::new("blmpop", -5, Group::List, "7.0.0", WRITE | BLOCKING | MOVABLEKEYS)
        .keys(&[KeySpec::counted(2, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BLMPOP),
    Row::new("blpop", -3, Group::List, "2.0.0", WRITE | NOSCRIPT | BLOCKING)
        .keys(&[KeySpec::range(1, -2, 1, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BLPOP),
    Row::new("brpop", -3, Group::List, "2.0.0", WRITE | NOSCRIPT | BLOCKING)
        .keys(&[KeySpec::range(1, -2, 1, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BRPOP),
    Row::new("brpoplpush", 4, Group::List, "2.2.0", WRITE | DENYOOM | NOSCRIPT | BLOCKING)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, RW | INSERT)])
        .class(Class::Blocking)
        .blocking(&BRPOPLPUSH),
    Row::new("lindex", 3, Group::List, "1.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(lindex),
    Row::new("linsert", 5, Group::List, "2.2.0", WRITE | DENYOOM).keys(&[KeySpec::one(1, RW | INSERT)]).memory(linsert),
    Row::new("llen", 2, Group::List, "1.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(llen),
    Row::new("lmove", 5, Group::List, "6.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, RW | INSERT)])
        .memory(lmove),
    Row::new("lmpop", -4, Group::List, "7.0.0", WRITE | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RW | ACCESS | DELETE)])
        .reply(Reply::FirstKey)
        .memory(lmpop),
    Row::new("lpop", -2, Group::List, "1.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(lpop),
    Row::new("lpos", -3, Group::List, "6.0.6", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(lpos),
    Row::new("lpush", -3, Group::List, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(lpush),
    Row::new("lpushx", -3, Group::List, "2.2.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(lpushx),
    Row::new("lrange", 4, Group::List, "1.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(lrange),
    Row::new("lrem", 4, Group::List, "1.0.0", WRITE).keys(&[KeySpec::one(1, RW | DELETE)]).memory(lrem),
    Row::new("lset", 4, Group::List, "1.0.0", WRITE | DENYOOM).keys(&[KeySpec::one(1, RW | UPDATE)]).memory(lset),
    Row::new("ltrim", 4, Group::List, "1.0.0", WRITE).keys(&[KeySpec::one(1, RW | DELETE)]).memory(ltrim),
    Row::new("rpop", -2, Group::List, "1.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(rpop),
    Row::new("rpoplpush", 3, Group::List, "1.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, RW | INSERT)])
        .memory(rpoplpush),
    Row::new("rpush", -3, Group::List, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(rpush),
    Row::new("rpushx", -3, Group::List, "2.2.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(rpushx),
];

fn is_list(value: &Value) -> bool {
    List::of(value).is_some()
}

/// An end by its name.
fn end(argument: &[u8]) -> Result<End, Error> {
    match argument {
        word if word.eq_ignore_ascii_case(b"LEFT") => Ok(End::Left),
        word if word.eq_ignore_ascii_case(b"RIGHT") => Ok(End::Right),
        _ => Err(Error::SYNTAX),
    }
}

/// The part of a sequence of `length` between two indices, both inside; a negative one counts from the end.
pub(super) fn range_of(start: i64, end: i64, length: usize) -> Range<usize> {
    let length = length as i64;
    let from_start = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let start = from_start(start).max(0);
    let end = from_start(end).saturating_add(1).min(length);
    if start < end { start as usize..end as usize } else { 0..0 }
}

/// Changes the list at `key`; false without a key.
fn change(context: &mut Context, key: &[u8], change: impl FnOnce(&mut Writer<'_>, &mut List)) -> Result<bool, Error> {
    let reply = &mut context.reply;
    let is_there = context.db.modify(key, |list: &mut List| change(reply, list))?.is_some();
    if is_there {
        context.db.touch(key);
    }
    Ok(is_there)
}

/// Takes an element from an end, and answers with it.
fn pop_one(reply: &mut Writer<'_>, list: &mut List, end: End) {
    reply.bulk_or_null(list.peek(end));
    list.drop_from(end, 1);
}

/// Takes up to `count` elements from an end, and answers with them.
fn pop_many(reply: &mut Writer<'_>, list: &mut List, end: End, count: usize) {
    let count = count.min(list.len());
    reply.array(count);
    match end {
        End::Left => list.iter().take(count).for_each(|element| reply.bulk(element)),
        End::Right => list.iter().rev().take(count).for_each(|element| reply.bulk(element)),
    }
    list.drop_from(end, count);
}

/// Answers with the key and an element taken from an end of its list; false without a key.
fn pop_with_key(context: &mut Context, key: &[u8], end: End) -> Result<bool, Error> {
    change(context, key, |reply, list| {
        reply.array(2);
        reply.bulk(key);
        pop_one(reply, list, end);
    })
}

/// Answers with the key and the elements taken from an end of its list; false without a key.
fn pop_many_with_key(context: &mut Context, key: &[u8], end: End, count: usize) -> Result<bool, Error> {
    change(context, key, |reply, list| {
        reply.array(2);
        reply.bulk(key);
        pop_many(reply, list, end, count);
    })
}

/// Takes an element from an end of the list at `source`, adds it to an end of that at `destination`, and answers with
/// it; false without a source.
fn transfer(context: &mut Context, source: &[u8], destination: &[u8], from: End, to: End) -> Result<bool, Error> {
    let element = context.db.modify(source, |list: &mut List| list.peek(from).map(<[u8]>::to_vec))?;
    let Some(element) = element.flatten() else { return Ok(false) };
    if source == destination {
        // In one go: a list that became empty in between would lose its time to live.
        context.db.modify(source, |list: &mut List| {
            list.drop_from(from, 1);
            list.push(to, &element);
        })?;
    } else {
        context.db.modify_or_create(destination, |list: &mut List| list.push(to, &element))?;
        context.db.modify(source, |list: &mut List| list.drop_from(from, 1))?;
    }
    context.db.touch(destination);
    context.db.touch(source);
    context.reply.bulk(&element);
    Ok(true)
}

/// As [`transfer`], for a client that may wait.
fn transfer_or_wait(
    context: &mut Context,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Result<bool, Error> {
    let is_done = transfer(context, source, destination, from, to)?;
    if !is_done && context.in_transaction {
        // Where nothing waits Redis answers with one null, and with another at the end of a wait.
        context.reply.null();
        return Ok(true);
    }
    Ok(is_done)
}

static BLMOVE: Blocking = Blocking {
    serves: is_list,
    plan: |args| {
        end(args.at(3))?;
        end(args.at(4))?;
        Ok(Plan { keys: 1..2, timeout_ms: blocking::timeout_ms(args.at(5))? })
    },
    attempt: |context, args, key| transfer_or_wait(context, key, args.at(2), end(args.at(3))?, end(args.at(4))?),
    nothing: |reply| reply.null_array(),
};

static BLMPOP: Blocking = Blocking {
    serves: is_list,
    plan: |args| {
        let request = PopRequest::parse(args, 2, end)?;
        Ok(Plan { keys: request.keys, timeout_ms: blocking::timeout_ms(args.at(1))? })
    },
    attempt: |context, args, key| {
        let request = PopRequest::parse(args, 2, end)?;
        pop_many_with_key(context, key, request.end, request.count)
    },
    nothing: |reply| reply.null_array(),
};

static BLPOP: Blocking = Blocking {
    serves: is_list,
    plan: blocking::keys_and_timeout,
    attempt: |context, _, key| pop_with_key(context, key, End::Left),
    nothing: |reply| reply.null_array(),
};

static BRPOP: Blocking = Blocking {
    serves: is_list,
    plan: blocking::keys_and_timeout,
    attempt: |context, _, key| pop_with_key(context, key, End::Right),
    nothing: |reply| reply.null_array(),
};

static BRPOPLPUSH: Blocking = Blocking {
    serves: is_list,
    plan: |args| Ok(Plan { keys: 1..2, timeout_ms: blocking::timeout_ms(args.at(3))? }),
    attempt: |context, args, key| transfer_or_wait(context, key, args.at(2), End::Right, End::Left),
    nothing: |reply| reply.null_array(),
};

/// What `LMPOP`, `ZMPOP` and their blocking kin ask for.
pub(super) struct PopRequest<E> {
    /// The arguments that are keys.
    pub keys: Range<usize>,
    /// Which end of a value its elements are taken from.
    pub end: E,
    /// How many at most.
    pub count: usize,
}

impl<E> PopRequest<E> {
    /// Parses `numkeys key [key ...] end [COUNT count]` from the argument at `index` on.
    pub fn parse(args: Args<'_>, index: usize, end: fn(&[u8]) -> Result<E, Error>) -> Result<Self, Error> {
        let numkeys = positive(args.at(index)).ok_or(Error::NUMKEYS)?;
        let keys = index + 1..(index + 1).saturating_add(numkeys);
        let end = end(args.get(keys.end).ok_or(Error::SYNTAX)?)?;
        let options = keys.end + 1;
        let count = match args.len() - options {
            0 => 1,
            2.. if args.is(options, "COUNT") => positive(args.at(options + 1)).ok_or(Error::COUNT_NOT_POSITIVE)?,
            _ => return Err(Error::SYNTAX),
        };
        if args.len() > options + 2 {
            return Err(Error::SYNTAX);
        }
        Ok(PopRequest { keys, end, count })
    }
}

fn positive(argument: &[u8]) -> Option<usize> {
    parse::integer(argument).ok().and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0)
}

/// A count of zero or more; anything else is the error that is given.
pub(super) fn count(argument: &[u8], error: Error) -> Result<usize, Error> {
    parse::integer(argument).ok().and_then(|value| usize::try_from(value).ok()).ok_or(error)
}

/// `LINDEX`
fn lindex(context: &mut Context, args: Args) -> Result<(), Error> {
    let Some(list) = context.db.read::<List>(args.at(1))? else {
        context.reply.null();
        return Ok(());
    };
    let index = parse::integer(args.at(2))?;
    context.reply.bulk_or_null(place(index, list.len()).and_then(|index| list.get(index)));
    Ok(())
}

/// The place that `index` means in a list of `length`; a negative one counts from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(length as i64)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

/// `LINSERT`
fn linsert(context: &mut Context, args: Args) -> Result<(), Error> {
    let behind = match args.at(2) {
        word if word.eq_ignore_ascii_case(b"BEFORE") => 0,
        word if word.eq_ignore_ascii_case(b"AFTER") => 1,
        _ => return Err(Error::SYNTAX),
    };
    let inserted = context.db.modify(args.at(1), |list: &mut List| {
        let pivot = list.iter().position(|element| element == args.at(3))?;
        list.insert(pivot + behind, args.at(4));
        Some(list.len())
    })?;
    match inserted {
        None => context.reply.integer(0),
        Some(None) => context.reply.integer(-1),
        Some(Some(length)) => {
            context.db.touch(args.at(1));
            context.reply.count(length);
        }
    }
    Ok(())
}

/// `LLEN`
fn llen(context: &mut Context, args: Args) -> Result<(), Error> {
    let length = context.db.read::<List>(args.at(1))?.map_or(0, List::len);
    context.reply.count(length);
    Ok(())
}

/// `LMOVE`
fn lmove(context: &mut Context, args: Args) -> Result<(), Error> {
    let (from, to) = (end(args.at(3))?, end(args.at(4))?);
    if !transfer(context, args.at(1), args.at(2), from, to)? {
        context.reply.null();
    }
    Ok(())
}

/// `RPOPLPUSH`
fn rpoplpush(context: &mut Context, args: Args) -> Result<(), Error> {
    if !transfer(context, args.at(1), args.at(2), End::Right, End::Left)? {
        context.reply.null();
    }
    Ok(())
}

/// `LMPOP`
fn lmpop(context: &mut Context, args: Args) -> Result<(), Error> {
    let request = PopRequest::parse(args, 1, end)?;
    for index in request.keys {
        if pop_many_with_key(context, args.at(index), request.end, request.count)? {
            return Ok(());
        }
    }
    context.reply.null_array();
    Ok(())
}

/// `LPOP`
fn lpop(context: &mut Context, args: Args) -> Result<(), Error> {
    pop(context, args, End::Left)
}

/// `RPOP`
fn rpop(context: &mut Context, args: Args) -> Result<(), Error> {
    pop(context, args, End::Right)
}

fn pop(context: &mut Context, args: Args, end: End) -> Result<(), Error> {
    let key = args.at(1);
    let Some(argument) = args.get(2) else {
        if !change(context, key, |reply, list| pop_one(reply, list, end))? {
            context.reply.null();
        }
        return Ok(());
    };
    if args.len() > 3 {
        return Err(Error::wrong_arity(if end == End::Left { "lpop" } else { "rpop" }));
    }
    match count(argument, Error::NOT_POSITIVE)? {
        0 => match context.db.read::<List>(key)? {
            Some(_) => context.reply.array(0),
            None => context.reply.null_array(),
        },
        count => {
            if !change(context, key, |reply, list| pop_many(reply, list, end, count))? {
                context.reply.null_array();
            }
        }
    }
    Ok(())
}

/// `LPOS`
fn lpos(context: &mut Context, args: Args) -> Result<(), Error> {
    let search = Search::parse(args)?;
    let Some(list) = context.db.read::<List>(args.at(1))? else {
        match search.count {
            Some(_) => context.reply.array(0),
            None => context.reply.null(),
        }
        return Ok(());
    };
    let length = list.len();
    if search.rank < 0 {
        search.write(&mut context.reply, list.iter().rev(), |index| length - 1 - index);
    } else {
        search.write(&mut context.reply, list.iter(), |index| index);
    }
    Ok(())
}

/// What `LPOS` looks for.
struct Search<'a> {
    element: &'a [u8],
    /// Which match is the first one that counts; below zero: from the end.
    rank: i64,
    /// How many matches are asked for, 0 being all; one, and not in an array, if there is no such option.
    count: Option<usize>,
    /// How many elements are looked at, 0 being all.
    limit: usize,
}

impl<'a> Search<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut search = Search { element: args.at(2), rank: 1, count: None, limit: 0 };
        let mut index = 3;
        while index < args.len() {
            let value = args.get(index + 1).ok_or(Error::SYNTAX)?;
            if args.is(index, "RANK") {
                search.rank = parse::integer(value)?;
                if search.rank == 0 {
                    return Err(Error::RANK_ZERO);
                }
            } else if args.is(index, "COUNT") {
                search.count = Some(count(value, Error::COUNT_NEGATIVE)?);
            } else if args.is(index, "MAXLEN") {
                search.limit = count(value, Error::MAXLEN_NEGATIVE)?;
            } else {
                return Err(Error::SYNTAX);
            }
            index += 2;
        }
        Ok(search)
    }

    /// Answers with the matches among `elements`, whose places `place` tells.
    fn write<'l>(
        &self,
        reply: &mut Writer<'_>,
        elements: impl Iterator<Item = &'l [u8]>,
        place: impl Fn(usize) -> usize,
    ) {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        // The one rank that has no opposite stays below zero in Redis: then nothing is passed by, and no count reached.
        let opposite = self.rank.checked_abs();
        let passed = opposite.unwrap_or(1) as usize - 1;
        let matches = elements.take(limit).enumerate().filter(|(_, element)| *element == self.element).skip(passed);
        let mut places = matches.map(|(index, _)| place(index));
        let Some(count) = self.count else {
            match places.next() {
                Some(place) => reply.count(place),
                None => reply.null(),
            }
            return;
        };
        let start = reply.deferred();
        let wanted = if count == 0 || opposite.is_none() { usize::MAX } else { count };
        let found = places.take(wanted).map(|place| reply.count(place)).count();
        reply.array_at(start, found);
    }
}

/// `LPUSH`
fn lpush(context: &mut Context, args: Args) -> Result<(), Error> {
    push(context, args, End::Left)
}

/// `RPUSH`
fn rpush(context: &mut Context, args: Args) -> Result<(), Error> {
    push(context, args, End::Right)
}

fn push(context: &mut Context, args: Args, end: End) -> Result<(), Error> {
    let length = context.db.modify_or_create(args.at(1), |list| push_all(list, args, end))?;
    context.db.touch(args.at(1));
    context.reply.count(length);
    Ok(())
}

/// Adds the arguments from the third on; gives the list's length.
fn push_all(list: &mut List, args: Args, end: End) -> usize {
    args.iter_from(2).for_each(|element| list.push(end, element));
    list.len()
}

/// `LPUSHX`
fn lpushx(context: &mut Context, args: Args) -> Result<(), Error> {
    push_if_there(context, args, End::Left)
}

/// `RPUSHX`
fn rpushx(context: &mut Context, args: Args) -> Result<(), Error> {
    push_if_there(context, args, End::Right)
}

fn push_if_there(context: &mut Context, args: Args, end: End) -> Result<(), Error> {
    let length = context.db.modify(args.at(1), |list| push_all(list, args, end))?;
    if length.is_some() {
        context.db.touch(args.at(1));
    }
    context.reply.count(length.unwrap_or(0));
    Ok(())
}

/// `LRANGE`
fn lrange(context: &mut Context, args: Args) -> Result<(), Error> {
    let (start, end) = (parse::integer(args.at(2))?, parse::integer(args.at(3))?);
    let Some(list) = context.db.read::<List>(args.at(1))? else {
        context.reply.array(0);
        return Ok(());
    };
    let range = range_of(start, end, list.len());
    context.reply.array(range.len());
    list.range(range).for_each(|element| context.reply.bulk(element));
    Ok(())
}

/// `LREM`
fn lrem(context: &mut Context, args: Args) -> Result<(), Error> {
    let count = parse::integer(args.at(2))?;
    let end = if count < 0 { End::Right } else { End::Left };
    let limit = if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let removed = context.db.modify(args.at(1), |list: &mut List| list.remove_equal(args.at(3), limit, end))?;
    if removed.is_some_and(|removed| removed > 0) {
        context.db.touch(args.at(1));
    }
    context.reply.count(removed.unwrap_or(0));
    Ok(())
}

/// `LSET`
fn lset(context: &mut Context, args: Args) -> Result<(), Error> {
    let set = |list: &mut List| -> Result<(), Error> {
        let index = parse::integer(args.at(2))?;
        let index = place(index, list.len()).ok_or(Error::OUT_OF_RANGE)?;
        list.set(index, args.at(3));
        Ok(())
    };
    context.db.modify(args.at(1), set)?.ok_or(Error::NO_SUCH_KEY)??;
    context.db.touch(args.at(1));
    context.reply.ok();
    Ok(())
}

/// `LTRIM`
fn ltrim(context: &mut Context, args: Args) -> Result<(), Error> {
    let (start, end) = (parse::integer(args.at(2))?, parse::integer(args.at(3))?);
    change(context, args.at(1), |_, list| {
        let kept = range_of(start, end, list.len());
        list.drop_from(End::Right, list.len() - kept.end);
        list.drop_from(End::Left, kept.start);
    })?;
    context.reply.ok();
    Ok(())
}
