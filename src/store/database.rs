//! A command's view of the data.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::MutexGuard;

use super::dict::{self, Cursor, Place};
use super::keyspace::{Item, Keyspace};
use super::shard::{MAX_SHARDS, Shard, ShardSet, Stats, Store, Sums};
use super::value::{Kind, Value, WrongType};
use super::waiters::{Outcome, Waiter};

/// The bits of [`Database::scan`]'s cursor that number the shard; the position in the shard's dict stands above them.
const SHARD_BITS: u32 = MAX_SHARDS.trailing_zeros();

/// The shards that a command (or a client's whole pipeline of them) has locked, and the database that it works on.
///
/// A key whose time has come is not there for any of these functions. A key may only be named while its shard is
/// locked: [`Database::lock`] comes before.
pub struct Database<'a> {
    store: &'a Store,
    index: usize,
    now_ms: u64,
    held: ShardSet,
    shards: [Option<MutexGuard<'a, Shard>>; MAX_SHARDS],
    /// Touched keys that someone waits for, with their databases, in the order in which they were touched.
    ready: VecDeque<(usize, Box<[u8]>)>,
    serving: bool,
}

impl<'a> Database<'a> {
    /// A view of database `index`, with nothing locked yet.
    pub fn new(store: &'a Store, index: usize, now_ms: u64) -> Self {
        Database {
            store,
            index,
            now_ms,
            held: ShardSet::NONE,
            shards: [const { None }; MAX_SHARDS],
            ready: VecDeque::new(),
            serving: false,
        }
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
        let mut wanted = shards;
        while !self.held.contains(wanted) {
            self.acquire(wanted);
            // Those that the new ones need may need others in turn.
            for index in self.held.iter() {
                if let Some(shard) = &self.shards[index] {
                    wanted = wanted.union(shard.needs());
                }
            }
        }
    }

    /// Locks `wanted` beside what is locked.
    fn acquire(&mut self, wanted: ShardSet) {
        debug_assert!(!self.serving, "serving a waiter locks nothing more");
        let missing = wanted.without(self.held);
        let highest = MAX_SHARDS - self.held.0.leading_zeros() as usize;
        for index in missing.iter() {
            // Waiting is only allowed in the order of the numbers; anything else must be had at once.
            let shard = if index >= highest { Some(self.store.lock(index)) } else { self.store.try_lock(index) };
            match shard {
                Some(shard) => {
                    self.shards[index] = Some(shard);
                    self.held = self.held.union(ShardSet::one(index));
                }
                None => {
                    let all = self.held.union(wanted);
                    self.unlock();
                    for index in all.iter() {
                        self.shards[index] = Some(self.store.lock(index));
                    }
                    self.held = all;
                    return;
                }
            }
        }
    }

    /// Unlocks everything. Waiters that were not served yet are served before: nobody else would.
    pub fn unlock(&mut self) {
        self.serve_waiters();
        for index in self.held.iter() {
            if let Some(mut shard) = self.shards[index].take() {
                shard.report(self.store.memory());
            }
        }
        self.held = ShardSet::NONE;
    }

    /// The shard that a key with this hash lives in.
    #[inline]
    fn shard(&mut self, hash: u64) -> &mut Shard {
        let index = self.store.shard_index(hash);
        self.shards[index].as_deref_mut().expect("a key's shard is locked before the key is named")
    }

    /// Where `key` is in the selected database. Removes it if it has expired.
    #[inline]
    fn locate(&mut self, hash: u64, key: &[u8]) -> Option<Place> {
        self.locate_in(self.index, hash, key)
    }

    #[inline]
    fn locate_in(&mut self, database: usize, hash: u64, key: &[u8]) -> Option<Place> {
        let (store, now_ms) = (self.store, self.now_ms);
        let shard = self.shard(hash);
        let keyspace = shard.keyspace(database)?;
        let place = keyspace.locate(hash, key)?;
        if keyspace.item(place).is_expired(now_ms) {
            shard.expire(store, database, hash, place);
            return None;
        }
        Some(place)
    }

