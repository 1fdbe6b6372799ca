//! Publish and subscribe.

use super::context::Context;
use super::error::Error;
use super::help::help;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Class, Group, KeySpec, Reply, Row};
use crate::resp::Args;
use crate::store::broker::Topic;

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
        Row::new("pubsub|help", 2, Group::PubSub, "6.2.0", LOADING | STALE).categories("").memory(help),
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
fn publish(context: &mut Context, args: Args) -> Result<(), Error> {
    send(context, args, Topic::Channel)
}

/// `SPUBLISH`
fn spublish(context: &mut Context, args: Args) -> Result<(), Error> {
    send(context, args, Topic::Shard)
}

fn send(context: &mut Context, args: Args, topic: Topic) -> Result<(), Error> {
    let receivers = context.db.store().broker().publish(topic, args.at(1), args.at(2));
    context.reply.count(receivers);
    Ok(())
}

/// `PUBSUB CHANNELS`
fn pubsub_channels(context: &mut Context, args: Args) -> Result<(), Error> {
    write_channels(context, args, Topic::Channel)
}

/// `PUBSUB SHARDCHANNELS`
fn pubsub_shardchannels(context: &mut Context, args: Args) -> Result<(), Error> {
    write_channels(context, args, Topic::Shard)
}

fn write_channels(context: &mut Context, args: Args, topic: Topic) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(args));
    }
    let channels = context.db.store().broker().channels(topic, args.get(2));
    context.reply.array(channels.len());
    for channel in &channels {
        context.reply.bulk(channel);
    }
    Ok(())
}

/// `PUBSUB NUMSUB`
fn pubsub_numsub(context: &mut Context, args: Args) -> Result<(), Error> {
    write_subscribers(context, args, Topic::Channel)
}

/// `PUBSUB SHARDNUMSUB`
fn pubsub_shardnumsub(context: &mut Context, args: Args) -> Result<(), Error> {
    write_subscribers(context, args, Topic::Shard)
}

fn write_subscribers(context: &mut Context, args: Args, topic: Topic) -> Result<(), Error> {
    let broker = context.db.store().broker();
    let channels = args.iter_from(2);
    // A flat array in RESP3 too.
    context.reply.array(channels.len() * 2);
    for channel in channels {
        context.reply.bulk(channel);
        context.reply.count(broker.subscribers(topic, channel));
    }
    Ok(())
}

/// `PUBSUB NUMPAT`
fn pubsub_numpat(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.count(context.db.store().broker().patterns());
    Ok(())
}
