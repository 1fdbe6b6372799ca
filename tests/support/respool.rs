//! The respool binary under test.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use super::client::Client;
use super::process::Process;
use super::redis::RedisServer;
use super::wait::{wait_until, wait_within};
use super::{free_port, temp_dir};

/// A respool with a listener and an HTTP port of its own, killed when dropped.
pub struct Respool {
    process: Process,
    directory: TempDir,
    port: u16,
    http_port: u16,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Respool {
    /// respool with its in-memory driver.
    pub fn memory() -> Self {
        Self::start(&[], &[])
    }

    /// respool in front of a `redis-server`.
    pub fn before(redis: &RedisServer) -> Self {
        Self::start(&["--upstream", &redis.url()], &[])
    }

    /// respool with a configuration file of this text, and more arguments.
    pub fn configured(config: &str, args: &[&str]) -> Self {
        let directory = temp_dir();
        let path = directory.path().join("respool.toml");
        std::fs::write(&path, config).expect("a file");
        let path = path.to_str().expect("a path that is text");
        let args: Vec<&str> = ["--config", path].into_iter().chain(args.iter().copied()).collect();
        Self::start_in(directory, &args, &[])
    }

    /// respool with more arguments and environment; waits until it answers.
    pub fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_in(temp_dir(), args, env)
    }

    fn start_in(directory: TempDir, args: &[&str], env: &[(&str, &str)]) -> Self {
        let port = free_port();
        let http_port = free_port();
        let workers: &[&str] = if args.contains(&"--workers") { &[] } else { &["--workers", "2"] };
        let args: Vec<String> = ["--listen", &format!("127.0.0.1:{port}"), "--http", &format!("127.0.0.1:{http_port}")]
            .iter()
            .chain(workers)
            .chain(args)
            .map(|arg| (*arg).to_owned())
            .collect();
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let process = launch(port, &directory, &args, &env);
        Self { process, directory, port, http_port, args, env }
    }

    /// Kills it and starts it again with the same ports, arguments and environment.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = launch(self.port, &self.directory, &self.args, &self.env);
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends it a signal such as `libc::SIGTERM` or `libc::SIGHUP`.
    pub fn signal(&self, signal: i32) {
        self.process.signal(signal);
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }

    /// Whether the process lives.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has written to stderr (and stdout) so far.
    pub fn stderr(&self) -> String {
        self.process.log()
    }

    /// Waits until its stderr contains the text.
    #[track_caller]
    pub fn wait_for_stderr(&self, text: &str) {
        wait_until(|| self.stderr().contains(text));
    }

    /// How many bytes of memory it holds.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes << 10
    }

    /// The port that speaks Redis, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port that speaks HTTP, on 127.0.0.1.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// What it answers to a GET: head and body.
    pub fn http_get(&self, path: &str) -> String {
        use std::io::{Read, Write};
        let mut socket = std::net::TcpStream::connect(("127.0.0.1", self.http_port)).expect("it listens");
        write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        socket.read_to_string(&mut text).expect("an answer");
        text
    }

    /// The URL that an application would use.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// A new connection to it.
    pub fn client(&self) -> Client {
        Client::connect(self.port).expect("respool accepts a connection")
    }
}

fn launch(port: u16, directory: &TempDir, args: &[String], env: &[(String, String)]) -> Process {
    // Another build, such as the release's, may stand in.
    let binary = std::env::var_os("RESPOOL_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_respool").into());
    let mut command = Command::new(binary);
    command.args(args).current_dir(directory.path()).envs(env.iter().map(|(name, value)| (name, value)));
    let log = directory.path().join("respool.stderr");
    let mut process = Process::spawn(command, &log).expect("respool starts");
    let answers = wait_within(Duration::from_secs(10), || !process.is_running() || Client::answers(port));
    assert!(answers && process.is_running(), "respool does not answer on port {port}:\n{}", process.log());
    process
}
