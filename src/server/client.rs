//! The task of one client: it moves bytes between the client's socket and its [`Dispatch`].

use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::dispatch::{Batch, Dispatch, Dispatched};
use super::worker::{Driver, Worker};
use crate::command::Error;
use crate::resp::Writer;
use crate::resp::request::{RequestScanner, Scan};
use crate::session::Session;
use crate::session::shared::now_ms;
use crate::store::Database;
use crate::upstream::Inbox;

/// Replies that a client has not read yet hold its further requests back from here on, so that its replies do not
/// pile up as fast as it can send.
const UNREAD_REPLY_BYTES: usize = 1 << 20;

/// Requests that wait behind one that is held back are read up to here; the rest waits in the client's socket.
const HELD_REQUEST_BYTES: usize = 1 << 20;

/// Room is made for so much of an argument before its bytes have come.
const CLAIMED_BYTES: usize = 1 << 20;

/// The time of one batch in so many is taken.
const SAMPLED_BATCHES: u32 = 16;

/// Serves one client until it leaves.
pub async fn serve(worker: Rc<Worker>, socket: TcpStream) {
    let (Ok(address), Ok(local_address)) = (socket.peer_addr(), socket.local_addr()) else {
        worker.load.fetch_sub(1, Ordering::Relaxed);
        return;
    };
    let _ = socket.set_nodelay(true);
    let shared = worker.shared.clone();
    let info = shared.registry.enter(
        address,
        local_address,
        now_ms(),
        shared.first_database,
        worker.limits.client_output_bytes,
    );
    let inbox = Inbox::new(socket, worker.flusher.clone(), worker.limits.client_output_bytes);
    let session = Session::new(shared, info);
    worker.metrics.clients.add(1);
    worker.metrics.connections.add(1);
    let mut client = Client {
        scanner: RequestScanner::new(worker.request_limits),
        input: BytesMut::new(),
        dispatch: Dispatch::new(worker.clone(), session, inbox.clone()),
        inbox,
        worker,
        timer: None,
        offered: false,
        batches: 0,
        needed: 0,
        ended: false,
    };
    std::future::poll_fn(|context| client.poll(context)).await;
}

struct Client {
    scanner: RequestScanner,
    /// Requests that were read and not carried out: an unfinished one, or those behind one that is held back.
    input: BytesMut,
    dispatch: Dispatch,
    inbox: Rc<Inbox>,
    worker: Rc<Worker>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The first request of `input` was held back: it is to be offered again when something has changed.
    offered: bool,
    /// Batches that were carried out.
    batches: u32,
    /// How long the unfinished request is known to be at least.
    needed: usize,
    /// The client has sent its last byte.
    ended: bool,
}

