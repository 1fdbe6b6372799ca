//! All connections to an upstream, under one limit.
//!
//! Lanes and exclusive connections alike are leased here. `bb8` keeps the idle ones and the count; a semaphore before
//! it makes the wait fair, since `bb8` lets newcomers barge.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connection::Connection;
use super::error::UpstreamError;
use crate::config::{self, Address};

/// Makes connections for `bb8`.
pub struct Manager {
    address: Address,
    connect_timeout: Duration,
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = UpstreamError;

    async fn connect(&self) -> Result<Connection, UpstreamError> {
        Connection::open(&self.address, self.connect_timeout).await
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), UpstreamError> {
        if connection.is_quiet() { Ok(()) } else { Err(UpstreamError::Lost) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.socket.is_none()
    }
}

/// Figures of a pool, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections that are open.
    pub open: u64,
    /// Of these, those that nobody uses.
    pub idle: u64,
    /// Users that wait for one.
    pub waiting: u64,
    /// Connections that were ever leased.
    pub acquired: u64,
    /// Waits that ended without one.
    pub timeouts: u64,
    /// Microseconds that users have waited, together.
    pub waited_micros: u64,
}

/// All connections to an upstream. Shared by all workers.
pub struct Pool {
    /// `None` without pooling (`pool.max = 0`).
    pooled: Option<bb8::Pool<Manager>>,
    permits: Arc<Semaphore>,
    address: Address,
    settings: config::Pool,
    upstream: config::Upstream,
    direct: AtomicU64,
    waiting: AtomicU64,
    acquired: AtomicU64,
    timeouts: AtomicU64,
    waited_micros: AtomicU64,
}

impl Pool {
    /// A pool that opens its first connections at once, in the background. Needs a runtime that stays.
    pub fn new(address: Address, settings: &config::Pool, upstream: &config::Upstream) -> Arc<Pool> {
        let pooled = (settings.max > 0).then(|| {
            bb8::Pool::builder()
                .max_size(settings.max)
                .min_idle(settings.min.min(settings.max))
                .connection_timeout(settings.acquire_timeout)
                .idle_timeout(settings.idle_timeout)
                .max_lifetime(None)
                .retry_connection(false)
                .queue_strategy(bb8::QueueStrategy::Lifo)
                .build_unchecked(Manager { address: address.clone(), connect_timeout: upstream.connect_timeout })
        });
        let permits = if settings.max > 0 { settings.max as usize } else { Semaphore::MAX_PERMITS };
        Arc::new(Pool {
            pooled,
            permits: Arc::new(Semaphore::new(permits)),
            address,
            settings: settings.clone(),
            upstream: upstream.clone(),
            direct: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            acquired: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            waited_micros: AtomicU64::new(0),
        })
    }

    /// True if each client has a connection of its own (`pool.max = 0`).
    pub fn is_unpooled(&self) -> bool {
        self.pooled.is_none()
    }

    /// True if all connections that `pool.max` allows are in use.
    pub fn is_exhausted(&self) -> bool {
        self.permits.available_permits() == 0
    }

    /// Where the upstream is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How long [`Pool::acquire`] takes at most.
    pub fn acquire_timeout(&self) -> Duration {
        self.settings.acquire_timeout
    }

    /// Leases a connection, within `pool.acquire_timeout`. An upstream that can't be reached is dialled again and
    /// again until then: an error is the last resort. First come, first served.
    pub async fn acquire(self: &Arc<Self>) -> Result<Lease, UpstreamError> {
        let start = Instant::now();
        let _waiting = Gauge::raise(&self.waiting);
        let result = self.acquire_until(start + self.settings.acquire_timeout).await;
        self.waited_micros.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        let counter = if result.is_ok() { &self.acquired } else { &self.timeouts };
        counter.fetch_add(1, Ordering::Relaxed);
        result
    }

    async fn acquire_until(self: &Arc<Self>, deadline: Instant) -> Result<Lease, UpstreamError> {
        let exhausted = || UpstreamError::Exhausted { max: self.settings.max, waited: self.settings.acquire_timeout };
        let permit = match tokio::time::timeout_at(deadline, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(exhausted()),
        };
        let mut backoff = self.upstream.backoff_min;
        loop {
            let error = match &self.pooled {
                Some(pool) => match tokio::time::timeout_at(deadline, pool.get_owned()).await {
                    Ok(Ok(connection)) => {
                        return Ok(Lease { held: Held::Pooled(connection), pool: self.clone(), _permit: permit });
                    }
                    Ok(Err(bb8::RunError::User(error))) => error,
                    Ok(Err(bb8::RunError::TimedOut)) | Err(_) => {
                        return Err(UpstreamError::Unreachable(format!(
                            "no connection within pool.acquire_timeout = {:?}",
                            self.settings.acquire_timeout
                        )));
                    }
                },
                None => match Connection::open(&self.address, self.upstream.connect_timeout).await {
                    Ok(connection) => {
                        self.direct.fetch_add(1, Ordering::Relaxed);
                        return Ok(Lease { held: Held::Direct(connection), pool: self.clone(), _permit: permit });
                    }
                    Err(error) => error,
                },
            };
            // A refused AUTH does not get better by asking again.
            if matches!(error, UpstreamError::Handshake(_)) || Instant::now() + backoff >= deadline {
                return Err(error);
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(self.upstream.backoff_max);
        }
    }

    /// Its figures.
    pub fn stats(&self) -> PoolStats {
        let (open, idle) = match &self.pooled {
            Some(pool) => {
                let state = pool.state();
                (u64::from(state.connections), u64::from(state.idle_connections))
            }
            None => (self.direct.load(Ordering::Relaxed), 0),
        };
        PoolStats {
            open,
            idle,
            waiting: self.waiting.load(Ordering::Relaxed),
            acquired: self.acquired.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            waited_micros: self.waited_micros.load(Ordering::Relaxed),
        }
    }
}

/// A connection that is used by one lane or client. Dropped with its socket put back it returns to the pool; without,
/// the connection is closed and makes room for another.
pub struct Lease {
    held: Held,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

enum Held {
    Pooled(bb8::PooledConnection<'static, Manager>),
    Direct(Connection),
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.held {
            Held::Pooled(connection) => connection,
            Held::Direct(connection) => connection,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.held {
            Held::Pooled(connection) => connection,
            Held::Direct(connection) => connection,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Held::Direct(_) = self.held {
            self.pool.direct.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Counts something for as long as it lives.
struct Gauge<'a>(&'a AtomicU64);

impl<'a> Gauge<'a> {
    fn raise(value: &'a AtomicU64) -> Self {
        value.fetch_add(1, Ordering::Relaxed);
        Gauge(value)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
