//! Carries out what a session decides.
//!
//! * [`upstream`]: what goes upstream
//! * [`memory`]: what the memory driver executes

pub mod memory;
pub mod upstream;

use std::rc::Rc;

use super::worker::{Driver, Worker};
use crate::command::{Class, Error, Local, Row};
use crate::metrics::Outcome;
use crate::resp::{Args, Protocol, Writer};
use crate::session::{Action, Route, Session, Subscriptions, Transaction};
use crate::store::Database;
use crate::store::mailbox::{Mail, Unblock};
use crate::upstream::exclusive::{Acquiring, Exclusive};
use crate::upstream::lane::{Lane, LaneKey};
use crate::upstream::memory::Seat;
use crate::upstream::{Inbox, UpstreamError};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatched {
    /// It is done with; the next may come.
    Done,
    /// It has to be offered again later.
    Later,
}

/// A client's batch of requests: what is read in one go is carried out with one look at the clock, and the memory
/// driver's shards stay locked from one request to the next where they can.
pub struct Batch<'a> {
    /// The data, in the memory driver.
    pub db: Option<Database<'a>>,
    /// The time of the batch.
    pub now_ms: u64,
    /// Where the session writes its own replies.
    reply: Vec<u8>,
}

impl<'a> Batch<'a> {
    /// A batch at `now_ms`.
    pub fn new(db: Option<Database<'a>>, now_ms: u64) -> Self {
        Batch { db, now_ms, reply: Vec::new() }
    }
}

/// A client's session with all that its requests reach.
pub struct Dispatch {
    worker: Rc<Worker>,
    /// What the client may do.
    pub session: Session,
    /// Its replies.
    pub inbox: Rc<Inbox>,
    lane: Option<(LaneKey, Rc<Lane>)>,
    exclusive: Option<Box<Exclusive>>,
    acquiring: Option<Acquiring>,
    /// It is acquired for a command that waits for an element.
    about_to_block: bool,
    /// Why the exclusive connection that the next request needs can't be had.
    refused: Option<UpstreamError>,
    seat: Option<Seat>,
    /// A transaction that was sent upstream, of which the upstream executes only a part.
    executing: Option<(Box<Transaction>, bool)>,
    /// Keys are watched upstream that nobody watches any more: one who is subscribed in RESP2 can't say so.
    unwatch_later: bool,
    /// Nobody wants the reply to the command that waits in memory (`CLIENT REPLY`).
    parked_muted: bool,
    /// Requests are held back until then (`CLIENT PAUSE`).
    paused_until_ms: Option<u64>,
}

impl Dispatch {
    /// For a client that has just connected.
    pub fn new(worker: Rc<Worker>, session: Session, inbox: Rc<Inbox>) -> Self {
        let seat = match &worker.driver {
            Driver::Memory(store) => Some(Seat::new(store.clone())),
            Driver::Redis(_) => None,
        };
        Dispatch {
            worker,
            session,
            inbox,
            lane: None,
            exclusive: None,
            acquiring: None,
            about_to_block: false,
            refused: None,
            seat,
            executing: None,
            unwatch_later: false,
            parked_muted: false,
            paused_until_ms: None,
        }
    }

    /// True while no request may be taken: the client waits for an element or a connection, or is paused.
    pub fn is_waiting(&self) -> bool {
        self.acquiring.is_some()
            || self.paused_until_ms.is_some()
            || self.is_blocked()
            || self.exclusive.as_ref().is_some_and(|exclusive| exclusive.is_congested())
    }

    /// True while a blocking command waits, if only for its connection: a client that leaves now is gone at once.
    pub fn is_blocked(&self) -> bool {
        (self.acquiring.is_some() && self.about_to_block)
            || self.seat.as_ref().is_some_and(Seat::is_parked)
            || self.exclusive.as_ref().is_some_and(|exclusive| exclusive.blocked_id().is_some())
    }

