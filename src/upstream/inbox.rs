//! A client's replies, in the order of its requests.
//!
//! Requests that go upstream are answered later than those that respool answers itself. The inbox keeps the order: a
//! reply that comes too early is held until those before it are there. Replies of one client come from one place at a
//! time (its lane or its exclusive connection), in order, so that a count is enough to know whose turn it is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::flusher::Flusher;

/// So much for one client is written at once, while it is in the processor's cache, and not at the end of the turn.
const PROMPT_BYTES: usize = 8 << 10;

/// What one client will be sent, and the socket that it goes to. Lives on one worker, shared by the client's task,
/// its lane and the worker's [`Flusher`], who writes it.
pub struct Inbox {
    own: Weak<Inbox>,
    flusher: Rc<Flusher>,
    /// `None` when the client has gone; replies may still come for it.
    socket: RefCell<Option<TcpStream>>,
    inner: RefCell<Inner>,
    limit: usize,
    /// It is in the flusher's list.
    listed: Cell<bool>,
    /// The socket takes no more at the moment: the client's task waits until it does.
    stuck: Cell<bool>,
    /// The client's task wants to know of every reply.
    attentive: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
}

#[derive(Default)]
struct Inner {
    /// Bytes in order, ready to be written.
    out: Vec<u8>,
    /// How many of them were written.
    start: usize,
    /// Requests that were passed on.
    sent: u64,
    /// Of these, those whose replies are complete.
    received: u64,
    /// Replies that have to wait until so many replies were received.
    held: VecDeque<(u64, Vec<u8>)>,
    /// How many bytes these are.
    held_bytes: usize,
    /// Part of a reply was passed on and the rest will never come, or the client reads too slowly.
    broken: bool,
}

impl Inbox {
    /// An empty inbox for up to `limit` unread bytes (`limits.client_output_bytes`).
    pub fn new(socket: TcpStream, flusher: Rc<Flusher>, limit: usize) -> Rc<Self> {
        Rc::new_cyclic(|own| Inbox {
            own: own.clone(),
            flusher,
            socket: RefCell::new(Some(socket)),
            inner: RefCell::default(),
            limit,
            listed: Cell::new(false),
            stuck: Cell::new(false),
            attentive: Cell::new(false),
            waker: RefCell::default(),
            woken: Cell::new(false),
        })
    }

    /// Announces the reply to a request that is passed on.
    pub fn expect(&self) {
        self.inner.borrow_mut().sent += 1;
    }

    /// How many replies are still to come.
    pub fn outstanding(&self) -> u64 {
        let inner = self.inner.borrow();
        inner.sent - inner.received
    }

    /// Writes a reply of respool's own, behind those that are still to come.
    pub fn answer<R>(&self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.list();
        let inner = &mut *self.inner.borrow_mut();
        if inner.sent == inner.received {
            self.provide(inner);
            let result = write(&mut inner.out);
            self.write_promptly(inner);
            return result;
        }
        if inner.held.back().is_none_or(|(after, _)| *after != inner.sent) {
            inner.held.push_back((inner.sent, Vec::new()));
        }
        match inner.held.back_mut() {
            Some((_, bytes)) => {
                let before = bytes.len();
                let result = write(bytes);
                inner.held_bytes += bytes.len() - before;
                result
            }
            None => write(&mut inner.out),
        }
    }

    /// Bytes of the reply that is next.
    pub fn append(&self, bytes: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        if inner.broken {
            return;
        }
        if inner.out.len() - inner.start + bytes.len() > self.limit {
            inner.broken = true;
            inner.discard();
            self.wake();
        } else if bytes.len() >= PROMPT_BYTES && inner.out.is_empty() && !self.stuck.get() {
            // Straight from where it was read: a large reply is copied only as far as the socket does not take it.
            let written = self.write_bytes(&mut inner, bytes);
            self.flusher.count(written);
            if written < bytes.len() {
                self.provide(&mut inner);
                inner.out.extend_from_slice(&bytes[written..]);
            }
        } else {
            self.provide(&mut inner);
            inner.out.extend_from_slice(bytes);
            self.write_promptly(&mut inner);
        }
        drop(inner);
        self.changed();
    }

    /// The reply that is next is complete.
    pub fn finish(&self) {
        let inner = &mut *self.inner.borrow_mut();
        inner.received += 1;
        while let Some((after, bytes)) = inner.held.front_mut()
            && *after <= inner.received
        {
            inner.held_bytes -= bytes.len();
            inner.out.append(bytes);
            inner.held.pop_front();
        }
        self.changed();
    }

    /// The rest of a reply of which a part was passed on will not come: the client can only be closed.
    pub fn break_off(&self) {
        self.inner.borrow_mut().broken = true;
        self.wake();
    }

    /// True if the client can only be closed.
    pub fn is_broken(&self) -> bool {
        self.inner.borrow().broken
    }

