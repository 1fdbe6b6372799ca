//! Commands about the server.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Local, Reply, Row};
use crate::resp::Args;

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("acl", -2, Group::Server, "6.0.0", 0).subcommands(&[
        Row::new("acl|cat", -2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE).memory(acl_cat),
        Row::new("acl|deluser", -3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|dryrun", -4, Group::Server, "7.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|genpass", -2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE),
        Row::new("acl|getuser", 3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|help", 2, Group::Server, "6.0.0", LOADING | STALE),
        Row::new("acl|list", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_list),
        Row::new("acl|load", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|log", -2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|save", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|setuser", -3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|users", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_users),
        Row::new("acl|whoami", 2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE).memory(acl_whoami),
    ]),
    Row::new("bgrewriteaof", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    Row::new("bgsave", -1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    Row::new("command", -1, Group::Server, "2.8.13", LOADING | STALE)
        .categories("connection")
        .tips("nondeterministic_output_order")
        .subcommands(&[
            Row::new("command|count", 2, Group::Server, "2.8.13", LOADING | STALE)
                .categories("connection")
                .memory(command_count),
            Row::new("command|docs", -2, Group::Server, "7.0.0", LOADING | STALE)
                .categories("connection")
                .tips("nondeterministic_output_order")
                .memory(command_docs),
            Row::new("command|getkeys", -4, Group::Server, "2.8.13", LOADING | STALE)
                .categories("connection")
                .memory(command_getkeys),
            Row::new("command|getkeysandflags", -4, Group::Server, "7.0.0", LOADING | STALE)
                .categories("connection")
                .memory(command_getkeysandflags),
            Row::new("command|help", 2, Group::Server, "5.0.0", LOADING | STALE)
                .categories("connection")
                .memory(command_help),
            Row::new("command|info", -2, Group::Server, "2.8.13", LOADING | STALE)
                .categories("connection")
                .tips("nondeterministic_output_order")
                .memory(command_info),
            Row::new("command|list", -2, Group::Server, "7.0.0", LOADING | STALE)
                .categories("connection")
                .tips("nondeterministic_output_order")
                .memory(command_list),
        ]),
    Row::new("config", -2, Group::Server, "2.0.0", 0).subcommands(&[
        Row::new("config|get", -3, Group::Server, "2.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(config_get),
        Row::new("config|help", 2, Group::Server, "5.0.0", LOADING | STALE).memory(config_help),
        Row::new("config|resetstat", 2, Group::Server, "2.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .memory(config_resetstat),
        Row::new("config|rewrite", 2, Group::Server, "2.8.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("config|set", -4, Group::Server, "2.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("request_policy:all_nodes response_policy:all_succeeded")
            .memory(config_set),
    ]),
    Row::new("dbsize", 1, Group::Server, "1.0.0", READONLY | FAST)
        .categories("keyspace")
        .tips("request_policy:all_shards response_policy:agg_sum")
        .reply(Reply::Count)
        .whole(dbsize),
    Row::new("debug", -2, Group::Server, "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(debug),
    Row::new("failover", -1, Group::Server, "6.2.0", ADMIN | NOSCRIPT | STALE),
    Row::new("flushall", -1, Group::Server, "1.0.0", WRITE)
        .categories("dangerous keyspace")
        .tips("request_policy:all_shards response_policy:all_succeeded")
        .whole(flushall),
    Row::new("flushdb", -1, Group::Server, "1.0.0", WRITE)
        .categories("dangerous keyspace")
        .tips("request_policy:all_shards response_policy:all_succeeded")
        .whole(flushdb),
    Row::new("info", -1, Group::Server, "1.0.0", LOADING | STALE)
        .categories("dangerous")
        .tips("nondeterministic_output request_policy:all_shards response_policy:special")
        .local(Local::Info),
    Row::new("lastsave", 1, Group::Server, "1.0.0", LOADING | STALE | FAST)
        .categories("admin dangerous")
        .tips("nondeterministic_output")
        .memory(lastsave),
    Row::new("latency", -2, Group::Server, "2.8.13", 0).subcommands(&[
        Row::new("latency|doctor", 2, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special"),
        Row::new("latency|graph", 3, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special"),
        Row::new("latency|help", 2, Group::Server, "2.8.13", LOADING | STALE).memory(latency_help),
        Row::new("latency|histogram", -2, Group::Server, "7.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special"),
        Row::new("latency|history", 3, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
            .memory(latency_history),
        Row::new("latency|latest", 2, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
            .memory(latency_latest),
        Row::new("latency|reset", -2, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("request_policy:all_nodes response_policy:all_succeeded")
            .memory(latency_reset),
    ]),
    Row::new("lolwut", -1, Group::Server, "5.0.0", READONLY | FAST).memory(lolwut),
    Row::new("memory", -2, Group::Server, "4.0.0", 0).subcommands(&[
        Row::new("memory|doctor", 2, Group::Server, "4.0.0", 0)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special")
            .memory(memory_doctor),
        Row::new("memory|help", 2, Group::Server, "4.0.0", LOADING | STALE).memory(memory_help),
        Row::new("memory|malloc-stats", 2, Group::Server, "4.0.0", 0)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special"),
        Row::new("memory|purge", 2, Group::Server, "4.0.0", 0)
            .tips("request_policy:all_shards response_policy:all_succeeded")
            .memory(memory_purge),
        Row::new("memory|stats", 2, Group::Server, "4.0.0", 0)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special")
            .memory(memory_stats),
        Row::new("memory|usage", -3, Group::Server, "4.0.0", READONLY)
            .keys(&[KeySpec::one(2, RO)])
            .reply(Reply::Count)
            .memory(memory_usage),
    ]),
    Row::new("module", -2, Group::Server, "4.0.0", 0).subcommands(&[
        Row::new("module|help", 2, Group::Server, "5.0.0", LOADING | STALE),
        Row::new("module|list", 2, Group::Server, "4.0.0", ADMIN | NOSCRIPT).tips("nondeterministic_output_order"),
        Row::new("module|load", -3, Group::Server, "4.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
        Row::new("module|loadex", -3, Group::Server, "7.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
        Row::new("module|unload", 3, Group::Server, "4.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    ]),
    Row::new("monitor", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
        .class(Class::Refused("it shows every client the commands of all others")),
    Row::new("psync", -3, Group::Server, "2.8.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI)
        .class(Class::Refused("respool is no master to replicate from")),
    Row::new("replconf", -1, Group::Server, "3.0.0", ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY)
        .class(Class::Refused("respool is no master to replicate from")),
    Row::new("replicaof", 3, Group::Server, "5.0.0", ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING),
    Row::new("restore-asking", -4, Group::Server, "3.0.0", WRITE | DENYOOM | ASKING)
        .categories("dangerous keyspace")
        .keys(&[KeySpec::one(1, OW | UPDATE)]),
    Row::new("role", 1, Group::Server, "2.8.12", NOSCRIPT | LOADING | STALE | FAST)
        .categories("admin dangerous")
        .memory(role),
    Row::new("save", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
    Row::new("shutdown", -1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY),
    Row::new("slaveof", 3, Group::Server, "1.0.0", ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING),
    Row::new("slowlog", -2, Group::Server, "2.2.12", 0).subcommands(&[
        Row::new("slowlog|get", -2, Group::Server, "2.2.12", ADMIN | LOADING | STALE)
            .tips("request_policy:all_nodes nondeterministic_output")
            .memory(slowlog_get),
        Row::new("slowlog|help", 2, Group::Server, "6.2.0", LOADING | STALE).memory(slowlog_help),
        Row::new("slowlog|len", 2, Group::Server, "2.2.12", ADMIN | LOADING | STALE)
            .tips("request_policy:all_nodes response_policy:agg_sum nondeterministic_output")
            .memory(slowlog_len),
        Row::new("slowlog|reset", 2, Group::Server, "2.2.12", ADMIN | LOADING | STALE)
            .tips("request_policy:all_nodes response_policy:all_succeeded")
            .memory(slowlog_reset),
    ]),
    Row::new("swapdb", 3, Group::Server, "4.0.0", WRITE | FAST).categories("dangerous keyspace").whole(swapdb),
    Row::new("sync", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI)
        .class(Class::Refused("respool is no master to replicate from")),
    Row::new("time", 1, Group::Server, "2.6.0", LOADING | STALE | FAST)
        .tips("nondeterministic_output")
        .local(Local::Time),
];

/// `ACL CAT`
fn acl_cat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ACL LIST`
fn acl_list(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ACL USERS`
fn acl_users(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ACL WHOAMI`
fn acl_whoami(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND COUNT`
fn command_count(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND DOCS`
fn command_docs(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND GETKEYS`
fn command_getkeys(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND GETKEYSANDFLAGS`
fn command_getkeysandflags(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND HELP`
fn command_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND INFO`
fn command_info(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `COMMAND LIST`
fn command_list(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `CONFIG GET`
fn config_get(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `CONFIG HELP`
fn config_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `CONFIG RESETSTAT`
fn config_resetstat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `CONFIG SET`
fn config_set(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `DBSIZE`
fn dbsize(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `DEBUG`
fn debug(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `FLUSHALL`
fn flushall(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `FLUSHDB`
fn flushdb(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LASTSAVE`
fn lastsave(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LATENCY HELP`
fn latency_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LATENCY HISTORY`
fn latency_history(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LATENCY LATEST`
fn latency_latest(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LATENCY RESET`
fn latency_reset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `LOLWUT`
fn lolwut(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MEMORY DOCTOR`
fn memory_doctor(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MEMORY HELP`
fn memory_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MEMORY PURGE`
fn memory_purge(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MEMORY STATS`
fn memory_stats(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `MEMORY USAGE`
fn memory_usage(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `ROLE`
fn role(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SLOWLOG GET`
fn slowlog_get(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SLOWLOG HELP`
fn slowlog_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SLOWLOG LEN`
fn slowlog_len(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SLOWLOG RESET`
fn slowlog_reset(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SWAPDB`
fn swapdb(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
