//! The keys of all databases, in parts under a lock each.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

use super::broker::Broker;
use super::dict::{self, Dict, Place};
use super::keyspace::Keyspace;
use super::value::Value;
use super::waiters::Waiter;

/// How many shards there can be: a [`ShardSet`] has a bit for each.
pub const MAX_SHARDS: usize = 16;

/// A shard tells the store's total of a change of its memory at once if it is as large as this, and otherwise when it
/// is unlocked: so the total is never further off than this for each locked shard, and is not written to all the time.
const REPORT_BYTES: i64 = 1024;

/// A value that holds more than this is freed by a thread of its own, so that nobody waits for it.
const DISCARD_BYTES: usize = 256 << 10;

/// How the store is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Databases that `SELECT` knows.
    pub databases: usize,
    /// Parts under a lock each: a power of two up to [`MAX_SHARDS`].
    pub shards: usize,
    /// Bytes that the data may take before writes that need memory are refused; 0 is no limit (`maxmemory`).
    pub max_memory: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { databases: 16, shards: MAX_SHARDS, max_memory: 0 }
    }
}

/// Some of the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardSet(pub u16);

impl ShardSet {
    /// None of them.
    pub const NONE: ShardSet = ShardSet(0);

    /// The shard with this number.
    pub(super) const fn one(index: usize) -> ShardSet {
        ShardSet(1 << index)
    }

    /// All of these and those.
    pub const fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    /// These without those.
    pub(super) const fn without(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 & !other.0)
    }

    /// True if all of `other` are among these.
    pub const fn contains(self, other: ShardSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// The numbers of the shards, in the order in which they are locked.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let index = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (index < MAX_SHARDS).then_some(index)
        })
    }
}

/// Figures of the store as a whole, for `INFO`, the metrics and the tests.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Bytes that the data takes.
    pub used_bytes: u64,
    /// The most that it ever took.
    pub peak_bytes: u64,
    /// Keys that were removed because their time had come.
    pub expired_keys: u64,
    /// Look-ups that found a key.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Clients that wait for a key.
    pub blocked_clients: u64,
    /// Per database: keys, and how many of them expire.
    pub databases: Vec<DatabaseStats>,
}

/// A database's line in `INFO keyspace`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseStats {
    /// Keys.
    pub keys: u64,
    /// Keys with a time to live.
    pub expires: u64,
    /// What they have left on average, in milliseconds.
    pub average_ttl_ms: u64,
}

/// The data of a memory driver.
pub struct Store {
    options: Options,
    broker: Broker,
    shards: Box<[Padded<Mutex<Shard>>]>,
    memory: Memory,
    created_s: u64,
    /// Clients that wait, each counted once: see [`Waiter::join`].
    pub(super) blocked: AtomicU64,
    expires_actively: AtomicBool,
    random: AtomicU64,
    discarded: OnceLock<Option<Sender<Box<dyn Send>>>>,
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A value with its cache lines (two, since they are fetched in pairs) to itself.
#[repr(align(128))]
struct Padded<T>(T);

/// What the data of all shards takes together.
pub(super) struct Memory {
    used: AtomicI64,
    peak: AtomicI64,
    limit: AtomicU64,
}

impl Store {
    /// An empty store. A number of shards that can't be is corrected: the next power of two, at most [`MAX_SHARDS`].
    pub fn new(options: Options) -> Self {
        let mut options = options;
        options.shards = options.shards.clamp(1, MAX_SHARDS).next_power_of_two();
        options.databases = options.databases.max(1);
        Store {
            broker: Broker::default(),
            shards: (0..options.shards).map(|_| Padded(Mutex::default())).collect(),
            memory: Memory {
                used: AtomicI64::new(0),
                peak: AtomicI64::new(0),
                limit: AtomicU64::new(options.max_memory),
            },
            created_s: since_1970().as_secs(),
            blocked: AtomicU64::new(0),
            expires_actively: AtomicBool::new(true),
            random: AtomicU64::new(dict::hash(b"")),
            discarded: OnceLock::new(),
            options,
        }
    }

    /// How it is laid out. The limit of memory may have been changed since: [`Store::max_memory`].
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// When it was made, in seconds since 1970.
    pub fn created_s(&self) -> u64 {
        self.created_s
    }

    /// Its publish and subscribe.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The shard that `key` lives in.
    pub fn shard_of(&self, key: &[u8]) -> ShardSet {
        ShardSet::one(self.shard_index(dict::hash(key)))
    }

