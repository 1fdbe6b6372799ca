//! Strings.

use super::context::Context;
use super::error::Error;
use super::long_double::LongDouble;
use super::parse;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use crate::resp::{Args, Writer};
use crate::store::Kind;
use crate::store::string::{MAX_LENGTH, Str};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("append", 3, Group::String, "2.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(append),
    Row::new("decr", 2, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(decr),
    Row::new("decrby", 3, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(decrby),
    Row::new("get", 2, Group::String, "1.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(get),
    Row::new("getdel", 2, Group::String, "6.2.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(getdel),
    Row::new("getex", -2, Group::String, "6.2.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(getex),
    Row::new("getrange", 4, Group::String, "2.4.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(getrange),
    Row::new("getset", 3, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(getset),
    Row::new("incr", 2, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(incr),
    Row::new("incrby", 3, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(incrby),
    Row::new("incrbyfloat", 3, Group::String, "2.6.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(incrbyfloat),
    Row::new("lcs", -3, Group::String, "7.0.0", READONLY).keys(&[KeySpec::range(1, 1, 1, RO | ACCESS)]).memory(lcs),
    Row::new("mget", -2, Group::String, "1.0.0", READONLY | FAST)
        .tips("request_policy:multi_shard")
        .keys(&[KeySpec::range(1, -1, 1, RO | ACCESS)])
        .memory(mget),
    Row::new("mset", -3, Group::String, "1.0.1", WRITE | DENYOOM)
        .tips("request_policy:multi_shard response_policy:all_succeeded")
        .keys(&[KeySpec::range(1, -1, 2, OW | UPDATE)])
        .memory(mset),
    Row::new("msetnx", -3, Group::String, "1.0.1", WRITE | DENYOOM)
        .tips("request_policy:multi_shard response_policy:agg_min")
        .keys(&[KeySpec::range(1, -1, 2, OW | INSERT)])
        .memory(msetnx),
    Row::new("psetex", 4, Group::String, "2.6.0", WRITE | DENYOOM).keys(&[KeySpec::one(1, OW | UPDATE)]).memory(psetex),
    Row::new("set", -3, Group::String, "1.0.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE | VARIABLE_FLAGS)])
        .memory(set),
    Row::new("setex", 4, Group::String, "2.0.0", WRITE | DENYOOM).keys(&[KeySpec::one(1, OW | UPDATE)]).memory(setex),
    Row::new("setnx", 3, Group::String, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, OW | INSERT)])
        .memory(setnx),
    Row::new("setrange", 4, Group::String, "2.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(setrange),
    Row::new("strlen", 2, Group::String, "2.2.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(strlen),
    Row::new("substr", 4, Group::String, "1.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(getrange),
];

/// Answers with a string.
pub(super) fn write(reply: &mut Writer<'_>, value: &Str) {
    match value {
        Str::Integer(value) => reply.bulk_integer(*value),
        Str::Bytes(bytes) => reply.bulk(bytes),
        Str::Raw(bytes) => reply.bulk(bytes),
    }
}

/// The bytes from `start` to `end` (included; negative ones count from the end) that a value of `length` has.
pub(super) fn range(start: i64, end: i64, length: usize) -> Option<(usize, usize)> {
    let length = length as i64;
    let from_start = |index: i64| if index < 0 { (length + index).max(0) } else { index };
    let (start, end) = (from_start(start), from_start(end).min(length - 1));
    (start <= end).then_some((start as usize, end as usize))
}

/// Makes sure that a string of `length` and `more` bytes is not too long.
fn check_length(length: usize, more: usize) -> Result<usize, Error> {
    length.checked_add(more).filter(|total| *total <= MAX_LENGTH).ok_or(Error::STRING_TOO_LONG)
}

/// Puts a string at `key`.
fn put(context: &mut Context, key: &[u8], value: &[u8]) {
    context.db.set(key, Str::from(value).into_value());
    context.db.touch(key);
}

/// `GET`
fn get(context: &mut Context, args: Args) -> Result<(), Error> {
    match context.db.read::<Str>(args.at(1))? {
        Some(value) => write(&mut context.reply, value),
        None => context.reply.null(),
    }
    Ok(())
}

/// `MGET`
fn mget(context: &mut Context, args: Args) -> Result<(), Error> {
    context.reply.array(args.len() - 1);
    for key in args.iter_from(1) {
        match context.db.read::<Str>(key) {
            Ok(Some(value)) => write(&mut context.reply, value),
            Ok(None) | Err(_) => context.reply.null(),
        }
    }
    Ok(())
}

/// `STRLEN`
fn strlen(context: &mut Context, args: Args) -> Result<(), Error> {
    let length = context.db.read::<Str>(args.at(1))?.map_or(0, Str::len);
    context.reply.count(length);
    Ok(())
}

/// `GETRANGE`, `SUBSTR`
fn getrange(context: &mut Context, args: Args) -> Result<(), Error> {
    let (start, end) = (parse::integer(args.at(2))?, parse::integer(args.at(3))?);
    let Some(value) = context.db.read::<Str>(args.at(1))? else {
        context.reply.bulk(b"");
        return Ok(());
    };
    let bytes = value.bytes();
    let part = if start < 0 && end < start { None } else { range(start, end, bytes.len()) };
    context.reply.bulk(part.map_or(b"", |(start, end)| &bytes[start..=end]));
    Ok(())
}

/// `GETDEL`
fn getdel(context: &mut Context, args: Args) -> Result<(), Error> {
    get(context, args)?;
    if context.db.remove(args.at(1)) {
        context.db.touch(args.at(1));
    }
    Ok(())
}

/// `GETSET`
fn getset(context: &mut Context, args: Args) -> Result<(), Error> {
    get(context, args)?;
    put(context, args.at(1), args.at(2));
    Ok(())
}

/// What becomes of the time when a key expires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lifetime<'a> {
    /// What the command does unless told otherwise.
    Default,
    /// `KEEPTTL`
    Keep,
    /// `PERSIST`
    Persist,
    /// `EX`, `PX`, `EXAT` or `PXAT`
    Until(Unit, &'a [u8]),
}

/// How a time is given.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Unit {
    in_seconds: bool,
    is_absolute: bool,
}

impl Unit {
    const EX: Unit = Unit { in_seconds: true, is_absolute: false };
    const PX: Unit = Unit { in_seconds: false, is_absolute: false };

    fn of_option(word: &[u8]) -> Option<Unit> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let in_seconds = is("EX") || is("EXAT");
        let is_absolute = is("EXAT") || is("PXAT");
        (in_seconds || is_absolute || is("PX")).then_some(Unit { in_seconds, is_absolute })
    }

    /// The time in milliseconds since 1970 that `argument` says, an argument of the command `name`.
    fn deadline_ms(self, context: &Context, argument: &[u8], name: &str) -> Result<u64, Error> {
        let time = parse::integer(argument)?;
        let factor = if self.in_seconds { 1000 } else { 1 };
        let start = if self.is_absolute { 0 } else { context.db.now_ms() as i64 };
        let deadline = (time > 0).then(|| time.checked_mul(factor)?.checked_add(start)).flatten();
        deadline.map(|deadline| deadline as u64).ok_or_else(|| Error::invalid_expire_time(name))
    }
}

/// The option at `index` if it is about the lifetime and goes together with what was said before, and where the next
/// option stands. The same one may be given again.
fn lifetime<'a>(args: Args<'a>, index: usize, before: Lifetime) -> Option<(Lifetime<'a>, usize)> {
    let (new, next) = match Unit::of_option(args.get(index)?) {
        Some(unit) => (Lifetime::Until(unit, args.get(index + 1)?), index + 2),
        None if args.is(index, "KEEPTTL") => (Lifetime::Keep, index + 1),
        None if args.is(index, "PERSIST") => (Lifetime::Persist, index + 1),
        None => return None,
    };
    let fits = match (before, new) {
        (Lifetime::Until(before, _), Lifetime::Until(new, _)) => before == new,
        _ => before == Lifetime::Default || before == new,
    };
    fits.then_some((new, next))
}

/// `GETEX`
fn getex(context: &mut Context, args: Args) -> Result<(), Error> {
    let key = args.at(1);
    let (mut wanted, mut index) = (Lifetime::Default, 2);
    while index < args.len() {
        (wanted, index) =
            lifetime(args, index, wanted).filter(|(wanted, _)| *wanted != Lifetime::Keep).ok_or(Error::SYNTAX)?;
    }
    let Some(value) = context.db.read::<Str>(key)? else {
        context.reply.null();
        return Ok(());
    };
    write(&mut context.reply, value);
    let changed = match wanted {
        Lifetime::Default | Lifetime::Keep => false,
        Lifetime::Persist => context.db.deadline(key).is_some() && context.db.set_deadline(key, None),
        Lifetime::Until(unit, time) => {
            let deadline = unit.deadline_ms(context, time, "getex")?;
            context.db.set_deadline(key, Some(deadline))
        }
    };
    if changed {
        context.db.touch(key);
    }
    Ok(())
}

/// What `SET` and its kin are asked to do.
struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    lifetime: Lifetime<'a>,
    /// `NX` (false) or `XX` (true): whether the key has to be there.
    must_exist: Option<bool>,
    /// `GET`
    get: bool,
}

impl<'a> Set<'a> {
    fn new(key: &'a [u8], value: &'a [u8]) -> Self {
        Set { key, value, lifetime: Lifetime::Default, must_exist: None, get: false }
    }

    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut set = Set::new(args.at(1), args.at(2));
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "NX") && set.must_exist != Some(true) {
                set.must_exist = Some(false);
            } else if args.is(index, "XX") && set.must_exist != Some(false) {
                set.must_exist = Some(true);
            } else if args.is(index, "GET") {
                set.get = true;
            } else {
                (set.lifetime, index) = lifetime(args, index, set.lifetime)
                    .filter(|(wanted, _)| *wanted != Lifetime::Persist)
                    .ok_or(Error::SYNTAX)?;
                continue;
            }
            index += 1;
        }
        Ok(set)
    }

    /// Does it for the command `name`, and says whether the value was set. With `GET` the old value is written.
    fn run(&self, context: &mut Context, name: &str) -> Result<bool, Error> {
        let deadline = match self.lifetime {
            Lifetime::Until(unit, time) => Some(unit.deadline_ms(context, time, name)?),
            _ => None,
        };
        if self.get {
            match context.db.read::<Str>(self.key)? {
                Some(value) => write(&mut context.reply, value),
                None => context.reply.null(),
            }
        }
        if self.must_exist.is_some_and(|must_exist| context.db.exists(self.key) != must_exist) {
            return Ok(false);
        }
        let value = Str::from(self.value).into_value();
        match deadline {
            _ if self.lifetime == Lifetime::Keep => context.db.set_keeping_deadline(self.key, value),
            Some(deadline) if deadline > context.db.now_ms() => context.db.set_until(self.key, value, deadline),
            _ => context.db.set(self.key, value),
        }
        context.db.touch(self.key);
        if deadline.is_some_and(|deadline| deadline <= context.db.now_ms()) {
            // It was there for a moment, as those who watch it know.
            context.db.remove(self.key);
        }
        Ok(true)
    }
}

/// `SET`
fn set(context: &mut Context, args: Args) -> Result<(), Error> {
    let set = Set::parse(args)?;
    let is_set = set.run(context, "set")?;
    match (set.get, is_set) {
        (true, _) => {}
        (false, true) => context.reply.ok(),
        (false, false) => context.reply.null(),
    }
    Ok(())
}

/// `SETNX`
fn setnx(context: &mut Context, args: Args) -> Result<(), Error> {
    let set = Set { must_exist: Some(false), ..Set::new(args.at(1), args.at(2)) };
    let is_set = set.run(context, "setnx")?;
    context.reply.flag(is_set);
    Ok(())
}

/// `SETEX`
fn setex(context: &mut Context, args: Args) -> Result<(), Error> {
    set_with_expiry(context, args, Unit::EX, "setex")
}

/// `PSETEX`
fn psetex(context: &mut Context, args: Args) -> Result<(), Error> {
    set_with_expiry(context, args, Unit::PX, "psetex")
}

fn set_with_expiry(context: &mut Context, args: Args, unit: Unit, name: &str) -> Result<(), Error> {
    let set = Set { lifetime: Lifetime::Until(unit, args.at(2)), ..Set::new(args.at(1), args.at(3)) };
    set.run(context, name)?;
    context.reply.ok();
    Ok(())
}

/// The keys of `MSET` and `MSETNX` with their values.
fn pairs<'a>(args: Args<'a>, name: &str) -> Result<impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a>, Error> {
    if args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity(name));
    }
    Ok((1..args.len()).step_by(2).map(move |index| (args.at(index), args.at(index + 1))))
}

/// `MSET`
fn mset(context: &mut Context, args: Args) -> Result<(), Error> {
    pairs(args, "mset")?.for_each(|(key, value)| put(context, key, value));
    context.reply.ok();
    Ok(())
}

/// `MSETNX`
fn msetnx(context: &mut Context, args: Args) -> Result<(), Error> {
    let is_free = pairs(args, "msetnx")?.all(|(key, _)| !context.db.exists(key));
    if is_free {
        pairs(args, "msetnx")?.for_each(|(key, value)| put(context, key, value));
    }
    context.reply.flag(is_free);
    Ok(())
}

/// `INCR`
fn incr(context: &mut Context, args: Args) -> Result<(), Error> {
    increment(context, args.at(1), 1)
}

/// `DECR`
fn decr(context: &mut Context, args: Args) -> Result<(), Error> {
    increment(context, args.at(1), -1)
}

/// `INCRBY`
fn incrby(context: &mut Context, args: Args) -> Result<(), Error> {
    increment(context, args.at(1), parse::integer(args.at(2))?)
}

/// `DECRBY`
fn decrby(context: &mut Context, args: Args) -> Result<(), Error> {
    let amount = parse::integer(args.at(2))?.checked_neg().ok_or(Error::DECREMENT_OVERFLOW)?;
    increment(context, args.at(1), amount)
}

fn increment(context: &mut Context, key: &[u8], amount: i64) -> Result<(), Error> {
    let incremented = context.db.modify(key, |value: &mut Str| {
        let new = value.integer().ok_or(Error::NOT_AN_INTEGER)?.checked_add(amount).ok_or(Error::INCREMENT_OVERFLOW)?;
        *value = Str::Integer(new);
        Ok::<_, Error>(new)
    })?;
    let new = match incremented {
        Some(new) => new?,
        None => {
            context.db.set(key, Str::Integer(amount).into_value());
            amount
        }
    };
    context.db.touch(key);
    context.reply.integer(new);
    Ok(())
}

/// `INCRBYFLOAT`
fn incrbyfloat(context: &mut Context, args: Args) -> Result<(), Error> {
    let (key, amount) = (args.at(1), args.at(2));
    let old = context.db.read::<Str>(key)?.map_or(Some(LongDouble::ZERO), |value| LongDouble::parse(&value.bytes()));
    let (Some(old), Some(amount)) = (old, LongDouble::parse(amount)) else { return Err(Error::NOT_A_FLOAT) };
    let new = old.plus(amount).ok_or(Error::INCREMENT_NOT_FINITE)?.to_string();
    // Not Str::from: Redis doesn't keep it as an integer even if it is one.
    context.db.set_keeping_deadline(key, Str::Bytes(new.as_bytes().into()).into_value());
    context.db.touch(key);
    context.reply.bulk(new.as_bytes());
    Ok(())
}

/// `APPEND`
fn append(context: &mut Context, args: Args) -> Result<(), Error> {
    let (key, more) = (args.at(1), args.at(2));
    let appended = context.db.modify(key, |value: &mut Str| {
        let length = check_length(value.len(), more.len())?;
        value.append(more);
        Ok::<_, Error>(length)
    })?;
    let length = match appended {
        Some(length) => length?,
        None => {
            context.db.set(key, Str::from(more).into_value());
            more.len()
        }
    };
    context.db.touch(key);
    context.reply.count(length);
    Ok(())
}

/// `SETRANGE`
fn setrange(context: &mut Context, args: Args) -> Result<(), Error> {
    let (key, bytes) = (args.at(1), args.at(3));
    let offset = usize::try_from(parse::integer(args.at(2))?).map_err(|_| Error::OFFSET_OUT_OF_RANGE)?;
    if bytes.is_empty() {
        return strlen(context, args);
    }
    // Before the check of the length: a key of another kind is refused first.
    context.db.read::<Str>(key)?;
    let end = check_length(offset, bytes.len())?;
    let length = context.db.modify_or_create(key, |value: &mut Str| {
        let whole = value.grow(end);
        whole[offset..end].copy_from_slice(bytes);
        whole.len()
    })?;
    context.db.touch(key);
    context.reply.count(length);
    Ok(())
}

/// What `LCS` is asked for.
#[derive(Default)]
struct LcsOptions {
    length_only: bool,
    positions: bool,
    with_lengths: bool,
    shortest: i64,
}

impl LcsOptions {
    fn parse(args: Args) -> Result<Self, Error> {
        let mut options = LcsOptions::default();
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "IDX") {
                options.positions = true;
            } else if args.is(index, "LEN") {
                options.length_only = true;
            } else if args.is(index, "WITHMATCHLEN") {
                options.with_lengths = true;
            } else if let (true, Some(length)) = (args.is(index, "MINMATCHLEN"), args.get(index + 1)) {
                options.shortest = parse::integer(length)?;
                index += 1;
            } else {
                return Err(Error::SYNTAX);
            }
            index += 1;
        }
        if options.length_only && options.positions {
            return Err(Error::LCS_OPTIONS);
        }
        Ok(options)
    }
}

