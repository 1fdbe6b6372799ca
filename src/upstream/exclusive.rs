//! One upstream connection for one client.
//!
//! A client gets one while its commands depend on the state of the connection: from `WATCH` to `EXEC`, while it waits
//! in a blocking command, while it is subscribed. All that the client sends meanwhile goes over it. It returns to the
//! pool only when it is provably as clean as a new one; else it is closed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::UpstreamError;
use super::inbox::Inbox;
use super::lane::Lane;
use super::pool::Lease;
use super::reader::Reader;
use crate::command::Row;
use crate::queue::give_back;
use crate::resp::reply::ReplyScanner;
use crate::resp::write::append_request;
use crate::resp::{OwnedArgs, Protocol};

/// How long an abandoned command has to end after it was told to, before it is told again.
const UNBLOCK_INTERVAL: Duration = Duration::from_millis(100);

/// How long an upstream has for that, and to take back what it has given.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(5);

/// Requests that were not written yet hold further ones back from here on: the upstream does not read.
const UNSENT_BYTES: usize = 1 << 20;

/// What is done with the next reply.
enum Expected {
    /// It belongs to a transaction whose last reply counts: thrown away.
    Skip,
    /// It is to what respool has done about the connection's state; if that was refused, nobody else can have it.
    Cleanup,
    /// It agrees to a change of protocol or database. If it does not, nothing can go on.
    Setup,
    /// It goes to the client; thrown away if the client asked for silence.
    Forward { muted: bool },
    /// It goes to the client's task as a whole, which makes the client's reply of it.
    Whole,
}

/// A request that waits for an element, as long as its reply has not come.
struct Blocked {
    row: &'static Row,
    request: OwnedArgs,
}

/// What a client's task has to know of what came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The reply that was to be given as a whole.
    pub whole: Option<Vec<u8>>,
}

/// A connection that one client uses.
pub struct Exclusive {
    lease: Lease,
    socket: TcpStream,
    out: Vec<u8>,
    written: usize,
    /// What stands behind here in `out` is not written before the upstream has agreed to what stands before it.
    barrier: Option<usize>,
    reader: Reader,
    scanner: ReplyScanner,
    expected: VecDeque<Expected>,
    /// The reply in progress: kept while its kind decides what becomes of it.
    frame: Vec<u8>,
    partial: bool,
    blocked: Option<Blocked>,
    /// `WATCH` was sent, and no `EXEC`, `DISCARD` or `UNWATCH` since.
    watching: bool,
    /// The client is subscribed to something: messages come between the replies.
    subscribed: bool,
    /// Something was done that can't be undone for the next user.
    tainted: bool,
    /// What it was acquired for was sent.
    served: bool,
    limit: usize,
}

impl Exclusive {
    /// Takes a leased connection into use, which is in the client's protocol and database.
    pub fn new((lease, socket): (Lease, TcpStream), limit: usize) -> Self {
        Exclusive {
            lease,
            socket,
            out: Vec::new(),
            written: 0,
            barrier: None,
            reader: Reader::default(),
            scanner: ReplyScanner::new(),
            expected: VecDeque::new(),
            frame: Vec::new(),
            partial: false,
            blocked: None,
            watching: false,
            subscribed: false,
            tainted: false,
            served: false,
            limit,
        }
    }

    /// Brings the connection to the protocol and database that the client has now.
    pub fn set_up(&mut self, protocol: Protocol, database: usize) {
        let begin = self.out.len();
        let replies = self.lease.append_setup(protocol, database, &mut self.out);
        // Changes that follow each other are agreed to together.
        if replies > 0 && self.barrier.is_none_or(|barrier| barrier == begin) {
            self.barrier = Some(self.out.len());
        }
        self.expected.extend((0..replies).map(|_| Expected::Setup));
    }

    /// True if the connection is in this protocol and database.
    pub fn fits(&self, protocol: Protocol, database: usize) -> bool {
        self.lease.protocol == protocol && self.lease.database == database
    }

    /// True if no more requests may be sent until some of those that were have been written.
    pub fn is_congested(&self) -> bool {
        self.out.len() - self.written > UNSENT_BYTES
    }

    /// Sends one request whose reply goes to `inbox`.
    pub fn send(&mut self, inbox: &Inbox, muted: bool, append: impl FnOnce(&mut Vec<u8>)) {
        self.send_run(inbox, muted, 0, append);
    }

    /// Sends requests of which only the last reply is the client's.
    pub fn send_run(&mut self, inbox: &Inbox, muted: bool, skipped: u32, append: impl FnOnce(&mut Vec<u8>)) {
        self.push_run(inbox, skipped, Expected::Forward { muted }, append);
    }

    /// As [`Exclusive::send_run`], but the last reply comes with [`Progress::whole`].
    pub fn send_whole(&mut self, inbox: &Inbox, skipped: u32, append: impl FnOnce(&mut Vec<u8>)) {
        self.push_run(inbox, skipped, Expected::Whole, append);
    }

