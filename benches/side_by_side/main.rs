//! Respool beside Redis, twemproxy, HAProxy and Envoy on one machine: `scripts/bench --help`.
//!
//! Every round runs every workload on every target, so that what else the machine does hits
//! all of them; the ratios are taken within a round and their median is reported.

mod client;
mod footprint;
mod histogram;
mod load;
mod reply;
mod report;
mod server;
mod target;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;

use footprint::Footprint;
use load::Load;
use report::{Cell, Failure, Report};
use server::{Server, Settings};
use target::Target;
use workload::{WORKLOADS, Workload};

/// Names for `--only` that are no workloads.
const IDLE: &str = "idle";
const UPSTREAM: &str = "upstream";

/// Compares respool with Redis directly and with other proxies, side by side.
#[derive(Parser)]
#[command(name = "scripts/bench")]
struct Options {
    /// About a minute: three short rounds, and idle clients only up to 1,000
    #[arg(long)]
    quick: bool,
    /// Rounds [default: 5; quick: 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Seconds for each target and workload in a round [default: 1; quick: 0.2]
    #[arg(long, visible_alias = "duration", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Workloads to run: get-set, pipeline-16, 500-clients, 1-client, paced, paced-evenly, 16k,
    /// transactions, many-keys, queue; and idle (memory of idle clients), upstream (connections)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Targets to run [default: all that are installed]
    #[arg(long, value_delimiter = ',')]
    targets: Vec<Target>,
    /// Leave out the proxies that others wrote
    #[arg(long)]
    no_peers: bool,
    /// Worker threads of respool; every peer has one
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Also count system calls for each request, with perf
    #[arg(long)]
    syscalls: bool,
    /// Also write every measurement to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// The respool binary
    #[arg(long, env = "RESPOOL_BIN", default_value = "target/release/respool")]
    respool: PathBuf,
    /// What `cargo bench` says to every benchmark
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

fn seconds(text: &str) -> Result<Duration> {
    let duration = Duration::try_from_secs_f64(text.parse()?)?;
    if duration < Duration::from_millis(10) {
        bail!("less than 0.01 s measures nothing");
    }
    Ok(duration)
}

fn main() -> ExitCode {
    // Test runners start benchmarks too, with arguments of their own.
    if !std::env::args().any(|argument| argument == "--bench") {
        eprintln!("Nothing measured: this is a benchmark; run scripts/bench.");
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    match run(&options) {
        Ok(report) if report.failures.is_empty() => ExitCode::SUCCESS,
        Ok(report) => {
            eprintln!("{} measurements failed.", report.failures.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Report> {
    if options.workers == 0 {
        bail!("--workers must be at least 1");
    }
    let targets = targets(options)?;
    let workloads = workloads(options)?;
    let respool = fs::canonicalize(&options.respool).unwrap_or_else(|_| options.respool.clone());
    if targets.iter().any(|target| matches!(target, Target::Respool | Target::Memory)) && !respool.is_file() {
        bail!("there is no respool at {}: build it, or name it with RESPOOL_BIN", respool.display());
    }
    let settings = Settings { respool, workers: options.workers, files: raise_open_files()? };
    let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 5 });
    let duration = options.seconds.unwrap_or(Duration::from_millis(if options.quick { 200 } else { 1_000 }));

    let mut report = Report {
        surroundings: surroundings(&targets, &settings, rounds, duration),
        targets,
        workloads,
        cells: Vec::new(),
        footprints: Vec::new(),
        failures: Vec::new(),
    };
    if !report.workloads.is_empty() {
        run_rounds(&mut report, &settings, rounds, duration)?;
    }
    run_footprints(&mut report, options, &settings, duration);

    print!("{}", report.markdown());
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report)
}

/// The targets that were asked for; by default those whose programs are there.
fn targets(options: &Options) -> Result<Vec<Target>> {
    let all = [Target::Direct, Target::Respool, Target::Memory, Target::Twemproxy, Target::Haproxy, Target::Envoy];
    let mut targets = Vec::new();
    for target in all {
        let asked = options.targets.contains(&target);
        let wanted = if options.targets.is_empty() { !(options.no_peers && target.is_peer()) } else { asked };
        if !wanted {
            continue;
        }
        if !target.is_peer() || server::program(target).is_some() {
            targets.push(target);
        } else if asked {
            bail!("the program of {} is not installed", target.title());
        } else {
            eprintln!("{} is not installed: left out", target.title());
        }
    }
    Ok(targets)
}

fn workloads(options: &Options) -> Result<Vec<&'static Workload>> {
    let known = |name: &String| name == IDLE || name == UPSTREAM || WORKLOADS.iter().any(|known| known.name == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).chain([IDLE, UPSTREAM]).collect();
        bail!("no workload is called {unknown}; there are {}", names.join(", "));
    }
    Ok(WORKLOADS.iter().filter(|workload| asked(options, workload.name)).collect())
}

fn asked(options: &Options, name: &str) -> bool {
    options.only.is_empty() || options.only.iter().any(|only| only == name)
}

/// Every target under every workload, round after round. A measurement that failed is not tried again.
fn run_rounds(report: &mut Report, settings: &Settings, rounds: u32, duration: Duration) -> Result<()> {
    let mut servers = Vec::new();
    for &target in &report.targets {
        let server = Server::start(target, settings)?;
        server.fill().with_context(|| format!("{} does not take its keys", target.title()))?;
        servers.push(server);
    }
    for round in 0..rounds as usize {
        for &workload in &report.workloads {
            eprintln!("round {} of {rounds}: {}", round + 1, workload.title);
            let batches = workload.batches(round);
            for turn in 0..servers.len() {
                // Another one begins in every round.
                let server = &servers[(turn + round) % servers.len()];
                let target = server.target;
                let failed = |failure: &Failure| failure.target == target && failure.workload == workload.name;
                if !workload.runs_on(target) || report.failures.iter().any(failed) {
                    continue;
                }
                match measure(server, workload, &batches, round, duration) {
                    Ok(cell) => report.cells.push(cell),
                    Err(error) => fail(&mut report.failures, target, workload.name, &error),
                }
            }
        }
    }
    Ok(())
}

fn measure(
    server: &Server,
    workload: &Workload,
    batches: &[workload::Batch],
    round: usize,
    duration: Duration,
) -> Result<Cell> {
    let mut load = Load::start(workload, batches, server.address)?;
    load.drive(duration / 4)?;
    let (cpu, own) = (server.cpu()?, own_cpu());
    load.restart_counting();
    load.drive(duration)?;
    let count = load.count();
    let (cpu, own) = (server.cpu()?.since(cpu), own_cpu() - own);
    if count.operations == 0 {
        bail!("nothing was answered in {:.2} s", count.seconds);
    }
    let generator = own.as_secs_f64() / count.seconds;
    Ok(Cell { round, workload: workload.name, target: server.target, count, cpu, generator })
}

/// Memory, upstream connections and system calls, each target alone and fresh.
fn run_footprints(report: &mut Report, options: &Options, settings: &Settings, duration: Duration) {
    let (numbers, settle): (&[usize], _) = if options.quick { (&[1_000], 1) } else { (&[1_000, 10_000], 2) };
    let settle = Duration::from_secs(settle);
    if !asked(options, IDLE) && !asked(options, UPSTREAM) && !options.syscalls {
        return;
    }
    for &target in &report.targets {
        eprintln!("connections: {}", target.title());
        let mut footprint = Footprint { target, idle: Vec::new(), upstream: None, system_calls: None };
        if asked(options, IDLE) {
            match footprint::idle(target, settings, numbers, settle) {
                Ok(idle) => footprint.idle = idle,
                Err(error) => fail(&mut report.failures, target, "idle clients", &error),
            }
        }
        if asked(options, UPSTREAM) && target.has_redis() {
            match filled(target, settings).and_then(|server| footprint::upstream(&server, duration)) {
                Ok(upstream) => footprint.upstream = upstream,
                Err(error) => fail(&mut report.failures, target, "upstream connections", &error),
            }
        }
        if options.syscalls {
            match filled(target, settings).and_then(|server| footprint::system_calls(&server, duration)) {
                Ok(calls) => footprint.system_calls = Some(calls),
                Err(error) => fail(&mut report.failures, target, "system calls", &error),
            }
        }
        report.footprints.push(footprint);
    }
}

fn filled(target: Target, settings: &Settings) -> Result<Server> {
    let server = Server::start(target, settings)?;
    server.fill()?;
    Ok(server)
}

fn fail(failures: &mut Vec<Failure>, target: Target, workload: &'static str, error: &anyhow::Error) {
    let error = format!("{error:#}");
    eprintln!("FAILED: {}, {workload}: {error}", target.title());
    failures.push(Failure { target, workload, error });
}

fn own_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call, which cannot fail with this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Raises this program's limit on open files, and so its children's; returns it.
fn raise_open_files() -> Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is valid for both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) < 0 {
            return Err(std::io::Error::last_os_error()).context("getrlimit");
        }
        limit.rlim_cur = limit.rlim_max;
        if libc::setrlimit(libc::RLIMIT_NOFILE, &limit) < 0 {
            return Err(std::io::Error::last_os_error()).context("setrlimit");
        }
    }
    Ok(limit.rlim_cur)
}

