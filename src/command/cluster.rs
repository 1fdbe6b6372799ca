//! Redis Cluster, which respool does not front yet.

use super::context::Context;
use super::error::Error;
use super::row::flag::*;
use super::row::{Group, Reply, Row};
use crate::resp::Args;

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("asking", 1, Group::Cluster, "3.0.0", FAST).categories("connection").memory(disabled),
    Row::new("cluster", -2, Group::Cluster, "3.0.0", 0).subcommands(&[
        Row::new("cluster|addslots", -3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|addslotsrange", -4, Group::Cluster, "7.0.0", ADMIN | STALE | NO_ASYNC_LOADING)
            .memory(disabled),
        Row::new("cluster|bumpepoch", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING)
            .tips("nondeterministic_output")
            .memory(disabled),
        Row::new("cluster|count-failure-reports", 3, Group::Cluster, "3.0.0", ADMIN | STALE)
            .tips("nondeterministic_output")
            .memory(disabled),
        Row::new("cluster|countkeysinslot", 3, Group::Cluster, "3.0.0", STALE).reply(Reply::Count).memory(disabled),
        Row::new("cluster|delslots", -3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|delslotsrange", -4, Group::Cluster, "7.0.0", ADMIN | STALE | NO_ASYNC_LOADING)
            .memory(disabled),
        Row::new("cluster|failover", -2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|flushslots", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|forget", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|getkeysinslot", 4, Group::Cluster, "3.0.0", STALE)
            .tips("nondeterministic_output")
            .reply(Reply::Keys)
            .memory(disabled),
        Row::new("cluster|help", 2, Group::Cluster, "5.0.0", LOADING | STALE).memory(disabled),
        Row::new("cluster|info", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output").memory(disabled),
        Row::new("cluster|keyslot", 3, Group::Cluster, "3.0.0", STALE).reply(Reply::Count).memory(disabled),
        Row::new("cluster|links", 2, Group::Cluster, "7.0.0", STALE).tips("nondeterministic_output").memory(disabled),
        Row::new("cluster|meet", -4, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|myid", 2, Group::Cluster, "3.0.0", STALE).memory(disabled),
        Row::new("cluster|nodes", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output").memory(disabled),
        Row::new("cluster|replicas", 3, Group::Cluster, "5.0.0", ADMIN | STALE)
            .tips("nondeterministic_output")
            .memory(disabled),
        Row::new("cluster|replicate", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|reset", -2, Group::Cluster, "3.0.0", ADMIN | NOSCRIPT | STALE).memory(disabled),
        Row::new("cluster|saveconfig", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|set-config-epoch", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING)
            .memory(disabled),
        Row::new("cluster|setslot", -4, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING).memory(disabled),
        Row::new("cluster|shards", 2, Group::Cluster, "7.0.0", STALE).tips("nondeterministic_output").memory(disabled),
        Row::new("cluster|slaves", 3, Group::Cluster, "3.0.0", ADMIN | STALE)
            .tips("nondeterministic_output")
            .memory(disabled),
        Row::new("cluster|slots", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output").memory(disabled),
    ]),
    Row::new("readonly", 1, Group::Cluster, "3.0.0", LOADING | STALE | FAST).categories("connection").memory(disabled),
    Row::new("readwrite", 1, Group::Cluster, "3.0.0", LOADING | STALE | FAST).categories("connection").memory(disabled),
];

/// What a Redis that is not part of a cluster answers to all of these.
fn disabled(_context: &mut Context, _args: Args) -> Result<(), Error> {
    Err(Error::NO_CLUSTER)
}
