//! Commands about the server.

use super::context::Context;
use super::describe::{
    CATEGORIES, command, command_count, command_docs, command_getkeys, command_getkeysandflags, command_info,
    command_list, is_in_category, with_subcommands, write_names,
};
use super::error::Error;
use super::generic::within;
use super::help::help;
use super::parse::{in_range, int, integer};
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Local, Reply, Row};
use super::settings::{config_get, config_resetstat, config_rewrite, config_set};
use super::table;
use crate::resp::{Args, Writer};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("acl", -2, Group::Server, "6.0.0", 0).subcommands(&[
        Row::new("acl|cat", -2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE).memory(acl_cat),
        Row::new("acl|deluser", -3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_deluser),
        Row::new("acl|dryrun", -4, Group::Server, "7.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_dryrun),
        Row::new("acl|genpass", -2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE).memory(acl_genpass),
        Row::new("acl|getuser", 3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_getuser),
        Row::new("acl|help", 2, Group::Server, "6.0.0", LOADING | STALE).memory(help),
        Row::new("acl|list", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_list),
        Row::new("acl|load", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_file),
        Row::new("acl|log", -2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_log),
        Row::new("acl|save", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_file),
        Row::new("acl|setuser", -3, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE),
        Row::new("acl|users", 2, Group::Server, "6.0.0", ADMIN | NOSCRIPT | LOADING | STALE).memory(acl_users),
        Row::new("acl|whoami", 2, Group::Server, "6.0.0", NOSCRIPT | LOADING | STALE).memory(acl_whoami),
    ]),
    Row::new("bgrewriteaof", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    Row::new("bgsave", -1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING).memory(bgsave),
    Row::new("command", -1, Group::Server, "2.8.13", LOADING | STALE)
        .categories("connection")
        .tips("nondeterministic_output_order")
        .memory(command)
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
            Row::new("command|help", 2, Group::Server, "5.0.0", LOADING | STALE).categories("connection").memory(help),
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
        Row::new("config|help", 2, Group::Server, "5.0.0", LOADING | STALE).memory(help),
        Row::new("config|resetstat", 2, Group::Server, "2.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .memory(config_resetstat),
        Row::new("config|rewrite", 2, Group::Server, "2.8.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .memory(config_rewrite),
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
    Row::new("failover", -1, Group::Server, "6.2.0", ADMIN | NOSCRIPT | STALE).memory(failover),
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
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
            .memory(latency_doctor),
        Row::new("latency|graph", 3, Group::Server, "2.8.13", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
            .memory(latency_graph),
        Row::new("latency|help", 2, Group::Server, "2.8.13", LOADING | STALE).memory(help),
        Row::new("latency|histogram", -2, Group::Server, "7.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
            .memory(latency_histogram),
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
        Row::new("memory|help", 2, Group::Server, "4.0.0", LOADING | STALE).memory(help),
        Row::new("memory|malloc-stats", 2, Group::Server, "4.0.0", 0)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special")
            .memory(memory_malloc_stats),
        Row::new("memory|purge", 2, Group::Server, "4.0.0", 0)
            .tips("request_policy:all_shards response_policy:all_succeeded")
            .memory(memory_purge),
        Row::new("memory|stats", 2, Group::Server, "4.0.0", 0)
            .tips("nondeterministic_output request_policy:all_shards response_policy:special")
            .whole(memory_stats),
        Row::new("memory|usage", -3, Group::Server, "4.0.0", READONLY)
            .keys(&[KeySpec::one(2, RO)])
            .reply(Reply::Count)
            .memory(memory_usage),
    ]),
    Row::new("module", -2, Group::Server, "4.0.0", 0).subcommands(&[
        Row::new("module|help", 2, Group::Server, "5.0.0", LOADING | STALE).memory(help),
        Row::new("module|list", 2, Group::Server, "4.0.0", ADMIN | NOSCRIPT)
            .tips("nondeterministic_output_order")
            .memory(module_list),
        Row::new("module|load", -3, Group::Server, "4.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING).memory(module_load),
        Row::new("module|loadex", -3, Group::Server, "7.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING).memory(module_load),
        Row::new("module|unload", 3, Group::Server, "4.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING).memory(module_load),
    ]),
    Row::new("monitor", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
        .class(Class::Refused("it shows every client the commands of all others")),
    Row::new("psync", -3, Group::Server, "2.8.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI)
        .class(Class::Refused("respool is no master to replicate from")),
    Row::new("replconf", -1, Group::Server, "3.0.0", ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY)
        .class(Class::Refused("respool is no master to replicate from")),
    Row::new("replicaof", 3, Group::Server, "5.0.0", ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING).memory(replicaof),
    Row::new("restore-asking", -4, Group::Server, "3.0.0", WRITE | DENYOOM | ASKING)
        .categories("dangerous keyspace")
        .keys(&[KeySpec::one(1, OW | UPDATE)]),
    Row::new("role", 1, Group::Server, "2.8.12", NOSCRIPT | LOADING | STALE | FAST)
        .categories("admin dangerous")
        .memory(role),
    Row::new("save", 1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
    Row::new("shutdown", -1, Group::Server, "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY)
        .memory(shutdown),
    Row::new("slaveof", 3, Group::Server, "1.0.0", ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING).memory(replicaof),
    Row::new("slowlog", -2, Group::Server, "2.2.12", 0).subcommands(&[
        Row::new("slowlog|get", -2, Group::Server, "2.2.12", ADMIN | LOADING | STALE)
            .tips("request_policy:all_nodes nondeterministic_output")
            .memory(slowlog_get),
        Row::new("slowlog|help", 2, Group::Server, "6.2.0", LOADING | STALE).memory(help),
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

// Keys of whole databases.

/// `DBSIZE`
fn dbsize(context: &mut Context, _args: Args) -> Result<(), Error> {
    let keys = context.db.len();
    context.reply.count(keys);
    Ok(())
}

/// `FLUSHDB`
fn flushdb(context: &mut Context, args: Args) -> Result<(), Error> {
    check_flush(args)?;
    context.db.clear();
    context.reply.ok();
    Ok(())
}

/// `FLUSHALL`
fn flushall(context: &mut Context, args: Args) -> Result<(), Error> {
    check_flush(args)?;
    for index in 0..context.db.store().options().databases {
        within(context.db, index, |db| db.clear());
    }
    context.reply.ok();
    Ok(())
}

/// `SYNC` and `ASYNC` do the same: what is removed is freed elsewhere anyway.
fn check_flush(args: Args) -> Result<(), Error> {
    let known = args.len() == 1 || (args.len() == 2 && (args.is(1, "SYNC") || args.is(1, "ASYNC")));
    if known { Ok(()) } else { Err(Error::SYNTAX) }
}

/// `SWAPDB`
fn swapdb(context: &mut Context, args: Args) -> Result<(), Error> {
    let one = int(args.at(1)).map_err(|_| Error::INVALID_FIRST_DB)?;
    let other = int(args.at(2)).map_err(|_| Error::INVALID_SECOND_DB)?;
    let (one, other) = (in_range(context, one)?, in_range(context, other)?);
    if one != other {
        context.db.swap(one, other);
    }
    context.reply.ok();
    Ok(())
}

// Users: there is one here, who may do everything. Tenants are the configuration's.

/// The one user, as `ACL LIST` shows it.
const USER: &str = "user default on nopass ~* &* +@all";

/// The bits of a password by default, and at most.
const PASSWORD_BITS: i64 = 256;
const MAX_PASSWORD_BITS: i64 = 4096;

/// `ACL CAT`
fn acl_cat(context: &mut Context, args: Args) -> Result<(), Error> {
    match args.get(2) {
        None => {
            context.reply.array(CATEGORIES.len());
            CATEGORIES.iter().for_each(|name| context.reply.bulk(name.as_bytes()));
        }
        Some(_) if args.len() > 3 => return Err(Error::subcommand_syntax(args)),
        Some(wanted) => {
            let known = CATEGORIES.into_iter().find(|name| name.as_bytes().eq_ignore_ascii_case(wanted));
            let category = known.ok_or_else(|| Error::unknown_category(wanted))?;
            write_names(&mut context.reply, with_subcommands().filter(|row| is_in_category(row, category)));
        }
    }
    Ok(())
}

/// `ACL DELUSER`: the others are not there.
fn acl_deluser(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.iter_from(2).any(|user| user == b"default") {
        return Err(Error::DEFAULT_USER);
    }
    context.reply.integer(0);
    Ok(())
}

/// `ACL DRYRUN`
fn acl_dryrun(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.at(2) != b"default" {
        return Err(Error::unknown_user(args.at(2)));
    }
    let request = args.skip(3);
    let row = table::lookup(request).ok_or_else(|| Error::command_not_found(request.name()))?;
    if !row.accepts(request.len()) {
        return Err(Error::wrong_arity(row.name));
    }
    context.reply.ok();
    Ok(())
}

/// `ACL GENPASS`
fn acl_genpass(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(args));
    }
    let bits = args.get(2).map_or(Ok(PASSWORD_BITS), integer)?;
    if !(1..=MAX_PASSWORD_BITS).contains(&bits) {
        return Err(Error::GENPASS_BITS);
    }
    let digits = (bits as usize).div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    fill_random(&mut bytes)?;
    let mut password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    password.truncate(digits);
    context.reply.bulk(password.as_bytes());
    Ok(())
}

/// Fills `bytes` from the system's source of secrets.
fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    use std::io::Read;
    std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).map_err(|_| Error::NO_RANDOM)
}

/// `ACL GETUSER`
fn acl_getuser(context: &mut Context, args: Args) -> Result<(), Error> {
    let reply = &mut context.reply;
    if args.at(2) != b"default" {
        reply.null();
        return Ok(());
    }
    reply.map(6);
    reply.bulk(b"flags");
    reply.set(2);
    reply.bulk(b"on");
    reply.bulk(b"nopass");
    reply.bulk(b"passwords");
    reply.array(0);
    for (name, value) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"selectors");
    reply.array(0);
    Ok(())
}

/// `ACL LIST`
fn acl_list(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(1);
    context.reply.bulk(USER.as_bytes());
    Ok(())
}

/// `ACL LOAD` and `ACL SAVE`
fn acl_file(_context: &mut Context, _args: Args) -> Result<(), Error> {
    Err(Error::NO_ACL_FILE)
}

/// `ACL LOG`: nobody was ever denied anything.
fn acl_log(context: &mut Context, args: Args) -> Result<(), Error> {
    match args.get(2) {
        Some(_) if args.len() > 3 => return Err(Error::subcommand_syntax(args)),
        Some(_) if args.is(2, "RESET") => context.reply.ok(),
        Some(count) => {
            integer(count)?;
            context.reply.array(0);
        }
        None => context.reply.array(0),
    }
    Ok(())
}

/// `ACL USERS`
fn acl_users(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(1);
    context.reply.bulk(b"default");
    Ok(())
}

/// `ACL WHOAMI`
fn acl_whoami(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.bulk(b"default");
    Ok(())
}

// Replication: a master without replicas.

/// `ROLE`
fn role(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(0);
    context.reply.array(0);
    Ok(())
}

/// `REPLICAOF` and `SLAVEOF`
fn replicaof(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.is(1, "NO") && args.is(2, "ONE") {
        context.reply.ok();
        return Ok(());
    }
    Err(Error::refused("replicaof", "the memory driver replicates nothing"))
}

/// `FAILOVER`
fn failover(_context: &mut Context, args: Args) -> Result<(), Error> {
    Err(if args.len() == 2 && args.is(1, "ABORT") { Error::NO_FAILOVER } else { Error::NO_REPLICAS })
}

// Diagnosis: there is nothing to tell.

/// Below this Redis finds its memory not worth a report.
const LITTLE_MEMORY: u64 = 5 << 20;

/// What `LATENCY DOCTOR` says while nothing is watched.
const NOT_WATCHED: &str = "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. \
    You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a \
    deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";

/// What `MEMORY DOCTOR` says of little memory.
const EMPTY: &str = "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used \
    in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will \
    be back to our programming as soon as I finished rebooting.\n";

/// What `MEMORY DOCTOR` says of memory that is in order.
const HEALTHY: &str = "Hi Sam, I can't find any memory issue in your instance. \
    I can only account for what occurs on this base.\n";

/// `LASTSAVE`: when all began, as in a Redis that has not saved since.
fn lastsave(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.integer(context.db.store().created_s() as i64);
    Ok(())
}

/// `LATENCY DOCTOR`
fn latency_doctor(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.verbatim("txt", NOT_WATCHED.as_bytes());
    Ok(())
}

/// `LATENCY GRAPH`
fn latency_graph(_context: &mut Context, args: Args) -> Result<(), Error> {
    Err(Error::no_samples(args.at(2)))
}

/// `LATENCY HISTOGRAM`
fn latency_histogram(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.map(0);
    Ok(())
}

/// `LATENCY HISTORY`
fn latency_history(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(0);
    Ok(())
}

/// `LATENCY LATEST`
fn latency_latest(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(0);
    Ok(())
}

/// `LATENCY RESET`
fn latency_reset(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.integer(0);
    Ok(())
}

/// `SLOWLOG GET`
fn slowlog_get(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(args));
    }
    if let Some(count) = args.get(2) {
        integer(count).ok().filter(|&count| count >= -1).ok_or(Error::SLOWLOG_COUNT)?;
    }
    context.reply.array(0);
    Ok(())
}

/// `SLOWLOG LEN`
fn slowlog_len(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.integer(0);
    Ok(())
}

/// `SLOWLOG RESET`
fn slowlog_reset(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.ok();
    Ok(())
}

/// `LOLWUT`: without the pictures of older versions.
fn lolwut(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() >= 3 && args.is(1, "VERSION") {
        integer(args.at(2))?;
    }
    context.reply.verbatim("txt", format!("Redis ver. {}\n", super::info::REDIS_VERSION).as_bytes());
    Ok(())
}

/// `MODULE LIST`
fn module_list(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.array(0);
    Ok(())
}

/// `MODULE LOAD`, `MODULE LOADEX` and `MODULE UNLOAD`
fn module_load(_context: &mut Context, _args: Args) -> Result<(), Error> {
    Err(Error::NO_MODULES)
}

/// `BGSAVE`
fn bgsave(_context: &mut Context, args: Args) -> Result<(), Error> {
    let known = args.len() == 1 || (args.len() == 2 && args.is(1, "SCHEDULE"));
    Err(if known { Error::refused("bgsave", "it is not in the memory driver") } else { Error::SYNTAX })
}

/// `SHUTDOWN`
fn shutdown(_context: &mut Context, args: Args) -> Result<(), Error> {
    const OPTIONS: [&str; 5] = ["NOSAVE", "SAVE", "NOW", "FORCE", "ABORT"];
    let is_option = |index: usize| OPTIONS.iter().any(|word| args.is(index, word));
    Err(if args.len() == 2 && args.is(1, "ABORT") {
        Error::NO_SHUTDOWN
    } else if (1..args.len()).all(is_option) {
        Error::refused("shutdown", "it would stop every client")
    } else {
        Error::SYNTAX
    })
}

/// `MEMORY DOCTOR`
fn memory_doctor(context: &mut Context, _args: Args) -> Result<(), Error> {
    let used = context.db.store().used_bytes();
    let report = if used < LITTLE_MEMORY { EMPTY } else { HEALTHY };
    context.reply.verbatim("txt", report.as_bytes());
    Ok(())
}

/// `MEMORY MALLOC-STATS`
fn memory_malloc_stats(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.bulk(b"Stats not supported for the current allocator");
    Ok(())
}

/// `MEMORY PURGE`
fn memory_purge(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.ok();
    Ok(())
}

/// A figure of `MEMORY STATS`.
#[derive(Clone, Copy)]
enum Figure {
    Count(u64),
    Ratio(f64),
}

/// `MEMORY STATS`: the names are Redis's, the figures those that are known here.
fn memory_stats(context: &mut Context, _args: Args) -> Result<(), Error> {
    use Figure::{Count, Ratio};
    let stats = context.db.stats();
    let (used, peak) = (stats.used_bytes, stats.peak_bytes);
    let filled = stats.databases.iter().enumerate().filter(|(_, database)| database.keys > 0);
    let keys: u64 = stats.databases.iter().map(|database| database.keys).sum();
    let share_of_peak = if peak == 0 { 0.0 } else { used as f64 * 100.0 / peak as f64 };
    let before = [
        ("peak.allocated", peak),
        ("total.allocated", used),
        ("startup.allocated", 0),
        ("replication.backlog", 0),
        ("clients.slaves", 0),
        ("clients.normal", 0),
        ("cluster.links", 0),
        ("aof.buffer", 0),
        ("lua.caches", 0),
        ("functions.caches", 0),
    ];
    let after = [
        ("overhead.total", Count(0)),
        ("keys.count", Count(keys)),
        ("keys.bytes-per-key", Count(used.checked_div(keys).unwrap_or(0))),
        ("dataset.bytes", Count(used)),
        ("dataset.percentage", Ratio(100.0)),
        ("peak.percentage", Ratio(share_of_peak)),
        ("allocator.allocated", Count(used)),
        ("allocator.active", Count(used)),
        ("allocator.resident", Count(used)),
        ("allocator-fragmentation.ratio", Ratio(1.0)),
        ("allocator-fragmentation.bytes", Count(0)),
        ("allocator-rss.ratio", Ratio(1.0)),
        ("allocator-rss.bytes", Count(0)),
        ("rss-overhead.ratio", Ratio(1.0)),
        ("rss-overhead.bytes", Count(0)),
        ("fragmentation", Ratio(1.0)),
        ("fragmentation.bytes", Count(0)),
    ];
    let reply = &mut context.reply;
    reply.map(before.len() + filled.clone().count() + after.len());
    before.into_iter().for_each(|(name, count)| write_figure(reply, name, Count(count)));
    for (index, _) in filled {
        reply.bulk(format!("db.{index}").as_bytes());
        reply.map(3);
        for name in ["overhead.hashtable.main", "overhead.hashtable.expires", "overhead.hashtable.slot-to-keys"] {
            write_figure(reply, name, Count(0));
        }
    }
    after.into_iter().for_each(|(name, figure)| write_figure(reply, name, figure));
    Ok(())
}

fn write_figure(reply: &mut Writer<'_>, name: &str, figure: Figure) {
    reply.bulk(name.as_bytes());
    match figure {
        Figure::Count(count) => reply.integer(count as i64),
        Figure::Ratio(ratio) => reply.double(ratio),
    }
}

/// `MEMORY USAGE`: exact, so that there is nothing to sample.
fn memory_usage(context: &mut Context, args: Args) -> Result<(), Error> {
    for index in (3..args.len()).step_by(2) {
        let samples = args.get(index + 1).filter(|_| args.is(index, "SAMPLES")).ok_or(Error::SYNTAX)?;
        if integer(samples)? < 0 {
            return Err(Error::SYNTAX);
        }
    }
    match context.db.memory_usage(args.at(2)) {
        Some(bytes) => context.reply.integer(bytes as i64),
        None => context.reply.null(),
    }
    Ok(())
}

/// What `DEBUG` sets that nothing here depends on.
const DEBUG_WITHOUT_EFFECT: [&str; 3] = ["PAUSE-CRON", "QUICKLIST-PACKED-THRESHOLD", "SET-SKIP-CHECKSUM-VALIDATION"];
/// What it does to or tells of a Redis process.
const DEBUG_REFUSED: [&str; 34] = [
    "AOF-FLUSH-SLEEP",
    "ASSERT",
    "CHANGE-REPL-ID",
    "CLIENT-EVICTION",
    "CLUSTERLINK",
    "CONFIG-REWRITE-FORCE-ALL",
    "CRASH-AND-RECOVER",
    "DIGEST",
    "DIGEST-VALUE",
    "DROP-CLUSTER-PACKET-FILTER",
    "ERROR",
    "HELP",
    "HTSTATS",
    "HTSTATS-KEY",
    "LEAK",
    "LISTPACK",
    "LOADAOF",
    "LOG",
    "MALLCTL",
    "MALLCTL-STR",
    "OBJECT",
    "OOM",
    "PANIC",
    "POPULATE",
    "PROTOCOL",
    "QUICKLIST",
    "RELOAD",
    "REPLICATE",
    "REPLYBUFFER",
    "RESTART",
    "SDSLEN",
    "SEGFAULT",
    "SLEEP",
    "STRUCTSIZE",
];

/// `DEBUG`: what Redis's own tests set before they look at something else, as far as nothing here depends on it.
fn debug(context: &mut Context, args: Args) -> Result<(), Error> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| args.is(1, word));
    if args.len() == 3 && args.is(1, "SET-ACTIVE-EXPIRE") {
        // What is no number is 0, as to C's atoi.
        context.db.store().set_active_expiry(integer(args.at(2)).is_ok_and(|number| number != 0));
        context.reply.ok();
        return Ok(());
    }
    if args.len() == 3 && is_one_of(&DEBUG_WITHOUT_EFFECT) {
        context.reply.ok();
        return Ok(());
    }
    Err(if args.is(1, "SLEEP") {
        Error::refused("debug", "it would stop every client")
    } else if is_one_of(&DEBUG_REFUSED) {
        Error::refused("debug", "it looks into a Redis process, and there is none behind the memory driver")
    } else {
        Error::subcommand_syntax(args)
    })
}
