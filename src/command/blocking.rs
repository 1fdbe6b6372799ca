//! Commands that wait in the memory driver.

use std::ops::Range;
use std::sync::Arc;

use super::context::Context;
use super::error::Error;
use super::row::Row;
use crate::resp::number::{parse_double, parse_integer};
use crate::resp::{Args, OwnedArgs, Protocol, Writer};
use crate::store::waiters::{Outcome, Serve, Waiter};
use crate::store::{Database, Mailbox, ShardSet, Store, Value};

/// What a blocking command is made of.
///
/// It is tried on each of its keys in the order of the request. Where none has anything, the client waits on all of
/// them, and the command is tried again on the one that gets ready.
pub struct Blocking {
    /// True of a value that it takes from. A client that waits is not served by any other, where one that comes just
    /// now gets an error.
    pub serves: fn(&Value) -> bool,
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

/// The plan of a request whose arguments are keys and, at the end, a timeout.
pub fn keys_and_timeout(args: Args<'_>) -> Result<Plan, Error> {
    let last = args.len() - 1;
    Ok(Plan { keys: 1..last, timeout_ms: timeout_ms(args.at(last))? })
}

/// A timeout in seconds, as milliseconds.
pub fn timeout_ms(argument: &[u8]) -> Result<u64, Error> {
    if let Some(seconds) = parse_integer(argument) {
        let timeout_ms = seconds.checked_mul(1000).and_then(|timeout_ms| u64::try_from(timeout_ms).ok());
        return timeout_ms.ok_or(Error::TIMEOUT_NEGATIVE);
    }
    // Redis reads a long double, which may be larger than any double.
    let too_large = || str::from_utf8(argument).ok()?.parse::<f64>().ok().filter(|seconds| seconds.is_infinite());
    let seconds = parse_double(argument).or_else(too_large).ok_or(Error::TIMEOUT_NOT_A_FLOAT)?;
    let timeout_ms = (seconds * 1000.0).ceil();
    // What is too large wraps around in Redis, and is refused as negative.
    if (0.0..i64::MAX as f64).contains(&timeout_ms) { Ok(timeout_ms as u64) } else { Err(Error::TIMEOUT_NEGATIVE) }
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
        // The shard of the key that gets ready is locked by who touches it; a destination's would not be.
        let mut shards = ShardSet::NONE;
        super::keys::for_each(row, request.args(), |index, _| {
            if !plan.keys.contains(&index) {
                shards = shards.union(store.shard_of(request.args().at(index)));
            }
        });
        let request = Arc::new(request);
        let want = Want { row, request: request.clone(), database: db.index(), protocol, mailbox: mailbox.clone() };
        let waiter = Arc::new(Waiter::new(Box::new(want), shards));
        for index in plan.keys.clone() {
            db.wait(request.args().at(index), &waiter);
        }
        let deadline_ms = (plan.timeout_ms > 0).then(|| db.now_ms().saturating_add(plan.timeout_ms));
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
    /// Ends the wait from this side: false if the waiter has been served, so that its reply is in the mailbox.
    pub fn give_up(&self) -> bool {
        // Nobody is just serving it while the shards of its keys are locked.
        let _db = self.lock();
        self.waiter.claim()
    }

    /// Locks the shards of the keys that it waits for.
    fn lock(&self) -> Database<'_> {
        let args = self.request.args();
        let shards = self.keys.clone().map(|index| self.store.shard_of(args.at(index)));
        let mut db = Database::new(&self.store, self.database, 0);
        db.lock(shards.fold(ShardSet::NONE, ShardSet::union));
        db
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
        let mut db = self.lock();
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
                // Another kind of value came to the key: it goes on waiting.
                Err(_) if !context.db.value(key).is_some_and(blocking.serves) => return None,
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