    /// The selected database's part in a shard where a key was located.
    #[inline]
    fn keyspace(&mut self, hash: u64) -> &mut Keyspace {
        let database = self.index;
        self.shard(hash).used_keyspace(database)
    }

    /// Changes the selected database's part in a shard, and accounts for the memory.
    #[inline]
    fn change<R>(&mut self, hash: u64, change: impl FnOnce(&mut Keyspace) -> R) -> R {
        let (store, database) = (self.store, self.index);
        self.shard(hash).change(store.memory(), database, change)
    }

    /// Locates a key, and counts a hit or a miss.
    #[inline]
    fn look_up(&mut self, hash: u64, key: &[u8]) -> Option<Place> {
        let place = self.locate(hash, key);
        let shard = self.shard(hash);
        match place {
            Some(_) => shard.hits += 1,
            None => shard.misses += 1,
        }
        place
    }

    /// True if there is such a key. Is no access to it, and no hit or miss.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.locate(dict::hash(key), key).is_some()
    }

    /// The value at `key`, of whatever kind. Counts as a hit or a miss, but is no access that makes it less idle: what
    /// asks for any kind only looks at the key (`TYPE`, `OBJECT`, `DUMP`).
    pub fn value(&mut self, key: &[u8]) -> Option<&Value> {
        let hash = dict::hash(key);
        let place = self.look_up(hash, key)?;
        Some(self.keyspace(hash).item(place).value())
    }

    /// The value at `key` if it is a `K`; `None` without a key. Counts as a hit or a miss.
    pub fn read<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, WrongType> {
        let hash = dict::hash(key);
        let Some(place) = self.look_up(hash, key) else { return Ok(None) };
        let now_ms = self.now_ms;
        K::of(self.keyspace(hash).access(place, now_ms)).map(Some).ok_or(WrongType)
    }

    /// Notes an access to `key`, whatever it holds, and says whether it is there (`TOUCH`). Counts as a hit or a miss.
    pub fn access(&mut self, key: &[u8]) -> bool {
        let hash = dict::hash(key);
        let Some(place) = self.look_up(hash, key) else { return false };
        let now_ms = self.now_ms;
        self.keyspace(hash).access(place, now_ms);
        true
    }

    /// Changes the `K` at `key`; `None` without a key. Afterwards the memory is accounted, and a key that lost its
    /// last element is removed. Does not [`Database::touch`] the key.
    pub fn modify<K: Kind, R>(&mut self, key: &[u8], change: impl FnOnce(&mut K) -> R) -> Result<Option<R>, WrongType> {
        let hash = dict::hash(key);
        match self.locate(hash, key) {
            None => Ok(None),
            Some(place) => self.modify_at(hash, place, change).map(Some),
        }
    }

    /// As [`Database::modify`], of a new `K` where there is no key.
    pub fn modify_or_create<K: Kind, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<R, WrongType> {
        let hash = dict::hash(key);
        if let Some(place) = self.locate(hash, key) {
            return self.modify_at(hash, place, change);
        }
        let mut created = K::default();
        let result = change(&mut created);
        if !created.is_void() {
            let item = Item::new(created.into_value(), self.now_ms);
            self.change(hash, |keyspace| keyspace.add(hash, key, item));
        }
        Ok(result)
    }

    fn modify_at<K: Kind, R>(
        &mut self,
        hash: u64,
        place: Place,
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<R, WrongType> {
        let now_ms = self.now_ms;
        self.change(hash, |keyspace| {
            if K::of(keyspace.item(place).value()).is_none() {
                return Err(WrongType);
            }
            let (result, is_void) = keyspace.modify(place, now_ms, |value| {
                let value = K::of_mut(value).expect("it is a K to read");
                (change(value), value.is_void())
            });
            if is_void {
                keyspace.take(hash, place);
            }
            Ok(result)
        })
    }

    /// Puts `value` at `key`, whatever was there; the key does not expire afterwards. An empty aggregate removes it.
    pub fn set(&mut self, key: &[u8], value: Value) {
        self.put(key, value, Some(None));
    }

    /// As [`Database::set`], but the key expires at `deadline_ms`, which lies ahead.
    pub fn set_until(&mut self, key: &[u8], value: Value, deadline_ms: u64) {
        self.put(key, value, Some(Some(deadline_ms)));
    }

    /// As [`Database::set`], but the key goes on to expire when it would have.
    pub fn set_keeping_deadline(&mut self, key: &[u8], value: Value) {
        self.put(key, value, None);
    }

    /// Sets the value, and the deadline unless it is to stay as it is.
    fn put(&mut self, key: &[u8], value: Value, deadline: Option<Option<u64>>) {
        if value.is_void() {
            self.remove(key);
            return;
        }
        let hash = dict::hash(key);
        let (store, now_ms) = (self.store, self.now_ms);
        match self.locate(hash, key) {
            None => self.change(hash, |keyspace| {
                let place = keyspace.add(hash, key, Item::new(value, now_ms));
                keyspace.set_deadline(hash, place, deadline.flatten());
            }),
            Some(place) => {
                let old = self.change(hash, |keyspace| {
                    if let Some(deadline) = deadline {
                        keyspace.set_deadline(hash, place, deadline);
                    }
                    keyspace.modify(place, now_ms, |current| std::mem::replace(current, value))
                });
                store.discard_value(old);
            }
        }
    }

    /// Removes `key`; says whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        match self.take(key) {
            None => false,
            Some((value, _)) => {
                self.store.discard_value(value);
                true
            }
        }
    }

    /// Takes `key` out, with its value and when it expires.
    pub fn take(&mut self, key: &[u8]) -> Option<(Value, Option<u64>)> {
        let hash = dict::hash(key);
        let place = self.locate(hash, key)?;
        self.change(hash, |keyspace| {
            let deadline = keyspace.item(place).deadline();
            let (_, item) = keyspace.take(hash, place);
            Some((item.into_value(), deadline))
        })
    }

    /// When `key` expires, in milliseconds since 1970; `None` if it doesn't, or isn't there.
    pub fn deadline(&mut self, key: &[u8]) -> Option<u64> {
        let hash = dict::hash(key);
        let place = self.locate(hash, key)?;
        self.keyspace(hash).item(place).deadline()
    }

    /// Sets or clears when `key` expires; says whether the key is there. A time in the past removes it.
    pub fn set_deadline(&mut self, key: &[u8], deadline_ms: Option<u64>) -> bool {
        let hash = dict::hash(key);
        let Some(place) = self.locate(hash, key) else { return false };
        if deadline_ms.is_some_and(|deadline| deadline <= self.now_ms) {
            let (_, item) = self.change(hash, |keyspace| keyspace.take(hash, place));
            self.store.discard_value(item.into_value());
        } else {
            self.change(hash, |keyspace| keyspace.set_deadline(hash, place, deadline_ms));
        }
        true
    }

    /// Seconds since the key was last read or written (`OBJECT IDLETIME`). Is no access itself.
    pub fn idle_seconds(&mut self, key: &[u8]) -> Option<u64> {
        let hash = dict::hash(key);
        let place = self.locate(hash, key)?;
        let now_ms = self.now_ms;
        Some(self.keyspace(hash).item(place).idle_seconds(now_ms))
    }

    /// Bytes that the key takes with all that belongs to it (`MEMORY USAGE`).
    pub fn memory_usage(&mut self, key: &[u8]) -> Option<u64> {
        let hash = dict::hash(key);
        let place = self.locate(hash, key)?;
        Some(self.keyspace(hash).memory_of(place) as u64)
    }

    /// Says that `key` was changed: breaks the transactions that watch it, and notes it for those who wait for it.
    pub fn touch(&mut self, key: &[u8]) {
        let hash = dict::hash(key);
        let database = self.index;
        let shard = self.shard(hash);
        shard.break_watches(database, hash, key);
        if shard.is_awaited(database, hash, key) {
            self.note_ready(database, key);
        }
    }

    fn note_ready(&mut self, database: usize, key: &[u8]) {
        if !self.ready.iter().any(|(index, ready)| *index == database && **ready == *key) {
            self.ready.push_back((database, key.into()));
        }
    }

    /// All shards, in order. They must be locked.
    fn all(&mut self) -> impl Iterator<Item = &mut Shard> {
        assert!(self.held.contains(self.store.all_shards()), "all shards are locked before the whole is looked at");
        self.shards.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Figures of the whole, while shards are locked: [`Store::stats`] would wait for them.
    pub fn stats(&mut self) -> Stats {
        self.lock(self.store.all_shards());
        let mut sums = Sums::new(self.store);
        for shard in self.shards.iter().flatten() {
            sums.add(shard);
        }
        sums.finish(self.store)
    }

    /// How many keys the database has. All shards must be locked; so for all that follow up to [`Database::swap`].
    pub fn len(&mut self) -> usize {
        let (database, now_ms) = (self.index, self.now_ms);
        self.all().filter_map(|shard| shard.keyspace(database)).map(|keyspace| keyspace.len(now_ms)).sum()
    }

    /// True without keys.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with every key that has not expired.
    pub fn for_each(&mut self, mut visit: impl FnMut(&[u8], &Value)) {
        let (database, now_ms) = (self.index, self.now_ms);
        for keyspace in self.all().filter_map(|shard| shard.keyspace(database)) {
            for (key, item) in keyspace.items().iter().filter(|(_, item)| !item.is_expired(now_ms)) {
                visit(key, item.value());
            }
        }
    }

    /// Calls `visit` with about `count` keys from `cursor` on; gives the cursor to go on with (0 at the end).
    pub fn scan(&mut self, cursor: Cursor, count: usize, mut visit: impl FnMut(&[u8], &Value)) -> Cursor {
        let (database, now_ms) = (self.index, self.now_ms);
        let first = (cursor & (MAX_SHARDS as u64 - 1)) as usize;
        let mut position = cursor >> SHARD_BITS;
        let mut wanted = count.max(1);
        for (index, shard) in self.all().enumerate().skip(first) {
            if wanted == 0 {
                return index as u64;
            }
            let next = shard.keyspace(database).map_or(0, |keyspace| {
                keyspace.items().scan(position, wanted, |key, item| {
                    wanted = wanted.saturating_sub(1);
                    if !item.is_expired(now_ms) {
                        visit(key, item.value());
                    }
                })
            });
            if next != 0 {
                return (next << SHARD_BITS) | index as u64;
            }
            position = 0;
        }
        0
    }

    /// Any key.
    pub fn random_key(&mut self) -> Option<Box<[u8]>> {
        let (database, now_ms) = (self.index, self.now_ms);
        loop {
            let random = self.store.random();
            let counts = self.all().map(|shard| shard.keyspace(database).map_or(0, |keyspace| keyspace.items().len()));
            let mut place = random % (counts.sum::<usize>() as u64).max(1);
            let keyspace = self.all().filter_map(|shard| shard.keyspace(database)).find(|keyspace| {
                let entries = keyspace.items().len() as u64;
                let is_here = place < entries;
                place = place.saturating_sub(entries);
                is_here
            })?;
            let (key, item) = keyspace.items().random(random)?;
            let key = Box::from(key);
            if !item.is_expired(now_ms) {
                return Some(key);
            }
            self.exists(&key);
        }
    }

    /// Removes every key; they are freed elsewhere, so that it takes no time. Breaks transactions that watch one.
    pub fn clear(&mut self) {
        let (store, database) = (self.store, self.index);
        for shard in self.all() {
            let Some(keyspace) = shard.keyspace(database) else { continue };
            // Also one that has expired: it had not yet when it was watched, or it would have been removed then.
            let watched = shard.watched_keys(database).into_iter();
            let watched: Vec<_> = watched
                .map(|key| (dict::hash(&key), key))
                .filter(|(hash, key)| keyspace.locate(*hash, key).is_some())
                .collect();
            for (hash, key) in watched {
                shard.break_watches(database, hash, &key);
            }
            let garbage = shard.take_keyspace(store.memory(), database);
            if garbage.items().len() > 64 || garbage.memory() > 64 << 10 {
                store.discard(garbage);
            }
        }
    }

    /// Exchanges two databases. Waiters stay where they are, and are noted as ready as Redis does.
    pub fn swap(&mut self, one: usize, other: usize) {
        if one == other {
            return;
        }
        let mut watched = Vec::new();
        let mut awaited = Vec::new();
        for shard in self.all() {
            for (database, replacement) in [(one, other), (other, one)] {
                watched.extend(shard.watched_keys(database).into_iter().map(|key| (database, replacement, key)));
                awaited.extend(shard.awaited_keys(database).into_iter().map(|key| (database, key)));
            }
        }
        for (database, replacement, key) in watched {
            let hash = dict::hash(&key);
            // What has expired does not get there; but what has expired here since it was watched, vanishes.
            let is_there = self.locate_in(replacement, hash, &key).is_some();
            let shard = self.shard(hash);
            if is_there || shard.keyspace(database).is_some_and(|keyspace| keyspace.locate(hash, &key).is_some()) {
                shard.break_watches(database, hash, &key);
            }
        }
        self.all().for_each(|shard| shard.swap(one, other));
        for (database, key) in awaited {
            if self.locate_in(database, dict::hash(&key), &key).is_some() {
                self.note_ready(database, &key);
            }
        }
    }

    /// Watches `key` for a transaction: `broken` becomes true when it changes. A key that had expired already when it
    /// was watched does not break the transaction by vanishing, as in Redis.
    pub fn watch(&mut self, key: &[u8], broken: &Arc<AtomicBool>) {
        let hash = dict::hash(key);
        // What has expired vanishes now, so that it can't later.
        self.locate(hash, key);
        let database = self.index;
        self.shard(hash).watch(database, hash, key, broken);
    }

    /// Ends [`Database::watch`]. A key that has expired since breaks the transaction now, if it has not before: `EXEC`
    /// unwatches its keys and then looks whether it is broken.
    pub fn unwatch(&mut self, key: &[u8], broken: &Arc<AtomicBool>) {
        let hash = dict::hash(key);
        self.locate(hash, key);
        let database = self.index;
        self.shard(hash).unwatch(database, hash, key, broken);
    }

    /// Adds `waiter` at the end of those who wait for `key`.
    pub fn wait(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        let hash = dict::hash(key);
        let (store, database) = (self.store, self.index);
        debug_assert!(
            self.held.contains(waiter.shards),
            "what serving a waiter needs is locked when it begins to wait"
        );
        if self.shard(hash).add_waiter(database, hash, key, waiter) {
            waiter.join(&store.blocked);
        }
    }

    /// Removes `waiter` from those who wait for `key`.
    pub fn stop_waiting(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        let hash = dict::hash(key);
        let (store, database) = (self.store, self.index);
        if self.shard(hash).remove_waiter(database, hash, key, waiter) {
            waiter.leave(&store.blocked);
        }
    }

    /// Serves the waiters of all touched keys, the longest waiting first, until no key that was touched can serve
    /// any (serving may touch other keys). Called after each command, or after a whole transaction.
    pub fn serve_waiters(&mut self) {
        if self.serving || self.ready.is_empty() {
            return;
        }
        self.serving = true;
        let selected = self.index;
        while let Some((database, key)) = self.ready.pop_front() {
            self.index = database;
            self.serve(&key);
        }
        self.index = selected;
        self.serving = false;
    }

    /// Serves those who wait for `key`, in the selected database, as long as there is such a key.
    fn serve(&mut self, key: &[u8]) {
        let (hash, database) = (dict::hash(key), self.index);
        // How many at the front of the queue the key has nothing for: they keep their places.
        let mut passed = 0;
        while self.locate(hash, key).is_some() {
            let Some(waiter) = self.shard(hash).waiter(database, hash, key, passed).cloned() else { return };
            let _turn = waiter.turn();
            // One that is claimed was served for another of its keys, and has not left this queue yet.
            let outcome = if waiter.claim_in_turn() { waiter.want.serve(self, key) } else { Outcome::Gone };
            self.index = database;
            match outcome {
                Outcome::Nothing => {
                    waiter.release();
                    passed += 1;
                }
                Outcome::Served | Outcome::Gone => self.stop_waiting(key, &waiter),
            }
        }
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What was under way may not be complete; serving could panic again.
            self.ready.clear();
        }
        self.unlock();
    }
}

#[cfg(test)]
mod tests;
