//! What is to be done with a request.

use super::Transaction;
use crate::command::Row;
use crate::resp::Args;
use crate::store::broker::Topic;
use crate::tenant::Admitted;

/// Where a client's requests go at the moment: what a session has to know of the connection to keep its order.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Replies that are still to come.
    pub outstanding: u64,
    /// The outstanding requests went to a lane of another database or protocol than the session's present one.
    pub other_lane: bool,
    /// The client has an exclusive connection.
    pub exclusive: bool,
    /// A blocking command is waiting on it, or a transaction that may change the session is being executed there.
    pub blocked: bool,
}

/// What is to be done with a request.
pub enum Action<'a> {
    /// The reply is written.
    Answered,
    /// Not now: the request is offered again when the replies that are outstanding have come.
    Hold,
    /// Not before then, in milliseconds since 1970 (`CLIENT PAUSE`).
    Pause(u64),
    /// It needs an exclusive connection: it is offered again when there is one.
    Acquire {
        /// It will wait for an element then.
        to_block: bool,
    },
    /// Pass it on, or run it in memory.
    Forward {
        /// Its row.
        row: &'static Row,
        /// The request.
        request: Admitted<'a>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Pass it on by the exclusive connection, and remember that it waits; in memory, run it.
    Block {
        /// Its row.
        row: &'static Row,
        /// The request.
        request: Admitted<'a>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Pass on `WAIT` by the exclusive connection.
    Wait {
        /// The request.
        request: Admitted<'a>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Answer `INFO`.
    Info {
        /// The request.
        request: Args<'a>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Watch keys.
    Watch {
        /// `WATCH` with its keys.
        request: Admitted<'a>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Watch nothing any more. The client gets `OK`.
    Unwatch {
        /// The client does not want the reply.
        muted: bool,
    },
    /// Forget what is watched, without a reply: the transaction was given up.
    Forget,
    /// Execute a transaction.
    Execute {
        /// What was queued.
        transaction: Box<Transaction>,
        /// The client does not want the reply.
        muted: bool,
    },
    /// Change what the client is subscribed to; the session has noted it already.
    Subscribe {
        /// Which kind of names.
        topic: Topic,
        /// To subscribe, or to end it.
        subscribe: bool,
        /// The request.
        request: Args<'a>,
        /// How many confirmations there will be.
        confirmations: usize,
    },
    /// Bring the connection back to its first state; the reply is written.
    Reset(Box<super::Subscriptions>),
}
