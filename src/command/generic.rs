//! Commands on keys of whatever kind.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::Args;

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
        Row::new("object|help", 2, Group::Generic, "6.2.0", LOADING | STALE).memory(object_help),
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

/// `COPY`
fn copy(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `DEL`
fn del(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `EXISTS`
fn exists(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `EXPIRE`
fn expire(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `EXPIREAT`
fn expireat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `EXPIRETIME`
fn expiretime(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `KEYS`
fn keys(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MOVE`
fn move_key(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `OBJECT ENCODING`
fn object_encoding(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `OBJECT FREQ`
fn object_freq(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `OBJECT HELP`
fn object_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `OBJECT IDLETIME`
fn object_idletime(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `OBJECT REFCOUNT`
fn object_refcount(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PERSIST`
fn persist(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PEXPIRE`
fn pexpire(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PEXPIREAT`
fn pexpireat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PEXPIRETIME`
fn pexpiretime(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PTTL`
fn pttl(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RANDOMKEY`
fn randomkey(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RENAME`
fn rename(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `RENAMENX`
fn renamenx(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SCAN`
fn scan(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SORT`
fn sort(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SORT_RO`
fn sort_ro(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `TOUCH`
fn touch(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `TTL`
fn ttl(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `TYPE`
fn type_of(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `UNLINK`
fn unlink(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `WAIT`
fn wait(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
