//! Sorted sets.

use std::ops::Range;

use super::blocking::{self, Blocking, Plan};
use super::context::Context;
use super::error::Error;
use super::list::{PopRequest, count, range_of};
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use super::{parse, random, scan};
use crate::resp::number::{DoubleBuffer, parse_double};
use crate::resp::{Args, Writer};
use crate::store::dict::Dict;
use crate::store::set::Set;
use crate::store::sorted_set::{MemberLimit, ScoreLimit, SortedSet};
use crate::store::{Database, Kind, Value};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("bzmpop", -5, Group::SortedSet, "7.0.0", WRITE | BLOCKING | MOVABLEKEYS)
        .keys(&[KeySpec::counted(2, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BZMPOP),
    Row::new("bzpopmax", -3, Group::SortedSet, "5.0.0", WRITE | NOSCRIPT | BLOCKING | FAST)
        .keys(&[KeySpec::range(1, -2, 1, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BZPOPMAX),
    Row::new("bzpopmin", -3, Group::SortedSet, "5.0.0", WRITE | NOSCRIPT | BLOCKING | FAST)
        .keys(&[KeySpec::range(1, -2, 1, RW | ACCESS | DELETE)])
        .class(Class::Blocking)
        .reply(Reply::FirstKey)
        .blocking(&BZPOPMIN),
    Row::new("zadd", -4, Group::SortedSet, "1.2.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(zadd),
    Row::new("zcard", 2, Group::SortedSet, "1.2.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(zcard),
    Row::new("zcount", 4, Group::SortedSet, "2.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zcount),
    Row::new("zdiff", -3, Group::SortedSet, "6.2.0", READONLY | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RO | ACCESS)])
        .memory(zdiff),
    Row::new("zdiffstore", -4, Group::SortedSet, "6.2.0", WRITE | DENYOOM | MOVABLEKEYS)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::counted(2, RO | ACCESS)])
        .memory(zdiffstore),
    Row::new("zincrby", 4, Group::SortedSet, "1.2.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(zincrby),
    Row::new("zinter", -3, Group::SortedSet, "6.2.0", READONLY | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RO | ACCESS)])
        .memory(zinter),
    Row::new("zintercard", -3, Group::SortedSet, "7.0.0", READONLY | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RO | ACCESS)])
        .memory(zintercard),
    Row::new("zinterstore", -4, Group::SortedSet, "2.0.0", WRITE | DENYOOM | MOVABLEKEYS)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::counted(2, RO | ACCESS)])
        .memory(zinterstore),
    Row::new("zlexcount", 4, Group::SortedSet, "2.8.9", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zlexcount),
    Row::new("zmpop", -4, Group::SortedSet, "7.0.0", WRITE | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RW | ACCESS | DELETE)])
        .reply(Reply::FirstKey)
        .memory(zmpop),
    Row::new("zmscore", -3, Group::SortedSet, "6.2.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zmscore),
    Row::new("zpopmax", -2, Group::SortedSet, "5.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(zpopmax),
    Row::new("zpopmin", -2, Group::SortedSet, "5.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(zpopmin),
    Row::new("zrandmember", -2, Group::SortedSet, "6.2.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrandmember),
    Row::new("zrange", -4, Group::SortedSet, "1.2.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(zrange),
    Row::new("zrangebylex", -4, Group::SortedSet, "2.8.9", READONLY)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrangebylex),
    Row::new("zrangebyscore", -4, Group::SortedSet, "1.0.5", READONLY)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrangebyscore),
    Row::new("zrangestore", -5, Group::SortedSet, "6.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::one(2, RO | ACCESS)])
        .memory(zrangestore),
    Row::new("zrank", 3, Group::SortedSet, "2.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrank),
    Row::new("zrem", -3, Group::SortedSet, "1.2.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | DELETE)]).memory(zrem),
    Row::new("zremrangebylex", 4, Group::SortedSet, "2.8.9", WRITE)
        .keys(&[KeySpec::one(1, RW | DELETE)])
        .memory(zremrangebylex),
    Row::new("zremrangebyrank", 4, Group::SortedSet, "2.0.0", WRITE)
        .keys(&[KeySpec::one(1, RW | DELETE)])
        .memory(zremrangebyrank),
    Row::new("zremrangebyscore", 4, Group::SortedSet, "1.2.0", WRITE)
        .keys(&[KeySpec::one(1, RW | DELETE)])
        .memory(zremrangebyscore),
    Row::new("zrevrange", -4, Group::SortedSet, "1.2.0", READONLY)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrevrange),
    Row::new("zrevrangebylex", -4, Group::SortedSet, "2.8.9", READONLY)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrevrangebylex),
    Row::new("zrevrangebyscore", -4, Group::SortedSet, "2.2.0", READONLY)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrevrangebyscore),
    Row::new("zrevrank", 3, Group::SortedSet, "2.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zrevrank),
    Row::new("zscan", -3, Group::SortedSet, "2.8.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zscan),
    Row::new("zscore", 3, Group::SortedSet, "1.2.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(zscore),
    Row::new("zunion", -3, Group::SortedSet, "6.2.0", READONLY | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RO | ACCESS)])
        .memory(zunion),
    Row::new("zunionstore", -4, Group::SortedSet, "2.0.0", WRITE | DENYOOM | MOVABLEKEYS)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::counted(2, RO | ACCESS)])
        .memory(zunionstore),
];

fn is_sorted_set(value: &Value) -> bool {
    SortedSet::of(value).is_some()
}

/// Answers with elements: pairs in arrays of their own in RESP3, one behind the other in RESP2.
fn write_elements<'e>(
    reply: &mut Writer<'_>,
    elements: impl ExactSizeIterator<Item = (&'e [u8], f64)>,
    with_scores: bool,
) {
    let flat = with_scores && !reply.is_resp3();
    reply.array(if flat { elements.len() * 2 } else { elements.len() });
    for (member, score) in elements {
        match with_scores {
            true if flat => write_pair(reply, member, score),
            true => write_nested(reply, member, score),
            false => reply.bulk(member),
        }
    }
}

fn write_pair(reply: &mut Writer<'_>, member: &[u8], score: f64) {
    reply.bulk(member);
    reply.double(score);
}

fn write_nested(reply: &mut Writer<'_>, member: &[u8], score: f64) {
    reply.array(2);
    write_pair(reply, member, score);
}

fn write_score(reply: &mut Writer<'_>, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// Reads the sorted set at the request's key, and writes the reply with it; with an empty one without a key.
fn read(context: &mut Context, args: Args, write: impl FnOnce(&mut Writer<'_>, &SortedSet)) -> Result<(), Error> {
    match context.db.read::<SortedSet>(args.at(1))? {
        Some(set) => write(&mut context.reply, set),
        None => write(&mut context.reply, &SortedSet::default()),
    }
    Ok(())
}

/// Puts a sorted set at `key`, or removes the key if it is empty; answers with its size.
fn store(context: &mut Context, key: &[u8], set: SortedSet) {
    let size = set.len();
    if size > 0 {
        context.db.set(key, set.into_value());
        context.db.touch(key);
    } else if context.db.remove(key) {
        context.db.touch(key);
    }
    context.reply.count(size);
}

/// An end of a sorted set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

impl End {
    fn parse(argument: &[u8]) -> Result<End, Error> {
        match argument {
            word if word.eq_ignore_ascii_case(b"MIN") => Ok(End::Min),
            word if word.eq_ignore_ascii_case(b"MAX") => Ok(End::Max),
            _ => Err(Error::SYNTAX),
        }
    }
}

/// Takes up to `count` elements from an end of the sorted set at `key`, and writes the reply with them; false without
/// a key.
fn pop(
    context: &mut Context,
    key: &[u8],
    end: End,
    count: usize,
    write: impl FnOnce(&mut Writer<'_>, &mut dyn ExactSizeIterator<Item = (&[u8], f64)>),
) -> Result<bool, Error> {
    let reply = &mut context.reply;
    let popped = context.db.modify(key, |set: &mut SortedSet| {
        let count = count.min(set.len());
        let ranks = if end == End::Min { 0..count } else { set.len() - count..set.len() };
        write(reply, &mut set.range(ranks.clone(), end == End::Max));
        set.remove_range(ranks);
    })?;
    if popped.is_some() {
        context.db.touch(key);
    }
    Ok(popped.is_some())
}

/// Answers with the key and one element; false without a key.
fn pop_one_with_key(context: &mut Context, key: &[u8], end: End) -> Result<bool, Error> {
    pop(context, key, end, 1, |reply, elements| {
        reply.array(3);
        reply.bulk(key);
        elements.for_each(|(member, score)| write_pair(reply, member, score));
    })
}

/// Answers with the key and an array of pairs; false without a key.
fn pop_many_with_key(context: &mut Context, key: &[u8], end: End, count: usize) -> Result<bool, Error> {
    pop(context, key, end, count, |reply, elements| {
        reply.array(2);
        reply.bulk(key);
        reply.array(elements.len());
        elements.for_each(|(member, score)| write_nested(reply, member, score));
    })
}

static BZMPOP: Blocking = Blocking {
    serves: is_sorted_set,
    plan: |args| {
        let request = PopRequest::parse(args, 2, End::parse)?;
        Ok(Plan { keys: request.keys, timeout_ms: blocking::timeout_ms(args.at(1))? })
    },
    attempt: |context, args, key| {
        let request = PopRequest::parse(args, 2, End::parse)?;
        pop_many_with_key(context, key, request.end, request.count)
    },
    nothing: |reply| reply.null_array(),
};

static BZPOPMAX: Blocking = Blocking {
    serves: is_sorted_set,
    plan: blocking::keys_and_timeout,
    attempt: |context, _, key| pop_one_with_key(context, key, End::Max),
    nothing: |reply| reply.null_array(),
};

static BZPOPMIN: Blocking = Blocking {
    serves: is_sorted_set,
    plan: blocking::keys_and_timeout,
    attempt: |context, _, key| pop_one_with_key(context, key, End::Min),
    nothing: |reply| reply.null_array(),
};

/// `ZMPOP`
fn zmpop(context: &mut Context, args: Args) -> Result<(), Error> {
    let request = PopRequest::parse(args, 1, End::parse)?;
    for index in request.keys {
        if pop_many_with_key(context, args.at(index), request.end, request.count)? {
            return Ok(());
        }
    }
    context.reply.null_array();
    Ok(())
}

/// `ZPOPMAX`
fn zpopmax(context: &mut Context, args: Args) -> Result<(), Error> {
    pop_some(context, args, End::Max)
}

/// `ZPOPMIN`
fn zpopmin(context: &mut Context, args: Args) -> Result<(), Error> {
    pop_some(context, args, End::Min)
}

fn pop_some(context: &mut Context, args: Args, end: End) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::SYNTAX);
    }
    let key = args.at(1);
    let is_there = match args.get(2).map(|argument| count(argument, Error::NOT_POSITIVE)).transpose()? {
        None => pop(context, key, end, 1, |reply, elements| {
            reply.array(2);
            elements.for_each(|(member, score)| write_pair(reply, member, score));
        })?,
        Some(0) => {
            context.db.read::<SortedSet>(key)?;
            false
        }
        Some(count) => pop(context, key, end, count, |reply, elements| write_elements(reply, elements, true))?,
    };
    if !is_there {
        context.reply.array(0);
    }
    Ok(())
}

/// What `ZADD` does with a member.
#[derive(Default)]
struct Rules {
    only_new: bool,
    only_there: bool,
    only_greater: bool,
    only_less: bool,
    counts_changed: bool,
    increments: bool,
}

/// What came of it.
#[derive(Default)]
struct Added {
    new: usize,
    changed: usize,
    /// The score of the member that was last, unless the rules left it alone.
    score: Option<f64>,
    is_nan: bool,
}

impl Rules {
    /// Reads the options from the argument at `index` on; gives the index of the first that is none.
    fn parse(&mut self, args: Args, mut index: usize) -> usize {
        while let Some(argument) = args.get(index) {
            let rule = match argument {
                word if word.eq_ignore_ascii_case(b"NX") => &mut self.only_new,
                word if word.eq_ignore_ascii_case(b"XX") => &mut self.only_there,
                word if word.eq_ignore_ascii_case(b"CH") => &mut self.counts_changed,
                word if word.eq_ignore_ascii_case(b"INCR") => &mut self.increments,
                word if word.eq_ignore_ascii_case(b"GT") => &mut self.only_greater,
                word if word.eq_ignore_ascii_case(b"LT") => &mut self.only_less,
                _ => break,
            };
            *rule = true;
            index += 1;
        }
        index
    }

    fn check(&self, arguments: usize) -> Result<(), Error> {
        if arguments == 0 || !arguments.is_multiple_of(2) {
            return Err(Error::SYNTAX);
        }
        if self.only_new && self.only_there {
            return Err(Error::NX_AND_XX);
        }
        if u8::from(self.only_new) + u8::from(self.only_greater) + u8::from(self.only_less) > 1 {
            return Err(Error::GT_LT_NX);
        }
        if self.increments && arguments > 2 {
            return Err(Error::INCR_SINGLE);
        }
        Ok(())
    }

    /// The score that a member gets which has `current`, if it is to be changed.
    fn decide(&self, current: Option<f64>, score: f64, added: &mut Added) -> Option<f64> {
        added.score = None;
        let Some(current) = current else {
            if self.only_there {
                return None;
            }
            added.new += 1;
            added.score = Some(score);
            return added.score;
        };
        if self.only_new {
            return None;
        }
        let score = if self.increments { current + score } else { score };
        if score.is_nan() {
            added.is_nan = true;
            return None;
        }
        if self.only_greater && score <= current || self.only_less && score >= current {
            return None;
        }
        added.score = Some(score);
        if score == current {
            return None;
        }
        added.changed += 1;
        added.score
    }
}

fn score(argument: &[u8]) -> Result<f64, Error> {
    parse_double(argument).ok_or(Error::NOT_A_FLOAT)
}

/// `ZADD`
fn zadd(context: &mut Context, args: Args) -> Result<(), Error> {
    add(context, args, Rules::default())
}

/// `ZINCRBY`
fn zincrby(context: &mut Context, args: Args) -> Result<(), Error> {
    add(context, args, Rules { increments: true, ..Rules::default() })
}

fn add(context: &mut Context, args: Args, mut rules: Rules) -> Result<(), Error> {
    let first = rules.parse(args, 2);
    rules.check(args.len() - first)?;
    let scores = (first..args.len()).step_by(2).map(|index| score(args.at(index))).collect::<Result<Vec<_>, _>>()?;
    let add_all = |set: &mut SortedSet| {
        let mut added = Added::default();
        for (score, member) in scores.iter().zip(args.iter_from(first + 1).step_by(2)) {
            set.update(member, |current| rules.decide(current, *score, &mut added));
        }
        added
    };
    let added = if rules.only_there {
        context.db.modify(args.at(1), add_all)?.unwrap_or_default()
    } else {
        context.db.modify_or_create(args.at(1), add_all)?
    };
    if added.is_nan {
        return Err(Error::SCORE_NAN);
    }
    if added.new + added.changed > 0 {
        context.db.touch(args.at(1));
    }
    if rules.increments {
        write_score(&mut context.reply, added.score);
    } else {
        context.reply.count(if rules.counts_changed { added.new + added.changed } else { added.new });
    }
    Ok(())
}

/// `ZCARD`
fn zcard(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| reply.count(set.len()))
}

