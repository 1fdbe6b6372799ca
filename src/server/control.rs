//! The thread that accepts, watches, counts and stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::client::refuse;
use super::facts;
use super::http::{self, Status};
use super::worker::{self, Accepted, DriverSeed};
use crate::command::Error;
use crate::command::row::Group;
use crate::config::{Address, Config};
use crate::metrics::WorkerMetrics;
use crate::metrics::export::Exporter;
use crate::resp::reply::Value;
use crate::session::Shared;
use crate::session::shared::{InfoText, now_ms};
use crate::store::{Options, Store};
use crate::upstream::UpstreamError;
use crate::upstream::connection::read_reply;
use crate::upstream::pool::Pool;

/// Sockets that were accepted and wait for their worker to look.
const ACCEPTED_QUEUE: usize = 1024;

/// Sockets that wait to be accepted, as Redis's `tcp-backlog`.
const BACKLOG: u32 = 511;

/// How often keys whose time has come are removed.
const EXPIRE_INTERVAL: Duration = Duration::from_millis(100);

/// How many keys are removed from a shard at a time: its lock is held for well under a millisecond.
const EXPIRE_KEYS: usize = 200;

/// How often the upstream is asked how it is.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// How long the upstream may take to answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long clients that did not leave in `server.drain_timeout` have after they were told to go.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

/// Why the server could not start or go on.
#[derive(Debug)]
pub enum ServerError {
    /// An address can't be listened on.
    Listen(&'static str, SocketAddr, io::Error),
    /// The upstream's URL is none.
    Upstream(String),
    /// The system refused something else.
    System(io::Error),
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServerError::Listen(key, address, error) if error.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{address} is in use by another program: choose another address with {key}")
            }
            ServerError::Listen(key, address, error) => write!(f, "can't listen on {address} ({key}): {error}"),
            ServerError::Upstream(why) => write!(f, "upstream.url: {why}"),
            ServerError::System(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ServerError {}

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        ServerError::System(error)
    }
}

/// Serves until SIGINT or SIGTERM, then lets the clients finish. Calls `ready` when clients can connect.
pub fn run(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let server = Server::start(config)?;
        ready(server.address);
        server.serve().await
    })
}

struct Server {
    config: Config,
    address: SocketAddr,
    listener: TcpListener,
    shared: Arc<Shared>,
    seed: DriverSeed,
    workers: Vec<WorkerHandle>,
    status: Arc<Status>,
    facts: Arc<facts::Source>,
    upstream_info: Arc<ArcSwapOption<String>>,
}

struct WorkerHandle {
    accepted: mpsc::Sender<Accepted>,
    load: Arc<AtomicUsize>,
    metrics: Arc<WorkerMetrics>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(config: Config) -> Result<Server, ServerError> {
        let listener = listen(config.server.listen)
            .map_err(|error| ServerError::Listen("server.listen", config.server.listen, error))?;
        let address = listener.local_addr()?;
        let upstream = config.upstream_address().map_err(|error| ServerError::Upstream(error.to_string()))?;
        let upstream_info = Arc::new(ArcSwapOption::empty());
        let status = Arc::new(match &upstream {
            Some(address) => Status::upstream(address),
            None => Status::memory(),
        });
        let seed = match &upstream {
            Some(address) => DriverSeed::Redis(Pool::new(address.clone(), &config.pool, &config.upstream)),
            None => DriverSeed::Memory(Arc::new(Store::new(Options {
                databases: config.memory.databases,
                max_memory: config.memory.max_memory,
                ..Options::default()
            }))),
        };
        let facts = facts::Source::new(address.port(), config.limits.clients, &seed, upstream_info.clone());
        let shared = Arc::new(shared(&config, upstream.as_ref(), facts.clone().into_info_text()));
        let count = match config.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let workers = (0..count)
            .map(|index| WorkerHandle::spawn(index, &config, &shared, &seed))
            .collect::<io::Result<Vec<_>>>()?;
        facts.set_workers(workers.iter().map(|worker| worker.metrics.clone()).collect());
        let server = Server { config, address, listener, shared, seed, workers, status, facts, upstream_info };
        server.start_http()?;
        Ok(server)
    }

