//! Who is subscribed to which channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::dict::Dict;
pub use super::glob::matches;
use super::mailbox::Mailbox;
use crate::resp::{Protocol, Writer};

/// The three ways to subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `SUBSCRIBE`
    Channel,
    /// `PSUBSCRIBE`
    Pattern,
    /// `SSUBSCRIBE`
    Shard,
}

/// All subscriptions of a memory driver. Messages are appended to the subscribers' mailboxes, encoded once a protocol.
///
/// A lock is held while a message is handed out, so that all subscribers see messages in the same order.
#[derive(Default)]
pub struct Broker {
    topics: Mutex<Topics>,
    /// How many channels and patterns, and how many shard channels have subscribers: so that publishing where nobody
    /// listens, as keyspace events mostly do, needs no lock.
    global: AtomicUsize,
    sharded: AtomicUsize,
}

/// By name, those who are subscribed, in the order of their clients' numbers.
type Subscribers = Dict<Vec<Subscriber>>;

#[derive(Default)]
struct Topics {
    channels: Subscribers,
    patterns: Subscribers,
    shards: Subscribers,
}

struct Subscriber {
    client: u64,
    protocol: Protocol,
    mailbox: Arc<Mailbox>,
}

impl Broker {
    /// Subscribes the client with this mailbox; false if it was already.
    pub fn subscribe(
        &self,
        topic: Topic,
        name: &[u8],
        client: u64,
        protocol: Protocol,
        mailbox: &Arc<Mailbox>,
    ) -> bool {
        let mut topics = self.topics.lock();
        let subscribers = topics.of(topic);
        if !subscribers.contains(name) {
            subscribers.insert(name, Vec::new());
        }
        let Some(subscribers) = subscribers.get_mut(name) else { return false };
        let Err(place) = subscribers.binary_search_by_key(&client, |subscriber| subscriber.client) else {
            return false;
        };
        subscribers.insert(place, Subscriber { client, protocol, mailbox: mailbox.clone() });
        self.count(&topics);
        true
    }

    /// Ends a subscription; false if there was none.
    pub fn unsubscribe(&self, topic: Topic, name: &[u8], client: u64) -> bool {
        let mut topics = self.topics.lock();
        let was_subscribed = topics.unsubscribe(topic, name, client);
        self.count(&topics);
        was_subscribed
    }

