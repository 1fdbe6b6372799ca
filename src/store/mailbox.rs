//! What one client is sent by others: messages, the reply to a blocked command, the order to leave.
//!
//! The sender may be on another worker's thread: this is the one place where a client is written to from outside.

use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// What a mailbox held when its owner looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Messages, as they go on the wire.
    pub messages: Vec<u8>,
    /// The reply to the command that the client was blocked in.
    pub served: Option<Vec<u8>>,
    /// Another client ended the wait (`CLIENT UNBLOCK`).
    pub unblocked: Option<Unblock>,
    /// The client has to leave: it was killed, or its messages grew over the limit.
    pub killed: bool,
}

/// What a client is told whose wait another ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unblock {
    /// The same as when its time is up.
    Timeout,
    /// An error.
    Error,
}

/// One client's mailbox.
pub struct Mailbox {
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    mail: Mail,
    closed: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    /// An open mailbox for messages of up to `limit` bytes together (`limits.client_output_bytes`).
    pub fn new(limit: usize) -> Self {
        Mailbox { limit, inner: Mutex::new(Inner::default()) }
    }

    /// Appends a message. A client that does not read is killed at the limit, so that it can't fill the memory.
    pub fn push(&self, message: &[u8]) {
        let mut inner = self.inner.lock();
        if inner.closed || inner.mail.killed {
            return;
        }
        if inner.mail.messages.len() + message.len() > self.limit {
            inner.mail.killed = true;
            inner.mail.messages = Vec::new();
        } else {
            inner.mail.messages.extend_from_slice(message);
        }
        inner.wake();
    }

    /// Hands over the reply that `make` makes to the command that the client is blocked in: `None` if the client has
    /// gone (then `make` is not asked), else whether there was a reply. The client can't leave while `make` runs, so
    /// that nothing is popped for nobody.
    pub fn serve_with(&self, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<bool> {
        let mut inner = self.inner.lock();
        if inner.closed || inner.mail.killed {
            return None;
        }
        let Some(reply) = make() else {
            return Some(false);
        };
        inner.mail.served = Some(reply);
        inner.wake();
        Some(true)
    }

    /// Tells the client to wait no longer; false if it has gone.
    pub fn unblock(&self, reason: Unblock) -> bool {
        let mut inner = self.inner.lock();
        if inner.closed || inner.mail.killed {
            return false;
        }
        inner.mail.unblocked = Some(reason);
        inner.wake();
        true
    }

    /// Has the client look around, though there is nothing for it: something that all share has changed.
    pub fn wake(&self) {
        self.inner.lock().wake();
    }

    /// Tells the client to leave.
    pub fn kill(&self) {
        let mut inner = self.inner.lock();
        inner.mail.killed = true;
        inner.wake();
    }

    /// True until the client has gone or was told to.
    pub fn is_open(&self) -> bool {
        let inner = self.inner.lock();
        !inner.closed && !inner.mail.killed
    }

    /// Takes what is there, or has the task woken when something comes.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Mail> {
        let mut inner = self.inner.lock();
        let mail = &mut inner.mail;
        if !mail.killed && mail.served.is_none() && mail.unblocked.is_none() && mail.messages.is_empty() {
            match &mut inner.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        let killed = mail.killed;
        let taken = std::mem::take(mail);
        mail.killed = killed;
        Poll::Ready(taken)
    }

    /// Takes what is there, and nothing more will come.
    pub fn close(&self) -> Mail {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.waker = None;
        std::mem::take(&mut inner.mail)
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