    async fn serve(self) -> Result<(), ServerError> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        if let DriverSeed::Redis(pool) = &self.seed {
            tokio::spawn(watch_upstream(pool.clone(), self.upstream_info.clone(), self.status.clone()));
        }
        let mut expire = tokio::time::interval(EXPIRE_INTERVAL);
        expire.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => self.deal(socket),
                    Err(error) => {
                        // Out of descriptors, as a rule: those who leave make room, and spinning does not.
                        tracing::warn!("can't accept a client: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                _ = expire.tick() => self.expire(),
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            }
        }
        self.drain().await
    }

    /// Deals a socket to the worker with the fewest.
    fn deal(&self, socket: TcpStream) {
        let clients: usize = self.workers.iter().map(|worker| worker.load.load(Ordering::Relaxed)).sum();
        if clients >= self.config.limits.clients {
            self.facts.count_rejected();
            let _ = socket.try_write(&refuse(&Error::TOO_MANY_CLIENTS));
            return;
        }
        let living = self.workers.iter().filter(|worker| !worker.accepted.is_closed());
        let Some(worker) = living.min_by_key(|worker| worker.load.load(Ordering::Relaxed)) else {
            return;
        };
        let Ok(socket) = socket.into_std() else { return };
        worker.load.fetch_add(1, Ordering::Relaxed);
        // A worker that does not look for so long can't serve the client either: nobody else waits for it.
        if worker.accepted.try_send(socket).is_err() {
            worker.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// `/livez`, `/readyz` and `/metrics`. What they show is collected when it is asked for.
    fn start_http(&self) -> Result<(), ServerError> {
        let address = self.config.server.http;
        let listener = listen(address).map_err(|error| ServerError::Listen("server.http", address, error))?;
        let exporter = Exporter::new(&Group::ALL.map(Group::name));
        let (facts, status, seed) = (self.facts.clone(), self.status.clone(), self.seed.clone());
        let render = move || {
            exporter.collect(&facts.snapshot(&seed, &status));
            exporter.render()
        };
        tokio::spawn(http::serve(listener, self.status.clone(), Arc::new(render)));
        Ok(())
    }

    fn expire(&self) {
        if let DriverSeed::Memory(store) = &self.seed {
            let started = Instant::now();
            // After a time in which much expired at once it goes on, but never for more than a quarter of the time.
            while store.expire(now_ms(), EXPIRE_KEYS) > 0 && started.elapsed() < EXPIRE_INTERVAL / 4 {}
        }
    }

    /// Accepts nobody any more, lets those who are there finish, and in the end sends them away.
    async fn drain(self) -> Result<(), ServerError> {
        tracing::info!("stopping: {} clients are connected", self.shared.registry.len());
        self.status.set_draining();
        drop(self.listener);
        self.shared.drain();
        let mut threads = Vec::new();
        for worker in self.workers {
            drop(worker.accepted);
            threads.push(worker.thread);
        }
        let finished = |threads: &[JoinHandle<io::Result<()>>]| threads.iter().all(JoinHandle::is_finished);
        if !wait_until(self.config.server.drain_timeout, || finished(&threads)).await {
            tracing::warn!("{} clients did not leave in server.drain_timeout", self.shared.registry.len());
            for client in self.shared.registry.list() {
                client.mailbox.kill();
            }
            wait_until(KILL_TIMEOUT, || finished(&threads)).await;
        }
        for thread in threads {
            if thread.is_finished()
                && let Ok(result) = thread.join()
            {
                result?;
            }
        }
        Ok(())
    }
}

impl WorkerHandle {
    fn spawn(index: usize, config: &Config, shared: &Arc<Shared>, seed: &DriverSeed) -> io::Result<WorkerHandle> {
        let (accepted, receiver) = mpsc::channel(ACCEPTED_QUEUE);
        let load = Arc::new(AtomicUsize::new(0));
        let metrics = Arc::new(WorkerMetrics::default());
        let start = worker::Start {
            seed: seed.clone(),
            shared: shared.clone(),
            metrics: metrics.clone(),
            limits: config.limits.clone(),
            load: load.clone(),
        };
        let thread =
            std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || worker::run(start, receiver))?;
        Ok(WorkerHandle { accepted, load, metrics, thread })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn wait_until(timeout: Duration, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + timeout;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

fn shared(config: &Config, upstream: Option<&Address>, info: InfoText) -> Shared {
    Shared {
        registry: Default::default(),
        password: config.server.password.clone(),
        first_database: upstream.map_or(0, |address| address.database),
        databases: if upstream.is_some() { config.upstream.databases } else { config.memory.databases },
        transaction_bytes: config.limits.transaction_bytes,
        has_upstream: upstream.is_some(),
        unpooled: upstream.is_some() && config.pool.max == 0,
        info,
        pause: Default::default(),
        draining: Default::default(),
    }
}

/// Asks the upstream how it is, once a second, with a connection of the pool.
async fn watch_upstream(pool: Arc<Pool>, info: Arc<ArcSwapOption<String>>, status: Arc<Status>) {
    loop {
        let answer = tokio::time::timeout(HEALTH_TIMEOUT, ask_info(&pool)).await;
        match answer.unwrap_or_else(|_| Err(UpstreamError::Unreachable(format!("no answer in {HEALTH_TIMEOUT:?}")))) {
            Ok(text) => {
                info.store(Some(Arc::new(text)));
                status.set_upstream(Ok(()));
            }
            // A pool that is exhausted says nothing about the upstream.
            Err(_) if pool.is_exhausted() => {}
            Err(error) => {
                if status.is_ready() {
                    tracing::warn!("{error}");
                }
                status.set_upstream(Err(error.to_string()));
            }
        }
        tokio::time::sleep(HEALTH_INTERVAL).await;
    }
}

async fn ask_info(pool: &Arc<Pool>) -> Result<String, UpstreamError> {
    let mut lease = pool.acquire().await?;
    let socket = lease.socket.take().ok_or(UpstreamError::Lost)?;
    let mut socket = TcpStream::from_std(socket).map_err(|_| UpstreamError::Lost)?;
    let ask = async {
        socket.write_all(b"*2\r\n$4\r\nINFO\r\n$10\r\neverything\r\n").await.map_err(|_| UpstreamError::Lost)?;
        read_reply(&mut socket, &mut Vec::new()).await
    };
    let reply = ask.await?;
    lease.socket = socket.into_std().ok();
    match reply {
        Value::Bulk(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        _ => Err(UpstreamError::Protocol),
    }
}
