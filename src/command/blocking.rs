//! Commands that wait in the memory driver.

use std::ops::Range;
use std::sync::Arc;

use super::context::Context;
use super::error::Error;
use super::row::Row;
use crate::resp::{Args, OwnedArgs, Protocol, Writer};
use crate::store::waiters::{Outcome, Serve, Waiter};
use crate::store::{Database, Mailbox, ShardSet, Store};

/// What a blocking command is made of.
///
/// It is tried on each of its keys in the order of the request. Where none has anything, the client waits on all of
/// them, and the command is tried again on the one that gets ready.
pub struct Blocking {
    /// Checks the arguments, and says which to wait on and for how long.
    pub plan: fn(Args<'_>) -> Result<Plan, Error>,
    /// Tries on one key: true if the reply is written, false if the key has nothing.
    pub attempt: fn(&mut Context<'_, '_>, Args<'_>, key: &[u8]) -> Result<bool, Error>,
    /// Writes what the client gets when its time is up, or at once inside a transaction.
    pub nothing: fn(&mut Writer<'_>),
}

/// What a request waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The arguments that are keys to wait on.
    pub keys: Range<usize>,
    /// How long, in milliseconds; 0 is for ever.
    pub timeout_ms: u64,
}

/// A request that found nothing, and what it takes to wait.
pub struct Waiting {
    /// The command.
    pub row: &'static Row,
    /// The request.
    pub request: OwnedArgs,
    /// What it waits on.
    pub plan: Plan,
}

impl Waiting {
    /// Puts the client into the queues of its keys, whose shards are locked. The guard that comes back takes it out
    /// again.
    pub fn park(self, db: &mut Database<'_>, protocol: Protocol, mailbox: &Arc<Mailbox>, store: Arc<Store>) -> Parked {
        let Waiting { row, request, plan } = self;
        let mut shards = ShardSet::NONE;
        super::keys::for_each(row, request.args(), |index, _| {
            shards = shards.union(store.shard_of(request.args().at(index)));
        });
        let request = Arc::new(request);
        let want = Want { row, request: request.clone(), database: db.index(), protocol, mailbox: mailbox.clone() };
        let waiter = Arc::new(Waiter::new(Box::new(want), shards));
        for index in plan.keys.clone() {
            db.wait(request.args().at(index), &waiter);
        }
        let deadline_ms = (plan.timeout_ms > 0).then(|| db.now_ms() + plan.timeout_ms);
        Parked { row, request, keys: plan.keys, database: db.index(), deadline_ms, waiter, store }
    }
}

/// A client's place in the queues of the keys that it waits for. Dropping it leaves them.
pub struct Parked {
    /// The command.
    pub row: &'static Row,
    /// The request.
    pub request: Arc<OwnedArgs>,
    /// When the client has waited long enough, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// The database that it waits in.
    pub database: usize,
    keys: Range<usize>,
    waiter: Arc<Waiter>,
    store: Arc<Store>,
}

impl Parked {
    /// Ends the wait from this side: false if the waiter is being served on another thread at this moment, so that
    /// its reply is in the mailbox or about to be.
    pub fn give_up(&self) -> bool {
        self.waiter.claim()
    }

    /// Writes what the client gets when its time is up.
    pub fn write_nothing(&self, reply: &mut Writer<'_>) {
        if let super::row::Memory::Blocking(blocking) = &self.row.memory {
            (blocking.nothing)(reply);
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let args = self.request.args();
        let shards =
            self.keys.clone().fold(ShardSet::NONE, |set, index| set.union(self.store.shard_of(args.at(index))));
        let mut db = Database::new(&self.store, self.database, 0);
        db.lock(shards);
        for index in self.keys.clone() {
            db.stop_waiting(args.at(index), &self.waiter);
        }
    }
}

/// What a parked client wants.
struct Want {
    row: &'static Row,
    request: Arc<OwnedArgs>,
    database: usize,
    protocol: Protocol,
    mailbox: Arc<Mailbox>,
}

impl Serve for Want {
    fn serve(&self, database: &mut Database<'_>, key: &[u8]) -> Outcome {
        let super::row::Memory::Blocking(blocking) = &self.row.memory else {
            return Outcome::Gone;
        };
        debug_assert_eq!(database.index(), self.database);
        // Under the mailbox's lock: the client can't leave between the look whether it is there and the pop.
        let served = self.mailbox.serve_with(|| {
            let mut reply = Vec::new();
            let mut context = Context::new(database, &mut reply, self.protocol);
            match (blocking.attempt)(&mut context, self.request.args(), key) {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => error.write(&mut context.reply),
            }
            Some(reply)
        });
        match served {
            None => Outcome::Gone,
            Some(true) => Outcome::Served,
            Some(false) => Outcome::Nothing,
        }
    }
}