/// `LCS`
fn lcs(context: &mut Context, args: Args) -> Result<(), Error> {
    let mut text = |index: usize| match context.db.read::<Str>(args.at(index)) {
        Ok(value) => Ok(value.map_or_else(Vec::new, |value| value.bytes().into_owned())),
        Err(_) => Err(Error::LCS_TYPE),
    };
    let (a, b) = (text(1)?, text(2)?);
    let options = LcsOptions::parse(args)?;
    let table = LcsTable::new(&a, &b)?;
    let reply = &mut context.reply;
    if options.positions {
        reply.map(2);
        reply.bulk(b"matches");
        let mut matches = table.matches();
        matches.retain(|found| found.length as i64 >= options.shortest);
        reply.array(matches.len());
        matches.iter().for_each(|found| found.write(reply, options.with_lengths));
        reply.bulk(b"len");
        reply.count(table.length());
    } else if options.length_only {
        reply.count(table.length());
    } else {
        let parts: Vec<&[u8]> = table.matches().iter().rev().map(|found| &a[found.a..found.a + found.length]).collect();
        reply.bulk(&parts.concat());
    }
    Ok(())
}

/// Bytes that two strings have in common in one piece: where it starts in both, and how long it is.
struct Match {
    a: usize,
    b: usize,
    length: usize,
}