    /// The number of the shard for a key's hash.
    #[inline]
    pub(super) fn shard_index(&self, hash: u64) -> usize {
        hash as usize & (self.shards.len() - 1)
    }

    /// All shards.
    pub fn all_shards(&self) -> ShardSet {
        ShardSet(u16::MAX >> (MAX_SHARDS - self.shards.len()))
    }

    /// True if the data takes more than `max_memory`: a write that needs memory is refused (`OOM`).
    pub fn is_over_memory(&self) -> bool {
        let limit = self.max_memory();
        limit != 0 && self.used_bytes() > limit
    }

    /// Bytes that the data may take; 0 is no limit.
    pub fn max_memory(&self) -> u64 {
        self.memory.limit.load(Ordering::Relaxed)
    }

    /// Changes how many bytes the data may take; 0 is no limit.
    pub fn set_max_memory(&self, bytes: u64) {
        self.memory.limit.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that the data takes; one load. Changes by commands that hold a lock may be missing, up to a kilobyte a
    /// shard.
    pub fn used_bytes(&self) -> u64 {
        u64::try_from(self.memory.used.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// A random number, for `RANDOMKEY`, `SPOP` and the like. Not for secrets.
    pub fn random(&self) -> u64 {
        // Splitmix64's sequence, of a state that all threads advance.
        let mut state = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        dict::next_random(&mut state)
    }

    /// Figures of the whole.
    pub fn stats(&self) -> Stats {
        let mut sums = Sums::new(self);
        for Padded(shard) in &self.shards {
            sums.add(&shard.lock());
        }
        sums.finish(self)
    }

    /// Whether [`Store::expire`] does something. If not, keys go when they are next looked at (`DEBUG`).
    pub fn set_active_expiry(&self, is_on: bool) {
        self.expires_actively.store(is_on, Ordering::Relaxed);
    }

    /// Removes keys whose time has come, at most `limit` a shard and call, so that no lock is held for long; says
    /// how many. Called some ten times a second.
    pub fn expire(&self, now_ms: u64, limit: usize) -> usize {
        if !self.expires_actively.load(Ordering::Relaxed) {
            return 0;
        }
        let mut total = 0;
        for Padded(shard) in &self.shards {
            let mut shard = shard.lock();
            let mut left = limit;
            for database in 0..shard.keyspaces.len() {
                while left > 0
                    && let Some((hash, place)) = shard.keyspaces[database].due(now_ms)
                {
                    shard.expire(self, database, hash, place);
                    left -= 1;
                }
            }
            shard.report(&self.memory);
            total += limit - left;
        }
        total
    }

    /// Locks a shard.
    pub(super) fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index].0.lock()
    }

    /// Locks a shard if that does not mean waiting.
    pub(super) fn try_lock(&self, index: usize) -> Option<MutexGuard<'_, Shard>> {
        self.shards[index].0.try_lock()
    }

    /// What the data of all shards takes.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Frees a value; elsewhere if it is large.
    pub(super) fn discard_value(&self, value: Value) {
        if value.memory() > DISCARD_BYTES {
            self.discard(value);
        }
    }

    /// True if anything was freed elsewhere.
    #[cfg(test)]
    pub(super) fn has_discarded(&self) -> bool {
        self.discarded.get().is_some()
    }

    /// Has something large freed by a thread of its own.
    pub(super) fn discard(&self, garbage: impl Send + 'static) {
        let sender = self.discarded.get_or_init(|| {
            let (sender, receiver) = channel();
            let thread = std::thread::Builder::new().name("store-free".into());
            thread.spawn(move || receiver.iter().for_each(drop)).ok().map(|_| sender)
        });
        if let Some(sender) = sender {
            // Where there is no thread it is freed here.
            drop(sender.send(Box::new(garbage)));
        }
    }
}

/// A part of the keys of all databases, and who watches them and waits for them.
#[derive(Default)]
pub(super) struct Shard {
    /// By database; as many as were used.
    keyspaces: Vec<Keyspace>,
    /// By database and key: who is to know that the key was changed.
    watches: Vec<Dict<Vec<Arc<AtomicBool>>>>,
    /// By database and key: who waits for it, the longest waiting first.
    waiters: Vec<Dict<VecDeque<Arc<Waiter>>>>,
    /// Keys with watches, so that an untouched map need not be looked at; and keys with waiters.
    watched: usize,
    awaited: usize,
    /// For each shard, how many waiters need it to be served.
    needed: [u32; MAX_SHARDS],
    needs: ShardSet,
    /// Bytes that the keyspaces take, and how many of them the store's total knows of.
    used: i64,
    reported: i64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    expired: u64,
}

impl Shard {
    /// This shard's part of a database, if it was ever used.
    #[inline]
    pub(super) fn keyspace(&self, database: usize) -> Option<&Keyspace> {
        self.keyspaces.get(database)
    }

