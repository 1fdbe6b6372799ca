//! respool: a Redis-compatible cache and queue proxy.

pub mod resp;
pub mod store;
