//! Strings.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use crate::resp::Args;

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
    Row::new("substr", 4, Group::String, "1.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(substr),
];

/// `APPEND`
fn append(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `DECR`
fn decr(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `DECRBY`
fn decrby(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GET`
fn get(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GETDEL`
fn getdel(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GETEX`
fn getex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GETRANGE`
fn getrange(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GETSET`
fn getset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `INCR`
fn incr(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `INCRBY`
fn incrby(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `INCRBYFLOAT`
fn incrbyfloat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LCS`
fn lcs(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MGET`
fn mget(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MSET`
fn mset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MSETNX`
fn msetnx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PSETEX`
fn psetex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SET`
fn set(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SETEX`
fn setex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SETNX`
fn setnx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SETRANGE`
fn setrange(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `STRLEN`
fn strlen(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SUBSTR`
fn substr(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
