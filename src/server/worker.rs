//! A thread that serves clients.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::client;
use crate::config::Limits;
use crate::metrics::WorkerMetrics;
use crate::resp::request;
use crate::session::Shared;
use crate::store::Store;
use crate::upstream::flusher::Flusher;
use crate::upstream::pool::Pool;
use crate::upstream::reader::READ_BYTES;
use crate::upstream::redis::Redis;

/// How often a worker looks whether an idle lane is in somebody's way.
const TEND_INTERVAL: Duration = Duration::from_millis(200);

/// What executes the commands of a worker's clients.
pub enum Driver {
    /// The in-memory driver.
    Memory(Arc<Store>),
    /// A Redis.
    Redis(Redis),
}

/// What executes the commands, before a worker has its own side of it.
#[derive(Clone)]
pub enum DriverSeed {
    /// The in-memory driver.
    Memory(Arc<Store>),
    /// A Redis.
    Redis(Arc<Pool>),
}

/// What the clients of one thread share.
pub struct Worker {
    /// What executes the commands.
    pub driver: Driver,
    /// What all sessions share.
    pub shared: Arc<Shared>,
    /// What it counts.
    pub metrics: Arc<WorkerMetrics>,
    /// What a client may take.
    pub limits: Limits,
    /// How many clients it has.
    pub load: Arc<AtomicUsize>,
    /// What the scanners of its clients accept.
    pub request_limits: request::Limits,
    /// Writes to the clients.
    pub flusher: Rc<Flusher>,
    /// What clients are read into: once a worker, since only one task reads at a time.
    pub scratch: RefCell<Box<[u8]>>,
    /// What is still to be done for clients that have gone.
    partings: RefCell<JoinSet<()>>,
}

impl Worker {
    /// Does something for a client that has gone. The worker does not stop before it is done.
    pub fn part(&self, parting: impl Future<Output = ()> + 'static) {
        let mut partings = self.partings.borrow_mut();
        while partings.try_join_next().is_some() {}
        partings.spawn_local(parting);
    }
}

/// A socket that was accepted, on its way to a worker.
pub type Accepted = std::net::TcpStream;

/// What a worker is started with.
pub struct Start {
    /// What executes the commands.
    pub seed: DriverSeed,
    /// What all sessions share.
    pub shared: Arc<Shared>,
    /// What it counts.
    pub metrics: Arc<WorkerMetrics>,
    /// What a client may take.
    pub limits: Limits,
    /// How many clients it has, those on their way included.
    pub load: Arc<AtomicUsize>,
}

/// Serves the sockets that come through `accepted` until it is closed and the last client has gone.
pub fn run(start: Start, mut accepted: mpsc::Receiver<Accepted>) -> std::io::Result<()> {
    let Start { seed, shared, metrics, limits, load } = start;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request_limits = request::Limits {
        arguments: limits.arguments,
        bulk_bytes: limits.bulk_bytes,
        inline_bytes: limits.inline_bytes,
        request_bytes: limits.request_bytes,
    };
    let driver = match seed {
        DriverSeed::Memory(store) => Driver::Memory(store),
        DriverSeed::Redis(pool) => Driver::Redis(Redis::new(pool, limits.lane_bytes, metrics.clone())),
    };
    let scratch = RefCell::new(vec![0; READ_BYTES].into());
    let flusher = Flusher::new(metrics.clone());
    let partings = RefCell::default();
    let worker = Rc::new(Worker { driver, shared, metrics, limits, load, request_limits, flusher, scratch, partings });
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        tokio::task::spawn_local(worker.flusher.clone().run());
        let tended = worker.clone();
        tokio::task::spawn_local(async move {
            while let Driver::Redis(redis) = &tended.driver {
                tokio::time::sleep(TEND_INTERVAL).await;
                redis.tend();
            }
        });
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                socket = accepted.recv() => match socket {
                    Some(socket) => {
                        // A socket whose peer has gone again between accept and here is no loss.
                        match TcpStream::from_std(socket) {
                            Ok(socket) => {
                                clients.spawn_local(client::serve(worker.clone(), socket));
                            }
                            Err(_) => {
                                worker.load.fetch_sub(1, Ordering::Relaxed);
                            }
                        }
                    }
                    None => break,
                },
                Some(_) = clients.join_next() => {}
            }
        }
        while clients.join_next().await.is_some() {}
        let mut partings = worker.partings.take();
        while partings.join_next().await.is_some() {}
    });
    // What the lanes hold goes back to the pool, which needs a runtime for it.
    let _context = runtime.enter();
    drop(local);
    Ok(())
}
