//! The keys of all databases, in parts under a lock each.

use super::broker::Broker;

/// How many shards there can be: a [`ShardSet`] has a bit for each.
pub const MAX_SHARDS: usize = 16;

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

    /// All of these and those.
    pub const fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    /// True if all of `other` are among these.
    pub const fn contains(self, other: ShardSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// The numbers of the shards, in the order in which they are locked.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_SHARDS).filter(move |index| self.0 & (1 << index) != 0)
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
}

#[allow(unused_variables)]
impl Store {
    /// An empty store.
    pub fn new(options: Options) -> Self {
        Store { options, broker: Broker::default() }
    }

    /// How it is laid out.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Its publish and subscribe.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The shard that `key` lives in.
    pub fn shard_of(&self, key: &[u8]) -> ShardSet {
        todo!()
    }

    /// All shards.
    pub fn all_shards(&self) -> ShardSet {
        todo!()
    }

    /// True if the data takes more than `max_memory`: a write that needs memory is refused (`OOM`).
    pub fn is_over_memory(&self) -> bool {
        todo!()
    }

    /// Figures of the whole.
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// Removes keys whose time has come, at most `limit` a shard and call, so that no lock is held for long; says
    /// how many. Called some ten times a second.
    pub fn expire(&self, now_ms: u64, limit: usize) -> usize {
        todo!()
    }
}
