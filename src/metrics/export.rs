//! `/metrics`: what was counted, as Prometheus reads it.
//!
//! Counters and gauges go through the `metrics` facade to its Prometheus exporter. Two things are written here by hand,
//! since the facade has no call for them: a histogram that was counted elsewhere (it takes single samples only, keeps
//! each until the next scrape, and could say the sum no better than the middle of a bucket does), and a counter with a
//! fraction.

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use metrics::{Counter, Gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::Mutex;

use super::{BUCKETS, FAMILIES, Histogram, OUTCOMES, WorkerMetrics};

/// Names of [`super::Outcome`], in its order.
const OUTCOME_NAMES: [&str; OUTCOMES] = ["local", "forwarded", "refused"];

/// What is exported at one time.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All workers together.
    pub workers: WorkerFigures,
    /// The upstream's connections, if there is an upstream.
    pub pool: Option<PoolFigures>,
    /// The in-memory driver, if it serves.
    pub memory: Option<MemoryFigures>,
    /// What `/readyz` says.
    pub ready: bool,
    /// True once respool stops.
    pub draining: bool,
}

/// What the workers have counted, together.
#[derive(Debug, Clone, Default)]
pub struct WorkerFigures {
    workers: usize,
    requests: [[u64; OUTCOMES]; FAMILIES],
    connections: u64,
    clients: u64,
    blocked: u64,
    lanes: u64,
    lane_writes: u64,
    lane_reads: u64,
    bytes_in: u64,
    bytes_out: u64,
    proxy_time: Times,
    upstream_time: Times,
}

#[derive(Debug, Clone, Default)]
struct Times {
    buckets: [u64; BUCKETS],
    sum_nanos: u64,
}

/// What a pool says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct PoolFigures {
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

/// What the in-memory driver says of itself.
#[derive(Debug, Clone, Default)]
pub struct MemoryFigures {
    /// Keys by database, and how many of them expire.
    pub databases: Vec<(u64, u64)>,
    /// Bytes that the data takes.
    pub used_bytes: u64,
    /// The most that it ever took.
    pub peak_bytes: u64,
    /// Keys that have expired.
    pub expired: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
}

impl WorkerFigures {
    /// Adds up what the workers have counted.
    pub fn sum<'a>(workers: impl IntoIterator<Item = &'a Arc<WorkerMetrics>>) -> Self {
        let mut sum = WorkerFigures::default();
        for worker in workers {
            sum.add(worker);
        }
        sum
    }

    fn add(&mut self, worker: &WorkerMetrics) {
        self.workers += 1;
        for (sums, counters) in self.requests.iter_mut().zip(&worker.requests) {
            for (sum, counter) in sums.iter_mut().zip(counters) {
                *sum += counter.get();
            }
        }
        for (sum, counter) in [
            (&mut self.connections, &worker.connections),
            (&mut self.clients, &worker.clients),
            (&mut self.blocked, &worker.blocked),
            (&mut self.lanes, &worker.lanes),
            (&mut self.lane_writes, &worker.lane_writes),
            (&mut self.lane_reads, &worker.lane_reads),
            (&mut self.bytes_in, &worker.bytes_in),
            (&mut self.bytes_out, &worker.bytes_out),
        ] {
            *sum = sum.wrapping_add(counter.get());
        }
        self.proxy_time.add(&worker.proxy_time);
        self.upstream_time.add(&worker.upstream_time);
    }
}

impl Times {
    fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *sum += bucket.get();
        }
        self.sum_nanos = self.sum_nanos.wrapping_add(histogram.sum_nanos.get());
    }
}

/// Keeps the last snapshot and renders it.
pub struct Exporter {
    handle: PrometheusHandle,
    recorder: PrometheusRecorder,
    requests: [[Counter; OUTCOMES]; FAMILIES],
    counters: Counters,
    gauges: Gauges,
    /// Registered with the first snapshot that has figures of them: what is not there is not shown as 0.
    pool: Mutex<Option<PoolHandles>>,
    memory: Mutex<Option<MemoryHandles>>,
    by_hand: Mutex<ByHand>,
}

