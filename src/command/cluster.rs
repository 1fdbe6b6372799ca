//! Redis Cluster, which respool does not front yet.

use super::row::flag::*;
use super::row::{Group, Reply, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("asking", 1, Group::Cluster, "3.0.0", FAST).categories("connection"),
    Row::new("cluster", -2, Group::Cluster, "3.0.0", 0).subcommands(&[
        Row::new("cluster|addslots", -3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|addslotsrange", -4, Group::Cluster, "7.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|bumpepoch", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING)
            .tips("nondeterministic_output"),
        Row::new("cluster|count-failure-reports", 3, Group::Cluster, "3.0.0", ADMIN | STALE)
            .tips("nondeterministic_output"),
        Row::new("cluster|countkeysinslot", 3, Group::Cluster, "3.0.0", STALE).reply(Reply::Count),
        Row::new("cluster|delslots", -3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|delslotsrange", -4, Group::Cluster, "7.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|failover", -2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|flushslots", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|forget", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|getkeysinslot", 4, Group::Cluster, "3.0.0", STALE)
            .tips("nondeterministic_output")
            .reply(Reply::Keys),
        Row::new("cluster|help", 2, Group::Cluster, "5.0.0", LOADING | STALE),
        Row::new("cluster|info", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output"),
        Row::new("cluster|keyslot", 3, Group::Cluster, "3.0.0", STALE).reply(Reply::Count),
        Row::new("cluster|links", 2, Group::Cluster, "7.0.0", STALE).tips("nondeterministic_output"),
        Row::new("cluster|meet", -4, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|myid", 2, Group::Cluster, "3.0.0", STALE),
        Row::new("cluster|nodes", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output"),
        Row::new("cluster|replicas", 3, Group::Cluster, "5.0.0", ADMIN | STALE).tips("nondeterministic_output"),
        Row::new("cluster|replicate", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|reset", -2, Group::Cluster, "3.0.0", ADMIN | NOSCRIPT | STALE),
        Row::new("cluster|saveconfig", 2, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|set-config-epoch", 3, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|setslot", -4, Group::Cluster, "3.0.0", ADMIN | STALE | NO_ASYNC_LOADING),
        Row::new("cluster|shards", 2, Group::Cluster, "7.0.0", STALE).tips("nondeterministic_output"),
        Row::new("cluster|slaves", 3, Group::Cluster, "3.0.0", ADMIN | STALE).tips("nondeterministic_output"),
        Row::new("cluster|slots", 2, Group::Cluster, "3.0.0", STALE).tips("nondeterministic_output"),
    ]),
    Row::new("readonly", 1, Group::Cluster, "3.0.0", LOADING | STALE | FAST).categories("connection"),
    Row::new("readwrite", 1, Group::Cluster, "3.0.0", LOADING | STALE | FAST).categories("connection"),
];
