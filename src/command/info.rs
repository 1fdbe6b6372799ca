//! The text of `INFO`.

use std::fmt::{Display, Write};

use crate::store::shard::Stats;

/// The Redis whose replies these are.
pub const REDIS_VERSION: &str = "7.0.15";

/// What executes commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// respool itself.
    Memory,
    /// An upstream.
    Redis,
}

impl Driver {
    const fn name(self) -> &'static str {
        match self {
            Driver::Memory => "memory",
            Driver::Redis => "redis",
        }
    }
}

/// All that `INFO` tells of the memory driver.
///
/// [`crate::store::Store::stats`] locks every shard: it must not be asked while any is locked.
#[derive(Debug, Clone)]
pub struct Facts {
    /// respool's own version.
    pub version: &'static str,
    /// What executes commands.
    pub driver: Driver,
    /// The executable's path.
    pub executable: String,
    /// The configuration file's path; empty without one.
    pub config_file: String,
    /// The process's number.
    pub process_id: u32,
    /// Forty hex digits that are another at every start.
    pub run_id: String,
    /// Where the client came in.
    pub tcp_port: u16,
    /// Microseconds since 1970.
    pub now_us: u64,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Clients.
    pub connected_clients: u64,
    /// How many there may be.
    pub max_clients: u64,
    /// Connections since the start.
    pub connections: u64,
    /// Connections since the start that were one too many.
    pub rejected_connections: u64,
    /// Commands since the start.
    pub commands: u64,
    /// Commands of the last second.
    pub commands_per_s: u64,
    /// Bytes from clients since the start.
    pub input_bytes: u64,
    /// Bytes to clients since the start.
    pub output_bytes: u64,
    /// Error replies since the start.
    pub error_replies: u64,
    /// Error replies by their codes.
    pub errors: Vec<(String, u64)>,
    /// Channels that somebody is subscribed to.
    pub channels: u64,
    /// Patterns that somebody is subscribed to.
    pub patterns: u64,
    /// Shard channels that somebody is subscribed to.
    pub shard_channels: u64,
    /// Bytes that the data may take; 0 is no limit.
    pub max_memory: u64,
    /// Bytes that the process takes.
    pub resident_bytes: u64,
    /// Bytes that the machine has.
    pub system_bytes: u64,
    /// Seconds of processor time that the process took in the system and for itself.
    pub cpu_s: (f64, f64),
    /// What the store says.
    pub store: Stats,
}

/// A section: its name as it is asked for, its title, whether it is among those that come without being asked for,
/// and its lines. The order is Redis's.
struct Section {
    name: &'static str,
    title: &'static str,
    default: bool,
    write: fn(&mut Lines, &Facts),
}

const SECTIONS: [Section; 14] = [
    Section { name: "server", title: "Server", default: true, write: server },
    Section { name: "clients", title: "Clients", default: true, write: clients },
    Section { name: "memory", title: "Memory", default: true, write: memory },
    Section { name: "persistence", title: "Persistence", default: true, write: persistence },
    Section { name: "stats", title: "Stats", default: true, write: stats },
    Section { name: "replication", title: "Replication", default: true, write: replication },
    Section { name: "cpu", title: "CPU", default: true, write: cpu },
    Section { name: "module_list", title: "Modules", default: true, write: nothing },
    Section { name: "commandstats", title: "Commandstats", default: false, write: nothing },
    Section { name: "errorstats", title: "Errorstats", default: true, write: errorstats },
    Section { name: "latencystats", title: "Latencystats", default: false, write: nothing },
    Section { name: "cluster", title: "Cluster", default: true, write: cluster },
    Section { name: "keyspace", title: "Keyspace", default: true, write: keyspace },
    Section { name: "respool", title: "Respool", default: true, write: respool },
];

