//! respool's command line.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use respool::config::{self, Config, Overrides};
use tracing::level_filters::LevelFilter;

/// What the process ends with if it can't start or go on; 0 is a clean stop.
const RUNTIME_FAILURE: u8 = 1;
/// What it ends with if the configuration is bad; clap ends with the same if a flag is.
const BAD_CONFIGURATION: u8 = 2;
/// Descriptors beside those of clients and upstream connections: listeners, runtimes, the log.
const OTHER_FILES: u64 = 64;

/// A Redis-compatible cache and queue proxy: in front of a Redis, or with data of its own in memory.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 120,
    after_help = "A flag overrules its variable, and a variable the file. The password that clients need stands in the \
                  file or in RESPOOL_PASSWORD."
)]
struct Cli {
    #[command(flatten)]
    overrides: Overrides,
    /// Check the configuration, show what would be used, and exit: 0 if it is good, 2 if not
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    let Cli { mut overrides, check_config } = Cli::parse();
    let config = match overrides.take_password_variable().and_then(|()| config::load(&overrides)) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("respool: bad configuration: {error}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    if check_config {
        say(&summary(&config, &overrides));
        return ExitCode::SUCCESS;
    }
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("respool: {error:#}");
            ExitCode::from(RUNTIME_FAILURE)
        }
    }
}

fn serve(config: Config) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(config.server.log.parse::<LevelFilter>().context("server.log")?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    raise_file_limit(&config);
    if config.server.password.is_none() && !config.server.listen.ip().is_loopback() {
        tracing::warn!("{} can be reached from outside, and clients need no password", config.server.listen);
    }
    let shown = config.clone();
    respool::server::run(config, |listen| say(&announcement(&shown, listen)))?;
    Ok(())
}

/// Raises the limit of open files as far as the system lets everybody: each client and upstream connection is one.
fn raise_file_limit(config: &Config) {
    let needed = (config.limits.clients as u64).saturating_add(config.pool.max.into()).saturating_add(OTHER_FILES);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < needed => tracing::warn!(
            "{limit} files may be open, which is less than limits.clients and pool.max need ({needed}): raise `ulimit -n`"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!("the limit of open files can't be raised: {error}"),
    }
}

/// Where the data is, without secrets.
fn driver(config: &Config) -> String {
    match config.upstream_address() {
        Ok(Some(address)) => address.to_string(),
        _ => "in-memory driver".into(),
    }
}

/// What is said once clients can connect.
fn announcement(config: &Config, listen: SocketAddr) -> String {
    let serves = match config.upstream.url {
        Some(_) => format!("stands in front of {}", driver(config)),
        None => "serves its in-memory driver".into(),
    };
    let host = match listen.ip() {
        // redis-cli goes there by itself.
        ip if ip.is_unspecified() || ip == std::net::Ipv4Addr::LOCALHOST => String::new(),
        ip => format!(" -h {ip}"),
    };
    let ask = if config.server.password.is_some() { " --askpass" } else { "" };
    let (version, port) = (env!("CARGO_PKG_VERSION"), listen.port());
    format!("respool {version} {serves} on {listen} - try: redis-cli{host} -p {port}{ask} ping")
}

/// What `--check-config` says of a good configuration.
fn summary(config: &Config, overrides: &Overrides) -> String {
    let server = &config.server;
    let file = match &overrides.config {
        Some(path) if !path.as_os_str().is_empty() => path.display().to_string(),
        _ => "none, defaults".into(),
    };
    let workers = match server.workers {
        0 => "one a core".into(),
        count => count.to_string(),
    };
    let password = if server.password.is_some() { "needed" } else { "not needed" };
    format!(
        "the configuration is good\n  file      {file}\n  listen    {}\n  http      {}\n  upstream  {}\n  \
         workers   {workers}\n  log       {}\n  password  {password}",
        server.listen,
        server.http,
        driver(config),
        server.log
    )
}

/// Prints a line. Nobody may be listening, which is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_level_is_known_to_the_log() {
        for level in config::load::LOG_LEVELS {
            level.parse::<LevelFilter>().expect(level);
        }
    }

    #[test]
    fn announced_with_a_command_to_try() {
        let announced = |url: Option<&str>, password: Option<&str>, listen: &str| {
            let mut config = Config::default();
            config.upstream.url = url.map(Into::into);
            config.server.password = password.map(Into::into);
            announcement(&config, listen.parse().expect("an address"))
        };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            announced(None, None, "127.0.0.1:6380"),
            format!("respool {version} serves its in-memory driver on 127.0.0.1:6380 - try: redis-cli -p 6380 ping")
        );
        assert_eq!(
            announced(Some("redis://:hunter2@127.0.0.1"), Some("hunter3"), "0.0.0.0:7000"),
            format!(
                "respool {version} stands in front of redis://127.0.0.1:6379/0 on 0.0.0.0:7000 - try: redis-cli -p 7000 \
                 --askpass ping"
            )
        );
        assert!(announced(None, None, "[fd00::1]:1").ends_with("try: redis-cli -h fd00::1 -p 1 ping"));
    }
}
