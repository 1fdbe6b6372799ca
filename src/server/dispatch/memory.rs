//! What the memory driver executes, in place.

use super::{Dispatch, run_local};
use crate::command::execute::{self, Executed};
use crate::command::row::Group;
use crate::command::{Class, Context, Error, Local, Row};
use crate::resp::{Args, Writer};
use crate::session::step::subscription;
use crate::session::subscriptions::write_confirmation;
use crate::session::{Session, Subscriptions, Transaction};
use crate::store::broker::Topic;
use crate::store::mailbox::Unblock;
use crate::store::{Database, ShardSet, Store};
use crate::tenant::Admitted;
use crate::upstream::memory::Seat;

impl Dispatch {
    pub(super) fn run_in_memory(
        &mut self,
        row: &'static Row,
        request: &Admitted<'_>,
        muted: bool,
        db: &mut Database<'_>,
    ) {
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

    pub(super) fn execute_in_memory(&mut self, transaction: &Transaction, muted: bool, db: &mut Database<'_>) {
        let Some(seat) = &mut self.seat else { return };
        let store = seat.store().clone();
        let mut shards = ShardSet::NONE;
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

    pub(super) fn subscribe_in_memory(&mut self, topic: Topic, subscribe: bool, request: Args<'_>) {
        if let Some(seat) = &self.seat {
            let session = &mut self.session;
            self.inbox.answer(|out| change_subscriptions(session, seat.store(), topic, subscribe, request, out));
        }
    }

    pub(super) fn unsubscribe_all(&self, subscriptions: &Subscriptions) {
        if let Some(seat) = &self.seat {
            seat.store().broker().unsubscribe_all(self.session.info().id, subscriptions.iter());
        }
    }

    pub(super) fn end_park(&mut self) {
        if let Some(seat) = &mut self.seat
            && seat.unpark().is_some()
        {
            self.worker.metrics.blocked.subtract(1);
        }
        self.show_blocked();
    }

    /// Ends a wait in memory. If the client is being served at this very moment, its reply is about to come instead.
    pub(super) fn give_up_park(&mut self, reason: Unblock) {
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