    /// Ends all these subscriptions of a client that leaves.
    pub fn unsubscribe_all<'n>(&self, client: u64, names: impl IntoIterator<Item = (Topic, &'n [u8])>) {
        let mut names = names.into_iter().peekable();
        if names.peek().is_none() {
            return;
        }
        let mut topics = self.topics.lock();
        for (topic, name) in names {
            topics.unsubscribe(topic, name, client);
        }
        self.count(&topics);
    }

    /// Says that a client with these subscriptions has changed its protocol (`HELLO`).
    pub fn set_protocol<'n>(
        &self,
        client: u64,
        protocol: Protocol,
        names: impl IntoIterator<Item = (Topic, &'n [u8])>,
    ) {
        let mut topics = self.topics.lock();
        for (topic, name) in names {
            if let Some(subscribers) = topics.of(topic).get_mut(name)
                && let Ok(place) = subscribers.binary_search_by_key(&client, |subscriber| subscriber.client)
            {
                subscribers[place].protocol = protocol;
            }
        }
    }

    /// Sends a message to all who listen, and says how many got it: those of the channel and of every pattern that
    /// matches it for [`Topic::Channel`], those of the shard channel for [`Topic::Shard`]. Nobody for
    /// [`Topic::Pattern`].
    pub fn publish(&self, topic: Topic, channel: &[u8], message: &[u8]) -> usize {
        match topic {
            Topic::Channel => {
                if self.global.load(Ordering::Acquire) == 0 {
                    return 0;
                }
                let topics = self.topics.lock();
                let mut receivers = 0;
                if let Some(subscribers) = topics.channels.get(channel) {
                    receivers += deliver(subscribers, &[b"message", channel, message]);
                }
                for (pattern, subscribers) in topics.patterns.iter() {
                    if matches(pattern, channel) {
                        receivers += deliver(subscribers, &[b"pmessage", pattern, channel, message]);
                    }
                }
                receivers
            }
            Topic::Shard => {
                if self.sharded.load(Ordering::Acquire) == 0 {
                    return 0;
                }
                let topics = self.topics.lock();
                let subscribers = topics.shards.get(channel);
                subscribers.map_or(0, |subscribers| deliver(subscribers, &[b"smessage", channel, message]))
            }
            Topic::Pattern => 0,
        }
    }

    /// The channels with at least one subscriber that match `pattern` (`PUBSUB CHANNELS`, `SHARDCHANNELS`).
    pub fn channels(&self, topic: Topic, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        let mut topics = self.topics.lock();
        let names = topics.of(topic).iter().map(|(name, _)| name);
        names.filter(|name| pattern.is_none_or(|pattern| matches(pattern, name))).map(<[u8]>::to_vec).collect()
    }

    /// How many clients are subscribed to the channel (`PUBSUB NUMSUB`, `SHARDNUMSUB`).
    pub fn subscribers(&self, topic: Topic, channel: &[u8]) -> usize {
        self.topics.lock().of(topic).get(channel).map_or(0, Vec::len)
    }

    /// How many patterns are subscribed to (`PUBSUB NUMPAT`).
    pub fn patterns(&self) -> usize {
        self.topics.lock().patterns.len()
    }

    fn count(&self, topics: &Topics) {
        self.global.store(topics.channels.len() + topics.patterns.len(), Ordering::Release);
        self.sharded.store(topics.shards.len(), Ordering::Release);
    }
}

impl Topics {
    fn of(&mut self, topic: Topic) -> &mut Subscribers {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::Shard => &mut self.shards,
        }
    }

    fn unsubscribe(&mut self, topic: Topic, name: &[u8], client: u64) -> bool {
        let topic = self.of(topic);
        let Some(subscribers) = topic.get_mut(name) else { return false };
        let Ok(place) = subscribers.binary_search_by_key(&client, |subscriber| subscriber.client) else {
            return false;
        };
        subscribers.remove(place);
        if subscribers.is_empty() {
            topic.remove(name);
        } else if subscribers.len() * 4 < subscribers.capacity() {
            subscribers.shrink_to(subscribers.len() * 2);
        }
        true
    }
}