    /// This shard's part of a database that is in use.
    #[inline]
    pub(super) fn used_keyspace(&mut self, database: usize) -> &mut Keyspace {
        &mut self.keyspaces[database]
    }

    /// Changes this shard's part of a database, and accounts for the memory.
    #[inline]
    pub(super) fn change<R>(&mut self, memory: &Memory, database: usize, change: impl FnOnce(&mut Keyspace) -> R) -> R {
        if self.keyspaces.len() <= database {
            self.keyspaces.resize_with(database + 1, Keyspace::default);
        }
        let keyspace = &mut self.keyspaces[database];
        let before = keyspace.memory() as i64;
        let result = change(keyspace);
        self.used += keyspace.memory() as i64 - before;
        if (self.used - self.reported).abs() >= REPORT_BYTES {
            self.report(memory);
        }
        result
    }

    /// Tells the store's total of what this shard takes.
    pub(super) fn report(&mut self, memory: &Memory) {
        let change = self.used - self.reported;
        if change != 0 {
            self.reported = self.used;
            let used = memory.used.fetch_add(change, Ordering::Relaxed) + change;
            if used > memory.peak.load(Ordering::Relaxed) {
                memory.peak.fetch_max(used, Ordering::Relaxed);
            }
        }
    }

    /// Removes a key whose time has come.
    pub(super) fn expire(&mut self, store: &Store, database: usize, hash: u64, place: Place) {
        let (key, item) = self.change(&store.memory, database, |keyspace| keyspace.take(hash, place));
        self.expired += 1;
        self.break_watches(database, hash, &key);
        store.discard_value(item.into_value());
    }

    /// Takes a database's keyspace away, and leaves an empty one.
    pub(super) fn take_keyspace(&mut self, memory: &Memory, database: usize) -> Keyspace {
        self.change(memory, database, std::mem::take)
    }

    /// Exchanges two databases' keyspaces.
    pub(super) fn swap(&mut self, one: usize, other: usize) {
        let databases = one.max(other) + 1;
        if self.keyspaces.len() < databases {
            self.keyspaces.resize_with(databases, Keyspace::default);
        }
        self.keyspaces.swap(one, other);
    }

    /// Tells those who watch `key` that it was changed.
    #[inline]
    pub(super) fn break_watches(&self, database: usize, hash: u64, key: &[u8]) {
        if self.watched == 0 {
            return;
        }
        let flags = self.watches.get(database).and_then(|watches| watches.get_hashed(hash, key));
        for broken in flags.into_iter().flatten() {
            broken.store(true, Ordering::Release);
        }
    }

    /// The keys of a database that are watched.
    pub(super) fn watched_keys(&self, database: usize) -> Vec<Box<[u8]>> {
        self.watches.get(database).into_iter().flat_map(Dict::iter).map(|(key, _)| key.into()).collect()
    }

    /// Has `broken` set when `key` is changed.
    pub(super) fn watch(&mut self, database: usize, hash: u64, key: &[u8], broken: &Arc<AtomicBool>) {
        if self.watches.len() <= database {
            self.watches.resize_with(database + 1, Dict::new);
        }
        let flags = self.watches[database].get_or_insert_with(hash, key, Vec::new);
        self.watched += usize::from(flags.is_empty());
        if !flags.iter().any(|flag| Arc::ptr_eq(flag, broken)) {
            flags.push(broken.clone());
        }
    }

    /// Ends [`Shard::watch`].
    pub(super) fn unwatch(&mut self, database: usize, hash: u64, key: &[u8], broken: &Arc<AtomicBool>) {
        let Some(watches) = self.watches.get_mut(database) else { return };
        let Some(flags) = watches.get_mut_hashed(hash, key) else { return };
        flags.retain(|flag| !Arc::ptr_eq(flag, broken));
        if flags.is_empty() {
            watches.remove_hashed(hash, key);
            self.watched -= 1;
        }
    }

