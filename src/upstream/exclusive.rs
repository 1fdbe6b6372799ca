//! One upstream connection for one client.
//!
//! A client gets one while its commands depend on the state of the connection: from `WATCH` to `EXEC`, while it waits
//! in a blocking command, while it is subscribed. All that the client sends meanwhile goes over it. It returns to the
//! pool only when it is provably as clean as a new one; else it is closed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::read_reply;
use super::error::UpstreamError;
use super::inbox::Inbox;
use super::lane::Lane;
use super::pool::Lease;
use crate::command::Row;
use crate::queue::give_back;
use crate::resp::reply::ReplyScanner;
use crate::resp::write::append_request;
use crate::resp::{OwnedArgs, Protocol};

/// How long an abandoned command has to end after it was told to, before it is told again.
const UNBLOCK_INTERVAL: Duration = Duration::from_millis(100);

/// How often it is told before its connection is closed instead.
const UNBLOCK_ATTEMPTS: usize = 50;

/// What is done with the next reply.
enum Expected {
    /// It is respool's own: thrown away.
    Skip,
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
    rest: Vec<u8>,
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
    /// Takes a leased connection into use, in the client's protocol and database.
    pub fn new(mut lease: Lease, protocol: Protocol, database: usize, limit: usize) -> Result<Self, UpstreamError> {
        let socket = lease.socket.take().ok_or(UpstreamError::Lost)?;
        let socket = TcpStream::from_std(socket).map_err(|_| UpstreamError::Lost)?;
        let mut exclusive = Exclusive {
            lease,
            socket,
            out: Vec::new(),
            written: 0,
            rest: Vec::new(),
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
        };
        exclusive.set_up(protocol, database);
        Ok(exclusive)
    }

    /// Brings the connection to the protocol and database that the client has now.
    pub fn set_up(&mut self, protocol: Protocol, database: usize) {
        let replies = self.lease.append_setup(protocol, database, &mut self.out);
        self.expected.extend((0..replies).map(|_| Expected::Skip));
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

    /// Sends a request whose reply nobody reads.
    pub fn send_unanswered(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.out);
        self.expected.push_back(Expected::Skip);
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

    /// Says whether the client is subscribed to something from now on.
    pub fn set_subscribed(&mut self, subscribed: bool) {
        self.subscribed = subscribed;
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
            && self.rest.is_empty()
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
        while self.written < self.out.len() {
            match Pin::new(&mut self.socket).poll_write(context, &self.out[self.written..]) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Poll::Ready(Err(UpstreamError::Lost)),
                Poll::Ready(Ok(count)) => self.written += count,
            }
        }
        if self.written == self.out.len() {
            self.out = Vec::new();
            self.written = 0;
        }
        let kept = self.rest.len();
        if kept >= scratch.len() / 2 {
            return Poll::Ready(Err(UpstreamError::Protocol));
        }
        scratch[..kept].copy_from_slice(&self.rest);
        let mut buffer = ReadBuf::new(&mut scratch[kept..]);
        match Pin::new(&mut self.socket).poll_read(context, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(Err(UpstreamError::Lost)),
            Poll::Ready(Ok(())) => {}
        }
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Err(UpstreamError::Lost));
        }
        Poll::Ready(self.receive(inbox, &scratch[..kept + read]))
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
            // What tells a message from a reply, or a transaction's success, is the reply itself: it is kept whole.
            let whole = self.subscribed || !matches!(self.expected.front(), Some(Expected::Forward { .. }));
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
                self.blocked = None;
                inbox.finish();
            }
        }
        self.rest.clear();
        self.rest.extend_from_slice(&input[position..]);
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
            Some(Expected::Skip) => {
                if frame.first() == Some(&b'-') && self.expected.iter().all(|next| matches!(next, Expected::Skip)) {
                    self.tainted = true;
                }
                return Ok(());
            }
            Some(Expected::Forward { muted }) => {
                self.blocked = None;
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
                Expected::Skip => {}
                _ if self.partial => return inbox.break_off(),
                _ => inbox.answer_next(error),
            }
        }
    }

    /// The client has gone while a command of its waits. The wait is ended at once, and what had been popped for the
    /// client in the meantime goes back to the end that it came from.
    pub async fn abandon(mut self, lane: Rc<Lane>) {
        if let Some(blocked) = self.blocked.take()
            && let Some(mut connection) = self.end_wait(blocked, lane).await
            && let Ok(socket) = connection.socket.into_std()
        {
            connection.lease.socket = Some(socket);
        }
    }

    /// `Some` if the connection is clean afterwards.
    async fn end_wait(mut self, blocked: Blocked, lane: Rc<Lane>) -> Option<Exclusive> {
        use tokio::io::AsyncWriteExt;
        self.socket.write_all(&self.out[self.written..]).await.ok()?;
        self.out.clear();
        let mut input = std::mem::take(&mut self.frame);
        input.append(&mut self.rest);
        let skipped = self.expected.iter().take_while(|expected| matches!(expected, Expected::Skip)).count();
        for _ in 0..skipped {
            read_reply(&mut self.socket, &mut input).await.ok()?;
        }
        let id = self.lease.id.to_string();
        // An UNBLOCK that arrives before the command has begun to wait does nothing: it is repeated.
        let mut raw = Vec::new();
        for attempt in 0.. {
            if attempt == UNBLOCK_ATTEMPTS {
                return None;
            }
            lane.tell(|out| append_request(out, [&b"CLIENT"[..], b"UNBLOCK", id.as_bytes()].into_iter()));
            let wait = read_raw_reply(&mut self.socket, &mut input, &mut raw);
            match tokio::time::timeout(UNBLOCK_INTERVAL, wait).await {
                Err(_) => {}
                Ok(Err(_)) => return None,
                Ok(Ok(())) if self.subscribed && is_message(&raw) => raw.clear(),
                Ok(Ok(())) => break,
            }
        }
        if let Some(command) = give_back::give_back(blocked.row, blocked.request.args(), &raw) {
            let mut request = Vec::new();
            append_request(&mut request, command.args().iter());
            self.socket.write_all(&request).await.ok()?;
            read_reply(&mut self.socket, &mut input).await.ok()?;
        }
        self.expected.clear();
        (input.is_empty() && !self.watching && !self.subscribed && !self.tainted).then_some(self)
    }
}

/// Reads one reply as bytes. Cancelling it loses nothing: what was read stands in `input`.
async fn read_raw_reply(socket: &mut TcpStream, input: &mut Vec<u8>, raw: &mut Vec<u8>) -> Result<(), UpstreamError> {
    use tokio::io::AsyncReadExt;
    loop {
        // The wait's reply is short: scanning it again from its start on each read costs nothing that matters.
        let progress = ReplyScanner::new().scan(input).map_err(|_| UpstreamError::Protocol)?;
        if progress.complete {
            raw.extend(input.drain(..progress.consumed));
            return Ok(());
        }
        match socket.read_buf(input).await {
            Ok(0) | Err(_) => return Err(UpstreamError::Lost),
            Ok(_) => {}
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
pub type Acquiring = Pin<Box<dyn Future<Output = Result<Lease, UpstreamError>>>>;

/// A worker's buffer to read into.
pub type Scratch = Rc<RefCell<Box<[u8]>>>;
