//! Hashes.

use super::context::Context;
use super::error::Error;
use super::long_double::LongDouble;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use super::{parse, random, scan};
use crate::resp::number::parse_integer;
use crate::resp::{Args, Writer};
use crate::store::hash::Hash;

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("hdel", -3, Group::Hash, "2.0.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | DELETE)]).memory(hdel),
    Row::new("hexists", 3, Group::Hash, "2.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(hexists),
    Row::new("hget", 3, Group::Hash, "2.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(hget),
    Row::new("hgetall", 2, Group::Hash, "2.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(hgetall),
    Row::new("hincrby", 4, Group::Hash, "2.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(hincrby),
    Row::new("hincrbyfloat", 4, Group::Hash, "2.6.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(hincrbyfloat),
    Row::new("hkeys", 2, Group::Hash, "2.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(hkeys),
    Row::new("hlen", 2, Group::Hash, "2.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(hlen),
    Row::new("hmget", -3, Group::Hash, "2.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(hmget),
    Row::new("hmset", -4, Group::Hash, "2.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(hmset),
    Row::new("hrandfield", -2, Group::Hash, "6.2.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(hrandfield),
    Row::new("hscan", -3, Group::Hash, "2.8.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(hscan),
    Row::new("hset", -4, Group::Hash, "2.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .memory(hset),
    Row::new("hsetnx", 4, Group::Hash, "2.0.0", WRITE | DENYOOM | FAST)
        .keys(&[KeySpec::one(1, RW | INSERT)])
        .memory(hsetnx),
    Row::new("hstrlen", 3, Group::Hash, "3.2.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]).memory(hstrlen),
    Row::new("hvals", 2, Group::Hash, "2.0.0", READONLY)
        .tips("nondeterministic_output_order")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(hvals),
];

/// Reads the hash at the request's key, and writes the reply with it; with an empty one without a key.
fn read(context: &mut Context, args: Args, write: impl FnOnce(&mut Writer<'_>, &Hash)) -> Result<(), Error> {
    match context.db.read::<Hash>(args.at(1))? {
        Some(hash) => write(&mut context.reply, hash),
        None => write(&mut context.reply, &Hash::default()),
    }
    Ok(())
}

/// `HGET`
fn hget(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| reply.bulk_or_null(hash.get(args.at(2))))
}

/// `HMGET`
fn hmget(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| {
        reply.array(args.len() - 2);
        args.iter_from(2).for_each(|field| reply.bulk_or_null(hash.get(field)));
    })
}

/// `HEXISTS`
fn hexists(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| reply.flag(hash.get(args.at(2)).is_some()))
}

/// `HSTRLEN`
fn hstrlen(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| reply.count(hash.get(args.at(2)).map_or(0, <[u8]>::len)))
}

/// `HLEN`
fn hlen(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| reply.count(hash.len()))
}

/// `HKEYS`
fn hkeys(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| {
        reply.array(hash.len());
        hash.iter().for_each(|(field, _)| reply.bulk(field));
    })
}

/// `HVALS`
fn hvals(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| {
        reply.array(hash.len());
        hash.iter().for_each(|(_, value)| reply.bulk(value));
    })
}

/// `HGETALL`
fn hgetall(context: &mut Context, args: Args) -> Result<(), Error> {
    read(context, args, |reply, hash| {
        reply.map(hash.len());
        hash.iter().for_each(|pair| write_pair(reply, pair));
    })
}

fn write_pair(reply: &mut Writer<'_>, (field, value): (&[u8], &[u8])) {
    reply.bulk(field);
    reply.bulk(value);
}

/// Sets the fields of a request of pairs, and says how many are new.
fn set_all(context: &mut Context, args: Args, name: &str) -> Result<usize, Error> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity(name));
    }
    let added = context.db.modify_or_create(args.at(1), |hash: &mut Hash| {
        (2..args.len()).step_by(2).filter(|index| hash.set(args.at(*index), args.at(index + 1))).count()
    })?;
    context.db.touch(args.at(1));
    Ok(added)
}

/// `HSET`
fn hset(context: &mut Context, args: Args) -> Result<(), Error> {
    let added = set_all(context, args, "hset")?;
    context.reply.count(added);
    Ok(())
}

/// `HMSET`
fn hmset(context: &mut Context, args: Args) -> Result<(), Error> {
    set_all(context, args, "hmset")?;
    context.reply.ok();
    Ok(())
}

/// `HSETNX`
fn hsetnx(context: &mut Context, args: Args) -> Result<(), Error> {
    let is_set = context.db.modify_or_create(args.at(1), |hash: &mut Hash| {
        hash.get(args.at(2)).is_none() && hash.set(args.at(2), args.at(3))
    })?;
    if is_set {
        context.db.touch(args.at(1));
    }
    context.reply.flag(is_set);
    Ok(())
}

/// `HDEL`
fn hdel(context: &mut Context, args: Args) -> Result<(), Error> {
    let removed = context
        .db
        .modify(args.at(1), |hash: &mut Hash| args.iter_from(2).filter(|field| hash.remove(field)).count())?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        context.db.touch(args.at(1));
    }
    context.reply.count(removed);
    Ok(())
}

/// `HINCRBY`
fn hincrby(context: &mut Context, args: Args) -> Result<(), Error> {
    let amount = parse::integer(args.at(3))?;
    let new = context.db.modify_or_create(args.at(1), |hash: &mut Hash| {
        let old = hash.get(args.at(2)).map_or(Some(0), parse_integer).ok_or(Error::HASH_NOT_AN_INTEGER)?;
        let new = old.checked_add(amount).ok_or(Error::INCREMENT_OVERFLOW)?;
        hash.set(args.at(2), itoa::Buffer::new().format(new).as_bytes());
        Ok::<_, Error>(new)
    })??;
    context.db.touch(args.at(1));
    context.reply.integer(new);
    Ok(())
}

/// `HINCRBYFLOAT`
fn hincrbyfloat(context: &mut Context, args: Args) -> Result<(), Error> {
    let amount = LongDouble::parse(args.at(3)).ok_or(Error::NOT_A_FLOAT)?.finite().ok_or(Error::NOT_FINITE)?;
    let new = context.db.modify_or_create(args.at(1), |hash: &mut Hash| {
        let old = hash.get(args.at(2)).map_or(Some(LongDouble::ZERO), LongDouble::parse);
        let new = old.ok_or(Error::HASH_NOT_A_FLOAT)?.plus(amount);
        let new = new.ok_or(Error::INCREMENT_NOT_FINITE)?.to_string();
        hash.set(args.at(2), new.as_bytes());
        Ok::<_, Error>(new)
    })??;
    context.db.touch(args.at(1));
    context.reply.bulk(new.as_bytes());
    Ok(())
}

/// `HSCAN`
fn hscan(context: &mut Context, args: Args) -> Result<(), Error> {
    let cursor = parse::cursor(args.at(2))?;
    let Some(hash) = context.db.read::<Hash>(args.at(1))? else {
        scan::write_end(&mut context.reply);
        return Ok(());
    };
    let options = scan::Options::parse(args, 3)?;
    scan::write_page(&mut context.reply, |page| {
        let mut found = 0;
        let next = hash.scan(cursor, options.count, |field, value| {
            if options.matches(field) {
                write_pair(page, (field, value));
                found += 2;
            }
        });
        (next, found)
    });
    Ok(())
}

/// `HRANDFIELD`
fn hrandfield(context: &mut Context, args: Args) -> Result<(), Error> {
    let store = context.db.store();
    let random = || store.random();
    let Some(count) = args.get(2) else {
        return read(context, args, |reply, hash| reply.bulk_or_null(hash.random(random()).map(|(field, _)| field)));
    };
    let count = random::count(count)?;
    let with_values = match args.len() {
        3 => false,
        4 if args.is(3, "WITHVALUES") => true,
        _ => return Err(Error::SYNTAX),
    };
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::COUNT_OUT_OF_RANGE);
    }
    let Some(hash) = context.db.read::<Hash>(args.at(1))? else {
        context.reply.array(0);
        return Ok(());
    };
    let in_pairs = context.reply.is_resp3();
    let draws = random::Draws { count, length: hash.len(), random: &random };
    let factor = if with_values && !in_pairs { 2 } else { 1 };
    draws.write(
        &mut context.reply,
        factor,
        hash.iter(),
        |random| hash.random(random),
        |reply, (field, value)| {
            if with_values && in_pairs {
                reply.array(2);
            }
            reply.bulk(field);
            if with_values {
                reply.bulk(value);
            }
        },
    )
}
