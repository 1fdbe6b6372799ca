//! respool: a Redis-compatible cache and queue proxy.
//!
//! The rooms of the house, each of which uses only those before it:
//!
//! * [`resp`]: the wire
//! * [`store`]: the memory driver's data
//! * [`command`]: the table of commands, and the memory driver's handlers
//! * [`tenant`]: who a client is, and what of a request may pass
//! * [`queue`]: queue rules
//! * [`upstream`]: what executes commands: a Redis behind lanes and a pool, or the memory driver
//! * [`session`]: a client's state machine
//! * [`server`]: sockets, threads and time
//!
//! [`config`] and [`metrics`] are leaves that anyone may use.

pub mod command;
pub mod config;
pub mod metrics;
pub mod queue;
pub mod resp;
pub mod server;
pub mod session;
pub mod store;
pub mod tenant;
pub mod upstream;