/// Puts a message of these parts into the mailboxes; says into how many.
fn deliver(subscribers: &[Subscriber], parts: &[&[u8]]) -> usize {
    let (mut resp2, mut resp3) = (Vec::new(), Vec::new());
    for Subscriber { protocol, mailbox, .. } in subscribers {
        let encoded = match protocol {
            Protocol::Resp2 => &mut resp2,
            Protocol::Resp3 => &mut resp3,
        };
        if encoded.is_empty() {
            encoded.reserve_exact(parts.iter().map(|part| part.len() + 16).sum());
            let mut writer = Writer::new(encoded, *protocol);
            writer.push(parts.len());
            parts.iter().for_each(|part| writer.bulk(part));
        }
        mailbox.push(encoded);
    }
    subscribers.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(1 << 20))
    }

    fn messages(mailbox: &Mailbox) -> String {
        String::from_utf8(mailbox.take().messages).unwrap()
    }

    #[test]
    fn a_message_reaches_channel_and_patterns_in_each_protocol() {
        let broker = Broker::default();
        assert_eq!(broker.publish(Topic::Channel, b"news", b"nobody"), 0);
        let (old, new) = (mailbox(), mailbox());
        assert!(broker.subscribe(Topic::Channel, b"news", 2, Protocol::Resp2, &old));
        assert!(!broker.subscribe(Topic::Channel, b"news", 2, Protocol::Resp2, &old));
        assert!(broker.subscribe(Topic::Pattern, b"n?ws*", 2, Protocol::Resp2, &old));
        assert!(broker.subscribe(Topic::Channel, b"news", 1, Protocol::Resp3, &new));
        assert!(broker.subscribe(Topic::Pattern, b"n*", 1, Protocol::Resp3, &new));
        assert!(broker.subscribe(Topic::Shard, b"news", 1, Protocol::Resp3, &new));
        assert_eq!(broker.publish(Topic::Channel, b"news", b"hi"), 4);
        assert_eq!(
            messages(&old),
            "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n\
             *4\r\n$8\r\npmessage\r\n$5\r\nn?ws*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
        );
        assert_eq!(
            messages(&new),
            ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n\
             >4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
        );
        assert_eq!(broker.publish(Topic::Shard, b"news", b"s"), 1);
        assert_eq!(messages(&new), ">3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$1\r\ns\r\n");
        assert_eq!(broker.publish(Topic::Channel, b"other", b"hi"), 0);
        broker.set_protocol(1, Protocol::Resp2, [(Topic::Shard, &b"news"[..]), (Topic::Channel, b"none")]);
        broker.publish(Topic::Shard, b"news", b"s");
        assert_eq!(messages(&new), "*3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$1\r\ns\r\n");
    }

    #[test]
    fn subscriptions_are_listed_and_end() {
        let broker = Broker::default();
        let mailbox = mailbox();
        for client in 0..100 {
            let name = format!("channel:{}", client % 10).into_bytes();
            assert!(broker.subscribe(Topic::Channel, &name, client, Protocol::Resp2, &mailbox));
        }
        broker.subscribe(Topic::Pattern, b"*", 5, Protocol::Resp2, &mailbox);
        broker.subscribe(Topic::Pattern, b"*", 6, Protocol::Resp2, &mailbox);
        assert_eq!(broker.patterns(), 1);
        assert_eq!(broker.subscribers(Topic::Channel, b"channel:3"), 10);
        assert_eq!(broker.subscribers(Topic::Shard, b"channel:3"), 0);
        assert_eq!(broker.channels(Topic::Channel, None).len(), 10);
        let mut some = broker.channels(Topic::Channel, Some(b"channel:[1-3]"));
        some.sort();
        assert_eq!(some, [b"channel:1", b"channel:2", b"channel:3"]);
        assert!(!broker.unsubscribe(Topic::Channel, b"channel:3", 4));
        assert!(broker.unsubscribe(Topic::Channel, b"channel:3", 3));
        assert_eq!(broker.subscribers(Topic::Channel, b"channel:3"), 9);
        for client in 0..100 {
            let name = format!("channel:{}", client % 10).into_bytes();
            broker.unsubscribe_all(client, [(Topic::Channel, &name[..]), (Topic::Pattern, b"*")]);
        }
        broker.unsubscribe_all(1, []);
        let mut topics = broker.topics.lock();
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            assert_eq!(topics.of(topic).memory(), 0);
        }
        assert_eq!(broker.global.load(Ordering::Relaxed), 0);
        assert_eq!(Arc::strong_count(&mailbox), 1);
    }

    #[test]
    fn a_full_mailbox_hinders_nobody_else() {
        let broker = Broker::default();
        let (slow, quick) = (Arc::new(Mailbox::new(100)), mailbox());
        broker.subscribe(Topic::Channel, b"c", 1, Protocol::Resp2, &slow);
        broker.subscribe(Topic::Channel, b"c", 2, Protocol::Resp2, &quick);
        for _ in 0..10 {
            assert_eq!(broker.publish(Topic::Channel, b"c", &[b'x'; 40]), 2);
        }
        assert!(slow.take().killed && quick.take().messages.len() > 400);
    }
}
