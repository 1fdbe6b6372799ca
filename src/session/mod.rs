//! A client's state machine: a request in, what is to be done out; no sockets.
//!
//! * [`action`]: what is to be done with a request
//! * [`step`]: from a request to its action
//! * [`local`]: what a session answers itself
//! * [`client`]: the `CLIENT` commands
//! * [`transaction`]: what `MULTI` queues
//! * [`subscriptions`]: what a client is subscribed to
//! * [`registry`]: who is connected
//! * [`shared`]: what all sessions share

pub mod action;
pub mod client;
pub mod local;
pub mod registry;
pub mod shared;
pub mod step;
pub mod subscriptions;
pub mod transaction;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::resp::Protocol;
use crate::tenant::Tenant;

pub use action::{Action, Route};
pub use registry::{ClientInfo, Registry};
pub use shared::Shared;
pub use subscriptions::Subscriptions;
pub use transaction::Transaction;

/// Whether a client wants its replies (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// It does.
    None,
    /// Not the next one.
    SkipNext,
    /// Not this one.
    Skip,
    /// None until it says so.
    Off,
}

/// What is known of one client's connection.
pub struct Session {
    shared: Arc<Shared>,
    info: Arc<ClientInfo>,
    tenant: Tenant,
    protocol: Protocol,
    database: usize,
    authenticated: bool,
    silence: Silence,
    watching: bool,
    /// The connection that watched keys was lost: whether they changed can't be told, so the transaction fails.
    watch_lost: bool,
    transaction: Option<Box<Transaction>>,
    subscriptions: Option<Box<Subscriptions>>,
    closing: bool,
}

impl Session {
    /// A session of a client that has just connected.
    pub fn new(shared: Arc<Shared>, info: Arc<ClientInfo>) -> Self {
        let authenticated = shared.password.is_none();
        let database = shared.first_database;
        Session {
            shared,
            info,
            tenant: Tenant::default(),
            protocol: Protocol::Resp2,
            database,
            authenticated,
            silence: Silence::None,
            watching: false,
            watch_lost: false,
            transaction: None,
            subscriptions: None,
            closing: false,
        }
    }

    /// The client's entry in the registry.
    pub fn info(&self) -> &Arc<ClientInfo> {
        &self.info
    }

    /// What all sessions share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The protocol that the client speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The database that the client has selected.
    pub fn database(&self) -> usize {
        self.database
    }

    /// Sets the database, after a transaction that selected one.
    pub fn set_database(&mut self, database: usize) {
        self.database = database;
        self.info.set_database(database);
    }

    /// True before `AUTH` where one is needed: the scanner's limits are narrow then.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// True after `QUIT`: the connection is closed when the replies are written.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// The connection is to be closed when the replies are written.
    pub fn set_closing(&mut self) {
        self.closing = true;
    }

    /// True while keys are watched.
    pub fn is_watching(&self) -> bool {
        self.watching
    }

    /// The connection that watched keys was lost.
    pub fn lose_watch(&mut self) {
        self.watch_lost |= std::mem::take(&mut self.watching);
    }

    /// True while requests are held back (`CLIENT PAUSE`).
    pub fn is_paused(&self) -> bool {
        self.shared.pause.holds(true).is_some()
    }

    /// True in the middle of `MULTI`.
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// What the client is subscribed to, if it is to anything.
    pub fn subscriptions(&self) -> Option<&Subscriptions> {
        self.subscriptions.as_deref().filter(|subscriptions| subscriptions.total() > 0)
    }
}
