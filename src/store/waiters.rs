//! Who waits for which key.

use std::sync::atomic::AtomicBool;

use super::database::Database;
use super::shard::ShardSet;

/// What came of serving a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has got its reply, and waits no more.
    Served,
    /// The key has nothing for it (another kind of value, no element): it goes on waiting in its place.
    Nothing,
    /// Its client has gone: it waits no more, and nothing was taken.
    Gone,
}

/// What a waiter wants: implemented by whoever knows the command that waits.
pub trait Serve: Send + Sync {
    /// Takes what the waiter wants from `key`, which was touched, in the database selected in `database`, and hands
    /// the reply to its client.
    fn serve(&self, database: &mut Database<'_>, key: &[u8]) -> Outcome;
}

/// A client that waits for one of some keys.
pub struct Waiter {
    /// What it wants.
    pub want: Box<dyn Serve>,
    /// Shards that serving it needs beside that of the key which got ready (the destination of `BLMOVE`).
    pub shards: ShardSet,
    /// True while it is being served and ever after: two keys may get ready on two threads at once.
    claimed: AtomicBool,
}

impl Waiter {
    /// A waiter that is not served yet.
    pub fn new(want: Box<dyn Serve>, shards: ShardSet) -> Self {
        Waiter { want, shards, claimed: AtomicBool::new(false) }
    }

    /// Claims the right to serve it, which only one can have.
    pub fn claim(&self) -> bool {
        !self.claimed.swap(true, std::sync::atomic::Ordering::AcqRel)
    }

    /// Gives the claim back, when there was nothing to serve it with.
    pub fn release(&self) {
        self.claimed.store(false, std::sync::atomic::Ordering::Release);
    }
}