    /// True if someone waits for `key`.
    #[inline]
    pub(super) fn is_awaited(&self, database: usize, hash: u64, key: &[u8]) -> bool {
        self.awaited != 0 && self.waiter(database, hash, key, 0).is_some()
    }

    /// The keys of a database that someone waits for.
    pub(super) fn awaited_keys(&self, database: usize) -> Vec<Box<[u8]>> {
        self.waiters.get(database).into_iter().flat_map(Dict::iter).map(|(key, _)| key.into()).collect()
    }

    /// The waiter at `position` of those who wait for `key`.
    pub(super) fn waiter(&self, database: usize, hash: u64, key: &[u8], position: usize) -> Option<&Arc<Waiter>> {
        self.waiters.get(database)?.get_hashed(hash, key)?.get(position)
    }

    /// Adds `waiter` at the end of those who wait for `key`. False if it had just been added there.
    pub(super) fn add_waiter(&mut self, database: usize, hash: u64, key: &[u8], waiter: &Arc<Waiter>) -> bool {
        if self.waiters.len() <= database {
            self.waiters.resize_with(database + 1, Dict::new);
        }
        let queue = self.waiters[database].get_or_insert_with(hash, key, VecDeque::new);
        // A command that names a key twice adds its waiter twice in a row.
        if queue.back().is_some_and(|last| Arc::ptr_eq(last, waiter)) {
            return false;
        }
        self.awaited += usize::from(queue.is_empty());
        queue.push_back(waiter.clone());
        for index in waiter.shards.iter() {
            self.needed[index] += 1;
        }
        self.needs = self.needs.union(waiter.shards);
        true
    }

    /// Removes `waiter` from those who wait for `key`; false if it isn't among them.
    pub(super) fn remove_waiter(&mut self, database: usize, hash: u64, key: &[u8], waiter: &Arc<Waiter>) -> bool {
        let Some(waiters) = self.waiters.get_mut(database) else { return false };
        let Some(queue) = waiters.get_mut_hashed(hash, key) else { return false };
        let Some(position) = queue.iter().position(|other| Arc::ptr_eq(other, waiter)) else { return false };
        queue.remove(position);
        if queue.is_empty() {
            waiters.remove_hashed(hash, key);
            self.awaited -= 1;
        }
        for index in waiter.shards.iter() {
            self.needed[index] -= 1;
            if self.needed[index] == 0 {
                self.needs = self.needs.without(ShardSet::one(index));
            }
        }
        true
    }

    /// The shards that serving its waiters needs beside this one.
    #[inline]
    pub(super) fn needs(&self) -> ShardSet {
        self.needs
    }
}

/// Adds up the figures of the shards, which may be locked one by one or together.
pub(super) struct Sums {
    stats: Stats,
    deadlines: Vec<u128>,
}

impl Sums {
    /// Before the first shard.
    pub(super) fn new(store: &Store) -> Self {
        let databases = store.options.databases;
        let stats = Stats {
            blocked_clients: store.blocked.load(Ordering::Relaxed),
            databases: vec![DatabaseStats::default(); databases],
            ..Stats::default()
        };
        Sums { stats, deadlines: vec![0; databases] }
    }

    /// Adds a shard.
    pub(super) fn add(&mut self, shard: &Shard) {
        let stats = &mut self.stats;
        stats.used_bytes += u64::try_from(shard.used).unwrap_or(0);
        stats.expired_keys += shard.expired;
        stats.hits += shard.hits;
        stats.misses += shard.misses;
        for ((keyspace, database), deadlines) in
            shard.keyspaces.iter().zip(&mut stats.databases).zip(&mut self.deadlines)
        {
            database.keys += keyspace.items().len() as u64;
            database.expires += keyspace.expires() as u64;
            *deadlines += keyspace.deadlines();
        }
    }

    /// After the last shard.
    pub(super) fn finish(mut self, store: &Store) -> Stats {
        let now_ms = since_1970().as_millis();
        for (database, deadlines) in self.stats.databases.iter_mut().zip(self.deadlines) {
            if database.expires > 0 {
                let left = (deadlines / u128::from(database.expires)).saturating_sub(now_ms);
                database.average_ttl_ms = u64::try_from(left).unwrap_or(u64::MAX);
            }
        }
        let peak = u64::try_from(store.memory.peak.load(Ordering::Relaxed)).unwrap_or(0);
        self.stats.peak_bytes = peak.max(self.stats.used_bytes);
        self.stats
    }
}
