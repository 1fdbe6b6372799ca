//! Carries out what a session decides.

use std::rc::Rc;

use super::worker::{Driver, Worker};
use crate::command::execute::{self, Executed};
use crate::command::row::Group;
use crate::command::{Class, Context, Error, Local, Row};
use crate::metrics::Outcome;
use crate::resp::reply::ReplyScanner;
use crate::resp::{Args, Protocol, Writer, number};
use crate::session::step::subscription;
use crate::session::subscriptions::write_confirmation;
use crate::session::transaction::stays_here;
use crate::session::{Action, Route, Session, Subscriptions, Transaction};
use crate::store::broker::Topic;
use crate::store::mailbox::{Mail, Unblock};
use crate::store::{Database, Store};
use crate::tenant::Admitted;
use crate::upstream::exclusive::{Acquiring, Exclusive};
use crate::upstream::lane::{Lane, LaneKey};
use crate::upstream::memory::Seat;
use crate::upstream::redis::Redis;
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

    // By the upstream.

    fn lane_key(&self) -> LaneKey {
        LaneKey { database: self.session.database(), protocol: self.session.protocol() }
    }

    /// The lane for the session's database and protocol.
    fn lane(&mut self, redis: &Redis) -> &Rc<Lane> {
        let key = self.lane_key();
        if self.lane.as_ref().is_none_or(|(own, _)| *own != key) {
            self.lane = None;
        }
        let (_, lane) = self.lane.get_or_insert_with(|| (key, redis.lane(key)));
        lane
    }

    fn forward(&mut self, request: &Admitted<'_>, muted: bool) {
        self.send_run(muted, 0, |out| request.append_to(out));
    }

    fn send_run(&mut self, muted: bool, skipped: u32, append: impl FnOnce(&mut Vec<u8>)) {
        let (protocol, database) = (self.session.protocol(), self.session.database());
        if let Some(exclusive) = &mut self.exclusive {
            exclusive.set_up(protocol, database);
            exclusive.send_run(&self.inbox, muted, skipped, append);
            return;
        }
        let worker = self.worker.clone();
        if let Driver::Redis(redis) = &worker.driver {
            let inbox = self.inbox.clone();
            self.lane(redis).send_run(&inbox, muted, skipped, append);
        }
    }

    fn execute_upstream(&mut self, transaction: Box<Transaction>, muted: bool) {
        let append = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
            let count = transaction.append_upstream(out);
            out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
            count
        };
        if transaction.is_mixed() {
            let Some(exclusive) = &mut self.exclusive else { return };
            exclusive.set_up(self.session.protocol(), self.session.database());
            let mut wire = Vec::new();
            let count = append(&mut wire);
            exclusive.send_whole(&self.inbox, count as u32 + 1, |out| out.append(&mut wire));
            exclusive.set_watching(false);
            self.executing = Some((transaction, muted));
            return;
        }
        self.send_run(muted, transaction.len() as u32 + 1, |out| {
            append(out);
        });
        if let Some(exclusive) = &mut self.exclusive {
            exclusive.set_watching(false);
        }
    }

    /// Makes the client's reply to a transaction of what the upstream has answered to its part of it.
    fn take_executed(&mut self, frame: &[u8]) {
        let Some((transaction, muted)) = self.executing.take() else { return };
        let protocol = self.session.protocol();
        let mut reply = Vec::new();
        let elements = array_elements(frame);
        match elements {
            None => reply.extend_from_slice(frame),
            Some(elements) => {
                let mut elements = elements.into_iter();
                let session = &mut self.session;
                Writer::new(&mut reply, protocol).array(transaction.len());
                transaction.for_each(|row, args| {
                    if stays_here(row) {
                        run_local(session, row, args, &mut reply);
                        return;
                    }
                    let element = elements.next().unwrap_or(b"_\r\n");
                    reply.extend_from_slice(element);
                    if element.first() == Some(&b'-') {
                        return;
                    }
                    if row.class == Class::Subscribe {
                        session.note_queued_subscription(row, args);
                    } else if row.class == Class::Local(Local::Select)
                        && let Some(database) = number::parse_integer(args.at(1))
                    {
                        session.set_database(database as usize);
                    }
                });
            }
        }
        if !muted {
            self.inbox.append(&reply);
        }
        if let Some(exclusive) = &mut self.exclusive {
            exclusive.set_database(self.session.database());
            if self.session.subscriptions().is_some() {
                exclusive.begin_subscription();
            }
            exclusive.set_up(self.session.protocol(), self.session.database());
        }
        self.inbox.finish();
    }

    /// Ends the watching upstream. The client gets its `OK`, or nothing if it does not expect one.
    fn unwatch_upstream(&mut self, reply: Option<bool>) {
        const UNWATCH: &[u8] = b"*1\r\n$7\r\nUNWATCH\r\n";
        if let Some(exclusive) = &mut self.exclusive {
            match reply {
                Some(muted) => exclusive.send(&self.inbox, muted, |out| out.extend_from_slice(UNWATCH)),
                None => exclusive.send_cleanup(|out| out.extend_from_slice(UNWATCH)),
            }
            exclusive.set_watching(false);
        } else if let Some(muted) = reply {
            self.answer_ok(muted);
        }
    }

    fn show_blocked(&self) {
        self.session.info().set_blocked(self.is_blocked());
    }

    // In memory.

    fn run_in_memory(&mut self, row: &'static Row, request: &Admitted<'_>, muted: bool, db: &mut Database<'_>) {
        db.select(self.session.database());
        let protocol = self.session.protocol();
        let subscribed = self.session.subscriptions().is_some();
        let mailbox = &self.session.info().mailbox;
        let executed = self.inbox.answer(|out| {
            let start = out.len();
            let executed = execute::execute(&mut Context::new(db, out, protocol), row, request.args());
            if subscribed && row.group == Group::PubSub {
                // A message to oneself comes before the reply to its PUBLISH.
                let messages = mailbox.take().messages;
                out.splice(start..start, messages);
            }
            if muted {
                out.truncate(start);
            }
            executed
        });
        if let Executed::Waits(waiting) = executed
            && let Some(seat) = &mut self.seat
        {
            let store = seat.store().clone();
            seat.park(waiting.park(db, protocol, &self.session.info().mailbox, store));
            self.parked_muted = muted;
            self.worker.metrics.blocked.add(1);
            self.show_blocked();
        }
    }

    fn execute_in_memory(&mut self, transaction: &Transaction, muted: bool, db: &mut Database<'_>) {
        let Some(seat) = &mut self.seat else { return };
        let store = seat.store().clone();
        let mut shards = crate::store::ShardSet::NONE;
        transaction.for_each(|row, args| {
            let needed = match row.class {
                Class::Local(Local::Info) => store.all_shards(),
                _ => execute::shards(&store, row, args),
            };
            shards = shards.union(needed);
        });
        // What is watched is looked at and executed under one lock: nothing comes between.
        shards = seat.watched_shards().union(shards);
        db.lock(shards);
        let unchanged = seat.unwatch_locked(db);
        db.select(self.session.database());
        let protocol = self.session.protocol();
        let session = &mut self.session;
        self.inbox.answer(|out| {
            let start = out.len();
            if !unchanged {
                Writer::new(out, protocol).null_array();
            } else {
                Writer::new(out, protocol).array(transaction.len());
                transaction.for_each(|row, args| run_queued(session, row, args, db, out));
                db.serve_waiters();
            }
            if muted {
                out.truncate(start);
            }
        });
    }

    fn subscribe_in_memory(&mut self, topic: Topic, subscribe: bool, request: Args<'_>) {
        if let Some(seat) = &self.seat {
            let session = &mut self.session;
            self.inbox.answer(|out| change_subscriptions(session, seat.store(), topic, subscribe, request, out));
        }
    }

    fn unsubscribe_all(&self, subscriptions: &Subscriptions) {
        if let Some(seat) = &self.seat {
            seat.store().broker().unsubscribe_all(self.session.info().id, subscriptions.iter());
        }
    }

    fn reset(&mut self, subscriptions: &Subscriptions, batch: &mut Batch<'_>) {
        self.unsubscribe_all(subscriptions);
        if let (Some(db), Some(seat)) = (&mut batch.db, &mut self.seat) {
            seat.unwatch(db);
        }
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

    fn end_park(&mut self) {
        if let Some(seat) = &mut self.seat
            && seat.unpark().is_some()
        {
            self.worker.metrics.blocked.subtract(1);
        }
        self.show_blocked();
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

    /// Ends a wait in memory. If the client is being served at this very moment, its reply is about to come instead.
    fn give_up_park(&mut self, reason: Unblock) {
        let protocol = self.session.protocol();
        if let Some(parked) = self.seat.as_ref().and_then(Seat::parked)
            && parked.give_up()
        {
            if !self.parked_muted {
                self.inbox.answer(|out| {
                    let mut writer = Writer::new(out, protocol);
                    match reason {
                        Unblock::Timeout => parked.write_nothing(&mut writer),
                        Unblock::Error => Error::UNBLOCKED.write(&mut writer),
                    }
                });
            }
            self.end_park();
        }
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

    /// Moves what is under way upstream on. True if a request that was held back may be offered again.
    pub fn poll(&mut self, context: &mut std::task::Context<'_>) -> bool {
        let worker = self.worker.clone();
        let Driver::Redis(redis) = &worker.driver else {
            return false;
        };
        let mut moved = false;
        if let Some(acquiring) = &mut self.acquiring
            && let std::task::Poll::Ready(result) = acquiring.as_mut().poll(context)
        {
            self.acquiring = None;
            moved = true;
            let limit = self.worker.limits.client_output_bytes;
            match result {
                Ok(connection) => self.exclusive = Some(Box::new(Exclusive::new(connection, limit))),
                Err(error) => self.refused = Some(error),
            }
        }
        while let Some(exclusive) = &mut self.exclusive {
            let was_blocked = exclusive.blocked_id().is_some();
            match exclusive.poll(&self.inbox, &mut redis.scratch().borrow_mut(), context) {
                std::task::Poll::Pending => break,
                std::task::Poll::Ready(Ok(progress)) => {
                    moved = true;
                    if let Some(frame) = progress.whole {
                        self.take_executed(&frame);
                    }
                }
                std::task::Poll::Ready(Err(error)) => {
                    moved = true;
                    self.lose_exclusive(&error);
                }
            }
            if was_blocked {
                self.show_blocked();
            }
        }
        self.release_if_clean(redis);
        moved
    }

    /// The exclusive connection was lost.
    fn lose_exclusive(&mut self, error: &UpstreamError) {
        if let Some(exclusive) = self.exclusive.take() {
            exclusive.fail(&self.inbox, error);
        }
        if self.session.subscriptions().is_some() {
            // Its messages would fail to come without a word: a closed connection makes it subscribe again.
            self.inbox.break_off();
        }
        self.session.lose_watch();
        self.executing = None;
    }

    fn release_if_clean(&mut self, redis: &Redis) {
        if let Some(exclusive) = &mut self.exclusive {
            if self.session.subscriptions().is_none() {
                exclusive.end_subscription();
            }
            if redis.pool().is_unpooled() {
                return;
            }
            // The one that was just acquired has still to serve what it was acquired for.
            if exclusive.has_served()
                && exclusive.is_clean()
                && let Some(exclusive) = self.exclusive.take()
            {
                exclusive.release();
            }
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

/// Runs one request of a transaction in memory.
fn run_queued(session: &mut Session, row: &'static Row, args: Args<'_>, db: &mut Database<'_>, out: &mut Vec<u8>) {
    if row.class == Class::Local(Local::Info) {
        session.write_info(args, Some(db.stats()), out);
        return;
    }
    if row.class == Class::Subscribe {
        let (topic, subscribe) = subscription(row);
        if topic == Topic::Shard && subscribe {
            Error::SHARD_SUBSCRIBE_IN_MULTI.write(&mut Writer::new(out, session.protocol()));
        } else {
            change_subscriptions(session, db.store(), topic, subscribe, args, out);
        }
        return;
    }
    if let Class::Local(local) = row.class {
        run_local(session, row, args, out);
        if local == Local::Select {
            db.select(session.database());
        }
        return;
    }
    let mut context = Context::new(db, out, session.protocol());
    context.in_transaction = true;
    execute::run(&mut context, row, args);
}

/// Subscribes to the names of a request, or ends it, and confirms each.
fn change_subscriptions(
    session: &mut Session,
    store: &Store,
    topic: Topic,
    subscribe: bool,
    request: Args<'_>,
    out: &mut Vec<u8>,
) {
    let (protocol, info) = (session.protocol(), session.info().clone());
    let names: Vec<Box<[u8]>> = match session.subscriptions() {
        _ if request.len() > 1 => request.iter_from(1).map(Box::from).collect(),
        Some(subscriptions) => subscriptions.names(topic),
        None => Vec::new(),
    };
    let mut writer = Writer::new(out, protocol);
    if names.is_empty() {
        let count = session.note_subscription(topic, false, b"");
        write_confirmation(&mut writer, topic, false, None, count);
    }
    for name in names {
        if subscribe {
            store.broker().subscribe(topic, &name, info.id, protocol, &info.mailbox);
        } else {
            store.broker().unsubscribe(topic, &name, info.id);
        }
        let count = session.note_subscription(topic, subscribe, &name);
        write_confirmation(&mut writer, topic, subscribe, Some(&name), count);
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

/// The elements of an array as they stand on the wire; `None` of what is no array.
fn array_elements(frame: &[u8]) -> Option<Vec<&[u8]>> {
    let [b'*', b'0'..=b'9', ..] = frame else { return None };
    let mut rest = &frame[frame.iter().position(|&byte| byte == b'\n')? + 1..];
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let progress = ReplyScanner::new().scan(rest).ok().filter(|progress| progress.complete)?;
        let (element, behind) = rest.split_at(progress.consumed);
        elements.push(element);
        rest = behind;
    }
    Some(elements)
}
