//! What is counted, and how it gets to `/metrics`.
//!
//! A worker counts in plain cells of its own, since a shared counter in the command path would cost more than the
//! command's scan. The control thread adds them up, and [`export`] tells them.

pub mod export;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that one worker raises and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`. Only the worker that owns the counter may: a load and a store, not a locked addition.
    pub fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Takes `count` off; see [`Counter::add`].
    pub fn subtract(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_sub(count), Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many buckets a [`Histogram`] has: powers of two of microseconds, up to over an hour.
pub const BUCKETS: usize = 32;

/// A distribution of times.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many times were below 2^index microseconds and not in a bucket before.
    pub buckets: [Counter; BUCKETS],
    /// All times together, in nanoseconds.
    pub sum_nanos: Counter,
}

impl Histogram {
    /// Counts one time.
    pub fn record(&self, time: Duration) {
        let micros = time.as_micros() as u64;
        let bucket = (64 - micros.leading_zeros() as usize).min(BUCKETS - 1);
        self.buckets[bucket].add(1);
        self.sum_nanos.add(time.as_nanos() as u64);
    }
}

/// How many families of commands are told apart.
pub const FAMILIES: usize = 16;

/// How many [`Outcome`]s there are.
pub const OUTCOMES: usize = 3;

/// What became of a request, as far as the worker knows when it takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered by respool, or executed in memory.
    Local,
    /// Passed on to the upstream.
    Forwarded,
    /// Refused with an error of respool's own.
    Refused,
}

/// What one worker counts.
#[derive(Debug, Default)]
pub struct WorkerMetrics {
    /// Requests by family of commands and by outcome.
    pub requests: [[Counter; OUTCOMES]; FAMILIES],
    /// Clients that are connected.
    pub clients: Counter,
    /// Clients that ever were.
    pub connections: Counter,
    /// Clients that wait for an element.
    pub blocked: Counter,
    /// Lanes that there are.
    pub lanes: Counter,
    /// Writes to lanes: how many requests share one tells how well they are coalesced.
    pub lane_writes: Counter,
    /// Reads from lanes.
    pub lane_reads: Counter,
    /// Bytes from clients.
    pub bytes_in: Counter,
    /// Bytes to clients.
    pub bytes_out: Counter,
    /// From a batch's read to its being passed on or executed.
    pub proxy_time: Histogram,
    /// From a lane's write to the first reply to it.
    pub upstream_time: Histogram,
}

impl WorkerMetrics {
    /// All requests.
    pub fn commands(&self) -> u64 {
        self.requests.iter().flatten().map(Counter::get).sum()
    }

    /// Counts a request of the family.
    pub fn request(&self, family: usize, outcome: Outcome) {
        self.requests[family][outcome as usize].add(1);
    }
}