/// `ZSCORE`
fn zscore(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| write_score(reply, set.score(args.at(2))))
}

/// `ZMSCORE`
fn zmscore(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| {
        reply.array(args.len() - 2);
        args.iter_from(2).for_each(|member| write_score(reply, set.score(member)));
    })
}

/// `ZRANK`
fn zrank(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| match set.rank(args.at(2)) {
        Some(rank) => reply.count(rank),
        None => reply.null(),
    })
}

/// `ZREVRANK`
fn zrevrank(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| match set.rank(args.at(2)) {
        Some(rank) => reply.count(set.len() - 1 - rank),
        None => reply.null(),
    })
}

/// `ZREM`
fn zrem(context: &mut Context, args: Args) -> Result<(), Error> {
    let remove = |set: &mut SortedSet| args.iter_from(2).filter(|member| set.remove(member).is_some()).count();
    let removed = context.db.modify(args.at(1), remove)?.unwrap_or(0);
    if removed > 0 {
        context.db.touch(args.at(1));
    }
    context.reply.count(removed);
    Ok(())
}

/// What a range's limits are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Member,
}

/// A range's limits.
enum Limits<'a> {
    Rank(i64, i64),
    Score(ScoreLimit, ScoreLimit),
    Member(MemberLimit<'a>, MemberLimit<'a>),
}

