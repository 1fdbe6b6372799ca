//! A client's replies, in the order of its requests.
//!
//! Requests that go upstream are answered later than those that respool answers itself. The inbox keeps the order: a
//! reply that comes too early is held until those before it are there. Replies of one client come from one place at a
//! time (its lane or its exclusive connection), in order, so that a count is enough to know whose turn it is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

/// What one client will be sent. Lives on one worker, shared by the client's task and its lane.
#[derive(Default)]
pub struct Inbox {
    inner: RefCell<Inner>,
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
    limit: usize,
}

#[derive(Default)]
struct Inner {
    /// Bytes in order, ready to be written.
    out: Vec<u8>,
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
    pub fn new(limit: usize) -> Self {
        Inbox { limit, ..Inbox::default() }
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
        let inner = &mut *self.inner.borrow_mut();
        if inner.sent == inner.received {
            return write(&mut inner.out);
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
        if inner.out.len() + bytes.len() > self.limit {
            inner.broken = true;
            inner.out = Vec::new();
        } else {
            inner.out.extend_from_slice(bytes);
        }
        drop(inner);
        self.wake();
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
        self.wake();
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

    /// Calls `write` with the bytes that are ready; it says how many of them it got rid of.
    pub fn drain<R>(&self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        write(&mut self.inner.borrow_mut().out)
    }

    /// How many bytes the client has not taken yet, those included that have to wait for others.
    pub fn ready(&self) -> usize {
        let inner = self.inner.borrow();
        inner.out.len() + inner.held_bytes
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

    /// Wakes the client's task, once.
    pub fn wake(&self) {
        if !self.woken.replace(true)
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }
}