    /// When the client's task has to look again though nothing comes, in milliseconds since 1970.
    pub fn deadline_ms(&self) -> Option<u64> {
        let parked = self.seat.as_ref().and_then(Seat::parked).and_then(|parked| parked.deadline_ms);
        match (parked, self.paused_until_ms) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Takes one request. `wire` is the request as it came, unless it came inline.
    pub fn take(&mut self, args: Args<'_>, wire: Option<&[u8]>, batch: &mut Batch<'_>) -> Dispatched {
        let metrics = &self.worker.metrics;
        if let Some(error) = self.refused.take() {
            let action = self.session.fail(Error::upstream(&error), args, &mut batch.reply);
            self.inbox.answer(|out| out.append(&mut batch.reply));
            return self.carry_out(action, batch);
        }
        let route = self.route();
        let protocol = self.session.protocol();
        let (action, group) = self.session.step(args, wire, route, &mut batch.reply);
        let outcome = match &action {
            Action::Hold | Action::Acquire { .. } | Action::Pause(_) => None,
            Action::Answered if group.is_none() => Some(Outcome::Refused),
            Action::Forward { .. } | Action::Block { .. } | Action::Wait { .. } | Action::Execute { .. }
                if self.seat.is_none() =>
            {
                Some(Outcome::Forwarded)
            }
            _ => Some(Outcome::Local),
        };
        if let (Some(outcome), Some(group)) = (outcome, group) {
            metrics.request(group as usize, outcome);
        }
        if !batch.reply.is_empty() {
            self.inbox.answer(|out| out.append(&mut batch.reply));
        }
        if protocol != self.session.protocol() {
            self.change_protocol();
        }
        self.carry_out(action, batch)
    }

    /// The client has said `HELLO`: its messages come in the other protocol from now on.
    fn change_protocol(&mut self) {
        let protocol = self.session.protocol();
        if let Some(exclusive) = &mut self.exclusive {
            exclusive.set_up(protocol, self.session.database());
        }
        if let (Some(seat), Some(subscriptions)) = (&self.seat, self.session.subscriptions()) {
            let names = subscriptions.iter();
            seat.store().broker().set_protocol(self.session.info().id, protocol, names);
        }
    }

    /// The client has sent what is no request: it gets the error, if there is a text for it, and is closed.
    pub fn refuse_protocol(&mut self, text: Option<Vec<u8>>) {
        match text {
            Some(text) => self.inbox.answer(|out| Writer::new(out, Protocol::Resp2).error_bytes(&text)),
            None => self.inbox.break_off(),
        }
        self.session.set_closing();
    }

    fn route(&self) -> Route {
        let outstanding = self.inbox.outstanding();
        let key = self.lane_key();
        let other_lane = outstanding > 0
            && match &self.exclusive {
                Some(exclusive) => !exclusive.fits(key.protocol, key.database),
                None => self.lane.as_ref().is_some_and(|(own, _)| *own != key),
            };
        Route {
            outstanding,
            other_lane,
            exclusive: self.exclusive.is_some(),
            blocked: self.executing.is_some()
                || self.exclusive.as_ref().is_some_and(|exclusive| exclusive.blocked_id().is_some()),
        }
    }

    fn carry_out(&mut self, action: Action<'_>, batch: &mut Batch<'_>) -> Dispatched {
        match action {
            Action::Answered => {}
            Action::Hold => return Dispatched::Later,
            Action::Pause(until_ms) => {
                self.paused_until_ms = Some(until_ms);
                return Dispatched::Later;
            }
            Action::Acquire { to_block } => {
                if let Driver::Redis(redis) = &self.worker.driver {
                    let pool = redis.pool().clone();
                    let LaneKey { protocol, database } = self.lane_key();
                    self.acquiring = Some(Box::pin(async move { pool.acquire_for(protocol, database).await }));
                    self.about_to_block = to_block;
                }
                return Dispatched::Later;
            }
            Action::Forward { row, request, muted } => match &mut batch.db {
                Some(db) => self.run_in_memory(row, &request, muted, db),
                None => self.forward(&request, muted),
            },
            Action::Block { row, request, muted } => match &mut batch.db {
                Some(db) => self.run_in_memory(row, &request, muted, db),
                None => {
                    if let Some(exclusive) = self.exclusive.as_deref_mut() {
                        exclusive.set_up(self.session.protocol(), self.session.database());
                        exclusive.send_blocking(&self.inbox, muted, row, request.args().to_owned());
                        self.show_blocked();
                    }
                }
            },
            Action::Wait { request, muted } => {
                if let Some(exclusive) = &mut self.exclusive {
                    exclusive.set_up(self.session.protocol(), self.session.database());
                    // WAIT waits for what its own connection wrote last; any command before it makes that all that
                    // was ever written.
                    exclusive.send_run(&self.inbox, muted, 1, |out| {
                        out.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
                        request.append_to(out);
                    });
                }
            }
            Action::Info { request, muted } => {
                let stats = batch.db.as_mut().map(Database::stats);
                if !muted {
                    self.inbox.answer(|out| self.session.write_info(request, stats, out));
                }
            }
            Action::Watch { request, muted } => {
                if let (Some(db), Some(seat)) = (&mut batch.db, &mut self.seat) {
                    db.select(self.session.database());
                    seat.watch(db, request.args());
                    self.answer_ok(muted);
                } else if let Some(exclusive) = &mut self.exclusive {
                    exclusive.set_up(self.session.protocol(), self.session.database());
                    exclusive.send(&self.inbox, muted, |out| request.append_to(out));
                    exclusive.set_watching(true);
                }
            }
            Action::Unwatch { muted } => match (&mut batch.db, &mut self.seat) {
                (Some(db), Some(seat)) => {
                    seat.unwatch(db);
                    self.answer_ok(muted);
                }
                _ => self.unwatch_upstream(Some(muted)),
            },
            Action::Forget => match (&mut batch.db, &mut self.seat) {
                (Some(db), Some(seat)) => {
                    seat.unwatch(db);
                }
                _ if self.session.subscriptions().is_some() && self.session.protocol() == Protocol::Resp2 => {
                    self.unwatch_later = true;
                }
                _ => self.unwatch_upstream(None),
            },
            Action::Execute { transaction, muted } => match &mut batch.db {
                Some(db) => self.execute_in_memory(&transaction, muted, db),
                None => self.execute_upstream(transaction, muted),
            },
            Action::Subscribe { topic, subscribe, request, confirmations } => {
                if let Some(exclusive) = &mut self.exclusive {
                    exclusive.set_up(self.session.protocol(), self.session.database());
                    exclusive.begin_subscription();
                    exclusive.send_subscription(&self.inbox, confirmations, |out| {
                        crate::resp::write::append_request(out, request.iter());
                    });
                    if self.session.subscriptions().is_none() && std::mem::take(&mut self.unwatch_later) {
                        self.unwatch_upstream(None);
                    }
                } else {
                    self.subscribe_in_memory(topic, subscribe, request);
                }
            }
            Action::Reset(subscriptions) => self.reset(&subscriptions, batch),
        }
        Dispatched::Done
    }

    fn answer_ok(&self, muted: bool) {
        if !muted {
            self.inbox.answer(|out| out.extend_from_slice(b"+OK\r\n"));
        }
    }

    fn show_blocked(&self) {
        self.session.info().set_blocked(self.is_blocked());
    }

    fn reset(&mut self, subscriptions: &Subscriptions, batch: &mut Batch<'_>) {
        self.unsubscribe_all(subscriptions);
        if let (Some(db), Some(seat)) = (&mut batch.db, &mut self.seat) {
            seat.unwatch(db);
        }
        self.unwatch_later = false;
        // What the connection watched or was subscribed to ends with it.
        if let Some(exclusive) = self.exclusive.take() {
            exclusive.release();
        }
    }

    // What comes from elsewhere.

    /// Takes what others sent the client. True if it has to leave.
    pub fn take_mail(&mut self, mail: Mail) -> bool {
        if mail.killed {
            return true;
        }
        if !mail.messages.is_empty() {
            self.inbox.append(&mail.messages);
        }
        if let Some(reply) = mail.served {
            self.end_park();
            if !self.parked_muted {
                self.inbox.answer(|out| out.extend_from_slice(&reply));
            }
        }
        if let Some(reason) = mail.unblocked {
            self.unblock(reason);
        }
        false
    }

    /// Ends a wait before its time.
    fn unblock(&mut self, reason: Unblock) {
        let worker = self.worker.clone();
        if let Driver::Redis(redis) = &worker.driver
            && let Some(exclusive) = &mut self.exclusive
            && let Some(id) = exclusive.blocked_id()
        {
            // It may be on its way still when the connection has its next user.
            exclusive.taint();
            let reason: &[u8] = if reason == Unblock::Error { b"ERROR" } else { b"TIMEOUT" };
            let id = id.to_string();
            self.lane(redis).tell(|out| {
                let request = [&b"CLIENT"[..], b"UNBLOCK", id.as_bytes(), reason];
                crate::resp::write::append_request(out, request.into_iter());
            });
        }
        self.give_up_park(reason);
    }

    /// Looks at the clock: a wait may be over.
    pub fn take_time(&mut self, now_ms: u64) {
        if self.paused_until_ms.is_some_and(|until_ms| until_ms <= now_ms || !self.session.is_paused()) {
            self.paused_until_ms = None;
        }
        let over = |deadline_ms: Option<u64>| deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms);
        if over(self.seat.as_ref().and_then(Seat::parked).and_then(|parked| parked.deadline_ms)) {
            self.give_up_park(Unblock::Timeout);
        }
    }

