//! What all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::SecretString;

use super::registry::Registry;
use crate::command::info::Wanted;
use crate::store::shard::Stats;

/// Renders the wanted sections of `INFO`; with the store's figures in the memory driver.
pub type InfoText = Box<dyn Fn(&Shared, &Wanted, Option<Stats>) -> String + Send + Sync>;

/// What all sessions share.
pub struct Shared {
    /// Who is connected.
    pub registry: Registry,
    /// What clients have to `AUTH` with.
    pub password: Option<SecretString>,
    /// The database that a client starts in.
    pub first_database: usize,
    /// How many databases `SELECT` knows.
    pub databases: usize,
    /// Bytes that a client may queue in `MULTI` (`limits.transaction_bytes`).
    pub transaction_bytes: usize,
    /// True if an upstream executes the commands, false if the memory driver does.
    pub has_upstream: bool,
    /// True if each client has an upstream connection of its own (`pool.max = 0`).
    pub unpooled: bool,
    /// Renders `INFO`.
    pub info: InfoText,
    /// Pauses of all clients (`CLIENT PAUSE`).
    pub pause: Pause,
    /// respool is about to stop: clients leave as soon as they have their replies.
    pub draining: AtomicBool,
}

impl Shared {
    /// The wanted sections of `INFO`.
    pub fn render_info(&self, wanted: &Wanted, stats: Option<Stats>) -> String {
        (self.info)(self, wanted, stats)
    }

    /// True when respool is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Tells all clients to leave as soon as they have their replies.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        for client in self.registry.list() {
            client.mailbox.wake();
        }
    }
}

/// How long requests of all clients are held back.
#[derive(Default)]
pub struct Pause {
    until_ms: AtomicU64,
    writes_only: AtomicBool,
}

impl Pause {
    /// Holds requests back until then: all of them, or those that write. A pause that is on is made longer or
    /// stricter, never shorter or milder, as in Redis.
    pub fn set(&self, until_ms: u64, writes_only: bool) {
        let is_on = self.until_ms.load(Ordering::Relaxed) > now_ms();
        let writes_only = writes_only && (!is_on || self.writes_only.load(Ordering::Relaxed));
        self.writes_only.store(writes_only, Ordering::Relaxed);
        self.until_ms.fetch_max(until_ms, Ordering::Relaxed);
    }

    /// Ends the pause.
    pub fn end(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
    }

    /// Until when a request has to wait, if it has to.
    pub fn holds(&self, is_write: bool) -> Option<u64> {
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        if until_ms == 0 || (self.writes_only.load(Ordering::Relaxed) && !is_write) || now_ms() >= until_ms {
            return None;
        }
        Some(until_ms)
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}
