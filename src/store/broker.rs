//! Who is subscribed to which channel.

use std::sync::Arc;

pub use super::glob::matches;
use super::mailbox::Mailbox;
use crate::resp::Protocol;

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
#[derive(Default)]
pub struct Broker {}

#[allow(unused_variables)]
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
        todo!()
    }

    /// Ends a subscription; false if there was none.
    pub fn unsubscribe(&self, topic: Topic, name: &[u8], client: u64) -> bool {
        todo!()
    }

    /// Sends a message to all who listen, and says how many got it: those of the channel and of every pattern that
    /// matches it for [`Topic::Channel`], those of the shard channel for [`Topic::Shard`].
    pub fn publish(&self, topic: Topic, channel: &[u8], message: &[u8]) -> usize {
        todo!()
    }

    /// The channels with at least one subscriber that match `pattern` (`PUBSUB CHANNELS`, `SHARDCHANNELS`).
    pub fn channels(&self, topic: Topic, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        todo!()
    }

    /// How many clients are subscribed to the channel (`PUBSUB NUMSUB`, `SHARDNUMSUB`).
    pub fn subscribers(&self, topic: Topic, channel: &[u8]) -> usize {
        todo!()
    }

    /// How many patterns are subscribed to (`PUBSUB NUMPAT`).
    pub fn patterns(&self) -> usize {
        todo!()
    }
}
