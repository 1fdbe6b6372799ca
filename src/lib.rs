//! respool: a Redis-compatible cache and queue proxy.

pub mod command;
pub mod resp;
pub mod store;