struct Counters {
    connections: Counter,
    lane_writes: Counter,
    lane_reads: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
}

struct Gauges {
    workers: Gauge,
    clients: Gauge,
    blocked: Gauge,
    lanes: Gauge,
    ready: Gauge,
    draining: Gauge,
}

struct PoolHandles {
    open: Gauge,
    idle: Gauge,
    waiting: Gauge,
    acquired: Counter,
    timeouts: Counter,
}

struct MemoryHandles {
    /// Keys and expiring keys, by database.
    databases: Vec<Option<(Gauge, Gauge)>>,
    used_bytes: Gauge,
    peak_bytes: Gauge,
    expired: Counter,
    hits: Counter,
    misses: Counter,
}

#[derive(Default)]
struct ByHand {
    proxy_time: Times,
    upstream_time: Times,
    waited_micros: Option<u64>,
}

impl Exporter {
    /// An exporter for families of commands with these names.
    pub fn new(families: &[&'static str; FAMILIES]) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        // Local, so that neither the order of starting nor a second exporter in the process (in tests) matters.
        let (requests, counters, gauges) = metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::gauge!("respool_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
            if let Ok(since_epoch) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
                metrics::gauge!("respool_start_time_seconds").set(since_epoch.as_secs_f64());
            }
            let requests = families.map(|family| {
                OUTCOME_NAMES.map(
                    |outcome| metrics::counter!("respool_requests_total", "family" => family, "outcome" => outcome),
                )
            });
            let counters = Counters {
                connections: metrics::counter!("respool_connections_total"),
                lane_writes: metrics::counter!("respool_lane_writes_total"),
                lane_reads: metrics::counter!("respool_lane_reads_total"),
                bytes_in: metrics::counter!("respool_client_bytes_total", "direction" => "in"),
                bytes_out: metrics::counter!("respool_client_bytes_total", "direction" => "out"),
            };
            let gauges = Gauges {
                workers: metrics::gauge!("respool_workers"),
                clients: metrics::gauge!("respool_clients"),
                blocked: metrics::gauge!("respool_blocked_clients"),
                lanes: metrics::gauge!("respool_lanes"),
                ready: metrics::gauge!("respool_ready"),
                draining: metrics::gauge!("respool_draining"),
            };
            (requests, counters, gauges)
        });
        Exporter {
            handle: recorder.handle(),
            recorder,
            requests,
            counters,
            gauges,
            pool: Mutex::default(),
            memory: Mutex::default(),
            by_hand: Mutex::default(),
        }
    }

    /// Takes over a snapshot. Later ones must not be behind earlier ones: a counter never falls.
    pub fn collect(&self, snapshot: &Snapshot) {
        let workers = &snapshot.workers;
        for (counters, values) in self.requests.iter().zip(&workers.requests) {
            for (counter, value) in counters.iter().zip(values) {
                counter.absolute(*value);
            }
        }
        let counters = &self.counters;
        counters.connections.absolute(workers.connections);
        counters.lane_writes.absolute(workers.lane_writes);
        counters.lane_reads.absolute(workers.lane_reads);
        counters.bytes_in.absolute(workers.bytes_in);
        counters.bytes_out.absolute(workers.bytes_out);

        let gauges = &self.gauges;
        gauges.workers.set(workers.workers as f64);
        gauges.clients.set(workers.clients as f64);
        gauges.blocked.set(workers.blocked as f64);
        gauges.lanes.set(workers.lanes as f64);
        gauges.ready.set(f64::from(u8::from(snapshot.ready)));
        gauges.draining.set(f64::from(u8::from(snapshot.draining)));

        metrics::with_local_recorder(&self.recorder, || {
            if let Some(figures) = &snapshot.pool {
                self.pool.lock().get_or_insert_with(PoolHandles::register).set(figures);
            }
            if let Some(figures) = &snapshot.memory {
                self.memory.lock().get_or_insert_with(MemoryHandles::register).set(figures);
            }
        });
        *self.by_hand.lock() = ByHand {
            proxy_time: workers.proxy_time.clone(),
            upstream_time: workers.upstream_time.clone(),
            waited_micros: snapshot.pool.map(|figures| figures.waited_micros),
        };
    }

    /// The last snapshot in Prometheus's text format.
    pub fn render(&self) -> String {
        // Commits descriptions; there are no samples to drain.
        self.handle.run_upkeep();
        let mut text = self.handle.render();
        self.by_hand.lock().write(&mut text);
        text
    }
}

