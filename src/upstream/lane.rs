//! One upstream connection for the requests of many clients.
//!
//! Clients append their requests in the turn of the worker's loop in which they were read; the lane's task, which
//! runs behind them, sends all of them in one write. Replies come back in the same order, so that a queue of who asked
//! is all it takes to hand them out. They are passed on as bytes, in pieces as they come: a large reply needs no room
//! here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::error::UpstreamError;
use super::inbox::Inbox;
use super::pool::Pool;
use super::reader::Reader;
use crate::command::Error;
use crate::metrics::WorkerMetrics;
use crate::resp::reply::ReplyScanner;
use crate::resp::{Protocol, Writer};

/// So much is written at once and not at the end of the turn: more would not fit the processor's cache, and less would
/// wake Redis too often.
const PROMPT_BYTES: usize = 256 << 10;

/// A buffer of requests that has grown beyond this is given back when it is empty.
const KEPT_BYTES: usize = 2 * PROMPT_BYTES;

/// So many writes may be without their replies before small requests wait for the next turn: Redis works on one after
/// the other anyway, and what waits meanwhile goes in one write, which spares it and respool most of the work.
const UNANSWERED_WRITES: usize = 2;

/// Which lane a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// The database that the lane has selected.
    pub database: usize,
    /// The protocol that its replies are in.
    pub protocol: Protocol,
}

/// Who gets the next reply.
enum Recipient {
    /// A client.
    Client(Rc<Inbox>),
    /// Nobody, but the client is to know that the reply came (`CLIENT REPLY OFF`).
    Muted(Rc<Inbox>),
    /// Nobody: the replies before the one that counts (`MULTI` and its `QUEUED`s), and respool's own housekeeping.
    Nobody,
}

/// Some replies for one recipient.
struct Expected {
    recipient: Recipient,
    /// How many replies.
    count: u32,
    /// Where the request begins in all that was ever appended to the lane.
    begin: u64,
    /// Where it ends.
    end: u64,
}

#[derive(Default)]
struct State {
    /// While there is a connection.
    socket: Option<TcpStream>,
    /// Requests that were not written yet.
    out: Vec<u8>,
    /// How many bytes of `out` were written.
    written: usize,
    /// Bytes that were ever appended before `out`.
    base: u64,
    expected: VecDeque<Expected>,
    /// The reply that is being passed on has begun to.
    partial: bool,
    /// Where the writes end whose replies have not all come.
    unanswered: VecDeque<u64>,
    /// Another lane wants the connection, if it is idle.
    is_wanted: bool,
    /// When the requests were written that no reply has come to yet: the upstream's time, a sample a write.
    sent_at: Option<Instant>,
    waker: Option<Waker>,
}

/// One lane.
pub struct Lane {
    key: LaneKey,
    pool: Arc<Pool>,
    limit: usize,
    metrics: Arc<WorkerMetrics>,
    state: RefCell<State>,
}

impl Lane {
    /// A lane that connects when it has something to send. Its task must be run: [`Lane::run`].
    pub fn new(key: LaneKey, pool: Arc<Pool>, limit: usize, metrics: Arc<WorkerMetrics>) -> Rc<Lane> {
        Rc::new(Lane { key, pool, limit, metrics, state: RefCell::default() })
    }

    /// Appends one request with `append`; its reply goes to `inbox`, unless it is `muted`.
    pub fn send(&self, inbox: &Rc<Inbox>, muted: bool, append: impl FnOnce(&mut Vec<u8>)) {
        self.send_run(inbox, muted, 0, append);
    }

    /// Appends requests that nothing may come between; the first `skipped` replies are thrown away, the last is the
    /// client's.
    pub fn send_run(&self, inbox: &Rc<Inbox>, muted: bool, skipped: u32, append: impl FnOnce(&mut Vec<u8>)) {
        let state = &mut *self.state.borrow_mut();
        if state.out.len() - state.written > self.limit {
            // Those before it may still be answered.
            if !muted {
                inbox.answer(|out| write_error(&UpstreamError::Full, out));
            }
            return;
        }
        inbox.expect();
        let (begin, end) = state.append(append);
        if skipped > 0 {
            state.expected.push_back(Expected { recipient: Recipient::Nobody, count: skipped, begin, end });
        }
        let recipient = if muted { Recipient::Muted(inbox.clone()) } else { Recipient::Client(inbox.clone()) };
        state.expected.push_back(Expected { recipient, count: 1, begin, end });
        if state.out.len() - state.written >= PROMPT_BYTES {
            state.write_promptly(&self.metrics);
        }
        state.wake();
    }