/// Which sections a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Those that come without being asked for.
    default: bool,
    /// All of them.
    all: bool,
    /// Those of modules, which respool doesn't know.
    modules: bool,
    /// Those that are named, in small letters.
    named: Vec<Vec<u8>>,
}

impl Wanted {
    /// What `INFO [section ...]` asks for.
    pub fn of<'a>(sections: impl IntoIterator<Item = &'a [u8]>) -> Wanted {
        let mut wanted = Wanted { default: true, all: false, modules: false, named: Vec::new() };
        for (index, section) in sections.into_iter().enumerate() {
            wanted.default &= index > 0;
            match section.to_ascii_lowercase().as_slice() {
                b"default" => wanted.default = true,
                b"all" => wanted.all = true,
                b"everything" => (wanted.all, wanted.modules) = (true, true),
                name => {
                    wanted.modules |= name == b"modules";
                    wanted.named.push(name.to_vec());
                }
            }
        }
        wanted
    }

    fn has(&self, name: &str, default: bool) -> bool {
        let is_named = |name: &str| self.named.iter().any(|wanted| wanted == name.as_bytes());
        // Redis knows this one by two names.
        let is_modules = name == "module_list" && is_named("modules");
        self.all || (self.default && default) || is_named(name) || is_modules
    }
}

/// The text that the memory driver answers with.
pub fn render(facts: &Facts, wanted: &Wanted) -> String {
    let mut lines = Lines(String::with_capacity(4096));
    for section in SECTIONS.iter().filter(|section| wanted.has(section.name, section.default)) {
        lines.title(section.title);
        (section.write)(&mut lines, facts);
    }
    lines.0
}

/// The wanted sections of an upstream's `INFO everything`, and the one of respool itself.
pub fn filter(upstream: &str, version: &str, wanted: &Wanted) -> String {
    let mut lines = Lines(String::with_capacity(upstream.len() + 64));
    let mut keep = false;
    for line in upstream.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            keep = is_wanted(title, wanted);
            if keep {
                lines.title(title);
            }
        } else if keep && !line.is_empty() {
            lines.line(line);
        }
    }
    if wanted.has("respool", true) {
        lines.title("Respool");
        about(&mut lines, version, Driver::Redis);
    }
    lines.0
}

fn is_wanted(title: &str, wanted: &Wanted) -> bool {
    match SECTIONS.iter().find(|section| section.title == title) {
        Some(section) => wanted.has(section.name, section.default),
        None => wanted.modules,
    }
}

/// Lines with Redis's line breaks.
struct Lines(String);

impl Lines {
    fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.line(format_args!("# {title}"));
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string can't fail.
        let _ = write!(self.0, "{line}\r\n");
    }

    fn add(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// Bytes, and once more for humans.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.add(name, bytes);
        self.add(&format!("{name}_human"), human(bytes));
    }

    fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.add(name, 0));
    }
}

/// Bytes in the largest unit that leaves a number over one.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    let step = (0..UNITS.len()).take_while(|&step| bytes >> (10 * (step + 1)) > 0).last();
    match step {
        None => format!("{bytes}B"),
        Some(step) => format!("{:.2}{}", bytes as f64 / (1_u64 << (10 * (step + 1))) as f64, UNITS[step]),
    }
}

fn nothing(_lines: &mut Lines, _facts: &Facts) {}