impl PoolHandles {
    fn register() -> Self {
        PoolHandles {
            open: metrics::gauge!("respool_pool_connections", "state" => "open"),
            idle: metrics::gauge!("respool_pool_connections", "state" => "idle"),
            waiting: metrics::gauge!("respool_pool_waiting"),
            acquired: metrics::counter!("respool_pool_acquired_total"),
            timeouts: metrics::counter!("respool_pool_timeouts_total"),
        }
    }

    fn set(&self, figures: &PoolFigures) {
        self.open.set(figures.open as f64);
        self.idle.set(figures.idle as f64);
        self.waiting.set(figures.waiting as f64);
        self.acquired.absolute(figures.acquired);
        self.timeouts.absolute(figures.timeouts);
    }
}

impl MemoryHandles {
    fn register() -> Self {
        MemoryHandles {
            databases: Vec::new(),
            used_bytes: metrics::gauge!("respool_memory_bytes"),
            peak_bytes: metrics::gauge!("respool_memory_peak_bytes"),
            expired: metrics::counter!("respool_memory_expired_keys_total"),
            hits: metrics::counter!("respool_memory_hits_total"),
            misses: metrics::counter!("respool_memory_misses_total"),
        }
    }

    fn set(&mut self, figures: &MemoryFigures) {
        self.databases.resize_with(figures.databases.len().max(self.databases.len()), || None);
        for (index, handles) in self.databases.iter_mut().enumerate() {
            let (keys, expiring) = figures.databases.get(index).copied().unwrap_or_default();
            // As INFO does, a database shows from its first key on.
            if keys > 0 && handles.is_none() {
                let database = index.to_string();
                *handles = Some((
                    metrics::gauge!("respool_memory_keys", "database" => database.clone()),
                    metrics::gauge!("respool_memory_expiring_keys", "database" => database),
                ));
            }
            if let Some((keys_gauge, expiring_gauge)) = handles {
                keys_gauge.set(keys as f64);
                expiring_gauge.set(expiring as f64);
            }
        }
        self.used_bytes.set(figures.used_bytes as f64);
        self.peak_bytes.set(figures.peak_bytes as f64);
        self.expired.absolute(figures.expired);
        self.hits.absolute(figures.hits);
        self.misses.absolute(figures.misses);
    }
}

/// What each metric means. Those that are written by hand have theirs in [`ByHand::write`].
fn describe() {
    use metrics::{describe_counter as counter, describe_gauge as gauge};
    gauge!("respool_build_info", "Always 1; the label says which version runs");
    gauge!("respool_start_time_seconds", "When respool was started, in seconds since 1970");
    gauge!("respool_ready", "1 while /readyz says that respool can serve");
    gauge!("respool_draining", "1 once respool stops and lets clients finish");
    gauge!("respool_workers", "Threads that serve clients");
    counter!(
        "respool_requests_total",
        "Requests by group of commands: answered by respool or executed in memory (local), passed on to the upstream \
         (forwarded), or refused with an error of respool's own (refused)"
    );
    gauge!("respool_clients", "Clients that are connected");
    counter!("respool_connections_total", "Clients that ever connected");
    gauge!("respool_blocked_clients", "Clients that wait in a blocking command");
    counter!("respool_client_bytes_total", "Bytes from clients (in) and to clients (out)");
    gauge!("respool_lanes", "Upstream connections that many clients share");
    counter!(
        "respool_lane_writes_total",
        "Writes to lanes; forwarded requests per write is how well they are coalesced"
    );
    counter!("respool_lane_reads_total", "Reads from lanes");
    gauge!("respool_pool_connections", "Upstream connections that are open, and of these the idle ones");
    gauge!("respool_pool_waiting", "Requests that wait for an upstream connection");
    counter!("respool_pool_acquired_total", "Upstream connections that were taken from the pool");
    counter!("respool_pool_timeouts_total", "Waits for an upstream connection that ended without one");
    gauge!("respool_memory_keys", "Keys of the in-memory driver by database");
    gauge!("respool_memory_expiring_keys", "Of these, those that will expire");
    gauge!("respool_memory_bytes", "Bytes that the in-memory driver's data takes");
    gauge!("respool_memory_peak_bytes", "The most that it ever took");
    counter!("respool_memory_expired_keys_total", "Keys of the in-memory driver that have expired");
    counter!("respool_memory_hits_total", "Reads of the in-memory driver that found their key");
    counter!("respool_memory_misses_total", "Reads of the in-memory driver that did not");
}