    /// The client has gone.
    pub fn close(&mut self, now_ms: u64) {
        if let Some(subscriptions) = self.session.subscriptions() {
            self.unsubscribe_all(subscriptions);
        }
        if let Some(seat) = &mut self.seat {
            if seat.is_parked() {
                self.worker.metrics.blocked.subtract(1);
            }
            seat.close(&self.session.info().mailbox, now_ms);
        }
        let worker = self.worker.clone();
        if let Driver::Redis(redis) = &worker.driver
            && let Some(exclusive) = self.exclusive.take()
        {
            if exclusive.blocked_id().is_some() {
                let lane = self.lane(redis).clone();
                worker.part(exclusive.abandon(lane));
            } else {
                exclusive.release();
            }
        }
    }
}

/// Answers a request of a transaction that is about the connection.
fn run_local(session: &mut Session, row: &'static Row, args: Args<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let result = match row.class {
        // What was watched is forgotten by EXEC as it is.
        Class::Local(Local::Unwatch) => {
            Writer::new(out, session.protocol()).ok();
            Ok(())
        }
        Class::Local(local) => session.local(local, args, out),
        _ => Err(Error::NOT_IN_MULTI),
    };
    if let Err(error) = result {
        out.truncate(start);
        error.write(&mut Writer::new(out, session.protocol()));
    }
}
