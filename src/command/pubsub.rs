//! Publish and subscribe.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::Args;

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("psubscribe", -2, Group::PubSub, "2.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
    Row::new("publish", 3, Group::PubSub, "2.0.0", PUBSUB | LOADING | STALE | FAST)
        .categories("")
        .channels(1, 0)
        .memory(publish),
    Row::new("pubsub", -2, Group::PubSub, "2.8.0", 0).categories("").subcommands(&[
        Row::new("pubsub|channels", -2, Group::PubSub, "2.8.0", PUBSUB | LOADING | STALE)
            .categories("")
            .channels(2, -1)
            .reply(Reply::Channels)
            .memory(pubsub_channels),
        Row::new("pubsub|help", 2, Group::PubSub, "6.2.0", LOADING | STALE).categories("").memory(pubsub_help),
        Row::new("pubsub|numpat", 2, Group::PubSub, "2.8.0", PUBSUB | LOADING | STALE)
            .categories("")
            .reply(Reply::Count)
            .memory(pubsub_numpat),
        Row::new("pubsub|numsub", -2, Group::PubSub, "2.8.0", PUBSUB | LOADING | STALE)
            .categories("")
            .channels(2, -1)
            .reply(Reply::Channels)
            .memory(pubsub_numsub),
        Row::new("pubsub|shardchannels", -2, Group::PubSub, "7.0.0", PUBSUB | LOADING | STALE)
            .categories("")
            .channels(2, -1)
            .reply(Reply::Channels)
            .memory(pubsub_shardchannels),
        Row::new("pubsub|shardnumsub", -2, Group::PubSub, "7.0.0", PUBSUB | LOADING | STALE)
            .categories("")
            .channels(2, -1)
            .reply(Reply::Channels)
            .memory(pubsub_shardnumsub),
    ]),
    Row::new("punsubscribe", -1, Group::PubSub, "2.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
    Row::new("spublish", 3, Group::PubSub, "7.0.0", PUBSUB | LOADING | STALE | FAST)
        .categories("")
        .keys(&[KeySpec::one(1, NOT_KEY)])
        .channels(1, 0)
        .memory(spublish),
    Row::new("ssubscribe", -2, Group::PubSub, "7.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .keys(&[KeySpec::range(1, -1, 1, NOT_KEY)])
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
    Row::new("subscribe", -2, Group::PubSub, "2.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
    Row::new("sunsubscribe", -1, Group::PubSub, "7.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .keys(&[KeySpec::range(1, -1, 1, NOT_KEY)])
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
    Row::new("unsubscribe", -1, Group::PubSub, "2.0.0", PUBSUB | NOSCRIPT | LOADING | STALE)
        .categories("")
        .channels(1, -1)
        .class(Class::Subscribe)
        .reply(Reply::Messages)
        .session(),
];

/// `PUBLISH`
fn publish(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB CHANNELS`
fn pubsub_channels(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB HELP`
fn pubsub_help(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB NUMPAT`
fn pubsub_numpat(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB NUMSUB`
fn pubsub_numsub(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB SHARDCHANNELS`
fn pubsub_shardchannels(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `PUBSUB SHARDNUMSUB`
fn pubsub_shardnumsub(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SPUBLISH`
fn spublish(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
