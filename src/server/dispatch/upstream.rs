//! What goes upstream: by the lane of the client's database and protocol, or by a connection of its own.

use std::rc::Rc;
use std::task::{Context, Poll};

use super::{Dispatch, run_local};
use crate::command::{Class, Local};
use crate::resp::reply::ReplyScanner;
use crate::resp::{Writer, number};
use crate::server::worker::Driver;
use crate::session::Transaction;
use crate::session::transaction::stays_here;
use crate::tenant::Admitted;
use crate::upstream::UpstreamError;
use crate::upstream::exclusive::Exclusive;
use crate::upstream::lane::{Lane, LaneKey};
use crate::upstream::redis::Redis;

impl Dispatch {
    pub(super) fn lane_key(&self) -> LaneKey {
        LaneKey { database: self.session.database(), protocol: self.session.protocol() }
    }

    /// The lane for the session's database and protocol.
    pub(super) fn lane(&mut self, redis: &Redis) -> &Rc<Lane> {
        let key = self.lane_key();
        if self.lane.as_ref().is_none_or(|(own, _)| *own != key) {
            self.lane = None;
        }
        let (_, lane) = self.lane.get_or_insert_with(|| (key, redis.lane(key)));
        lane
    }

    pub(super) fn forward(&mut self, request: &Admitted<'_>, muted: bool) {
        self.send_run(muted, 0, |out| request.append_to(out));
    }

    pub(super) fn send_run(&mut self, muted: bool, skipped: u32, append: impl FnOnce(&mut Vec<u8>)) {
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

    pub(super) fn execute_upstream(&mut self, transaction: Box<Transaction>, muted: bool) {
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
    pub(super) fn take_executed(&mut self, frame: &[u8]) {
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
    pub(super) fn unwatch_upstream(&mut self, reply: Option<bool>) {
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

    /// Moves what is under way upstream on. True if a request that was held back may be offered again.
    pub fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let worker = self.worker.clone();
        let Driver::Redis(redis) = &worker.driver else {
            return false;
        };
        let mut moved = false;
        if let Some(acquiring) = &mut self.acquiring
            && let Poll::Ready(result) = acquiring.as_mut().poll(context)
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
                Poll::Pending => break,
                Poll::Ready(Ok(progress)) => {
                    moved = true;
                    if let Some(frame) = progress.whole {
                        self.take_executed(&frame);
                    }
                }
                Poll::Ready(Err(error)) => {
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
    pub(super) fn lose_exclusive(&mut self, error: &UpstreamError) {
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

    pub(super) fn release_if_clean(&mut self, redis: &Redis) {
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