    fn push_run(&mut self, inbox: &Inbox, skipped: u32, last: Expected, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.out);
        self.served = true;
        inbox.expect();
        self.expected.extend((0..skipped).map(|_| Expected::Skip));
        self.expected.push_back(last);
    }

    /// A transaction that was executed has selected this database.
    pub fn set_database(&mut self, database: usize) {
        self.lease.database = database;
    }

    /// Sends a request that makes the connection clean.
    pub fn send_cleanup(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.out);
        self.expected.push_back(Expected::Cleanup);
    }

    /// True once what it was acquired for was sent.
    pub fn has_served(&self) -> bool {
        self.served
    }

    /// Sends a request that has `replies` replies: a change of what the client is subscribed to.
    pub fn send_subscription(&mut self, inbox: &Inbox, replies: usize, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.out);
        self.served = true;
        for _ in 0..replies {
            inbox.expect();
            self.expected.push_back(Expected::Forward { muted: false });
        }
    }

    /// Sends a command that may wait; it is remembered in case that the client leaves before the reply comes.
    pub fn send_blocking(&mut self, inbox: &Inbox, muted: bool, row: &'static Row, request: OwnedArgs) {
        self.send(inbox, muted, |out| append_request(out, request.args().iter()));
        self.blocked = Some(Blocked { row, request });
    }

    /// Says whether the connection watches keys from now on.
    pub fn set_watching(&mut self, watching: bool) {
        self.watching = watching;
    }

    /// The client is subscribed to something from now on.
    pub fn begin_subscription(&mut self) {
        self.subscribed = true;
    }

    /// The client has ended its last subscription. Until the upstream has said so, messages may still come.
    pub fn end_subscription(&mut self) {
        self.subscribed &= !self.expected.is_empty();
    }

    /// Says that the connection can't be used by anybody else.
    pub fn taint(&mut self) {
        self.tainted = true;
    }

    /// The number of the connection at the upstream, if it waits for an element.
    pub fn blocked_id(&self) -> Option<i64> {
        self.blocked.as_ref().map(|_| self.lease.id)
    }

    /// True if nothing is outstanding and nothing of its state is the client's.
    pub fn is_clean(&self) -> bool {
        self.expected.is_empty()
            && self.out.is_empty()
            && self.reader.is_empty()
            && !self.partial
            && !self.watching
            && !self.subscribed
            && !self.tainted
    }

    /// Gives the connection back to the pool. Closes it if it isn't clean.
    pub fn release(mut self) {
        if self.is_clean()
            && let Ok(socket) = self.socket.into_std()
        {
            self.lease.socket = Some(socket);
        }
    }

    /// Sends and receives. Ready when something came, or with the error that ends the connection.
    pub fn poll(
        &mut self,
        inbox: &Inbox,
        scratch: &mut [u8],
        context: &mut Context<'_>,
    ) -> Poll<Result<Progress, UpstreamError>> {
        let end = self.barrier.unwrap_or(self.out.len());
        while self.written < end {
            match Pin::new(&mut self.socket).poll_write(context, &self.out[self.written..end]) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Poll::Ready(Err(UpstreamError::Lost)),
                Poll::Ready(Ok(count)) => self.written += count,
            }
        }
        if self.written == self.out.len() {
            self.out = Vec::new();
            self.written = 0;
            self.barrier = self.barrier.map(|_| 0);
        }
        let input = ready!(self.reader.poll(&mut self.socket, context, scratch))?;
        Poll::Ready(self.receive(inbox, input))
    }

    fn receive(&mut self, inbox: &Inbox, input: &[u8]) -> Result<Progress, UpstreamError> {
        let mut result = Progress::default();
        let mut position = 0;
        while position < input.len() {
            let progress = self.scanner.scan(&input[position..]).map_err(|_| UpstreamError::Protocol)?;
            let bytes = &input[position..position + progress.consumed];
            position += progress.consumed;
            if progress.consumed == 0 && !progress.complete {
                break;
            }
            // What tells a message from a reply, or a transaction's success, is the reply itself: it is kept whole. So
            // is what was waited for: should the client leave, it goes back.
            let whole = self.subscribed
                || self.blocked.is_some()
                || !matches!(self.expected.front(), Some(Expected::Forward { .. }));
            if whole || !self.frame.is_empty() {
                if self.frame.len() + bytes.len() > self.limit {
                    return Err(UpstreamError::Protocol);
                }
                self.frame.extend_from_slice(bytes);
                if progress.complete {
                    let frame = std::mem::take(&mut self.frame);
                    self.take_frame(inbox, &frame, &mut result)?;
                }
                continue;
            }
            let Some(Expected::Forward { muted }) = self.expected.front() else {
                return Err(UpstreamError::Protocol);
            };
            if !muted {
                inbox.append(bytes);
            }
            self.partial = !progress.complete;
            if progress.complete {
                self.expected.pop_front();
                inbox.finish();
            }
        }
        self.reader.keep(&input[position..]);
        Ok(result)
    }

    /// Takes a whole reply or message.
    fn take_frame(&mut self, inbox: &Inbox, frame: &[u8], result: &mut Progress) -> Result<(), UpstreamError> {
        if self.subscribed && is_message(frame) {
            inbox.append(frame);
            return Ok(());
        }
        match self.expected.pop_front() {
            None => return Err(UpstreamError::Protocol),
            Some(Expected::Skip) => return Ok(()),
            Some(Expected::Cleanup) => {
                self.tainted |= frame.first() == Some(&b'-');
                return Ok(());
            }
            Some(Expected::Setup) => {
                if let [b'-', text @ ..] = frame {
                    return Err(UpstreamError::Handshake(String::from_utf8_lossy(text).trim_end().to_owned()));
                }
                if !matches!(self.expected.front(), Some(Expected::Setup)) {
                    self.barrier = None;
                }
                return Ok(());
            }
            Some(Expected::Forward { muted }) => {
                self.partial = false;
                // Nothing is sent behind a command that waits: the last reply is its own.
                if self.expected.is_empty() {
                    self.blocked = None;
                }
                if !muted {
                    inbox.append(frame);
                }
            }
            Some(Expected::Whole) => {
                result.whole = Some(frame.to_vec());
                return Ok(());
            }
        }
        inbox.finish();
        Ok(())
    }

    /// The connection was lost: every reply that is outstanding is an error, or the client can only be closed.
    pub fn fail(self, inbox: &Inbox, error: &UpstreamError) {
        for expected in &self.expected {
            match expected {
                Expected::Skip | Expected::Cleanup | Expected::Setup => {}
                Expected::Forward { muted: true } => inbox.finish(),
                _ if self.partial => return inbox.break_off(),
                _ => inbox.answer_next(error),
            }
        }
    }

    /// The client has gone while a command of its waits. The wait is ended at once, and what had been popped for the
    /// client in the meantime goes back to the end that it came from. The connection is closed: an UNBLOCK that is still
    /// on its way would end the wait of its next user.
    pub async fn abandon(mut self, lane: Rc<Lane>) {
        if let Some(blocked) = self.blocked.take()
            && self.barrier.is_none()
        {
            // Whatever goes wrong here, closing the connection is all that is left to do.
            let _ = tokio::time::timeout(ABANDON_TIMEOUT, self.end_wait(blocked, &lane)).await;
        }
    }

    async fn end_wait(&mut self, blocked: Blocked, lane: &Lane) -> Result<(), UpstreamError> {
        self.socket.write_all(&self.out[self.written..]).await.map_err(|_| UpstreamError::Lost)?;
        let mut input = self.reader.take();
        for _ in 1..self.expected.len() {
            self.next_reply(&mut input).await?;
        }
        let id = self.lease.id.to_string();
        // An UNBLOCK that arrives before the command has begun to wait does nothing: it is repeated.
        let reply = loop {
            lane.tell(|out| append_request(out, [&b"CLIENT"[..], b"UNBLOCK", id.as_bytes()].into_iter()));
            if let Ok(reply) = tokio::time::timeout(UNBLOCK_INTERVAL, self.next_reply(&mut input)).await {
                break reply?;
            }
        };
        if let Some(command) = give_back::give_back(blocked.row, blocked.request.args(), &reply) {
            let mut request = Vec::new();
            append_request(&mut request, command.args().iter());
            self.socket.write_all(&request).await.map_err(|_| UpstreamError::Lost)?;
            self.next_reply(&mut input).await?;
        }
        Ok(())
    }

    /// Reads one reply as bytes, or what had not come of it yet. Cancelling it loses nothing.
    async fn next_reply(&mut self, input: &mut Vec<u8>) -> Result<Vec<u8>, UpstreamError> {
        loop {
            let progress = self.scanner.scan(input).map_err(|_| UpstreamError::Protocol)?;
            self.frame.extend(input.drain(..progress.consumed));
            if progress.complete {
                let frame = std::mem::take(&mut self.frame);
                if !(self.subscribed && is_message(&frame)) {
                    return Ok(frame);
                }
                continue;
            }
            match self.socket.read_buf(input).await {
                Ok(0) | Err(_) => return Err(UpstreamError::Lost),
                Ok(_) => {}
            }
        }
    }
}

/// True of a message, which comes without having been asked for.
fn is_message(frame: &[u8]) -> bool {
    const MESSAGES: [&[u8]; 3] = [b"3\r\n$7\r\nmessage\r\n", b"4\r\n$8\r\npmessage\r\n", b"3\r\n$8\r\nsmessage\r\n"];
    match frame {
        [b'*' | b'>', rest @ ..] => MESSAGES.iter().any(|message| rest.starts_with(message)),
        _ => false,
    }
}

/// A place for an exclusive connection that is being acquired.
pub type Acquiring = Pin<Box<dyn Future<Output = Result<(Lease, TcpStream), UpstreamError>>>>;

/// A worker's buffer to read into.
pub type Scratch = Rc<RefCell<Box<[u8]>>>;