    /// Appends a request whose reply nobody reads.
    pub fn tell(&self, append: impl FnOnce(&mut Vec<u8>)) {
        let state = &mut *self.state.borrow_mut();
        let (begin, end) = state.append(append);
        state.expected.push_back(Expected { recipient: Recipient::Nobody, count: 1, begin, end });
        state.wake();
    }

    /// Gives up the connection if it is idle: another lane waits for one, and the next request gets another.
    pub fn yield_connection(&self) {
        let state = &mut *self.state.borrow_mut();
        if state.socket.is_some() && state.expected.is_empty() {
            state.is_wanted = true;
            state.wake();
        }
    }

    /// Bytes that wait to be written, and replies that are still to come.
    pub fn depth(&self) -> (usize, usize) {
        let state = self.state.borrow();
        (state.out.len() - state.written, state.expected.len())
    }

    /// Connects, sends and receives for ever. A lost connection fails what was written to it, and what was not goes
    /// to the next one.
    pub async fn run(self: Rc<Self>, scratch: Rc<RefCell<Box<[u8]>>>) {
        loop {
            std::future::poll_fn(|context| self.poll_work(context)).await;
            let waiting = self.pool.wait_as_lane();
            let acquired = self.pool.acquire_for(self.key.protocol, self.key.database).await;
            drop(waiting);
            match acquired {
                Ok((_lease, socket)) => {
                    let error = self.serve(socket, &scratch).await;
                    self.fail_written(&error);
                }
                Err(error) => self.fail_all(&error),
            }
        }
    }

    /// Ready when something is to be sent.
    fn poll_work(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if state.expected.is_empty() {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Sends and receives until the connection is lost. The connection is not put back: it may be anywhere.
    async fn serve(&self, socket: TcpStream, scratch: &RefCell<Box<[u8]>>) -> UpstreamError {
        self.state.borrow_mut().socket = Some(socket);
        let mut dealer = Dealer::default();
        // A socket that is not put back is closed.
        std::future::poll_fn(|context| {
            let state = &mut *self.state.borrow_mut();
            match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            let Some(mut socket) = state.socket.take() else {
                return Poll::Ready(UpstreamError::Lost);
            };
            if std::mem::take(&mut state.is_wanted) && state.expected.is_empty() {
                return Poll::Ready(UpstreamError::Lost);
            }
            loop {
                if let Err(error) = state.poll_write(&mut socket, context, &self.metrics) {
                    return Poll::Ready(error);
                }
                match dealer.poll(state, &mut socket, context, &mut scratch.borrow_mut(), &self.metrics) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(error),
                }
            }
            state.socket = Some(socket);
            Poll::Pending
        })
        .await
    }

    /// Fails what was written, wholly or in part, to a connection that was lost.
    fn fail_written(&self, error: &UpstreamError) {
        let state = &mut *self.state.borrow_mut();
        let written = state.base + state.written as u64;
        let mut partial = std::mem::take(&mut state.partial);
        let mut dropped = written;
        while state.expected.front().is_some_and(|expected| expected.begin < written)
            && let Some(expected) = state.expected.pop_front()
        {
            dropped = dropped.max(expected.end);
            expected.fail(error, std::mem::take(&mut partial));
        }
        let cut = (dropped - state.base) as usize;
        state.out.drain(..cut.min(state.out.len()));
        state.base = dropped;
        state.written = 0;
        state.sent_at = None;
        state.unanswered.clear();
    }

    /// Fails everything: no connection could be had.
    fn fail_all(&self, error: &UpstreamError) {
        let state = &mut *self.state.borrow_mut();
        state.base += state.out.len() as u64;
        state.out = Vec::new();
        state.written = 0;
        for expected in state.expected.drain(..) {
            expected.fail(error, false);
        }
    }
}

impl Expected {
    fn fail(self, error: &UpstreamError, partial: bool) {
        match self.recipient {
            Recipient::Client(inbox) if partial => inbox.break_off(),
            Recipient::Client(inbox) => inbox.answer_next(error),
            Recipient::Muted(inbox) => inbox.finish(),
            Recipient::Nobody => {}
        }
    }
}

impl State {
    /// Says where what was appended begins and ends.
    fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> (u64, u64) {
        let begin = self.base + self.out.len() as u64;
        append(&mut self.out);
        (begin, self.base + self.out.len() as u64)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Forgets the writes whose replies have all come.
    fn note_answered(&mut self) {
        let next = self.expected.front().map_or(self.base, |expected| expected.begin);
        while self.unanswered.front().is_some_and(|end| *end <= next) {
            self.unanswered.pop_front();
        }
    }

    fn poll_write(
        &mut self,
        socket: &mut TcpStream,
        context: &mut Context<'_>,
        metrics: &WorkerMetrics,
    ) -> Result<(), UpstreamError> {
        if self.unanswered.len() >= UNANSWERED_WRITES && self.written == 0 && self.out.len() < PROMPT_BYTES {
            // The replies wake the lane, and then it is its turn.
            return Ok(());
        }
        while self.written < self.out.len() {
            match Pin::new(&mut *socket).poll_write(context, &self.out[self.written..]) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Err(UpstreamError::Lost),
                Poll::Ready(Ok(count)) => self.wrote(count, metrics),
            }
        }
        Ok(())
    }