impl<'a> Limits<'a> {
    fn parse(by: By, min: &'a [u8], max: &'a [u8]) -> Result<Self, Error> {
        Ok(match by {
            By::Rank => Limits::Rank(parse::integer(min)?, parse::integer(max)?),
            By::Score => Limits::Score(score_limit(min)?, score_limit(max)?),
            By::Member => Limits::Member(member_limit(min)?, member_limit(max)?),
        })
    }

    /// The ranks between them; looked for from the end if `reverse`.
    fn ranks(&self, set: &SortedSet, reverse: bool) -> Range<usize> {
        match *self {
            Limits::Rank(start, end) if reverse => {
                let from_end = range_of(start, end, set.len());
                set.len() - from_end.end..set.len() - from_end.start
            }
            Limits::Rank(start, end) => range_of(start, end, set.len()),
            Limits::Score(min, max) => set.score_range(min, max),
            Limits::Member(min, max) => set.member_range(min, max, reverse),
        }
    }
}

fn score_limit(argument: &[u8]) -> Result<ScoreLimit, Error> {
    let (text, exclusive) = match argument {
        [b'(', text @ ..] => (text, true),
        text => (text, false),
    };
    Ok(ScoreLimit { score: parse_limit(text).ok_or(Error::SCORE_LIMIT)?, exclusive })
}

