//! What the integration tests share: real servers that die with the test, a small blocking client, and waiting
//! with a deadline.
//!
//! ```ignore
//! mod support;
//! use support::{RedisServer, Respool};
//!
//! let redis = RedisServer::start();
//! let respool = Respool::before(&redis);
//! let mut client = respool.client();
//! assert_eq!(client.call("SET key value"), "OK");
//! ```

// Every test crate compiles this module and uses its own part of it.
#![allow(dead_code, unused_imports)]

pub mod client;
pub mod fake;
pub mod frame;
pub mod port;
pub mod process;
pub mod random;
pub mod redis;
pub mod respool;
pub mod value;
pub mod wait;

pub use client::Client;
pub use fake::FakeUpstream;
pub use port::free_port;
pub use process::Process;
pub use random::Random;
pub use redis::RedisServer;
pub use respool::Respool;
pub use value::Value;
pub use wait::{wait_until, wait_within};

/// A directory of its own under the system's temporary directory, removed when dropped.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("respool-test-").tempdir().expect("a temporary directory")
}