impl ByHand {
    fn write(&self, text: &mut String) {
        self.proxy_time.write(
            text,
            "respool_proxy_seconds",
            "From a batch of requests being read to its being passed on or executed; a sample of all batches",
        );
        self.upstream_time.write(
            text,
            "respool_upstream_seconds",
            "From a write to the upstream to the first reply to it",
        );
        if let Some(micros) = self.waited_micros {
            let name = "respool_pool_wait_seconds_total";
            header(text, name, "counter", "Time that requests have waited for an upstream connection, together");
            line(text, format_args!("{name} {}", micros as f64 / 1e6));
        }
    }
}

impl Times {
    fn write(&self, text: &mut String, name: &str, help: &str) {
        header(text, name, "histogram", help);
        let mut count = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            count += bucket;
            // The last bucket has no upper bound.
            if index < BUCKETS - 1 {
                let bound = (1_u64 << index) as f64 / 1e6;
                line(text, format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"));
            }
        }
        line(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        line(text, format_args!("{name}_sum {}", self.sum_nanos as f64 / 1e9));
        line(text, format_args!("{name}_count {count}\n"));
    }
}

fn header(text: &mut String, name: &str, kind: &str, help: &str) {
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Outcome;

    const NAMES: [&str; FAMILIES] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

    /// The value of the line with this name and these labels.
    fn value(text: &str, series: &str) -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    fn two_workers() -> [Arc<WorkerMetrics>; 2] {
        let workers = [Arc::new(WorkerMetrics::default()), Arc::new(WorkerMetrics::default())];
        for worker in &workers {
            worker.request(0, Outcome::Local);
            worker.request(15, Outcome::Refused);
            worker.clients.add(3);
            worker.clients.subtract(1);
            worker.bytes_in.add(10);
            worker.bytes_out.add(20);
            worker.lane_writes.add(5);
        }
        workers[0].proxy_time.record(Duration::from_nanos(300));
        workers[0].proxy_time.record(Duration::from_micros(3));
        workers[1].proxy_time.record(Duration::from_micros(3));
        workers[1].proxy_time.record(Duration::from_secs(5000));
        workers
    }

    #[test]
    fn workers_are_added_up() {
        let exporter = Exporter::new(&NAMES);
        exporter.collect(&Snapshot { workers: WorkerFigures::sum(&two_workers()), ready: true, ..Snapshot::default() });
        let text = exporter.render();
        for (series, expected) in [
            ("respool_requests_total{family=\"a\",outcome=\"local\"}", 2.0),
            ("respool_requests_total{family=\"a\",outcome=\"forwarded\"}", 0.0),
            ("respool_requests_total{family=\"p\",outcome=\"refused\"}", 2.0),
            ("respool_clients", 4.0),
            ("respool_client_bytes_total{direction=\"in\"}", 20.0),
            ("respool_client_bytes_total{direction=\"out\"}", 40.0),
            ("respool_lane_writes_total", 10.0),
            ("respool_workers", 2.0),
            ("respool_ready", 1.0),
            ("respool_draining", 0.0),
            (concat!("respool_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
        ] {
            assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
        }
        assert!(value(&text, "respool_start_time_seconds") > Some(1.7e9));
        assert!(!text.contains("respool_pool") && !text.contains("respool_memory"), "{text}");
    }

    #[test]
    fn histograms_keep_count_and_sum() {
        let exporter = Exporter::new(&NAMES);
        exporter.collect(&Snapshot { workers: WorkerFigures::sum(&two_workers()), ..Snapshot::default() });
        let text = exporter.render();
        for (series, expected) in [
            ("respool_proxy_seconds_bucket{le=\"0.000001\"}", 1.0),
            ("respool_proxy_seconds_bucket{le=\"0.000002\"}", 1.0),
            ("respool_proxy_seconds_bucket{le=\"0.000004\"}", 3.0),
            ("respool_proxy_seconds_bucket{le=\"1073.741824\"}", 3.0),
            ("respool_proxy_seconds_bucket{le=\"+Inf\"}", 4.0),
            ("respool_proxy_seconds_sum", 5000.0000063),
            ("respool_proxy_seconds_count", 4.0),
            ("respool_upstream_seconds_bucket{le=\"+Inf\"}", 0.0),
            ("respool_upstream_seconds_sum", 0.0),
            ("respool_upstream_seconds_count", 0.0),
        ] {
            assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
        }
        let buckets = text.lines().filter(|line| line.starts_with("respool_proxy_seconds_bucket")).count();
        assert_eq!(buckets, BUCKETS);
    }

    #[test]
    fn pool_and_memory_show_when_they_are_there() {
        let exporter = Exporter::new(&NAMES);
        let mut snapshot = Snapshot {
            pool: Some(PoolFigures {
                open: 7,
                idle: 3,
                waiting: 2,
                acquired: 11,
                timeouts: 1,
                waited_micros: 1_500_000,
            }),
            memory: Some(MemoryFigures {
                databases: vec![(5, 1), (0, 0), (2, 2)],
                used_bytes: 1000,
                peak_bytes: 2000,
                expired: 4,
                hits: 6,
                misses: 8,
            }),
            ..Snapshot::default()
        };
        exporter.collect(&snapshot);
        let text = exporter.render();
        for (series, expected) in [
            ("respool_pool_connections{state=\"open\"}", 7.0),
            ("respool_pool_connections{state=\"idle\"}", 3.0),
            ("respool_pool_waiting", 2.0),
            ("respool_pool_acquired_total", 11.0),
            ("respool_pool_timeouts_total", 1.0),
            ("respool_pool_wait_seconds_total", 1.5),
            ("respool_memory_keys{database=\"0\"}", 5.0),
            ("respool_memory_expiring_keys{database=\"0\"}", 1.0),
            ("respool_memory_keys{database=\"2\"}", 2.0),
            ("respool_memory_bytes", 1000.0),
            ("respool_memory_peak_bytes", 2000.0),
            ("respool_memory_expired_keys_total", 4.0),
            ("respool_memory_hits_total", 6.0),
            ("respool_memory_misses_total", 8.0),
        ] {
            assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
        }
        assert_eq!(value(&text, "respool_memory_keys{database=\"1\"}"), None);

        snapshot.memory = Some(MemoryFigures { databases: vec![(0, 0)], ..MemoryFigures::default() });
        exporter.collect(&snapshot);
        let text = exporter.render();
        assert_eq!(value(&text, "respool_memory_keys{database=\"0\"}"), Some(0.0), "an emptied database shows 0");
        assert_eq!(value(&text, "respool_memory_keys{database=\"2\"}"), Some(0.0), "even if it is left out");
    }

    #[test]
    fn every_metric_is_described_once_and_stands_in_the_readme() {
        let exporter = Exporter::new(&NAMES);
        exporter.collect(&Snapshot {
            workers: WorkerFigures::sum(&two_workers()),
            pool: Some(PoolFigures::default()),
            memory: Some(MemoryFigures { databases: vec![(1, 1)], ..MemoryFigures::default() }),
            ..Snapshot::default()
        });
        let text = exporter.render();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(include_str!("../../README.md").contains(&format!("`{family}")), "no {family} in README.md");
            for comment in ["HELP", "TYPE"] {
                let heading = format!("# {comment} {family} ");
                assert_eq!(text.matches(&heading).count(), 1, "{heading}in\n{text}");
            }
        }
    }
}