/// The double that C's `strtod` reads: it skips spaces, stops at a zero byte, makes 0 of nothing at all, and knows no
/// overflow.
fn parse_limit(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let digits = &text[text.iter().take_while(|byte| is_space(byte)).count()..];
    parse_double(digits).or_else(|| str::from_utf8(digits).ok()?.parse().ok().filter(|value: &f64| !value.is_nan()))
}

fn member_limit(argument: &[u8]) -> Result<MemberLimit<'_>, Error> {
    match argument {
        [b'-'] | [b'-', 0, ..] => Ok(MemberLimit::Lowest),
        [b'+'] | [b'+', 0, ..] => Ok(MemberLimit::Highest),
        [b'[', member @ ..] => Ok(MemberLimit::Inclusive(member)),
        [b'(', member @ ..] => Ok(MemberLimit::Exclusive(member)),
        _ => Err(Error::MEMBER_LIMIT),
    }
}

/// What `ZRANGE` and its kin ask for.
struct Query<'a> {
    limits: Limits<'a>,
    reverse: bool,
    offset: i64,
    count: i64,
    with_scores: bool,
}

/// What `ZRANGE` and its kin are told by their names; what they aren't, options may tell.
#[derive(Clone, Copy)]
struct Form {
    by: Option<By>,
    reverse: Option<bool>,
    stores: bool,
}

