//! What executes a client's commands.
//!
//! * [`redis`]: a Redis, as one worker sees it: its [`lane`]s and the way to the [`pool`]
//! * [`lane`]: one connection for the requests of many clients
//! * [`exclusive`]: one connection for one client
//! * [`reader`]: reads what is then cut into replies
//! * [`pool`]: all connections to an upstream, under one limit
//! * [`connection`]: a connection, and how it is made
//! * [`inbox`]: a client's replies, in the order of its requests
//! * [`flusher`]: writes the inboxes, once a turn
//! * [`memory`]: the in-memory driver

pub mod connection;
pub mod error;
pub mod exclusive;
pub mod flusher;
pub mod inbox;
pub mod lane;
pub mod memory;
pub mod pool;
pub mod reader;
pub mod redis;

#[cfg(test)]
mod tests;

pub use error::UpstreamError;
pub use inbox::Inbox;