fn server(lines: &mut Lines, facts: &Facts) {
    lines.add("redis_version", REDIS_VERSION);
    lines.add("redis_git_sha1", "00000000");
    lines.add("redis_git_dirty", 0);
    lines.add("redis_build_id", "0");
    lines.add("redis_mode", "standalone");
    lines.add("os", format_args!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    lines.add("arch_bits", usize::BITS);
    lines.add("monotonic_clock", "POSIX clock_gettime");
    lines.add("multiplexing_api", "epoll");
    lines.add("atomicvar_api", "c11-builtin");
    lines.add("gcc_version", "0.0.0");
    lines.add("process_id", facts.process_id);
    lines.add("process_supervised", "no");
    lines.add("run_id", &facts.run_id);
    lines.add("tcp_port", facts.tcp_port);
    lines.add("server_time_usec", facts.now_us);
    lines.add("uptime_in_seconds", facts.uptime_s);
    lines.add("uptime_in_days", facts.uptime_s / (24 * 3600));
    lines.add("hz", 10);
    lines.add("configured_hz", 10);
    lines.add("lru_clock", (facts.now_us / 1_000_000) & 0xff_ffff);
    lines.add("executable", &facts.executable);
    lines.add("config_file", &facts.config_file);
    lines.add("io_threads_active", 0);
}

fn clients(lines: &mut Lines, facts: &Facts) {
    lines.add("connected_clients", facts.connected_clients);
    lines.add("cluster_connections", 0);
    lines.add("maxclients", facts.max_clients);
    lines.zeros(&["client_recent_max_input_buffer", "client_recent_max_output_buffer"]);
    lines.add("blocked_clients", facts.store.blocked_clients);
    lines.zeros(&["tracking_clients", "clients_in_timeout_table"]);
}

fn memory(lines: &mut Lines, facts: &Facts) {
    let used = facts.store.used_bytes;
    let peak = facts.store.peak_bytes.max(used);
    let resident = facts.resident_bytes;
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    lines.bytes("used_memory", used);
    lines.bytes("used_memory_rss", resident);
    lines.bytes("used_memory_peak", peak);
    lines.add("used_memory_peak_perc", format_args!("{:.2}%", ratio(used, peak) * 100.0));
    lines.zeros(&["used_memory_overhead", "used_memory_startup"]);
    lines.add("used_memory_dataset", used);
    lines.add("used_memory_dataset_perc", "100.00%");
    lines.add("allocator_allocated", used);
    lines.add("allocator_active", resident);
    lines.add("allocator_resident", resident);
    lines.bytes("total_system_memory", facts.system_bytes);
    lines.zeros(&["used_memory_lua", "used_memory_vm_eval"]);
    lines.add("used_memory_lua_human", human(0));
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
    ]);
    lines.bytes("used_memory_vm_total", 0);
    lines.add("used_memory_functions", 0);
    lines.bytes("used_memory_scripts", 0);
    lines.bytes("maxmemory", facts.max_memory);
    lines.add("maxmemory_policy", "noeviction");
    lines.add("allocator_frag_ratio", "1.00");
    lines.add("allocator_frag_bytes", 0);
    lines.add("allocator_rss_ratio", "1.00");
    lines.add("allocator_rss_bytes", 0);
    lines.add("rss_overhead_ratio", "1.00");
    lines.add("rss_overhead_bytes", 0);
    lines.add("mem_fragmentation_ratio", format_args!("{:.2}", ratio(resident, used)));
    lines.add("mem_fragmentation_bytes", resident.saturating_sub(used));
    lines.zeros(&[
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_clients_slaves",
        "mem_clients_normal",
        "mem_cluster_links",
        "mem_aof_buffer",
    ]);
    lines.add("mem_allocator", "libc");
    lines.zeros(&["active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects"]);
}