impl<'a> Query<'a> {
    /// Parses limits and options from the argument at `index` on.
    fn parse(args: Args<'a>, index: usize, form: Form) -> Result<Self, Error> {
        let Form { mut by, mut reverse, stores } = form;
        let (mut offset, mut count, mut with_scores) = (0, -1, false);
        let mut option = index + 2;
        while option < args.len() {
            if !stores && args.is(option, "WITHSCORES") {
                with_scores = true;
            } else if args.is(option, "LIMIT") && option + 2 < args.len() {
                (offset, count) = (parse::integer(args.at(option + 1))?, parse::integer(args.at(option + 2))?);
                option += 2;
            } else if reverse.is_none() && args.is(option, "REV") {
                reverse = Some(true);
            } else if by.is_none() && args.is(option, "BYLEX") {
                by = Some(By::Member);
            } else if by.is_none() && args.is(option, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(Error::SYNTAX);
            }
            option += 1;
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        if count != -1 && by == By::Rank {
            return Err(Error::LIMIT_BY_RANK);
        }
        if with_scores && by == By::Member {
            return Err(Error::WITHSCORES_BY_LEX);
        }
        let (first, second) = (args.at(index), args.at(index + 1));
        let (min, max) = if reverse && by != By::Rank { (second, first) } else { (first, second) };
        Ok(Query { limits: Limits::parse(by, min, max)?, reverse, offset, count, with_scores })
    }

    /// The ranks of what is asked for.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let Range { start, end } = self.limits.ranks(set, self.reverse);
        if matches!(self.limits, Limits::Rank(..)) {
            return start..end;
        }
        // An offset below zero is behind everything; a count below zero is no limit.
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX).min(end - start);
        let taken = usize::try_from(self.count).unwrap_or(usize::MAX).min(end - start - skipped);
        if self.reverse { end - skipped - taken..end - skipped } else { start + skipped..start + skipped + taken }
    }
}

fn range(context: &mut Context, args: Args, by: Option<By>, reverse: Option<bool>) -> Result<(), Error> {
    let query = Query::parse(args, 2, Form { by, reverse, stores: false })?;
    read(context, args, |reply, set| {
        write_elements(reply, set.range(query.ranks(set), query.reverse), query.with_scores);
    })
}

/// `ZRANGE`
fn zrange(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, None, None)
}

/// `ZREVRANGE`
fn zrevrange(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, Some(By::Rank), Some(true))
}

/// `ZRANGEBYSCORE`
fn zrangebyscore(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, Some(By::Score), Some(false))
}

/// `ZREVRANGEBYSCORE`
fn zrevrangebyscore(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, Some(By::Score), Some(true))
}

/// `ZRANGEBYLEX`
fn zrangebylex(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, Some(By::Member), Some(false))
}

/// `ZREVRANGEBYLEX`
fn zrevrangebylex(context: &mut Context, args: Args) -> Result<(), Error> {
    range(context, args, Some(By::Member), Some(true))
}