fn surroundings(
    targets: &[Target],
    settings: &Settings,
    rounds: u32,
    duration: Duration,
) -> Vec<(&'static str, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let processor = read("/proc/cpuinfo");
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let mut found = vec![
        ("date", first_line(Path::new("date"), &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("machine", format!("{cores} cores, {}", model.map_or("unknown processor", |(_, name)| name))),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("load average before", load.split(' ').next().unwrap_or_default().to_owned()),
        ("rounds", format!("{rounds} of {} s for each target and workload", duration.as_secs_f64())),
        ("worker threads", format!("respool {}, every peer 1", settings.workers)),
        ("open files", settings.files.to_string()),
    ];
    let mut version = |name: &'static str, program: Option<PathBuf>, option: &str| {
        if let Some(program) = program {
            found.push((name, first_line(&program, &[option])));
        }
    };
    version("redis-server", server::program(Target::Direct), "--version");
    if targets.iter().any(|target| matches!(target, Target::Respool | Target::Memory)) {
        version("respool", Some(settings.respool.clone()), "--version");
    }
    for &target in targets {
        match target {
            Target::Twemproxy => version("twemproxy", server::program(target), "-V"),
            Target::Haproxy => version("HAProxy", server::program(target), "-v"),
            Target::Envoy => version("Envoy", server::program(target), "--version"),
            Target::Direct | Target::Respool | Target::Memory => {}
        }
    }
    found
}

/// The first line that a program prints, wherever it prints it.
fn first_line(program: &Path, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return "unknown".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("unknown").trim().to_owned()
}
