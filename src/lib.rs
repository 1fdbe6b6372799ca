//! respool: a Redis-compatible cache and queue proxy.

pub mod command;
pub mod config;
pub mod metrics;
pub mod resp;
pub mod store;
