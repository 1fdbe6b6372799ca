//! Sets.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use crate::resp::Args;

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

/// `SADD`
fn sadd(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SCARD`
fn scard(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SDIFF`
fn sdiff(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SDIFFSTORE`
fn sdiffstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SINTER`
fn sinter(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SINTERCARD`
fn sintercard(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SINTERSTORE`
fn sinterstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SISMEMBER`
fn sismember(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SMEMBERS`
fn smembers(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SMISMEMBER`
fn smismember(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SMOVE`
fn smove(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SPOP`
fn spop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SRANDMEMBER`
fn srandmember(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SREM`
fn srem(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SSCAN`
fn sscan(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SUNION`
fn sunion(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SUNIONSTORE`
fn sunionstore(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
