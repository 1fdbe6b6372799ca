//! A command's view of the data.

use std::sync::Arc;

use super::dict::Cursor;
use super::shard::{ShardSet, Store};
use super::value::{Kind, Value, WrongType};
use super::waiters::Waiter;

/// The shards that a command (or a client's whole pipeline of them) has locked, and the database that it works on.
///
/// A key whose time has come is not there for any of these functions. A key may only be named while its shard is
/// locked: [`Database::lock`] comes before.
pub struct Database<'a> {
    store: &'a Store,
    index: usize,
    now_ms: u64,
}

#[allow(unused_variables)]
impl<'a> Database<'a> {
    /// A view of database `index`, with nothing locked yet.
    pub fn new(store: &'a Store, index: usize, now_ms: u64) -> Self {
        Database { store, index, now_ms }
    }

    /// The store.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// The number of the selected database.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Selects another database (checked against [`super::Options::databases`] by the caller).
    pub fn select(&mut self, index: usize) {
        self.index = index;
    }

    /// The time of this command, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Sets the time for the next command.
    pub fn set_now_ms(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Makes sure that `shards` are locked, and with them those that waiters on keys in them need to be served
    /// (`BLMOVE`'s destination). Keeps what is locked already where the order of locking allows it.
    pub fn lock(&mut self, shards: ShardSet) {
        todo!()
    }

    /// Unlocks everything.
    pub fn unlock(&mut self) {
        todo!()
    }

    /// True if there is such a key.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        todo!()
    }

    /// The value at `key`, of whatever kind.
    pub fn value(&mut self, key: &[u8]) -> Option<&Value> {
        todo!()
    }

    /// The value at `key` if it is a `K`; `None` without a key. Counts as a hit or a miss.
    pub fn read<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, WrongType> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => K::of(value).map(Some).ok_or(WrongType),
        }
    }

    /// Changes the `K` at `key`; `None` without a key. Afterwards the memory is accounted, and a key that lost its
    /// last element is removed. Does not [`Database::touch`] the key.
    pub fn modify<K: Kind, R>(&mut self, key: &[u8], change: impl FnOnce(&mut K) -> R) -> Result<Option<R>, WrongType> {
        todo!()
    }

    /// As [`Database::modify`], of a new `K` where there is no key.
    pub fn modify_or_create<K: Kind, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<R, WrongType> {
        todo!()
    }

    /// Puts `value` at `key`, whatever was there; the key does not expire afterwards. An empty aggregate removes it.
    pub fn set(&mut self, key: &[u8], value: Value) {
        todo!()
    }

    /// As [`Database::set`], but the key goes on to expire when it would have.
    pub fn set_keeping_deadline(&mut self, key: &[u8], value: Value) {
        todo!()
    }

    /// Removes `key`; says whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.take(key).is_some()
    }

    /// Takes `key` out, with its value and when it expires.
    pub fn take(&mut self, key: &[u8]) -> Option<(Value, Option<u64>)> {
        todo!()
    }

    /// When `key` expires, in milliseconds since 1970; `None` if it doesn't, or isn't there.
    pub fn deadline(&mut self, key: &[u8]) -> Option<u64> {
        todo!()
    }

    /// Sets or clears when `key` expires; says whether the key is there. A time in the past removes it.
    pub fn set_deadline(&mut self, key: &[u8], deadline_ms: Option<u64>) -> bool {
        todo!()
    }

    /// Seconds since the key was last read or written (`OBJECT IDLETIME`). Is no access itself.
    pub fn idle_seconds(&mut self, key: &[u8]) -> Option<u64> {
        todo!()
    }

    /// Bytes that the key takes with all that belongs to it (`MEMORY USAGE`).
    pub fn memory_usage(&mut self, key: &[u8]) -> Option<u64> {
        todo!()
    }

    /// Says that `key` was changed: breaks the transactions that watch it, and notes it for those who wait for it.
    pub fn touch(&mut self, key: &[u8]) {
        todo!()
    }

    /// How many keys the database has. All shards must be locked; so for all that follow.
    pub fn len(&mut self) -> usize {
        todo!()
    }

    /// True without keys.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with every key that has not expired.
    pub fn for_each(&mut self, visit: impl FnMut(&[u8], &Value)) {
        todo!()
    }

    /// Calls `visit` with about `count` keys from `cursor` on; gives the cursor to go on with (0 at the end).
    pub fn scan(&mut self, cursor: Cursor, count: usize, visit: impl FnMut(&[u8], &Value)) -> Cursor {
        todo!()
    }

    /// Any key.
    pub fn random_key(&mut self) -> Option<Box<[u8]>> {
        todo!()
    }

    /// Removes every key; they are freed elsewhere, so that it takes no time. Breaks transactions that watch one.
    pub fn clear(&mut self) {
        todo!()
    }

    /// Exchanges two databases. Waiters stay where they are, and are noted as ready as Redis does.
    pub fn swap(&mut self, one: usize, other: usize) {
        todo!()
    }

    /// Watches `key` for a transaction: `broken` becomes true when it changes. A key that had expired already when it
    /// was watched does not break the transaction by vanishing, as in Redis.
    pub fn watch(&mut self, key: &[u8], broken: &Arc<std::sync::atomic::AtomicBool>) {
        todo!()
    }

    /// Ends [`Database::watch`].
    pub fn unwatch(&mut self, key: &[u8], broken: &Arc<std::sync::atomic::AtomicBool>) {
        todo!()
    }

    /// Adds `waiter` at the end of those who wait for `key`.
    pub fn wait(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        todo!()
    }

    /// Removes `waiter` from those who wait for `key`.
    pub fn stop_waiting(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        todo!()
    }

    /// Serves the waiters of all touched keys, the longest waiting first, until no key that was touched can serve
    /// any (serving may touch other keys). Called after each command, or after a whole transaction.
    pub fn serve_waiters(&mut self) {
        todo!()
    }
}
