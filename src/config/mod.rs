//! What an operator can set, with every default in one place.
//!
//! A setting comes from the file, is overruled by its `RESPOOL_*` variable, and that by its flag; see [`mod@load`].

pub mod address;
pub mod load;
pub mod size;

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use address::{Address, AddressError};
pub use load::{ConfigError, Overrides, load};

/// Everything that can be set. `config/respool.toml` shows every key with its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where respool listens, and with what.
    pub server: Server,
    /// What stands behind it.
    pub upstream: Upstream,
    /// Connections to the upstream.
    pub pool: Pool,
    /// The in-memory driver.
    pub memory: Memory,
    /// What a client may take.
    pub limits: Limits,
}

impl Config {
    /// Where the upstream is; `None` is the in-memory driver.
    pub fn upstream_address(&self) -> Result<Option<Address>, AddressError> {
        self.upstream.url.as_ref().map(|url| Address::parse(url.expose_secret())).transpose()
    }
}

/// Where respool listens, and with what.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Where Redis clients connect.
    pub listen: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are.
    pub http: SocketAddr,
    /// Threads that serve clients; 0 is one a core.
    pub workers: usize,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log: String,
    /// What clients have to `AUTH` with; none means that they need not.
    pub password: Option<SecretString>,
    /// How long clients may take to leave when respool stops.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 6380)),
            http: SocketAddr::from(([127, 0, 0, 1], 6381)),
            workers: 0,
            log: "info".into(),
            password: None,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// What stands behind respool.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// `redis://[user:password@]host[:port][/database]`; none is the in-memory driver.
    pub url: Option<SecretString>,
    /// Databases that the upstream has (its own `databases`): what `SELECT` accepts.
    pub databases: usize,
    /// How long a dial with its handshake may take.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long respool waits before it dials again, doubled at each failure up to [`Upstream::backoff_max`].
    #[serde(with = "humantime_serde")]
    pub backoff_min: Duration,
    /// The longest wait between two dials.
    #[serde(with = "humantime_serde")]
    pub backoff_max: Duration,
}

impl Default for Upstream {
    fn default() -> Self {
        Upstream {
            url: None,
            databases: 16,
            connect_timeout: Duration::from_secs(2),
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
        }
    }
}

/// Connections to the upstream: lanes and exclusive ones together.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// Idle connections that are kept open.
    pub min: u32,
    /// Connections at most; 0 is no pooling: each client has one of its own for as long as it stays.
    pub max: u32,
    /// How long a request may wait for a connection.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
    /// After how long an idle connection over `min` is closed.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
}

impl Default for Pool {
    fn default() -> Self {
        Pool { min: 2, max: 1000, acquire_timeout: Duration::from_secs(5), idle_timeout: Duration::from_secs(600) }
    }
}

/// The in-memory driver.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Databases that `SELECT` knows.
    pub databases: usize,
    /// Bytes that the data may take before writes that need memory are refused; 0 is no limit.
    #[serde(deserialize_with = "size::deserialize")]
    pub max_memory: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { databases: 16, max_memory: 0 }
    }
}

/// What a client may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Clients that are connected at once.
    pub clients: usize,
    /// Arguments of a request.
    pub arguments: usize,
    /// Bytes of an argument.
    #[serde(deserialize_with = "size::deserialize")]
    pub bulk_bytes: usize,
    /// Bytes of an inline command, or of a length line.
    #[serde(deserialize_with = "size::deserialize")]
    pub inline_bytes: usize,
    /// Bytes of a request.
    #[serde(deserialize_with = "size::deserialize")]
    pub request_bytes: usize,
    /// Bytes of the commands that a client may queue in `MULTI`.
    #[serde(deserialize_with = "size::deserialize")]
    pub transaction_bytes: usize,
    /// Requests of a client that may wait for their replies; more are read when replies have come.
    pub pipeline: usize,
    /// Bytes of replies for a client that does not read; over it the client is closed.
    #[serde(deserialize_with = "size::deserialize")]
    pub client_output_bytes: usize,
    /// Bytes of requests that may wait for a lane's connection; over it requests are refused.
    #[serde(deserialize_with = "size::deserialize")]
    pub lane_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            clients: 10_000,
            arguments: 1 << 20,
            bulk_bytes: 512 << 20,
            inline_bytes: 64 << 10,
            request_bytes: 1 << 30,
            transaction_bytes: 64 << 20,
            pipeline: 10_000,
            client_output_bytes: 1 << 30,
            lane_bytes: 64 << 20,
        }
    }
}
