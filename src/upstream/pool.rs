//! All connections to an upstream, under one limit.
//!
//! Lanes and exclusive connections alike are leased here. `bb8` keeps the idle ones and the count; a semaphore before
//! it makes the wait fair, since `bb8` lets newcomers barge.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connection::Connection;
use super::error::UpstreamError;
use crate::config::{self, Address};
use crate::resp::Protocol;

/// Makes connections for `bb8`.
pub struct Manager {
    address: Address,
    connect_timeout: Duration,
    failures: Arc<Failures>,
}

/// Dials that failed. `bb8` keeps their reasons to itself, and has those who wait wait on.
#[derive(Default)]
struct Failures {
    last: Mutex<Option<UpstreamError>>,
    failed: Notify,
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = UpstreamError;

    async fn connect(&self) -> Result<Connection, UpstreamError> {
        let result = Connection::open(&self.address, self.connect_timeout).await;
        if let Err(error) = &result {
            *self.failures.last.lock() = Some(error.clone());
            self.failures.failed.notify_waiters();
        }
        result
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
    failures: Arc<Failures>,
    permits: Arc<Semaphore>,
    address: Address,
    settings: config::Pool,
    upstream: config::Upstream,
    direct: AtomicU64,
    waiting: AtomicU64,
    lanes_waiting: AtomicU64,
    acquired: AtomicU64,
    timeouts: AtomicU64,
    waited_micros: AtomicU64,
}

impl Pool {
    /// A pool that opens its first connections at once, in the background. Needs a runtime that stays.
    pub fn new(address: Address, settings: &config::Pool, upstream: &config::Upstream) -> Arc<Pool> {
        let failures = Arc::new(Failures::default());
        let pooled = (settings.max > 0).then(|| {
            let connect_timeout = upstream.connect_timeout;
            let manager = Manager { address: address.clone(), connect_timeout, failures: failures.clone() };
            bb8::Pool::builder()
                .max_size(settings.max)
                // With the one that the upstream's health is asked by, it is `min` that nobody else uses.
                .min_idle(settings.min.saturating_sub(1).min(settings.max))
                .connection_timeout(settings.acquire_timeout)
                .idle_timeout(settings.idle_timeout)
                .max_lifetime(None)
                .retry_connection(false)
                .queue_strategy(bb8::QueueStrategy::Lifo)
                .build_unchecked(manager)
        });
        let permits = if settings.max > 0 { settings.max as usize } else { Semaphore::MAX_PERMITS };
        Arc::new(Pool {
            pooled,
            failures,
            permits: Arc::new(Semaphore::new(permits)),
            address,
            settings: settings.clone(),
            upstream: upstream.clone(),
            direct: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            lanes_waiting: AtomicU64::new(0),
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

    /// Says, for as long as the guard lives, that a lane waits for a connection.
    pub fn wait_as_lane(&self) -> impl Drop + use<'_> {
        Gauge::raise(&self.lanes_waiting)
    }

    /// True if a lane waits for a connection while all are in use. An idle lane yields to another lane only: to one
    /// who may block for ever it would lose its place for good, and with it all clients of the lane.
    pub fn is_wanted(&self) -> bool {
        self.is_exhausted() && self.lanes_waiting.load(Ordering::Relaxed) > 0
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

    /// As [`Pool::acquire`], with the socket, in `protocol` and `database`.
    pub async fn acquire_for(
        self: &Arc<Self>,
        protocol: Protocol,
        database: usize,
    ) -> Result<(Lease, TcpStream), UpstreamError> {
        let mut again = true;
        loop {
            let mut lease = self.acquire().await?;
            match tokio::time::timeout(self.upstream.connect_timeout, lease.prepare(protocol, database)).await {
                Ok(Ok(socket)) => return Ok((lease, socket)),
                // One that has lain idle may have been lost without a sign; nothing was executed yet.
                Ok(Err(UpstreamError::Lost)) if again => again = false,
                Ok(Err(error @ UpstreamError::Handshake(_))) => return Err(error),
                Ok(Err(_)) | Err(_) => return Err(UpstreamError::Unreachable("it does not answer".into())),
            }
        }
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
                Some(pool) => match self.get(pool, deadline).await {
                    Ok(connection) => {
                        return Ok(Lease { held: Held::Pooled(connection), pool: self.clone(), _permit: permit });
                    }
                    Err(error) => error,
                },
                None => match Connection::open(&self.address, self.dial_timeout(deadline)).await {
                    Ok(connection) => {
                        self.direct.fetch_add(1, Ordering::Relaxed);
                        return Ok(Lease { held: Held::Direct(connection), pool: self.clone(), _permit: permit });
                    }
                    Err(error) => error,
                },
            };
            if error.is_lasting() || Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + backoff)).await;
            backoff = (backoff * 2).min(self.upstream.backoff_max);
        }
    }

    /// A connection of the pool, or why the next dial failed.
    async fn get(
        &self,
        pool: &bb8::Pool<Manager>,
        deadline: Instant,
    ) -> Result<bb8::PooledConnection<'static, Manager>, UpstreamError> {
        let failed = std::pin::pin!(self.failures.failed.notified());
        tokio::select! {
            biased;
            result = tokio::time::timeout_at(deadline, pool.get_owned()) => match result {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(bb8::RunError::User(error))) => return Err(error),
                Ok(Err(bb8::RunError::TimedOut)) | Err(_) => {}
            },
            () = failed => {}
        }
        let last = self.failures.last.lock().clone();
        Err(last.unwrap_or_else(|| {
            let within = self.settings.acquire_timeout;
            UpstreamError::Unreachable(format!("no connection within pool.acquire_timeout = {within:?}"))
        }))
    }

    fn dial_timeout(&self, deadline: Instant) -> Duration {
        self.upstream.connect_timeout.min(deadline.saturating_duration_since(Instant::now()))
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
