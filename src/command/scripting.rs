//! Scripts and functions.

use super::help::help;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Reply, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("eval", -3, Group::Scripting, "2.6.0", NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS)
        .keys(&[KeySpec::counted(2, RW | ACCESS | UPDATE)])
        .reply(Reply::Script),
    Row::new(
        "eval_ro",
        -3,
        Group::Scripting,
        "7.0.0",
        READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS,
    )
    .keys(&[KeySpec::counted(2, RO | ACCESS)])
    .reply(Reply::Script),
    Row::new(
        "evalsha",
        -3,
        Group::Scripting,
        "2.6.0",
        NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS,
    )
    .keys(&[KeySpec::counted(2, RW | ACCESS | UPDATE)])
    .reply(Reply::Script),
    Row::new(
        "evalsha_ro",
        -3,
        Group::Scripting,
        "7.0.0",
        READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS,
    )
    .keys(&[KeySpec::counted(2, RO | ACCESS)])
    .reply(Reply::Script),
    Row::new("fcall", -3, Group::Scripting, "7.0.0", NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS)
        .keys(&[KeySpec::counted(2, RW | ACCESS | UPDATE)])
        .reply(Reply::Script),
    Row::new(
        "fcall_ro",
        -3,
        Group::Scripting,
        "7.0.0",
        READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS,
    )
    .keys(&[KeySpec::counted(2, RO | ACCESS)])
    .reply(Reply::Script),
    Row::new("function", -2, Group::Scripting, "7.0.0", 0).categories("").subcommands(&[
        Row::new("function|delete", 3, Group::Scripting, "7.0.0", WRITE | NOSCRIPT)
            .tips("request_policy:all_shards response_policy:all_succeeded"),
        Row::new("function|dump", 2, Group::Scripting, "7.0.0", NOSCRIPT),
        Row::new("function|flush", -2, Group::Scripting, "7.0.0", WRITE | NOSCRIPT)
            .tips("request_policy:all_shards response_policy:all_succeeded"),
        Row::new("function|help", 2, Group::Scripting, "7.0.0", LOADING | STALE).memory(help),
        Row::new("function|kill", 2, Group::Scripting, "7.0.0", NOSCRIPT | ALLOW_BUSY)
            .tips("request_policy:all_shards response_policy:one_succeeded"),
        Row::new("function|list", -2, Group::Scripting, "7.0.0", NOSCRIPT).tips("nondeterministic_output_order"),
        Row::new("function|load", -3, Group::Scripting, "7.0.0", WRITE | DENYOOM | NOSCRIPT)
            .tips("request_policy:all_shards response_policy:all_succeeded"),
        Row::new("function|restore", -3, Group::Scripting, "7.0.0", WRITE | DENYOOM | NOSCRIPT)
            .tips("request_policy:all_shards response_policy:all_succeeded"),
        Row::new("function|stats", 2, Group::Scripting, "7.0.0", NOSCRIPT | ALLOW_BUSY)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special"),
    ]),
    Row::new("script", -2, Group::Scripting, "2.6.0", 0).categories("").subcommands(&[
        Row::new("script|debug", 3, Group::Scripting, "3.2.0", NOSCRIPT),
        Row::new("script|exists", -3, Group::Scripting, "2.6.0", NOSCRIPT)
            .tips("request_policy:all_shards response_policy:agg_logical_and"),
        Row::new("script|flush", -2, Group::Scripting, "2.6.0", NOSCRIPT)
            .tips("request_policy:all_nodes response_policy:all_succeeded"),
        Row::new("script|help", 2, Group::Scripting, "5.0.0", LOADING | STALE).memory(help),
        Row::new("script|kill", 2, Group::Scripting, "2.6.0", NOSCRIPT | ALLOW_BUSY)
            .tips("request_policy:all_shards response_policy:one_succeeded"),
        Row::new("script|load", 3, Group::Scripting, "2.6.0", NOSCRIPT | STALE)
            .tips("request_policy:all_nodes response_policy:all_succeeded"),
    ]),
];
