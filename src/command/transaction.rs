//! Transactions, which the session keeps.

use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Local, Reply, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("discard", 1, Group::Transactions, "2.0.0", NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .local(Local::Discard),
    Row::new("exec", 1, Group::Transactions, "1.2.0", NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG)
        .local(Local::Exec)
        .reply(Reply::Queued),
    Row::new("multi", 1, Group::Transactions, "1.2.0", NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .local(Local::Multi),
    Row::new("unwatch", 1, Group::Transactions, "2.2.0", NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .local(Local::Unwatch),
    Row::new("watch", -2, Group::Transactions, "2.2.0", NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .keys(&[KeySpec::range(1, -1, 1, RO)])
        .local(Local::Watch),
];
