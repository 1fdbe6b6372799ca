//! What a client is subscribed to.

use std::collections::HashMap;

use crate::resp::Writer;
use crate::store::broker::Topic;

/// The names that a client is subscribed to, each with its turn: `PUNSUBSCRIBE` of all goes by it.
#[derive(Debug, Default)]
pub struct Subscriptions {
    channels: HashMap<Box<[u8]>, u64>,
    patterns: HashMap<Box<[u8]>, u64>,
    shards: HashMap<Box<[u8]>, u64>,
    turns: u64,
}

impl Subscriptions {
    fn of(&self, topic: Topic) -> &HashMap<Box<[u8]>, u64> {
        match topic {
            Topic::Channel => &self.channels,
            Topic::Pattern => &self.patterns,
            Topic::Shard => &self.shards,
        }
    }

    fn of_mut(&mut self, topic: Topic) -> &mut HashMap<Box<[u8]>, u64> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::Shard => &mut self.shards,
        }
    }

    /// The names of one kind, in the order in which they were subscribed to.
    pub fn names(&self, topic: Topic) -> Vec<Box<[u8]>> {
        let mut names: Vec<_> = self.of(topic).iter().map(|(name, turn)| (*turn, name.clone())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// How many names of one kind there are.
    pub fn len(&self, topic: Topic) -> usize {
        self.of(topic).len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Topic, &[u8])> {
        [Topic::Channel, Topic::Pattern, Topic::Shard]
            .into_iter()
            .flat_map(|topic| self.of(topic).keys().map(move |name| (topic, &**name)))
    }

    /// Notes a subscription.
    pub fn add(&mut self, topic: Topic, name: &[u8]) {
        self.turns += 1;
        let turn = self.turns;
        self.of_mut(topic).entry(name.into()).or_insert(turn);
    }

    /// Notes the end of one.
    pub fn remove(&mut self, topic: Topic, name: &[u8]) {
        self.of_mut(topic).remove(name);
    }

    /// Notes the end of all of one kind.
    pub fn clear(&mut self, topic: Topic) {
        self.of_mut(topic).clear();
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
