//! What a handler works with.

use crate::resp::{Protocol, Writer};
use crate::store::Database;

/// The data and the reply of the command that is being executed.
///
/// The view of the data outlives it: the shards stay locked from one request of a client's batch to the next.
pub struct Context<'c, 'a> {
    /// The data, in the database that the client has selected.
    pub db: &'c mut Database<'a>,
    /// Where the reply goes.
    pub reply: Writer<'c>,
    /// True inside `EXEC`: nothing may wait.
    pub in_transaction: bool,
}

impl<'c, 'a> Context<'c, 'a> {
    /// A context whose replies go to `out`.
    pub fn new(db: &'c mut Database<'a>, out: &'c mut Vec<u8>, protocol: Protocol) -> Self {
        Context { db, reply: Writer::new(out, protocol), in_transaction: false }
    }
}
