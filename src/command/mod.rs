//! The command table: one row for every command of Redis 7.0, and the memory driver's handlers.
//!
//! * [`row`]: what is known of a command
//! * [`table`]: all rows, looked up by name
//! * [`keys`]: where a request's keys stand
//! * [`error`]: every text that a client can be refused with
//! * [`context`]: what a handler works with
//! * [`execute`]: runs a request in the memory driver
//! * [`blocking`]: commands that wait in the memory driver
//! * [`help`]: what containers answer to `HELP`
//! * [`info`]: the text of `INFO`
//! * [`long_double`], [`random`], [`scan`]: what commands of several groups have in common
//!
//! One file per group holds its rows, handlers and tests. A new command is one row and one handler in one file.

pub mod blocking;
pub mod context;
mod describe;
pub mod error;
pub mod execute;
pub mod help;
pub mod info;
pub mod keys;
pub mod long_double;
pub mod parse;
pub mod random;
pub mod row;
pub mod scan;
mod settings;
mod sort;
pub mod table;

pub mod bitmap;
pub mod cluster;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod pubsub;
pub mod scripting;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
pub mod transaction;

pub use blocking::Blocking;
pub use context::Context;
pub use error::Error;
pub use row::{Class, Handler, Local, Memory, Reply, Row};