impl Match {
    fn write(&self, reply: &mut Writer<'_>, with_length: bool) {
        reply.array(if with_length { 3 } else { 2 });
        for start in [self.a, self.b] {
            reply.array(2);
            reply.count(start);
            reply.count(start + self.length - 1);
        }
        if with_length {
            reply.count(self.length);
        }
    }
}

/// The lengths of the longest common subsequences of all beginnings of two strings.
struct LcsTable<'a> {
    a: &'a [u8],
    b: &'a [u8],
    cells: Vec<u32>,
}

impl<'a> LcsTable<'a> {
    fn new(a: &'a [u8], b: &'a [u8]) -> Result<Self, Error> {
        let size = (a.len() + 1).saturating_mul(b.len() + 1);
        if size > MAX_LENGTH / size_of::<u32>() {
            return Err(Error::LCS_TOO_LARGE);
        }
        let mut cells = Vec::new();
        cells.try_reserve_exact(size).map_err(|_| Error::LCS_NO_MEMORY)?;
        cells.resize(size, 0);
        let mut table = LcsTable { a, b, cells };
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                let length = if a[i - 1] == b[j - 1] {
                    table.at(i - 1, j - 1) + 1
                } else {
                    table.at(i - 1, j).max(table.at(i, j - 1))
                };
                table.cells[i * (b.len() + 1) + j] = length;
            }
        }
        Ok(table)
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    fn length(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// The pieces of the longest common subsequence, the last one first.
    fn matches(&self) -> Vec<Match> {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let (mut matches, mut length) = (Vec::new(), 0);
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                (i, j, length) = (i - 1, j - 1, length + 1);
                continue;
            }
            if length > 0 {
                matches.push(Match { a: i, b: j, length });
                length = 0;
            }
            if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        if length > 0 {
            matches.push(Match { a: i, b: j, length });
        }
        matches
    }
}
