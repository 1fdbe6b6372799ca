//! What clients cost beside CPU time: memory, upstream connections, system calls.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::client::Client;
use crate::load::Load;
use crate::server::{Server, Settings};
use crate::target::Target;
use crate::workload::{append_command, busy};

/// Clients that are busy while the upstream connections are counted.
pub const BUSY_CLIENTS: usize = 1_000;
/// Clients while the system calls are counted.
const CALLING_CLIENTS: usize = 50;
/// What one target's clients cost.
pub struct Footprint {
    /// Whose it is.
    pub target: Target,
    /// Memory of idle clients, by their number.
    pub idle: Vec<Idle>,
    /// Connections that the redis-server has while 1,000 clients are busy.
    pub upstream: Option<usize>,
    /// System calls of the proxy for one request of 50 clients.
    pub system_calls: Option<f64>,
}

/// Memory that idle clients hold.
pub struct Idle {
    /// So many clients were asked for.
    pub wanted: usize,
    /// So many were possible with the open files that a process may have.
    pub clients: usize,
    /// Bytes of the proxy for one client.
    pub proxy: f64,
    /// Bytes of the redis-server for one client.
    pub redis: f64,
}

/// Reads the memory of a fresh server before and after so many clients have connected and
/// have sent one PING and one GET each. `settle` is the time that the servers have to tidy up.
pub fn idle(target: Target, settings: &Settings, numbers: &[usize], settle: Duration) -> Result<Vec<Idle>> {
    let server = Server::start(target, settings)?;
    let mut clients = vec![Client::connect(server.address)?];
    clients[0].call(&["SET", "idle", &"v".repeat(64)])?;
    let mut request = Vec::new();
    append_command(&mut request, &[b"PING"]);
    append_command(&mut request, &[b"GET", b"idle"]);
    clients[0].exchange(&request, 2)?;
    std::thread::sleep(settle);
    let before = server.memory()?;
    let descriptors = if target.pairs_connections() { 2 } else { 1 };
    let possible = (settings.files as usize).saturating_sub(400) / descriptors;
    let mut measured = Vec::new();
    for &wanted in numbers {
        let number = wanted.min(possible);
        while clients.len() <= number {
            let mut client = Client::connect(server.address)?;
            client.exchange(&request, 2).with_context(|| format!("client {} of {number}", clients.len()))?;
            clients.push(client);
        }
        std::thread::sleep(settle);
        let used = server.memory()?.since(before);
        measured.push(Idle {
            wanted,
            clients: number,
            proxy: used.proxy as f64 / number as f64,
            redis: used.redis as f64 / number as f64,
        });
    }
    Ok(measured)
}

/// Counts the redis-server's connections while many clients are busy.
pub fn upstream(server: &Server, duration: Duration) -> Result<Option<usize>> {
    let Some(redis) = server.redis_address else {
        return Ok(None);
    };
    let workload = busy(BUSY_CLIENTS);
    let batches = workload.batches(0);
    let mut load = Load::start(&workload, &batches, server.address)?;
    load.drive(duration)?;
    let list = Client::connect(redis)?.call(&["CLIENT", "LIST"])?;
    let connections = String::from_utf8_lossy(&list).lines().filter(|line| line.starts_with("id=")).count();
    // One of them has asked.
    Ok(Some(connections.saturating_sub(1)))
}

/// Counts the proxy's system calls (the redis-server's, where there is no proxy) with perf.
pub fn system_calls(server: &Server, duration: Duration) -> Result<f64> {
    let process = server.proxy.as_ref().or(server.redis.as_ref()).context("no process")?;
    let workload = busy(CALLING_CLIENTS);
    let batches = workload.batches(0);
    let mut load = Load::start(&workload, &batches, server.address)?;
    load.drive(duration / 4)?;
    // The load runs on both sides of the counted time, so that the rates can be compared.
    let perf = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &process.id().to_string()])
        .args(["sleep", &duration.as_secs_f64().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start perf")?;
    load.restart_counting();
    load.drive(duration)?;
    let count = load.count();
    load.drive(duration / 2)?;
    let output = perf.wait_with_output().context("perf")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let calls = text.lines().find(|line| line.contains("raw_syscalls:sys_enter"));
    let Some(calls) = calls.and_then(|line| line.split(',').next()?.parse::<f64>().ok()) else {
        bail!("perf cannot count system calls here: {text}");
    };
    Ok(calls / duration.as_secs_f64() / (count.operations as f64 / count.seconds))
}
