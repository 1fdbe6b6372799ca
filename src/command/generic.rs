//! Commands on keys of whatever kind.

use super::context::Context;
use super::error::Error;
use super::help::help;
use super::parse::{cursor, database, integer};
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use super::scan::write_page;
use super::sort::{sort, sort_ro};
use crate::resp::Args;
use crate::store::broker::matches;
use crate::store::string::Str;
use crate::store::{Database, Value};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("copy", -3, Group::Generic, "6.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RO | ACCESS), KeySpec::one(2, OW | UPDATE)])
        .memory(copy),
    Row::new("del", -2, Group::Generic, "1.0.0", WRITE)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .keys(&[KeySpec::range(1, -1, 1, RM | DELETE)])
        .memory(del),
    Row::new("dump", 2, Group::Generic, "2.6.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("exists", -2, Group::Generic, "1.0.0", READONLY | FAST)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .keys(&[KeySpec::range(1, -1, 1, RO)])
        .memory(exists),
    Row::new("expire", -3, Group::Generic, "1.0.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | UPDATE)]).memory(expire),
    Row::new("expireat", -3, Group::Generic, "1.2.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(expireat),
    Row::new("expiretime", 2, Group::Generic, "7.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(expiretime),
    Row::new("keys", 2, Group::Generic, "1.0.0", READONLY)
        .categories("dangerous keyspace")
        .tips("request_policy:all_shards nondeterministic_output_order")
        .reply(Reply::Keys)
        .whole(keys),
    Row::new("migrate", -6, Group::Generic, "2.6.0", WRITE | MOVABLEKEYS)
        .categories("dangerous keyspace")
        .tips("nondeterministic_output")
        .keys(&[
            KeySpec::one(3, RW | ACCESS | DELETE),
            KeySpec::keyword("KEYS", -2, -1, 0, RW | ACCESS | DELETE | INCOMPLETE),
        ]),
    Row::new("move", 3, Group::Generic, "1.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(move_key),
    Row::new("object", -2, Group::Generic, "2.2.3", 0).categories("").subcommands(&[
        Row::new("object|encoding", 3, Group::Generic, "2.2.3", READONLY)
            .tips("nondeterministic_output")
            .keys(&[KeySpec::one(2, RO)])
            .memory(object_encoding),
        Row::new("object|freq", 3, Group::Generic, "4.0.0", READONLY)
            .tips("nondeterministic_output")
            .keys(&[KeySpec::one(2, RO)])
            .memory(object_freq),
        Row::new("object|help", 2, Group::Generic, "6.2.0", LOADING | STALE).memory(help),
        Row::new("object|idletime", 3, Group::Generic, "2.2.3", READONLY)
            .tips("nondeterministic_output")
            .keys(&[KeySpec::one(2, RO)])
            .memory(object_idletime),
        Row::new("object|refcount", 3, Group::Generic, "2.2.3", READONLY)
            .tips("nondeterministic_output")
            .keys(&[KeySpec::one(2, RO)])
            .memory(object_refcount),
    ]),
    Row::new("persist", 2, Group::Generic, "2.2.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | UPDATE)]).memory(persist),
    Row::new("pexpire", -3, Group::Generic, "2.6.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(pexpire),
    Row::new("pexpireat", -3, Group::Generic, "2.6.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(pexpireat),
    Row::new("pexpiretime", 2, Group::Generic, "7.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(pexpiretime),
    Row::new("pttl", 2, Group::Generic, "2.6.0", READONLY | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(pttl),
    Row::new("randomkey", 1, Group::Generic, "1.0.0", READONLY)
        .tips("request_policy:all_shards nondeterministic_output")
        .reply(Reply::Key)
        .whole(randomkey),
    Row::new("rename", 3, Group::Generic, "1.0.0", WRITE)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, OW | UPDATE)])
        .memory(rename),
    Row::new("renamenx", 3, Group::Generic, "1.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, OW | INSERT)])
        .memory(renamenx),
    Row::new("restore", -4, Group::Generic, "2.6.0", WRITE | DENYOOM)
        .categories("dangerous keyspace")
        .keys(&[KeySpec::one(1, OW | UPDATE)]),
    Row::new("scan", -2, Group::Generic, "2.8.0", READONLY)
        .tips("nondeterministic_output request_policy:special")
        .reply(Reply::Page)
        .whole(scan),
    Row::new("sort", -2, Group::Generic, "1.0.0", WRITE | DENYOOM | MOVABLEKEYS)
        .categories("dangerous list set sortedset")
        .keys(&[KeySpec::one(1, RO | ACCESS), KeySpec::unknown(RO | ACCESS), KeySpec::unknown(OW | UPDATE)])
        .whole(sort),
    Row::new("sort_ro", -2, Group::Generic, "7.0.0", READONLY | MOVABLEKEYS)
        .categories("dangerous list set sortedset")
        .keys(&[KeySpec::one(1, RO | ACCESS), KeySpec::unknown(RO | ACCESS)])
        .whole(sort_ro),
    Row::new("touch", -2, Group::Generic, "3.2.1", READONLY | FAST)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .keys(&[KeySpec::range(1, -1, 1, RO)])
        .memory(touch),
    Row::new("ttl", 2, Group::Generic, "1.0.0", READONLY | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(ttl),
    Row::new("type", 2, Group::Generic, "1.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(type_of),
    Row::new("unlink", -2, Group::Generic, "4.0.0", WRITE | FAST)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .keys(&[KeySpec::range(1, -1, 1, RM | DELETE)])
        .memory(unlink),
    Row::new("wait", 3, Group::Generic, "3.0.0", NOSCRIPT)
        .categories("connection")
        .tips("request_policy:all_shards response_policy:agg_min")
        .class(Class::Exclusive)
        .reply(Reply::Count)
        .memory(wait),
];

/// `DEL`
fn del(context: &mut Context, args: Args) -> Result<(), Error> {
    let removed = args.iter_from(1).filter(|key| remove(context.db, key)).count();
    context.reply.count(removed);
    Ok(())
}

/// `UNLINK`: removing is as cheap here as anywhere.
fn unlink(context: &mut Context, args: Args) -> Result<(), Error> {
    del(context, args)
}

/// Removes `key`, with all that follows from it; says whether it was there.
fn remove(db: &mut Database<'_>, key: &[u8]) -> bool {
    let removed = db.remove(key);
    if removed {
        db.touch(key);
    }
    removed
}

/// `EXISTS`
fn exists(context: &mut Context, args: Args) -> Result<(), Error> {
    let found = args.iter_from(1).filter(|key| context.db.exists(key)).count();
    context.reply.count(found);
    Ok(())
}

/// `TOUCH`
fn touch(context: &mut Context, args: Args) -> Result<(), Error> {
    let found = args.iter_from(1).filter(|key| context.db.value(key).is_some()).count();
    context.reply.count(found);
    Ok(())
}

/// `TYPE`
fn type_of(context: &mut Context, args: Args) -> Result<(), Error> {
    let name = context.db.value(args.at(1)).map_or("none", Value::type_name);
    context.reply.simple(name);
    Ok(())
}

// Expiry.

/// What a time is counted in.
#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
}

/// What a time is counted from.
#[derive(Clone, Copy)]
enum Since {
    Now,
    Epoch,
}

/// The conditions of `EXPIRE`.
#[derive(Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn parse(args: Args) -> Result<Self, Error> {
        let mut conditions = Conditions::default();
        for index in 3..args.len() {
            if args.is(index, "NX") {
                conditions.nx = true;
            } else if args.is(index, "XX") {
                conditions.xx = true;
            } else if args.is(index, "GT") {
                conditions.gt = true;
            } else if args.is(index, "LT") {
                conditions.lt = true;
            } else {
                return Err(Error::unsupported_option(args.at(index)));
            }
        }
        let Conditions { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(Error::EXPIRE_NX);
        }
        if gt && lt {
            return Err(Error::EXPIRE_GT_LT);
        }
        Ok(conditions)
    }

    /// True if a key that expires at `current` may expire at `next`. A key without an expiry lives for ever.
    fn allow(&self, current: Option<i64>, next: i64) -> bool {
        match current {
            None => !self.xx && !self.gt,
            Some(current) => !self.nx && (!self.gt || next > current) && (!self.lt || next < current),
        }
    }
}

/// `EXPIRE`
fn expire(context: &mut Context, args: Args) -> Result<(), Error> {
    set_expiry(context, args, "expire", Since::Now, Unit::Seconds)
}

/// `EXPIREAT`
fn expireat(context: &mut Context, args: Args) -> Result<(), Error> {
    set_expiry(context, args, "expireat", Since::Epoch, Unit::Seconds)
}

/// `PEXPIRE`
fn pexpire(context: &mut Context, args: Args) -> Result<(), Error> {
    set_expiry(context, args, "pexpire", Since::Now, Unit::Milliseconds)
}

/// `PEXPIREAT`
fn pexpireat(context: &mut Context, args: Args) -> Result<(), Error> {
    set_expiry(context, args, "pexpireat", Since::Epoch, Unit::Milliseconds)
}

fn set_expiry(context: &mut Context, args: Args, name: &str, since: Since, unit: Unit) -> Result<(), Error> {
    let conditions = Conditions::parse(args)?;
    let now = context.db.now_ms() as i64;
    let time = integer(args.at(2))?;
    let time = match unit {
        Unit::Seconds => time.checked_mul(1000),
        Unit::Milliseconds => Some(time),
    };
    let time = match since {
        Since::Now => time.and_then(|time| time.checked_add(now)),
        Since::Epoch => time,
    };
    let time = time.ok_or_else(|| Error::invalid_expire_time(name))?;
    let key = args.at(1);
    let current = context.db.deadline(key).map(|deadline| deadline as i64);
    let set = context.db.exists(key) && conditions.allow(current, time);
    if set {
        if time <= now {
            context.db.remove(key);
        } else {
            context.db.set_deadline(key, Some(time as u64));
        }
        context.db.touch(key);
    }
    context.reply.flag(set);
    Ok(())
}

/// `TTL`
fn ttl(context: &mut Context, args: Args) -> Result<(), Error> {
    write_expiry(context, args, Since::Now, Unit::Seconds)
}

/// `PTTL`
fn pttl(context: &mut Context, args: Args) -> Result<(), Error> {
    write_expiry(context, args, Since::Now, Unit::Milliseconds)
}

/// `EXPIRETIME`
fn expiretime(context: &mut Context, args: Args) -> Result<(), Error> {
    write_expiry(context, args, Since::Epoch, Unit::Seconds)
}

/// `PEXPIRETIME`
fn pexpiretime(context: &mut Context, args: Args) -> Result<(), Error> {
    write_expiry(context, args, Since::Epoch, Unit::Milliseconds)
}

fn write_expiry(context: &mut Context, args: Args, since: Since, unit: Unit) -> Result<(), Error> {
    let key = args.at(1);
    let expiry = match context.db.deadline(key) {
        Some(deadline) => {
            let time = match since {
                Since::Now => deadline.saturating_sub(context.db.now_ms()),
                Since::Epoch => deadline,
            };
            match unit {
                Unit::Seconds => (time.saturating_add(500) / 1000) as i64,
                Unit::Milliseconds => time as i64,
            }
        }
        None if context.db.exists(key) => -1,
        None => -2,
    };
    context.reply.integer(expiry);
    Ok(())
}

/// `PERSIST`
fn persist(context: &mut Context, args: Args) -> Result<(), Error> {
    let key = args.at(1);
    let expires = context.db.deadline(key).is_some();
    if expires {
        context.db.set_deadline(key, None);
        context.db.touch(key);
    }
    context.reply.flag(expires);
    Ok(())
}

// Moving and copying. An expiry goes along.

/// Puts `value` at `key`, to expire at `deadline`.
fn put(db: &mut Database<'_>, key: &[u8], value: Value, deadline: Option<u64>) {
    db.set(key, value);
    if deadline.is_some() {
        db.set_deadline(key, deadline);
    }
    db.touch(key);
}

/// Does `work` in database `index`.
pub fn within<R>(db: &mut Database<'_>, index: usize, work: impl FnOnce(&mut Database<'_>) -> R) -> R {
    let selected = db.index();
    db.select(index);
    let result = work(db);
    db.select(selected);
    result
}

/// `RENAME`
fn rename(context: &mut Context, args: Args) -> Result<(), Error> {
    rename_key(context.db, args.at(1), args.at(2), true)?;
    context.reply.ok();
    Ok(())
}

/// `RENAMENX`
fn renamenx(context: &mut Context, args: Args) -> Result<(), Error> {
    let renamed = rename_key(context.db, args.at(1), args.at(2), false)?;
    context.reply.flag(renamed);
    Ok(())
}

/// Renames `from`; false if nothing was done.
fn rename_key(db: &mut Database<'_>, from: &[u8], to: &[u8], replace: bool) -> Result<bool, Error> {
    if !db.exists(from) {
        return Err(Error::NO_SUCH_KEY);
    }
    if from == to || (!replace && db.exists(to)) {
        return Ok(false);
    }
    if let Some((value, deadline)) = db.take(from) {
        db.touch(from);
        put(db, to, value, deadline);
    }
    Ok(true)
}

/// `MOVE`
fn move_key(context: &mut Context, args: Args) -> Result<(), Error> {
    let key = args.at(1);
    let target = database(context, args.at(2))?;
    let db = &mut *context.db;
    if target == db.index() {
        return Err(Error::SAME_OBJECT);
    }
    let free = !within(db, target, |db| db.exists(key));
    let taken = if free { db.take(key) } else { None };
    let moved = taken.is_some();
    if let Some((value, deadline)) = taken {
        db.touch(key);
        within(db, target, |db| put(db, key, value, deadline));
    }
    context.reply.flag(moved);
    Ok(())
}

/// `COPY`
fn copy(context: &mut Context, args: Args) -> Result<(), Error> {
    let (mut target, mut replace) = (context.db.index(), false);
    let mut index = 3;
    while index < args.len() {
        if args.is(index, "REPLACE") {
            replace = true;
        } else if args.is(index, "DB") && index + 1 < args.len() {
            index += 1;
            target = database(context, args.at(index))?;
        } else {
            return Err(Error::SYNTAX);
        }
        index += 1;
    }
    let (from, to) = (args.at(1), args.at(2));
    let db = &mut *context.db;
    if target == db.index() && from == to {
        return Err(Error::SAME_OBJECT);
    }
    let free = replace || !within(db, target, |db| db.exists(to));
    let copy = if free { db.value(from).cloned() } else { None };
    let copied = copy.is_some();
    if let Some(value) = copy {
        let deadline = db.deadline(from);
        within(db, target, |db| put(db, to, value, deadline));
    }
    context.reply.flag(copied);
    Ok(())
}

// All keys.

/// `KEYS`
fn keys(context: &mut Context, args: Args) -> Result<(), Error> {
    let pattern = args.at(1);
    let Context { db, reply, .. } = context;
    let place = reply.deferred();
    let mut found = 0;
    db.for_each(|key, _| {
        if pattern == b"*" || matches(pattern, key) {
            reply.bulk(key);
            found += 1;
        }
    });
    reply.array_at(place, found);
    Ok(())
}

/// `SCAN`
fn scan(context: &mut Context, args: Args) -> Result<(), Error> {
    let cursor = cursor(args.at(1))?;
    let (mut pattern, mut kind, mut count) = (None, None, 10);
    for index in (2..args.len()).step_by(2) {
        let value = args.get(index + 1).ok_or(Error::SYNTAX)?;
        if args.is(index, "COUNT") {
            count = integer(value)?;
            if count < 1 {
                return Err(Error::SYNTAX);
            }
        } else if args.is(index, "MATCH") {
            // The pattern that matches everything also matches the empty key, which a glob does not.
            pattern = (value != b"*").then_some(value);
        } else if args.is(index, "TYPE") {
            kind = Some(value);
        } else {
            return Err(Error::SYNTAX);
        }
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let Context { db, reply, .. } = context;
    write_page(reply, |page| {
        let mut found = 0;
        let next = db.scan(cursor, count, |key, value| {
            let matching = pattern.is_none_or(|pattern| matches(pattern, key));
            if matching && kind.is_none_or(|kind| value.type_name().as_bytes().eq_ignore_ascii_case(kind)) {
                page.bulk(key);
                found += 1;
            }
        });
        (next, found)
    });
    Ok(())
}

/// `RANDOMKEY`
fn randomkey(context: &mut Context, _args: Args) -> Result<(), Error> {
    let key = context.db.random_key();
    context.reply.bulk_or_null(key.as_deref());
    Ok(())
}

// Objects.

/// Small integers are shared by all keys of Redis, which tells so by this count.
const SHARED: std::ops::Range<i64> = 0..10_000;

/// `OBJECT ENCODING`
fn object_encoding(context: &mut Context, args: Args) -> Result<(), Error> {
    let encoding = context.db.value(args.at(2)).map(Value::encoding);
    context.reply.bulk_or_null(encoding.map(str::as_bytes));
    Ok(())
}

/// `OBJECT FREQ`
fn object_freq(context: &mut Context, args: Args) -> Result<(), Error> {
    if context.db.exists(args.at(2)) {
        return Err(Error::NO_LFU);
    }
    context.reply.null();
    Ok(())
}

/// `OBJECT IDLETIME`
fn object_idletime(context: &mut Context, args: Args) -> Result<(), Error> {
    match context.db.idle_seconds(args.at(2)) {
        Some(seconds) => context.reply.integer(seconds as i64),
        None => context.reply.null(),
    }
    Ok(())
}

/// `OBJECT REFCOUNT`
fn object_refcount(context: &mut Context, args: Args) -> Result<(), Error> {
    match context.db.value(args.at(2)) {
        None => context.reply.null(),
        Some(Value::String(Str::Integer(number))) if SHARED.contains(number) => {
            context.reply.integer(i64::from(i32::MAX));
        }
        Some(_) => context.reply.integer(1),
    }
    Ok(())
}

/// `WAIT`: there are no replicas, and none will come.
fn wait(context: &mut Context, args: Args) -> Result<(), Error> {
    integer(args.at(1))?;
    let timeout = integer(args.at(2)).map_err(|_| Error::WAIT_TIMEOUT)?;
    if timeout < 0 {
        return Err(Error::WAIT_TIMEOUT_NEGATIVE);
    }
    context.reply.integer(0);
    Ok(())
}