/// `ZRANGESTORE`
fn zrangestore(context: &mut Context, args: Args) -> Result<(), Error> {
    let query = Query::parse(args, 3, Form { by: None, reverse: None, stores: true })?;
    let mut result = SortedSet::default();
    if let Some(set) = context.db.read::<SortedSet>(args.at(2))? {
        let ranks = query.ranks(set);
        if matches!(query.limits, Limits::Rank(..)) {
            // Here Redis knows from the start how many they are, and it shows: a small set keeps no sign of zero.
            result = SortedSet::for_elements(ranks.len(), 0);
        }
        for (member, score) in set.range(ranks, query.reverse) {
            result.insert(member, score);
        }
    }
    store(context, args.at(1), result);
    Ok(())
}

/// `ZCOUNT`
fn zcount(context: &mut Context, args: Args) -> Result<(), Error> {
    count_range(context, args, By::Score)
}

/// `ZLEXCOUNT`
fn zlexcount(context: &mut Context, args: Args) -> Result<(), Error> {
    count_range(context, args, By::Member)
}

fn count_range(context: &mut Context, args: Args, by: By) -> Result<(), Error> {
    let limits = Limits::parse(by, args.at(2), args.at(3))?;
    read(context, args, |reply, set| reply.count(limits.ranks(set, false).len()))
}

/// `ZREMRANGEBYRANK`
fn zremrangebyrank(context: &mut Context, args: Args) -> Result<(), Error> {
    remove_range(context, args, By::Rank)
}

/// `ZREMRANGEBYSCORE`
fn zremrangebyscore(context: &mut Context, args: Args) -> Result<(), Error> {
    remove_range(context, args, By::Score)
}

/// `ZREMRANGEBYLEX`
fn zremrangebylex(context: &mut Context, args: Args) -> Result<(), Error> {
    remove_range(context, args, By::Member)
}

fn remove_range(context: &mut Context, args: Args, by: By) -> Result<(), Error> {
    let limits = Limits::parse(by, args.at(2), args.at(3))?;
    let removed = context.db.modify(args.at(1), |set: &mut SortedSet| {
        let ranks = limits.ranks(set, false);
        set.remove_range(ranks.clone());
        ranks.len()
    })?;
    if removed.is_some_and(|removed| removed > 0) {
        context.db.touch(args.at(1));
    }
    context.reply.count(removed.unwrap_or(0));
    Ok(())
}

/// `ZRANDMEMBER`
fn zrandmember(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() > 2 {
        return draw_elements(context, args);
    }
    let random = context.db.store().random();
    read(context, args, |reply, set| match draw(set, random) {
        Some(rank) => write_element_at(reply, set, rank, false),
        None => reply.null(),
    })
}

/// The rank that a random number means.
fn draw(set: &SortedSet, random: u64) -> Option<usize> {
    random.checked_rem(set.len() as u64).map(|rank| rank as usize)
}

fn write_element_at(reply: &mut Writer<'_>, set: &SortedSet, rank: usize, with_score: bool) {
    for (member, score) in set.range(rank..rank + 1, false) {
        match with_score {
            true if reply.is_resp3() => write_nested(reply, member, score),
            true => write_pair(reply, member, score),
            false => reply.bulk(member),
        }
    }
}

fn draw_elements(context: &mut Context, args: Args) -> Result<(), Error> {
    let count = random::count(args.at(2))?;
    let with_scores = args.len() == 4 && args.is(3, "WITHSCORES");
    if args.len() > 3 && !with_scores {
        return Err(Error::SYNTAX);
    }
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::COUNT_OUT_OF_RANGE);
    }
    let store = context.db.store();
    let Some(set) = context.db.read::<SortedSet>(args.at(1))? else {
        context.reply.array(0);
        return Ok(());
    };
    let factor = if with_scores && !context.reply.is_resp3() { 2 } else { 1 };
    let draws = random::Draws { count, length: set.len(), random: &|| store.random() };
    let write = |reply: &mut Writer<'_>, rank| write_element_at(reply, set, rank, with_scores);
    draws.write(&mut context.reply, factor, 0..set.len(), |random| draw(set, random), write)
}

/// `ZSCAN`
fn zscan(context: &mut Context, args: Args) -> Result<(), Error> {
    let cursor = parse::cursor(args.at(2))?;
    let Some(set) = context.db.read::<SortedSet>(args.at(1))? else {
        scan::write_end(&mut context.reply);
        return Ok(());
    };
    let options = scan::Options::parse(args, 3)?;
    scan::write_page(&mut context.reply, |page| {
        let mut found = 0;
        let next = set.scan(cursor, options.count, |member, score| {
            if options.matches(member) {
                page.bulk(member);
                write_scanned_score(page, set, score);
                found += 2;
            }
        });
        (next, found)
    });
    Ok(())
}

