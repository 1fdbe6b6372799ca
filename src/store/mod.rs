//! The memory driver's data: values, expiry, waiters, subscriptions. It knows no commands and no tenants.
//!
//! * [`dict`]: a hash table that grows in small steps and can be scanned with a cursor
//! * [`value`]: what a key holds, and the kinds of it ([`string`], [`list`], [`hash`], [`set`], [`sorted_set`])
//! * [`shard`]: a part of the keys of all databases, under one lock
//! * [`database`]: a command's view: the shards that it has locked, in one selected database
//! * [`waiters`]: who waits for which key, first come first served
//! * [`broker`]: who is subscribed to which channel
//! * [`mailbox`]: what one client is sent by others
//!
//! A key's shard follows from its hash. Locks are taken in the order of the shards' numbers, so that two commands
//! with several keys can't wait for each other.

pub mod broker;
pub mod database;
pub mod dict;
mod glob;
pub mod hash;
mod keyspace;
pub mod list;
pub mod mailbox;
mod segment;
pub mod set;
pub mod shard;
pub mod sorted_set;
pub mod string;
pub mod value;
pub mod waiters;

pub use database::Database;
pub use mailbox::Mailbox;
pub use shard::{Options, ShardSet, Store};
pub use value::{Kind, Value, WrongType};
