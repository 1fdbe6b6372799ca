//! Streams.

use super::help::help;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("xack", -4, Group::Stream, "5.0.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | UPDATE)]),
    Row::new("xadd", -5, Group::Stream, "5.0.0", WRITE | DENYOOM | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RW | UPDATE)]),
    Row::new("xautoclaim", -6, Group::Stream, "6.2.0", WRITE | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RW | DELETE)])
        .reply(Reply::ErrorText),
    Row::new("xclaim", -6, Group::Stream, "5.0.0", WRITE | FAST)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RW | UPDATE)])
        .reply(Reply::ErrorText),
    Row::new("xdel", -3, Group::Stream, "5.0.0", WRITE | FAST).keys(&[KeySpec::one(1, RW | DELETE)]),
    Row::new("xgroup", -2, Group::Stream, "5.0.0", 0).categories("").subcommands(&[
        Row::new("xgroup|create", -5, Group::Stream, "5.0.0", WRITE | DENYOOM).keys(&[KeySpec::one(2, RW | INSERT)]),
        Row::new("xgroup|createconsumer", 5, Group::Stream, "6.2.0", WRITE | DENYOOM)
            .keys(&[KeySpec::one(2, RW | INSERT)])
            .reply(Reply::ErrorText),
        Row::new("xgroup|delconsumer", 5, Group::Stream, "5.0.0", WRITE)
            .keys(&[KeySpec::one(2, RW | DELETE)])
            .reply(Reply::ErrorText),
        Row::new("xgroup|destroy", 4, Group::Stream, "5.0.0", WRITE).keys(&[KeySpec::one(2, RW | DELETE)]),
        Row::new("xgroup|help", 2, Group::Stream, "5.0.0", LOADING | STALE).memory(help),
        Row::new("xgroup|setid", -5, Group::Stream, "5.0.0", WRITE)
            .keys(&[KeySpec::one(2, RW | UPDATE)])
            .reply(Reply::ErrorText),
    ]),
    Row::new("xinfo", -2, Group::Stream, "5.0.0", 0).categories("").subcommands(&[
        Row::new("xinfo|consumers", 4, Group::Stream, "5.0.0", READONLY)
            .tips("nondeterministic_output")
            .keys(&[KeySpec::one(2, RO | ACCESS)])
            .reply(Reply::ErrorText),
        Row::new("xinfo|groups", 3, Group::Stream, "5.0.0", READONLY).keys(&[KeySpec::one(2, RO | ACCESS)]),
        Row::new("xinfo|help", 2, Group::Stream, "5.0.0", LOADING | STALE).memory(help),
        Row::new("xinfo|stream", -3, Group::Stream, "5.0.0", READONLY).keys(&[KeySpec::one(2, RO | ACCESS)]),
    ]),
    Row::new("xlen", 2, Group::Stream, "5.0.0", READONLY | FAST).keys(&[KeySpec::one(1, RO)]),
    Row::new("xpending", -3, Group::Stream, "5.0.0", READONLY)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .reply(Reply::ErrorText),
    Row::new("xrange", -4, Group::Stream, "5.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("xread", -4, Group::Stream, "5.0.0", READONLY | BLOCKING | MOVABLEKEYS)
        .keys(&[KeySpec::keyword("STREAMS", 1, -1, 2, RO | ACCESS)])
        .class(Class::Blocking)
        .reply(Reply::Streams),
    Row::new("xreadgroup", -7, Group::Stream, "5.0.0", WRITE | BLOCKING | MOVABLEKEYS)
        .keys(&[KeySpec::keyword("STREAMS", 4, -1, 2, RO | ACCESS)])
        .class(Class::Blocking)
        .reply(Reply::Streams),
    Row::new("xrevrange", -4, Group::Stream, "5.0.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("xsetid", -3, Group::Stream, "5.0.0", WRITE | DENYOOM | FAST).keys(&[KeySpec::one(1, RW | UPDATE)]),
    Row::new("xtrim", -4, Group::Stream, "5.0.0", WRITE)
        .tips("nondeterministic_output")
        .keys(&[KeySpec::one(1, RW | DELETE)]),
];
