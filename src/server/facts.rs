//! What `INFO` and `/metrics` tell of the process.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::http::Status;
use super::worker::DriverSeed;
use crate::command::info::{self, Driver, Facts, Wanted};
use crate::metrics::WorkerMetrics;
use crate::metrics::export::{MemoryFigures, PoolFigures, Snapshot, WorkerFigures};
use crate::session::Shared;
use crate::session::shared::InfoText;
use crate::store::Store;
use crate::store::broker::Topic;
use crate::store::shard::Stats;

/// Where the figures come from.
pub struct Source {
    started: Instant,
    run_id: String,
    tcp_port: u16,
    max_clients: usize,
    store: Option<Arc<Store>>,
    /// What the upstream has answered to `INFO` last.
    upstream: Arc<ArcSwapOption<String>>,
    workers: OnceLock<Vec<Arc<WorkerMetrics>>>,
    rejected: AtomicU64,
    rate: Mutex<Rate>,
}

/// How many commands the last full second had.
struct Rate {
    since: Instant,
    commands: u64,
    per_s: u64,
}

impl Source {
    /// Before there are workers.
    pub fn new(
        tcp_port: u16,
        max_clients: usize,
        seed: &DriverSeed,
        upstream: Arc<ArcSwapOption<String>>,
    ) -> Arc<Source> {
        let store = match seed {
            DriverSeed::Memory(store) => Some(store.clone()),
            DriverSeed::Redis(_) => None,
        };
        let started = Instant::now();
        Arc::new(Source {
            started,
            run_id: run_id(),
            tcp_port,
            max_clients,
            store,
            upstream,
            workers: OnceLock::new(),
            rejected: AtomicU64::new(0),
            rate: Mutex::new(Rate { since: started, commands: 0, per_s: 0 }),
        })
    }

    /// The workers, once they are there.
    pub fn set_workers(&self, workers: Vec<Arc<WorkerMetrics>>) {
        // Set once, at the start.
        let _ = self.workers.set(workers);
    }

    /// Counts a client that was one too many.
    pub fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// What sessions answer `INFO` with.
    pub fn into_info_text(self: Arc<Self>) -> InfoText {
        Box::new(move |shared, wanted, stats| self.info(shared, wanted, stats))
    }

    fn info(&self, shared: &Shared, wanted: &Wanted, stats: Option<Stats>) -> String {
        if self.store.is_none()
            && let Some(text) = &*self.upstream.load()
        {
            return info::filter(text, env!("CARGO_PKG_VERSION"), wanted);
        }
        info::render(&self.facts(shared, stats.unwrap_or_default()), wanted)
    }

    fn facts(&self, shared: &Shared, store: Stats) -> Facts {
        let workers = self.workers.get().map_or(&[][..], Vec::as_slice);
        let sum = |count: fn(&WorkerMetrics) -> u64| workers.iter().map(|worker| count(worker)).sum::<u64>();
        let commands = sum(WorkerMetrics::commands);
        let broker = self.store.as_ref().map(|store| store.broker());
        let process = Process::read();
        Facts {
            version: env!("CARGO_PKG_VERSION"),
            driver: if self.store.is_some() { Driver::Memory } else { Driver::Redis },
            executable: std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default(),
            config_file: String::new(),
            process_id: std::process::id(),
            run_id: self.run_id.clone(),
            tcp_port: self.tcp_port,
            now_us: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64),
            uptime_s: self.started.elapsed().as_secs(),
            connected_clients: shared.registry.len() as u64,
            max_clients: self.max_clients as u64,
            connections: shared.registry.connections(),
            rejected_connections: self.rejected.load(Ordering::Relaxed),
            commands,
            commands_per_s: self.commands_per_s(commands),
            input_bytes: sum(|worker| worker.bytes_in.get()),
            output_bytes: sum(|worker| worker.bytes_out.get()),
            error_replies: 0,
            errors: Vec::new(),
            channels: broker.map_or(0, |broker| broker.channels(Topic::Channel, None).len() as u64),
            patterns: broker.map_or(0, |broker| broker.patterns() as u64),
            shard_channels: broker.map_or(0, |broker| broker.channels(Topic::Shard, None).len() as u64),
            max_memory: self.store.as_ref().map_or(0, |store| store.max_memory()),
            resident_bytes: process.resident_bytes,
            system_bytes: process.system_bytes,
            cpu_s: process.cpu_s,
            store,
        }
    }

    /// How many commands a second, over the time since somebody asked last, a second at least.
    fn commands_per_s(&self, commands: u64) -> u64 {
        let mut rate = self.rate.lock();
        let elapsed = rate.since.elapsed();
        if elapsed.as_secs() >= 1 {
            let fresh = commands.saturating_sub(rate.commands);
            *rate = Rate { since: Instant::now(), commands, per_s: fresh / elapsed.as_secs() };
        }
        rate.per_s
    }

    /// What `/metrics` shows.
    pub fn snapshot(&self, seed: &DriverSeed, status: &Status) -> Snapshot {
        let workers = self.workers.get().map_or(&[][..], Vec::as_slice);
        let (mut pool, mut memory) = (None, None);
        match seed {
            DriverSeed::Redis(upstream) => {
                let stats = upstream.stats();
                pool = Some(PoolFigures {
                    open: stats.open,
                    idle: stats.idle,
                    waiting: stats.waiting,
                    acquired: stats.acquired,
                    timeouts: stats.timeouts,
                    waited_micros: stats.waited_micros,
                });
            }
            DriverSeed::Memory(store) => {
                let stats = store.stats();
                memory = Some(MemoryFigures {
                    databases: stats.databases.iter().map(|database| (database.keys, database.expires)).collect(),
                    used_bytes: stats.used_bytes,
                    peak_bytes: stats.peak_bytes,
                    expired: stats.expired_keys,
                    hits: stats.hits,
                    misses: stats.misses,
                });
            }
        }
        let workers = WorkerFigures::sum(workers);
        Snapshot { workers, pool, memory, ready: status.is_ready(), draining: status.is_draining() }
    }
}

/// Forty hex digits that are another at every start.
fn run_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let digits: String = (0..3).map(|part| format!("{:016x}", RandomState::new().hash_one(part))).collect();
    digits[..40].to_owned()
}

/// What the system says of the process.
#[derive(Default)]
struct Process {
    resident_bytes: u64,
    system_bytes: u64,
    /// In the system, and for itself.
    cpu_s: (f64, f64),
}

impl Process {
    /// Reads `/proc`; where there is none, everything is 0.
    fn read() -> Process {
        /// `USER_HZ`, which Linux has fixed at this.
        const TICKS_PER_S: f64 = 100.0;
        let lines_of = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let kilobytes = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |value| value << 10)
        };
        let stat = lines_of("/proc/self/stat");
        // The fields behind the name, which may hold anything; times are the 14th and 15th of all.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let seconds =
            |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0) / TICKS_PER_S;
        Process {
            resident_bytes: kilobytes(&lines_of("/proc/self/status"), "VmRSS:"),
            system_bytes: kilobytes(&lines_of("/proc/meminfo"), "MemTotal:"),
            cpu_s: (seconds(12), seconds(11)),
        }
    }
}