    /// How many bytes the client has not taken yet, those included that have to wait for others.
    pub fn ready(&self) -> usize {
        let inner = self.inner.borrow();
        inner.out.len() - inner.start + inner.held_bytes
    }

    /// Something has come: it is written with all else that comes in this turn.
    fn changed(&self) {
        self.list();
        if self.attentive.get() {
            self.wake();
        }
    }

    fn list(&self) {
        if !self.listed.get()
            && let Some(own) = self.own.upgrade()
        {
            self.listed.set(true);
            self.flusher.list(own);
        }
    }

    /// Makes sure that there is a buffer: an idle client has none.
    fn provide(&self, inner: &mut Inner) {
        if inner.out.capacity() == 0 {
            inner.out = self.flusher.spare();
        }
    }

    fn write_promptly(&self, inner: &mut Inner) {
        if inner.out.len() - inner.start >= PROMPT_BYTES {
            self.write(inner);
        }
    }

    /// Writes what is ready. The client's task is woken if that is not all, or if it wants to know.
    pub(super) fn flush(&self) {
        self.listed.set(false);
        self.write(&mut self.inner.borrow_mut());
        if self.attentive.get() {
            self.wake();
        }
    }

    fn write(&self, inner: &mut Inner) {
        if self.stuck.get() {
            return;
        }
        let out = std::mem::take(&mut inner.out);
        let written = self.write_bytes(inner, &out[inner.start..]);
        inner.out = out;
        self.take_off(inner, written);
    }

    /// Writes what the socket takes of `bytes`; says how many that are.
    fn write_bytes(&self, inner: &mut Inner, bytes: &[u8]) -> usize {
        let mut written = 0;
        if let Some(socket) = &*self.socket.borrow() {
            while written < bytes.len() {
                match socket.try_write(&bytes[written..]) {
                    Ok(count) if count > 0 => written += count,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        self.stuck.set(true);
                        self.wake();
                        break;
                    }
                    _ => {
                        inner.broken = true;
                        self.wake();
                        break;
                    }
                }
            }
        }
        written
    }

    /// The first `count` bytes were written.
    fn take_off(&self, inner: &mut Inner, count: usize) {
        self.flusher.count(count);
        inner.start += count;
        if inner.start == inner.out.len() {
            inner.start = 0;
            self.flusher.give_back(std::mem::take(&mut inner.out));
        } else if inner.start > inner.out.len() / 2 {
            // Not at each write: a client that reads slowly would have all that waits for it moved again and again.
            inner.out.drain(..inner.start);
            inner.start = 0;
        }
    }

    /// Writes what the socket did not take, when it takes more. Ready when nothing is stuck.
    pub fn poll_unstick(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.stuck.get() {
            return Poll::Ready(());
        }
        let mut socket = self.socket.borrow_mut();
        let inner = &mut *self.inner.borrow_mut();
        let mut written = 0;
        while let Some(socket) = &mut *socket
            && inner.start + written < inner.out.len()
        {
            match Pin::new(socket).poll_write(context, &inner.out[inner.start + written..]) {
                Poll::Pending => {
                    self.take_off(inner, written);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(count)) if count > 0 => written += count,
                Poll::Ready(_) => {
                    inner.broken = true;
                    break;
                }
            }
        }
        self.take_off(inner, written);
        self.stuck.set(false);
        Poll::Ready(())
    }

    /// Reads from the client.
    pub fn poll_read(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match &mut *self.socket.borrow_mut() {
            Some(socket) => Pin::new(socket).poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }

    /// True if the client has sent something that was not read. The runtime may not have been told yet: it is the
    /// socket that is asked.
    pub fn has_unread(&self) -> bool {
        let socket = self.socket.borrow();
        let Some(socket) = &*socket else { return false };
        let peeked = socket2::SockRef::from(socket).peek(&mut [std::mem::MaybeUninit::uninit()]);
        peeked.is_ok_and(|count| count > 0)
    }

    /// The client has gone, or is sent away: its socket is closed at once, and what still comes for it is dropped.
    pub fn close(&self) {
        self.socket.borrow_mut().take();
        let inner = &mut *self.inner.borrow_mut();
        inner.broken = true;
        inner.discard();
        inner.held.clear();
        inner.held_bytes = 0;
        self.waker.borrow_mut().take();
    }

    /// The client's task is polled: until it sleeps again, it needn't be woken.
    pub fn attend(&self, waker: &Waker) {
        self.woken.set(false);
        let mut own = self.waker.borrow_mut();
        match &mut *own {
            Some(own) => own.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// The client's task goes to sleep; says whether it wants to know of every reply, as one does that holds
    /// requests back.
    pub fn set_attentive(&self, attentive: bool) {
        self.attentive.set(attentive);
    }

    /// Wakes the client's task, once.
    pub fn wake(&self) {
        if !self.woken.replace(true)
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }
}

impl Inner {
    /// Throws away what is ready.
    fn discard(&mut self) {
        self.out = Vec::new();
        self.start = 0;
    }
}