/// Redis shows a score here as it is kept: a listpack has integers of up to 62 bits as integers.
fn write_scanned_score(reply: &mut Writer<'_>, set: &SortedSet, score: f64) {
    const LARGEST: f64 = (i64::MAX / 2) as f64;
    if set.encoding() == "listpack" && score.fract() == 0.0 && score.abs() <= LARGEST {
        reply.bulk_integer(score as i64);
    } else {
        reply.bulk(DoubleBuffer::new().format(score));
    }
}

/// How sorted sets are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What is done with the outcome.
#[derive(Clone, Copy)]
enum Output<'a> {
    Elements,
    Count,
    Store(&'a [u8]),
}

/// What becomes of the scores of a member that is in several sets.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(argument: &[u8]) -> Result<Self, Error> {
        match argument {
            word if word.eq_ignore_ascii_case(b"SUM") => Ok(Aggregate::Sum),
            word if word.eq_ignore_ascii_case(b"MIN") => Ok(Aggregate::Min),
            word if word.eq_ignore_ascii_case(b"MAX") => Ok(Aggregate::Max),
            _ => Err(Error::SYNTAX),
        }
    }

    /// Adds a score to what came of others.
    fn add(self, score: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => number_or_zero(score + other),
            Aggregate::Min if other < score => other,
            Aggregate::Max if other > score => other,
            Aggregate::Min | Aggregate::Max => score,
        }
    }
}

/// Opposite infinities add up to 0, and so do infinity and no weight.
fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What sorted sets are made of: a sorted set, or a set whose members all have the score 1.
enum Source<'v> {
    Nothing,
    Sorted(&'v SortedSet),
    Plain(&'v Set),
}

impl<'v> Source<'v> {
    fn at(db: &'v mut Database<'_>, key: &[u8]) -> Result<Self, Error> {
        match db.value(key) {
            None => Ok(Source::Nothing),
            Some(Value::SortedSet(set)) => Ok(Source::Sorted(set)),
            Some(Value::Set(set)) => Ok(Source::Plain(set)),
            Some(_) => Err(Error::WRONG_TYPE),
        }
    }

    fn len(&self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Nothing => None,
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        match self {
            Source::Nothing => {}
            Source::Sorted(set) => set.iter().for_each(|(member, score)| visit(member, score)),
            Source::Plain(set) => set.iter().for_each(|member| member.with_bytes(|member| visit(member, 1.0))),
        }
    }
}

/// A member of its own, with its score.
type Element = (Box<[u8]>, f64);

/// A key of those that are put together.
struct Input<'a> {
    key: &'a [u8],
    weight: f64,
    size: usize,
}

/// What `ZUNION` and its kin ask for.
struct Combination<'a> {
    operation: Operation,
    inputs: Vec<Input<'a>>,
    aggregate: Aggregate,
    with_scores: bool,
    /// For the count, 0 being none.
    limit: usize,
}

impl<'a> Combination<'a> {
    /// Parses `numkeys key [key ...]` and options from the argument at `index` on, and looks at the keys in between, as
    /// Redis does.
    fn parse(
        db: &mut Database<'_>,
        args: Args<'a>,
        index: usize,
        name: &str,
        operation: Operation,
        output: Output<'_>,
    ) -> Result<Self, Error> {
        let numkeys = parse::integer(args.at(index))?;
        if numkeys < 1 {
            return Err(Error::no_input_keys(name));
        }
        let numkeys = usize::try_from(numkeys).unwrap_or(usize::MAX);
        let first = index + 1;
        if numkeys > args.len() - first {
            return Err(Error::SYNTAX);
        }
        let mut inputs = Vec::with_capacity(numkeys);
        for key in args.iter_from(first).take(numkeys) {
            inputs.push(Input { key, weight: 1.0, size: Source::at(db, key)?.len() });
        }
        let mut combination =
            Combination { operation, inputs, aggregate: Aggregate::Sum, with_scores: false, limit: 0 };
        combination.parse_options(args, first + numkeys, output)?;
        Ok(combination)
    }

