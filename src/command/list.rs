//! Lists.

use super::blocking::Blocking;
use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::Args;

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

static BLMOVE: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BLMPOP: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BLPOP: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BRPOP: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

static BRPOPLPUSH: Blocking =
    Blocking { plan: |_| todo!(), attempt: |_, _, _| todo!(), nothing: |reply| reply.null_array() };

/// `LINDEX`
fn lindex(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LINSERT`
fn linsert(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LLEN`
fn llen(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LMOVE`
fn lmove(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LMPOP`
fn lmpop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LPOP`
fn lpop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LPOS`
fn lpos(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LPUSH`
fn lpush(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LPUSHX`
fn lpushx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LRANGE`
fn lrange(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LREM`
fn lrem(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LSET`
fn lset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LTRIM`
fn ltrim(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RPOP`
fn rpop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RPOPLPUSH`
fn rpoplpush(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RPUSH`
fn rpush(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RPUSHX`
fn rpushx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
