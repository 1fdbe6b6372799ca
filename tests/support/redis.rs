//! A `redis-server` of the test's own.

use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::client::Client;
use super::process::Process;
use super::wait::wait_within;
use super::{free_port, temp_dir};

/// A `redis-server` without persistence, in a directory of its own, killed when dropped.
pub struct RedisServer {
    process: Process,
    directory: TempDir,
    port: u16,
    args: Vec<String>,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments, such as `["--maxmemory", "1mb"]`.
    pub fn start_with(args: &[&str]) -> Self {
        let directory = temp_dir();
        let port = free_port();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let process = launch(port, &directory, &args);
        Self { process, directory, port, args }
    }

    /// Kills the server and starts it again, empty, on the same port.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = launch(self.port, &self.directory, &self.args);
    }

    /// Kills the server at once; the port stays reserved.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Freezes the server: its connections stay open and nothing answers.
    pub fn stop(&self) {
        self.process.signal(libc::SIGSTOP);
    }

    /// Lets a frozen server go on.
    pub fn resume(&self) {
        self.process.signal(libc::SIGCONT);
    }

    /// Whether the process lives.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL with database 0.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// A new connection to it.
    pub fn client(&self) -> Client {
        Client::connect(self.port).expect("redis-server accepts a connection")
    }
}

fn launch(port: u16, directory: &TempDir, args: &[String]) -> Process {
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--enable-debug-command", "yes", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(directory.path())
        .args(args);
    let log = directory.path().join("redis.log");
    let mut process = Process::spawn(command, &log).expect("redis-server starts");
    let answers = wait_within(Duration::from_secs(10), || !process.is_running() || Client::answers(port));
    assert!(answers && process.is_running(), "redis-server does not answer on port {port}:\n{}", process.log());
    process
}
