//! Commands about the connection: the session answers most of them.

use super::row::flag::*;
use super::row::{Group, Local, Reply, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("auth", -2, Group::Connection, "1.0.0", NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .local(Local::Auth),
    Row::new("client", -2, Group::Connection, "2.4.0", 0).categories("").subcommands(&[
        Row::new("client|caching", 3, Group::Connection, "6.0.0", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientCaching),
        Row::new("client|getname", 2, Group::Connection, "2.6.9", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientGetName),
        Row::new("client|getredir", 2, Group::Connection, "6.0.0", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientGetRedir),
        Row::new("client|help", 2, Group::Connection, "5.0.0", LOADING | STALE).local(Local::ClientHelp),
        Row::new("client|id", 2, Group::Connection, "5.0.0", NOSCRIPT | LOADING | STALE).local(Local::ClientId),
        Row::new("client|info", 2, Group::Connection, "6.2.0", NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output")
            .local(Local::ClientInfo),
        Row::new("client|kill", -3, Group::Connection, "2.4.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .local(Local::ClientKill),
        Row::new("client|list", -2, Group::Connection, "2.4.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .tips("nondeterministic_output")
            .local(Local::ClientList),
        Row::new("client|no-evict", 3, Group::Connection, "7.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .local(Local::ClientNoEvict),
        Row::new("client|pause", -3, Group::Connection, "2.9.50", ADMIN | NOSCRIPT | LOADING | STALE)
            .local(Local::ClientPause),
        Row::new("client|reply", 3, Group::Connection, "3.2.0", NOSCRIPT | LOADING | STALE).local(Local::ClientReply),
        Row::new("client|setname", 3, Group::Connection, "2.6.9", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientSetName),
        Row::new("client|tracking", -3, Group::Connection, "6.0.0", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientTracking)
            .reply(Reply::Keys),
        Row::new("client|trackinginfo", 2, Group::Connection, "6.2.0", NOSCRIPT | LOADING | STALE)
            .local(Local::ClientTrackingInfo)
            .reply(Reply::Keys),
        Row::new("client|unblock", -3, Group::Connection, "5.0.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .local(Local::ClientUnblock),
        Row::new("client|unpause", 2, Group::Connection, "6.2.0", ADMIN | NOSCRIPT | LOADING | STALE)
            .local(Local::ClientUnpause),
    ]),
    Row::new("echo", 2, Group::Connection, "1.0.0", LOADING | STALE | FAST).local(Local::Echo),
    Row::new("hello", -1, Group::Connection, "6.0.0", NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .local(Local::Hello),
    Row::new("ping", -1, Group::Connection, "1.0.0", FAST)
        .tips("request_policy:all_shards response_policy:all_succeeded")
        .local(Local::Ping),
    Row::new("quit", -1, Group::Connection, "1.0.0", NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .local(Local::Quit),
    Row::new("reset", 1, Group::Connection, "6.2.0", NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .local(Local::Reset),
    Row::new("select", 2, Group::Connection, "1.0.0", LOADING | STALE | FAST).local(Local::Select),
];