fn persistence(lines: &mut Lines, facts: &Facts) {
    lines.zeros(&["loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]);
    lines.add("current_fork_perc", "0.00");
    lines.zeros(&[
        "current_save_keys_processed",
        "current_save_keys_total",
        "rdb_changes_since_last_save",
        "rdb_bgsave_in_progress",
    ]);
    lines.add("rdb_last_save_time", (facts.now_us / 1_000_000).saturating_sub(facts.uptime_s));
    lines.add("rdb_last_bgsave_status", "ok");
    lines.add("rdb_last_bgsave_time_sec", -1);
    lines.add("rdb_current_bgsave_time_sec", -1);
    lines.zeros(&[
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
    ]);
    lines.add("aof_last_rewrite_time_sec", -1);
    lines.add("aof_current_rewrite_time_sec", -1);
    lines.add("aof_last_bgrewrite_status", "ok");
    lines.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    lines.add("aof_last_write_status", "ok");
    lines.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
}

fn stats(lines: &mut Lines, facts: &Facts) {
    lines.add("total_connections_received", facts.connections);
    lines.add("total_commands_processed", facts.commands);
    lines.add("instantaneous_ops_per_sec", facts.commands_per_s);
    lines.add("total_net_input_bytes", facts.input_bytes);
    lines.add("total_net_output_bytes", facts.output_bytes);
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    for name in ["input", "output", "input_repl", "output_repl"] {
        lines.line(format_args!("instantaneous_{name}_kbps:0.00"));
    }
    lines.add("rejected_connections", facts.rejected_connections);
    lines.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    lines.add("expired_keys", facts.store.expired_keys);
    lines.add("expired_stale_perc", "0.00");
    lines.zeros(&[
        "expired_time_cap_reached_count",
        "expire_cycle_cpu_milliseconds",
        "evicted_keys",
        "evicted_clients",
        "total_eviction_exceeded_time",
        "current_eviction_exceeded_time",
    ]);
    lines.add("keyspace_hits", facts.store.hits);
    lines.add("keyspace_misses", facts.store.misses);
    lines.add("pubsub_channels", facts.channels);
    lines.add("pubsub_patterns", facts.patterns);
    lines.add("pubsubshard_channels", facts.shard_channels);
    lines.zeros(&[
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
        "unexpected_error_replies",
    ]);
    lines.add("total_error_replies", facts.error_replies);
    lines.zeros(&[
        "dump_payload_sanitizations",
        "total_reads_processed",
        "total_writes_processed",
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "reply_buffer_shrinks",
        "reply_buffer_expands",
    ]);
}

fn replication(lines: &mut Lines, facts: &Facts) {
    lines.add("role", "master");
    lines.add("connected_slaves", 0);
    lines.add("master_failover_state", "no-failover");
    lines.add("master_replid", &facts.run_id);
    lines.add("master_replid2", "0".repeat(40));
    lines.add("master_repl_offset", 0);
    lines.add("second_repl_offset", -1);
    lines.add("repl_backlog_active", 0);
    lines.add("repl_backlog_size", 1 << 20);
    lines.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

fn cpu(lines: &mut Lines, facts: &Facts) {
    let (system, user) = facts.cpu_s;
    for (name, seconds) in [
        ("used_cpu_sys", system),
        ("used_cpu_user", user),
        ("used_cpu_sys_children", 0.0),
        ("used_cpu_user_children", 0.0),
        ("used_cpu_sys_main_thread", system),
        ("used_cpu_user_main_thread", user),
    ] {
        lines.add(name, format_args!("{seconds:.6}"));
    }
}

fn errorstats(lines: &mut Lines, facts: &Facts) {
    for (code, count) in &facts.errors {
        lines.line(format_args!("errorstat_{code}:count={count}"));
    }
}

fn cluster(lines: &mut Lines, _facts: &Facts) {
    lines.add("cluster_enabled", 0);
}

fn keyspace(lines: &mut Lines, facts: &Facts) {
    for (index, database) in facts.store.databases.iter().enumerate().filter(|(_, database)| database.keys > 0) {
        lines.line(format_args!(
            "db{index}:keys={},expires={},avg_ttl={}",
            database.keys, database.expires, database.average_ttl_ms
        ));
    }
}

fn respool(lines: &mut Lines, facts: &Facts) {
    about(lines, facts.version, facts.driver);
}

fn about(lines: &mut Lines, version: &str, driver: Driver) {
    lines.add("respool_version", version);
    lines.add("driver", driver.name());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::shard::DatabaseStats;

    fn wanted(request: &str) -> Wanted {
        Wanted::of(request.split(' ').skip(1).map(str::as_bytes))
    }

    fn facts() -> Facts {
        let databases = vec![DatabaseStats { keys: 3, expires: 1, average_ttl_ms: 99 }, DatabaseStats::default()];
        Facts {
            version: "0.1.0",
            driver: Driver::Memory,
            executable: "/usr/bin/respool".into(),
            config_file: String::new(),
            process_id: 7,
            run_id: "a".repeat(40),
            tcp_port: 6379,
            now_us: 1_700_000_000_000_000,
            uptime_s: 90_000,
            connected_clients: 2,
            max_clients: 10_000,
            connections: 5,
            rejected_connections: 0,
            commands: 100,
            commands_per_s: 10,
            input_bytes: 1,
            output_bytes: 2,
            error_replies: 1,
            errors: vec![("ERR".into(), 1)],
            channels: 0,
            patterns: 0,
            shard_channels: 0,
            max_memory: 1 << 30,
            resident_bytes: 3 << 20,
            system_bytes: 8 << 30,
            cpu_s: (0.5, 1.25),
            store: Stats { used_bytes: 2_000_000, peak_bytes: 2_000_000, databases, ..Stats::default() },
        }
    }

    fn titles(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("# ")).collect()
    }

    #[test]
    fn sections_come_as_asked_for() {
        let text = |request: &str| render(&facts(), &wanted(request));
        let default = text("INFO");
        assert_eq!(
            titles(&default).join(" "),
            "Server Clients Memory Persistence Stats Replication CPU Modules \
            Errorstats Cluster Keyspace Respool"
        );
        assert_eq!(text("INFO default"), default);
        assert_eq!(titles(&text("INFO all")).len(), SECTIONS.len());
        assert_eq!(text("INFO everything"), text("INFO all"));
        assert_eq!(titles(&text("INFO keyspace SERVER nothing")), ["Server", "Keyspace"]);
        assert_eq!(titles(&text("INFO modules")), ["Modules"]);
        assert_eq!(text("INFO nothing"), "");
        assert_eq!(text("INFO keyspace"), "# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=99\r\n");
        assert_eq!(
            text("INFO cluster respool"),
            "# Cluster\r\ncluster_enabled:0\r\n\r\n# Respool\r\n\
            respool_version:0.1.0\r\ndriver:memory\r\n"
        );
    }

    #[test]
    fn clients_find_what_they_look_for() {
        let text = render(&facts(), &wanted("INFO"));
        for line in [
            "redis_version:7.0.15",
            "redis_mode:standalone",
            "role:master",
            "loading:0",
            "used_memory:2000000",
            "used_memory_human:1.91M",
            "maxmemory_human:1.00G",
            "maxmemory_policy:noeviction",
            "uptime_in_days:1",
            "errorstat_ERR:count=1",
        ] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}");
        }
    }

    #[test]
    fn bytes_for_humans() {
        for (bytes, shown) in [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536, "1.50K"), (5 << 40, "5.00T")] {
            assert_eq!(human(bytes), shown);
        }
    }

    #[test]
    fn an_upstream_is_filtered() {
        let upstream = "# Server\r\nredis_version:6.2.0\r\n\r\n# Commandstats\r\ncmdstat_get:calls=1\r\n\r\n\
            # search_stats\r\nsearch_docs:1\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n";
        let text = |request: &str| filter(upstream, "0.1.0", &wanted(request));
        assert_eq!(titles(&text("INFO")), ["Server", "Keyspace", "Respool"]);
        assert_eq!(titles(&text("INFO all")), ["Server", "Commandstats", "Keyspace", "Respool"]);
        assert_eq!(titles(&text("INFO everything")).len(), 5);
        assert_eq!(text("INFO keyspace"), "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n");
        assert_eq!(text("INFO nothing"), "");
        assert!(text("INFO respool").contains("driver:redis"));
    }
}
