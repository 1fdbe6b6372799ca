//! Hashes.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use crate::resp::Args;

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

/// `HDEL`
fn hdel(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HEXISTS`
fn hexists(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HGET`
fn hget(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HGETALL`
fn hgetall(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HINCRBY`
fn hincrby(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HINCRBYFLOAT`
fn hincrbyfloat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HKEYS`
fn hkeys(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HLEN`
fn hlen(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HMGET`
fn hmget(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HMSET`
fn hmset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HRANDFIELD`
fn hrandfield(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HSCAN`
fn hscan(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HSET`
fn hset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HSETNX`
fn hsetnx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HSTRLEN`
fn hstrlen(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `HVALS`
fn hvals(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