    fn parse_options(&mut self, args: Args<'a>, mut index: usize, output: Output<'_>) -> Result<(), Error> {
        let has_scores = self.operation != Operation::Difference && !matches!(output, Output::Count);
        while index < args.len() {
            let arguments = args.len() - index - 1;
            if has_scores && arguments >= self.inputs.len() && args.is(index, "WEIGHTS") {
                for input in &mut self.inputs {
                    index += 1;
                    input.weight = parse_double(args.at(index)).ok_or(Error::WEIGHT_NOT_A_FLOAT)?;
                }
            } else if has_scores && arguments >= 1 && args.is(index, "AGGREGATE") {
                index += 1;
                self.aggregate = Aggregate::parse(args.at(index))?;
            } else if matches!(output, Output::Elements) && args.is(index, "WITHSCORES") {
                self.with_scores = true;
            } else if matches!(output, Output::Count) && arguments >= 1 && args.is(index, "LIMIT") {
                index += 1;
                self.limit = count(args.at(index), Error::LIMIT_NEGATIVE)?;
            } else {
                return Err(Error::SYNTAX);
            }
            index += 1;
        }
        Ok(())
    }

    /// The members of all inputs.
    fn union(&self, db: &mut Database<'_>) -> Result<Dict<f64>, Error> {
        let mut result: Dict<f64> = Dict::new();
        for input in &self.inputs {
            Source::at(db, input.key)?.for_each(|member, score| {
                let score = number_or_zero(score * input.weight);
                match result.get_mut(member) {
                    Some(sum) => *sum = self.aggregate.add(*sum, score),
                    None => drop(result.insert(member, score)),
                }
            });
        }
        Ok(result)
    }

    /// The members of the first input that are in all others, or in no other.
    fn reduce(&self, db: &mut Database<'_>) -> Result<Vec<Element>, Error> {
        let Some((first, others)) = self.inputs.split_first() else { return Ok(Vec::new()) };
        let mut left: Vec<Element> = Vec::with_capacity(first.size);
        Source::at(db, first.key)?
            .for_each(|member, score| left.push((member.into(), number_or_zero(score * first.weight))));
        for input in others {
            let source = Source::at(db, input.key)?;
            left.retain_mut(|(member, score)| match (source.score(member), self.operation) {
                (Some(other), Operation::Intersection) => {
                    *score = self.aggregate.add(*score, other * input.weight);
                    true
                }
                (other, operation) => other.is_none() && operation == Operation::Difference,
            });
        }
        Ok(left)
    }
}

/// Puts sorted sets together: `numkeys` and what follows stand from the argument at `index` on.
fn combine(
    context: &mut Context,
    args: Args,
    index: usize,
    name: &str,
    operation: Operation,
    output: Output<'_>,
) -> Result<(), Error> {
    let mut combination = Combination::parse(context.db, args, index, name, operation, output)?;
    if operation != Operation::Difference {
        // From the smallest to the largest: also because the order shows in the last digits of sums.
        combination.inputs.sort_by_key(|input| input.size);
    }
    if operation == Operation::Union {
        let result = combination.union(context.db)?;
        let elements = result.iter().map(|(member, score)| (member, *score)).collect();
        finish(context, &combination, output, elements);
    } else {
        let result = combination.reduce(context.db)?;
        let elements = result.iter().map(|(member, score)| (&**member, *score)).collect();
        finish(context, &combination, output, elements);
    }
    Ok(())
}

fn finish(context: &mut Context, combination: &Combination, output: Output<'_>, mut elements: Vec<(&[u8], f64)>) {
    match output {
        Output::Count if combination.limit > 0 => context.reply.count(elements.len().min(combination.limit)),
        Output::Count => context.reply.count(elements.len()),
        Output::Elements => {
            elements.sort_unstable_by(|one, other| {
                one.1.partial_cmp(&other.1).unwrap_or(std::cmp::Ordering::Equal).then_with(|| one.0.cmp(other.0))
            });
            write_elements(&mut context.reply, elements.into_iter(), combination.with_scores);
        }
        Output::Store(key) => {
            let longest = elements.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
            let mut result = SortedSet::for_elements(elements.len(), longest);
            for (member, score) in elements {
                result.insert(member, score);
            }
            store(context, key, result);
        }
    }
}

/// `ZDIFF`
fn zdiff(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 1, "zdiff", Operation::Difference, Output::Elements)
}

/// `ZDIFFSTORE`
fn zdiffstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 2, "zdiffstore", Operation::Difference, Output::Store(args.at(1)))
}

/// `ZINTER`
fn zinter(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 1, "zinter", Operation::Intersection, Output::Elements)
}

/// `ZINTERCARD`
fn zintercard(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 1, "zintercard", Operation::Intersection, Output::Count)
}

/// `ZINTERSTORE`
fn zinterstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 2, "zinterstore", Operation::Intersection, Output::Store(args.at(1)))
}

/// `ZUNION`
fn zunion(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 1, "zunion", Operation::Union, Output::Elements)
}

/// `ZUNIONSTORE`
fn zunionstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, 2, "zunionstore", Operation::Union, Output::Store(args.at(1)))
}
