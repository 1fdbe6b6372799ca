//! Sets.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use super::{parse, random, scan};
use crate::resp::{Args, Writer};
use crate::store::Kind;
use crate::store::set::{Member, Set};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("sadd", -3, Group::Set, "1.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(sadd),
    Row::new("scard", 2, Group::Set, "1.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(scard),
    Row::new("sdiff", -2, Group::Set, "1.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::range(1, -1, 1, RO | ACCESS)])
        .memory(sdiff),
    Row::new("sdiffstore", -3, Group::Set, "1.0.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::range(2, -1, 1, RO | ACCESS)])
        .memory(sdiffstore),
    Row::new("sinter", -2, Group::Set, "1.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::range(1, -1, 1, RO | ACCESS)])
        .memory(sinter),
    Row::new("sintercard", -3, Group::Set, "7.0.0", READONLY | MOVABLEKEYS)
        .keys(&[KeySpec::counted(1, RO | ACCESS)])
        .memory(sintercard),
    Row::new("sinterstore", -3, Group::Set, "1.0.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | UPDATE), KeySpec::range(2, -1, 1, RO | ACCESS)])
        .memory(sinterstore),
    Row::new("sismember", 3, Group::Set, "1.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(sismember),
    Row::new("smembers", 2, Group::Set, "1.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(smembers),
    Row::new("smismember", -3, Group::Set, "6.2.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(smismember),
    Row::new("smove", 4, Group::Set, "1.0.0", WRITE | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE), KeySpec::one(2, RW | INSERT)])
        .memory(smove),
    Row::new("spop", -2, Group::Set, "1.0.0", WRITE | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RW | ACCESS | DELETE)])
        .memory(spop),
    Row::new("srandmember", -2, Group::Set, "1.0.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(srandmember),
    Row::new("srem", -3, Group::Set, "1.0.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | DELETE)]).memory(srem),
    Row::new("sscan", -3, Group::Set, "2.8.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(sscan),
    Row::new("sunion", -2, Group::Set, "1.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::range(1, -1, 1, RO | ACCESS)])
        .memory(sunion),
    Row::new("sunionstore", -3, Group::Set, "1.0.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::range(2, -1, 1, RO | ACCESS)])
        .memory(sunionstore),
];

/// Answers with a member.
fn write(reply: &mut Writer<'_>, member: Member<'_>) {
    match member {
        Member::Integer(value) => reply.bulk_integer(value),
        Member::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Answers with all members.
fn write_all(reply: &mut Writer<'_>, set: &Set) {
    reply.set(set.len());
    set.iter().for_each(|member| write(reply, member));
}

/// Reads the set at the request's key, and writes the reply with it; with an empty one without a key.
fn read(context: &mut Context, args: Args, write: impl FnOnce(&mut Writer<'_>, &Set)) -> Result<(), Error> {
    match context.db.read::<Set>(args.at(1))? {
        Some(set) => write(&mut context.reply, set),
        None => write(&mut context.reply, &Set::default()),
    }
    Ok(())
}

/// `SCARD`
fn scard(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| reply.count(set.len()))
}

/// `SISMEMBER`
fn sismember(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| reply.flag(set.contains(args.at(2))))
}

/// `SMISMEMBER`
fn smismember(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, set| {
        reply.array(args.len() - 2);
        args.iter_from(2).for_each(|member| reply.flag(set.contains(member)));
    })
}

/// `SMEMBERS`
fn smembers(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, write_all)
}

/// Answers with how many members were changed.
fn changed(context: &mut Context, key: &[u8], count: usize) {
    if count > 0 {
        context.db.touch(key);
    }
    context.reply.count(count);
}

/// `SADD`
fn sadd(context: &mut Context, args: Args) -> Result<(), Error> {
    let added = context
        .db
        .modify_or_create(args.at(1), |set: &mut Set| args.iter_from(2).filter(|member| set.add(member)).count())?;
    changed(context, args.at(1), added);
    Ok(())
}

/// `SREM`
fn srem(context: &mut Context, args: Args) -> Result<(), Error> {
    let removed =
        context.db.modify(args.at(1), |set: &mut Set| args.iter_from(2).filter(|member| set.remove(member)).count())?;
    changed(context, args.at(1), removed.unwrap_or(0));
    Ok(())
}

/// `SMOVE`
fn smove(context: &mut Context, args: Args) -> Result<(), Error> {
    let (source, destination, member) = (args.at(1), args.at(2), args.at(3));
    let is_there = match context.db.read::<Set>(source)? {
        None => false,
        Some(set) => {
            let is_there = set.contains(member);
            context.db.read::<Set>(destination)?;
            is_there
        }
    };
    if is_there && source != destination {
        context.db.modify(source, |set: &mut Set| set.remove(member))?;
        context.db.touch(source);
        if context.db.modify_or_create(destination, |set: &mut Set| set.add(member))? {
            context.db.touch(destination);
        }
    }
    context.reply.flag(is_there);
    Ok(())
}

/// `SPOP`
fn spop(context: &mut Context, args: Args) -> Result<(), Error> {
    match args.len() {
        2 => pop_one(context, args.at(1)),
        3 => {
            let count = parse::integer(args.at(2)).ok().and_then(|count| usize::try_from(count).ok());
            pop(context, args.at(1), count.ok_or(Error::NOT_POSITIVE)?)
        }
        _ => Err(Error::SYNTAX),
    }
}

/// Removes a random member, and calls `write` with it.
fn take(set: &mut Set, random: u64, mut write: impl FnMut(Member<'_>)) {
    let member = set.random(random).map(|member| {
        write(member);
        member.with_bytes(<[u8]>::to_vec)
    });
    if let Some(member) = member {
        set.remove(&member);
    }
}

fn pop_one(context: &mut Context, key: &[u8]) -> Result<(), Error> {
    let random = context.db.store().random();
    let reply = &mut context.reply;
    let popped = context.db.modify(key, |set: &mut Set| take(set, random, |member| write(reply, member)))?;
    match popped {
        Some(()) => context.db.touch(key),
        None => context.reply.null(),
    }
    Ok(())
}

fn pop(context: &mut Context, key: &[u8], count: usize) -> Result<(), Error> {
    let store = context.db.store();
    let reply = &mut context.reply;
    let popped = context.db.modify(key, |set: &mut Set| {
        let left = set.len().saturating_sub(count);
        if count > 0 && left == 0 {
            write_all(reply, set);
            *set = Set::default();
        } else if left.saturating_mul(5) > count {
            reply.set(count);
            (0..count).for_each(|_| take(set, store.random(), |member| write(reply, member)));
        } else {
            let mut kept = Set::default();
            (0..left).for_each(|_| {
                take(set, store.random(), |member| {
                    member.with_bytes(|member| kept.add(member));
                });
            });
            write_all(reply, set);
            *set = kept;
        }
    })?;
    match popped {
        None => context.reply.set(0),
        Some(()) if count > 0 => context.db.touch(key),
        Some(()) => {}
    }
    Ok(())
}

/// Adds the members of `other` to `set`.
fn add_all(set: &mut Set, other: &Set) {
    for member in other.iter() {
        member.with_bytes(|member| set.add(member));
    }
}

/// `SRANDMEMBER`
fn srandmember(context: &mut Context, args: Args) -> Result<(), Error> {
    let store = context.db.store();
    let random = || store.random();
    match args.len() {
        2 => {}
        3 => return draw_members(context, args, &random),
        _ => return Err(Error::SYNTAX),
    }
    read(context, args, |reply, set| match set.random(random()) {
        Some(member) => write(reply, member),
        None => reply.null(),
    })
}

fn draw_members(context: &mut Context, args: Args, random: &dyn Fn() -> u64) -> Result<(), Error> {
    let count = random::count(args.at(2))?;
    let Some(set) = context.db.read::<Set>(args.at(1))? else {
        context.reply.array(0);
        return Ok(());
    };
    let draws = random::Draws { count, length: set.len(), random };
    draws.write(&mut context.reply, 1, set.iter(), |random| set.random(random), write)
}

/// `SSCAN`
fn sscan(context: &mut Context, args: Args) -> Result<(), Error> {
    let cursor = parse::cursor(args.at(2))?;
    let Some(set) = context.db.read::<Set>(args.at(1))? else {
        scan::write_end(&mut context.reply);
        return Ok(());
    };
    let options = scan::Options::parse(args, 3)?;
    scan::write_page(&mut context.reply, |page| {
        let mut found = 0;
        let next = set.scan(cursor, options.count, |member| {
            if member.with_bytes(|member| options.matches(member)) {
                write(page, member);
                found += 1;
            }
        });
        (next, found)
    });
    Ok(())
}

/// How sets are put together.
#[derive(Clone, Copy)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// Of the sets at these keys; all keys are looked at before anything is done.
    fn of(self, context: &mut Context, keys: &[&[u8]]) -> Result<Set, Error> {
        let mut sizes = Vec::with_capacity(keys.len());
        for key in keys {
            sizes.push(context.db.read::<Set>(key)?.map_or(0, Set::len));
        }
        match self {
            Operation::Union => union(context, keys),
            Operation::Intersection => {
                let mut result = Set::default();
                for member in intersection(context, keys, &sizes)? {
                    result.add(&member);
                }
                Ok(result)
            }
            Operation::Difference => difference(context, keys, &sizes),
        }
    }
}

/// Copies of the members of the set at `key`.
fn members(context: &mut Context, key: &[u8]) -> Result<Vec<Box<[u8]>>, Error> {
    let set = context.db.read::<Set>(key)?;
    Ok(set.map_or_else(Vec::new, |set| set.iter().map(|member| member.with_bytes(|bytes| bytes.into())).collect()))
}

fn union(context: &mut Context, keys: &[&[u8]]) -> Result<Set, Error> {
    let mut result = Set::default();
    for key in keys {
        if let Some(set) = context.db.read::<Set>(key)? {
            add_all(&mut result, set);
        }
    }
    Ok(result)
}

/// The members of the smallest set that are in all others, in its order.
fn intersection(context: &mut Context, keys: &[&[u8]], sizes: &[usize]) -> Result<Vec<Box<[u8]>>, Error> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|index| sizes[*index]);
    let mut common = members(context, keys[order[0]])?;
    for index in &order[1..] {
        if common.is_empty() {
            break;
        }
        if let Some(set) = context.db.read::<Set>(keys[*index])? {
            common.retain(|member| set.contains(member));
        }
    }
    Ok(common)
}

/// The members of the first set that are in no other. Chooses between two ways as Redis does: which one it is shows in
/// the encoding of the result.
fn difference(context: &mut Context, keys: &[&[u8]], sizes: &[usize]) -> Result<Set, Error> {
    let sets = sizes.iter().filter(|size| **size > 0).count();
    let total: usize = sizes.iter().sum();
    if keys[1..].contains(&keys[0]) {
        return Ok(Set::default());
    }
    let mut result = Set::default();
    if sizes[0].saturating_mul(sets) / 2 <= total {
        let mut left = members(context, keys[0])?;
        for key in &keys[1..] {
            if let Some(set) = context.db.read::<Set>(key)? {
                left.retain(|member| !set.contains(member));
            }
        }
        left.iter().for_each(|member| {
            result.add(member);
        });
    } else {
        result = union(context, &keys[..1])?;
        for key in &keys[1..] {
            if let Some(set) = context.db.read::<Set>(key)? {
                set.iter().for_each(|member| {
                    member.with_bytes(|member| result.remove(member));
                });
            }
        }
    }
    Ok(result)
}

/// Answers with what comes of the sets from the argument at 1 on.
fn combine(context: &mut Context, args: Args, operation: Operation) -> Result<(), Error> {
    let keys: Vec<&[u8]> = args.iter_from(1).collect();
    let result = operation.of(context, &keys)?;
    write_all(&mut context.reply, &result);
    Ok(())
}

/// Stores what comes of the sets from the argument at 2 on, and answers with its size.
fn combine_and_store(context: &mut Context, args: Args, operation: Operation) -> Result<(), Error> {
    let keys: Vec<&[u8]> = args.iter_from(2).collect();
    let result = operation.of(context, &keys)?;
    let size = result.len();
    if size > 0 {
        context.db.set(args.at(1), result.into_value());
        context.db.touch(args.at(1));
    } else if context.db.remove(args.at(1)) {
        context.db.touch(args.at(1));
    }
    context.reply.count(size);
    Ok(())
}

/// `SUNION`
fn sunion(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, Operation::Union)
}

/// `SUNIONSTORE`
fn sunionstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine_and_store(context, args, Operation::Union)
}

/// `SINTER`
fn sinter(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, Operation::Intersection)
}

/// `SINTERSTORE`
fn sinterstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine_and_store(context, args, Operation::Intersection)
}

/// `SDIFF`
fn sdiff(context: &mut Context, args: Args) -> Result<(), Error> {
    combine(context, args, Operation::Difference)
}

/// `SDIFFSTORE`
fn sdiffstore(context: &mut Context, args: Args) -> Result<(), Error> {
    combine_and_store(context, args, Operation::Difference)
}

/// `SINTERCARD`
fn sintercard(context: &mut Context, args: Args) -> Result<(), Error> {
    let count = parse::integer(args.at(1)).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(Error::NUMKEYS)?;
    if count > args.len() - 2 {
        return Err(Error::NUMKEYS_TOO_LARGE);
    }
    let mut limit = 0;
    for index in (2 + count..args.len()).step_by(2) {
        let (true, Some(argument)) = (args.is(index, "LIMIT"), args.get(index + 1)) else {
            return Err(Error::SYNTAX);
        };
        let argument = parse::integer(argument).ok().and_then(|limit| usize::try_from(limit).ok());
        limit = argument.ok_or(Error::LIMIT_NEGATIVE)?;
    }
    let keys: Vec<&[u8]> = args.iter_from(2).take(count).collect();
    let common = Operation::Intersection.of(context, &keys)?.len();
    context.reply.count(if limit == 0 { common } else { common.min(limit) });
    Ok(())
}
