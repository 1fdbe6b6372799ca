//! The in-memory driver, as one client sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::blocking::Parked;
use crate::command::execute;
use crate::command::{Context, table};
use crate::queue::give_back;
use crate::resp::{Args, OwnedArgs, Protocol};
use crate::store::{Database, Mailbox, ShardSet, Store};

/// What a client has in the memory driver besides data: keys that it watches, and its place in the queues of keys
/// that it waits for. Dropping it gives up all of it.
pub struct Seat {
    store: Arc<Store>,
    watched: Vec<(usize, Box<[u8]>)>,
    broken: Option<Arc<AtomicBool>>,
    parked: Option<Box<Parked>>,
}

impl Seat {
    /// A client's seat.
    pub fn new(store: Arc<Store>) -> Self {
        Seat { store, watched: Vec::new(), broken: None, parked: None }
    }

    /// The data.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Watches the keys of a `WATCH`.
    pub fn watch(&mut self, db: &mut Database<'_>, request: Args<'_>) {
        let broken = self.broken.get_or_insert_default();
        for key in request.iter_from(1) {
            db.lock(self.store.shard_of(key));
            db.watch(key, broken);
            self.watched.push((db.index(), key.into()));
        }
    }

    /// The shards of what it watches.
    pub fn watched_shards(&self) -> ShardSet {
        self.watched.iter().fold(ShardSet::NONE, |shards, (_, key)| shards.union(self.store.shard_of(key)))
    }

    /// Watches nothing any more.
    pub fn unwatch(&mut self, db: &mut Database<'_>) {
        db.lock(self.watched_shards());
        self.unwatch_locked(db);
    }

    /// As [`Seat::unwatch`], with the shards locked; says whether all that was watched is unchanged.
    pub fn unwatch_locked(&mut self, db: &mut Database<'_>) -> bool {
        let Some(broken) = self.broken.take() else {
            return true;
        };
        let index = db.index();
        for (database, key) in self.watched.drain(..) {
            db.select(database);
            // A look is what makes a key whose time has come go, and with it the transaction that watches it.
            db.exists(&key);
            db.unwatch(&key, &broken);
        }
        db.select(index);
        !broken.load(Ordering::Acquire)
    }

    /// True while the client waits for an element.
    pub fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    /// Takes its place among those who wait.
    pub fn park(&mut self, parked: Parked) {
        self.parked = Some(Box::new(parked));
    }

    /// Its place, if it waits.
    pub fn parked(&self) -> Option<&Parked> {
        self.parked.as_deref()
    }

    /// Leaves the queues.
    pub fn unpark(&mut self) -> Option<Box<Parked>> {
        self.parked.take()
    }

    /// The client has gone. What had been popped for it and nobody will read goes back to the end that it came from.
    pub fn close(&mut self, mailbox: &Mailbox, now_ms: u64) {
        let served = mailbox.close().served;
        if let Some(parked) = self.parked.take()
            && let Some(reply) = served
        {
            let command = give_back::give_back(parked.row, parked.request.args(), &reply);
            let database = parked.database;
            // Its place is given up first, or it would be served with its own element.
            drop(parked);
            if let Some(command) = command {
                run(&self.store, database, now_ms, &command);
            }
        }
        let store = self.store.clone();
        self.unwatch(&mut Database::new(&store, 0, now_ms));
    }
}

/// Runs a command for nobody.
fn run(store: &Store, database: usize, now_ms: u64, command: &OwnedArgs) {
    let Ok(row) = table::resolve(command.args()) else {
        return;
    };
    let mut db = Database::new(store, database, now_ms);
    let mut reply = Vec::new();
    let mut context = Context::new(&mut db, &mut reply, Protocol::Resp2);
    execute::execute(&mut context, row, command.args());
}