    /// Writes what the socket takes at once. An error is left to the lane's task, which will meet it too.
    fn write_promptly(&mut self, metrics: &WorkerMetrics) {
        while self.written < self.out.len()
            && let Some(socket) = &self.socket
            && let Ok(count) = socket.try_write(&self.out[self.written..])
            && count > 0
        {
            self.wrote(count, metrics);
        }
    }

    fn wrote(&mut self, count: usize, metrics: &WorkerMetrics) {
        metrics.lane_writes.add(1);
        self.written += count;
        if self.written < self.out.len() {
            return;
        }
        self.base += self.out.len() as u64;
        self.unanswered.push_back(self.base);
        self.written = 0;
        self.out.clear();
        // A burst's buffer is given back, a usual one kept.
        if self.out.capacity() > KEPT_BYTES {
            self.out = Vec::new();
        }
        if self.sent_at.is_none() {
            self.sent_at = Some(Instant::now());
        }
    }
}

impl Inbox {
    /// The reply that is next is an error of respool's own.
    pub fn answer_next(&self, error: &UpstreamError) {
        let mut text = Vec::new();
        write_error(error, &mut text);
        self.append(&text);
        self.finish();
    }
}

fn write_error(error: &UpstreamError, out: &mut Vec<u8>) {
    Error::upstream(error).write(&mut Writer::new(out, Protocol::Resp2));
}

/// Cuts what comes from the upstream into replies, and hands them out.
#[derive(Default)]
struct Dealer {
    scanner: ReplyScanner,
    reader: Reader,
}

impl Dealer {
    /// Reads once. `Ok` means that more may be there.
    fn poll(
        &mut self,
        state: &mut State,
        socket: &mut TcpStream,
        context: &mut Context<'_>,
        scratch: &mut [u8],
        metrics: &WorkerMetrics,
    ) -> Poll<Result<(), UpstreamError>> {
        let input = ready!(self.reader.poll(socket, context, scratch))?;
        metrics.lane_reads.add(1);
        if let Some(sent_at) = state.sent_at.take() {
            metrics.upstream_time.record(sent_at.elapsed());
        }
        let mut position = 0;
        while position < input.len() {
            let Ok(progress) = self.scanner.scan(&input[position..]) else {
                return Poll::Ready(Err(UpstreamError::Protocol));
            };
            let bytes = &input[position..position + progress.consumed];
            position += progress.consumed;
            if progress.consumed == 0 && !progress.complete {
                break;
            }
            let Some(expected) = state.expected.front_mut() else {
                // A reply that nobody asked for: whatever comes next would go to the wrong client.
                return Poll::Ready(Err(UpstreamError::Protocol));
            };
            if let Recipient::Client(inbox) = &expected.recipient {
                inbox.append(bytes);
                state.partial = !progress.complete;
            }
            if progress.complete {
                expected.count -= 1;
                if expected.count == 0 {
                    if let Recipient::Client(inbox) | Recipient::Muted(inbox) = &expected.recipient {
                        inbox.finish();
                    }
                    state.expected.pop_front();
                    state.note_answered();
                }
            }
        }
        self.reader.keep(&input[position..]);
        Poll::Ready(Ok(()))
    }
}
