//! Who waits for which key.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

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
    ///
    /// It may name keys of that key's shard and of [`Waiter::shards`], and locks no others: it runs while all of them
    /// are locked.
    fn serve(&self, database: &mut Database<'_>, key: &[u8]) -> Outcome;
}

/// A client that waits for one of some keys.
pub struct Waiter {
    /// What it wants.
    pub want: Box<dyn Serve>,
    /// Shards that serving it needs beside that of the key which got ready (the destination of `BLMOVE`).
    pub shards: ShardSet,
    /// True while it is being served and ever after.
    claimed: AtomicBool,
    /// Held while it is being served, since two keys may get ready on two threads at once. Without it, who finds it
    /// claimed could not tell whether it will be released, and would leave it waiting for a key that is ready.
    turn: Mutex<()>,
    /// In how many keys' queues it stands.
    queues: AtomicU32,
}

impl Waiter {
    /// A waiter that is not served yet.
    pub fn new(want: Box<dyn Serve>, shards: ShardSet) -> Self {
        Waiter { want, shards, claimed: AtomicBool::new(false), turn: Mutex::new(()), queues: AtomicU32::new(0) }
    }

    /// Claims the right to serve it, or to end its waiting (a timeout, `CLIENT UNBLOCK`), which only one can have.
    ///
    /// False is for good: it was served, and its reply has been handed over. While it is being served on another
    /// thread, this waits for what comes of that.
    pub fn claim(&self) -> bool {
        let _turn = self.turn();
        self.claim_in_turn()
    }

    /// As [`Waiter::claim`], by who has the turn.
    pub(super) fn claim_in_turn(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Gives the claim back, when there was nothing to serve it with.
    pub fn release(&self) {
        self.claimed.store(false, Ordering::Release);
    }

    /// True if it was served, or its waiting was ended otherwise.
    pub fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// Waits until nobody else is serving it. Who holds a turn waits for nothing else, since all shards that serving
    /// needs were locked before: so this is short.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }

    /// Notes that it stands in one queue more, and counts it as a blocked client in the first.
    pub(super) fn join(&self, blocked: &AtomicU64) {
        if self.queues.fetch_add(1, Ordering::Relaxed) == 0 {
            blocked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that it stands in one queue less.
    pub(super) fn leave(&self, blocked: &AtomicU64) {
        if self.queues.fetch_sub(1, Ordering::Relaxed) == 1 {
            blocked.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