impl Client {
    /// Ready when the client has left.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.inbox.attend(context.waker());
        while self.dispatch.is_blocked() {
            // One who has left takes nothing, even if its element has just come.
            match self.poll_read(context) {
                Poll::Ready(Ok(())) if self.ended => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(())) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        // Until it is empty: only then the mailbox wakes the task for what comes next.
        while let Poll::Ready(mail) = self.dispatch.session.info().mailbox.poll(context) {
            if self.dispatch.take_mail(mail) {
                return Poll::Ready(());
            }
        }
        loop {
            let mut moved = self.dispatch.poll(context);
            if self.poll_timer(context) {
                moved = true;
            }
            if !self.input.is_empty() && self.offered && !self.dispatch.is_waiting() {
                let before = self.input.len();
                self.offer_again();
                moved |= self.input.len() != before || self.dispatch.is_waiting();
            }
            let _ = self.inbox.poll_unstick(context);
            if self.inbox.is_broken() || self.is_over() {
                return Poll::Ready(());
            }
            match self.poll_read(context) {
                Poll::Ready(Ok(())) => moved = true,
                Poll::Ready(Err(())) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if !moved {
                // Nothing of what the client has sent is left unread, or it would be told by a reset.
                if self.is_drained() {
                    return Poll::Ready(());
                }
                self.inbox.set_attentive(self.is_attentive());
                return Poll::Pending;
            }
        }
    }

    /// True when nothing more is to be done for the client.
    fn is_over(&self) -> bool {
        let answered = self.inbox.ready() == 0 && self.inbox.outstanding() == 0;
        if self.dispatch.session.is_closing() {
            return answered;
        }
        if self.ended {
            // One who waits for an element and has hung up is gone; one who has sent its requests and shut down its
            // side still gets the replies.
            return self.dispatch.is_blocked() || (answered && !self.dispatch.is_waiting());
        }
        false
    }

    /// True when the client has to leave because respool stops.
    fn is_drained(&self) -> bool {
        let answered = self.inbox.ready() == 0 && self.inbox.outstanding() == 0;
        let idle = answered && self.input.is_empty() && !self.dispatch.session.is_in_transaction();
        self.dispatch.session.shared().is_draining()
            && (self.dispatch.is_blocked() || (idle && !self.inbox.has_unread()))
    }

    /// True if the next reply changes what is to be done.
    fn is_attentive(&self) -> bool {
        self.offered
            || self.ended
            || self.dispatch.session.is_closing()
            || self.dispatch.is_waiting()
            || !self.may_read()
            || self.dispatch.session.shared().is_draining()
    }

    /// Sets the timer to what is waited for; true if it went off.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline_ms) = self.dispatch.deadline_ms() else {
            self.timer = None;
            return false;
        };
        let now = now_ms();
        if deadline_ms <= now {
            self.timer = None;
            self.dispatch.take_time(now);
            if self.dispatch.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now) {
                // It is being served on another thread at this moment.
                context.waker().wake_by_ref();
                return false;
            }
            return true;
        }
        self.dispatch.take_time(now);
        let deadline = tokio::time::Instant::now() + Duration::from_millis(deadline_ms - now);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline().max(deadline) - timer.deadline().min(deadline) > Duration::from_millis(2) {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context).is_ready()
    }

    /// True if more requests may be read.
    fn may_read(&self) -> bool {
        if self.ended || self.dispatch.session.is_closing() {
            return false;
        }
        if self.offered && self.input.len() > HELD_REQUEST_BYTES {
            return false;
        }
        self.inbox.ready() < UNREAD_REPLY_BYTES && self.inbox.outstanding() < self.worker.limits.pipeline as u64
    }

    /// Reads once, and carries out what is complete.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if !self.may_read() {
            return Poll::Pending;
        }
        let worker = self.worker.clone();
        let scratch = &mut *worker.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(scratch);
        match ready!(self.inbox.poll_read(context, &mut buffer)) {
            Ok(()) => {}
            Err(_) => return Poll::Ready(Err(())),
        }
        let bytes = buffer.filled();
        if bytes.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        worker.metrics.bytes_in.add(bytes.len() as u64);
        if self.input.is_empty() {
            let consumed = self.carry_out(bytes);
            self.keep(&bytes[consumed..]);
        } else {
            self.input.extend_from_slice(bytes);
            if !self.offered {
                self.offer_again();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Keeps what could not be carried out, with room for what is known to be missing of it, within reason: a length
    /// that nobody has sent the bytes of yet is only a claim.
    fn keep(&mut self, rest: &[u8]) {
        let missing = self.needed.saturating_sub(rest.len()).min(CLAIMED_BYTES);
        self.input.reserve(rest.len() + missing);
        self.input.extend_from_slice(rest);
        self.needed = 0;
    }

    /// Carries out what of the kept requests can be.
    fn offer_again(&mut self) {
        let mut input = std::mem::take(&mut self.input);
        let consumed = self.carry_out(&input);
        if consumed == input.len() {
            // An idle client keeps no buffer.
            return;
        }
        input.advance(consumed);
        self.input = input;
    }

    /// Carries out the complete requests at the front of `bytes`, until one has to wait; says how many bytes are done
    /// with.
    fn carry_out(&mut self, bytes: &[u8]) -> usize {
        // Looking at the clock costs as much as a small command: one batch in some stands for all.
        self.batches = self.batches.wrapping_add(1);
        let started = self.batches.is_multiple_of(SAMPLED_BATCHES).then(Instant::now);
        let now_ms = now_ms();
        let worker = self.worker.clone();
        let db = match &worker.driver {
            Driver::Memory(store) => Some(Database::new(store, self.dispatch.session.database(), now_ms)),
            Driver::Redis(_) => None,
        };
        let mut batch = Batch::new(db, now_ms);
        self.dispatch.session.info().set_active(now_ms);
        self.offered = false;
        let mut position = 0;
        while position < bytes.len() && !self.dispatch.session.is_closing() {
            if self.dispatch.is_waiting() || !self.may_go_on() {
                self.offered = true;
                break;
            }
            let rest = &bytes[position..];
            let consumed = match self.scanner.scan(rest, self.dispatch.session.is_authenticated()) {
                Ok(Scan::Complete { consumed }) => consumed,
                Ok(Scan::Incomplete { needed }) => {
                    self.needed = needed;
                    break;
                }
                Err(error) => {
                    self.dispatch.refuse_protocol(error.text_bytes());
                    position = bytes.len();
                    break;
                }
            };
            let args = self.scanner.args(rest);
            if !args.is_empty() {
                let wire = (!self.scanner.is_inline()).then_some(&rest[..consumed]);
                if self.dispatch.take(args, wire, &mut batch) == Dispatched::Later {
                    self.offered = true;
                    break;
                }
            }
            position += consumed;
        }
        if let Some(started) = started {
            worker.metrics.proxy_time.record(started.elapsed());
        }
        position
    }

    /// False if the replies of what was carried out already are too many to go on before the client has read some.
    fn may_go_on(&self) -> bool {
        self.inbox.ready() < UNREAD_REPLY_BYTES && self.inbox.outstanding() < self.worker.limits.pipeline as u64
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.inbox.close();
        self.dispatch.close(now_ms());
        self.worker.shared.registry.leave(self.dispatch.session.info().id);
        self.worker.metrics.clients.subtract(1);
        self.worker.load.fetch_sub(1, Ordering::Relaxed);
    }
}

/// For those who are turned away at the door.
pub fn refuse(error: &Error) -> Vec<u8> {
    let mut text = Vec::new();
    error.write(&mut Writer::new(&mut text, crate::resp::Protocol::Resp2));
    text
}
