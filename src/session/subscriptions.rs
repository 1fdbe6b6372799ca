//! What a client is subscribed to.

use std::collections::HashSet;

use crate::resp::Writer;
use crate::store::broker::Topic;

/// The names that a client is subscribed to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    channels: HashSet<Box<[u8]>>,
    patterns: HashSet<Box<[u8]>>,
    shards: HashSet<Box<[u8]>>,
}

impl Subscriptions {
    /// The names of one kind.
    pub fn names(&self, topic: Topic) -> &HashSet<Box<[u8]>> {
        match topic {
            Topic::Channel => &self.channels,
            Topic::Pattern => &self.patterns,
            Topic::Shard => &self.shards,
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Topic, &[u8])> {
        [Topic::Channel, Topic::Pattern, Topic::Shard]
            .into_iter()
            .flat_map(|topic| self.names(topic).iter().map(move |name| (topic, &**name)))
    }

    fn names_mut(&mut self, topic: Topic) -> &mut HashSet<Box<[u8]>> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::Shard => &mut self.shards,
        }
    }

    /// Notes a subscription.
    pub fn add(&mut self, topic: Topic, name: &[u8]) {
        self.names_mut(topic).insert(name.into());
    }

    /// Notes the end of one.
    pub fn remove(&mut self, topic: Topic, name: &[u8]) {
        self.names_mut(topic).remove(name);
    }

    /// Notes the end of all of one kind.
    pub fn clear(&mut self, topic: Topic) {
        self.names_mut(topic).clear();
    }

    /// How many there are of all kinds.
    pub fn total(&self) -> usize {
        self.channels.len() + self.patterns.len() + self.shards.len()
    }

    /// The number in a confirmation: channels and patterns together, or shard channels.
    pub fn count(&self, topic: Topic) -> usize {
        match topic {
            Topic::Channel | Topic::Pattern => self.channels.len() + self.patterns.len(),
            Topic::Shard => self.shards.len(),
        }
    }
}

/// The kind of message that confirms a change.
fn confirmation(topic: Topic, subscribe: bool) -> &'static [u8] {
    match (topic, subscribe) {
        (Topic::Channel, true) => b"subscribe",
        (Topic::Channel, false) => b"unsubscribe",
        (Topic::Pattern, true) => b"psubscribe",
        (Topic::Pattern, false) => b"punsubscribe",
        (Topic::Shard, true) => b"ssubscribe",
        (Topic::Shard, false) => b"sunsubscribe",
    }
}

/// Writes the confirmation of one change. `name` is `None` for the end of all subscriptions where there was none.
pub fn write_confirmation(reply: &mut Writer<'_>, topic: Topic, subscribe: bool, name: Option<&[u8]>, count: usize) {
    reply.push(3);
    reply.bulk(confirmation(topic, subscribe));
    reply.bulk_or_null(name);
    reply.count(count);
}
