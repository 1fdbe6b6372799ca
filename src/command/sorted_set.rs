//! Sorted sets.

use super::blocking::Blocking;
use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::Args;

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

static BZMPOP: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BZPOPMAX: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BZPOPMIN: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

/// `ZADD`
fn zadd(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZCARD`
fn zcard(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZCOUNT`
fn zcount(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZDIFF`
fn zdiff(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZDIFFSTORE`
fn zdiffstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZINCRBY`
fn zincrby(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZINTER`
fn zinter(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZINTERCARD`
fn zintercard(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZINTERSTORE`
fn zinterstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZLEXCOUNT`
fn zlexcount(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZMPOP`
fn zmpop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZMSCORE`
fn zmscore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZPOPMAX`
fn zpopmax(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZPOPMIN`
fn zpopmin(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANDMEMBER`
fn zrandmember(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANGE`
fn zrange(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANGEBYLEX`
fn zrangebylex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANGEBYSCORE`
fn zrangebyscore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANGESTORE`
fn zrangestore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZRANK`
fn zrank(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREM`
fn zrem(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREMRANGEBYLEX`
fn zremrangebylex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREMRANGEBYRANK`
fn zremrangebyrank(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREMRANGEBYSCORE`
fn zremrangebyscore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREVRANGE`
fn zrevrange(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREVRANGEBYLEX`
fn zrevrangebylex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREVRANGEBYSCORE`
fn zrevrangebyscore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZREVRANK`
fn zrevrank(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZSCAN`
fn zscan(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZSCORE`
fn zscore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZUNION`
fn zunion(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ZUNIONSTORE`
fn zunionstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
