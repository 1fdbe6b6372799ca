//! Sockets, threads and time around the sessions.
//!
//! * [`control`]: the thread that accepts, watches, counts and stops
//! * [`worker`]: a thread that serves clients
//! * [`client`]: the task of one client
//! * [`dispatch`]: carries out what a session decides
//! * [`facts`]: what `INFO` and `/metrics` tell of the process
//! * [`http`]: `/livez`, `/readyz` and `/metrics`

pub mod client;
pub mod control;
pub mod dispatch;
pub mod facts;
pub mod http;
pub mod worker;

pub use control::{ServerError, run};
