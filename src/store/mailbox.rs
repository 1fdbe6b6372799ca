//! What one client is sent by others: messages, the reply to a blocked command, the order to leave.
//!
//! The sender may be on another worker's thread: this is the one place where a client is written to from outside.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

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

impl Mail {
    fn is_empty(&self) -> bool {
        !self.killed && self.served.is_none() && self.unblocked.is_none() && self.messages.is_empty()
    }
}

/// One client's mailbox.
pub struct Mailbox {
    limit: usize,
    inner: Mutex<Inner>,
    /// Which waker is registered, while nothing has come since: so that the owner, who looks at each turn of its loop, needs
    /// no lock to see that nothing has changed.
    registered: Identity,
}

#[derive(Default)]
struct Inner {
    mail: Mail,
    closed: bool,
    waker: Option<Waker>,
}

/// The two addresses by which [`Waker::will_wake`] compares; a table of 0 is no waker. The registered waker is kept, so
/// that its addresses can't be used anew.
#[derive(Default)]
struct Identity {
    data: AtomicUsize,
    table: AtomicUsize,
}

impl Identity {
    fn of(waker: &Waker) -> (usize, usize) {
        (waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }

    fn is(&self, waker: &Waker) -> bool {
        let table = self.table.load(Ordering::Acquire);
        (self.data.load(Ordering::Relaxed), table) == Self::of(waker)
    }

    fn set(&self, waker: &Waker) {
        let (data, table) = Self::of(waker);
        self.data.store(data, Ordering::Relaxed);
        self.table.store(table, Ordering::Release);
    }

    fn clear(&self) {
        self.table.store(0, Ordering::Release);
    }
}

impl Mailbox {
    /// An open mailbox for messages of up to `limit` bytes together (`limits.client_output_bytes`).
    pub fn new(limit: usize) -> Self {
        Mailbox { limit, inner: Mutex::default(), registered: Identity::default() }
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
        self.notify(inner);
    }

    /// Hands over the reply that `make` makes to the command that the client is blocked in: `None` if the client has
    /// gone (then `make` is not asked), else whether there was a reply. The client can't leave while `make` runs, so
    /// that nothing is popped for nobody. It runs under the mailbox's lock: it must not send messages.
    pub fn serve_with(&self, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<bool> {
        let mut inner = self.inner.lock();
        if inner.closed || inner.mail.killed {
            return None;
        }
        let Some(reply) = make() else {
            return Some(false);
        };
        debug_assert!(inner.mail.served.is_none(), "a client is blocked in one command at a time");
        inner.mail.served = Some(reply);
        self.notify(inner);
        Some(true)
    }

    /// Tells the client to wait no longer; false if it has gone.
    pub fn unblock(&self, reason: Unblock) -> bool {
        let mut inner = self.inner.lock();
        if inner.closed || inner.mail.killed {
            return false;
        }
        inner.mail.unblocked = Some(reason);
        self.notify(inner);
        true
    }

    /// Has the client look around, though there is nothing for it: something that all share has changed.
    pub fn wake(&self) {
        self.notify(self.inner.lock());
    }

    /// Tells the client to leave.
    pub fn kill(&self) {
        let mut inner = self.inner.lock();
        inner.mail.killed = true;
        self.notify(inner);
    }

    /// True until the client has gone or was told to.
    pub fn is_open(&self) -> bool {
        let inner = self.inner.lock();
        !inner.closed && !inner.mail.killed
    }

    /// Takes what is there, if anything, and has the task woken when more comes. An order to leave is there for ever.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Mail> {
        // A sender who clears this just now wakes the task afterwards.
        if self.registered.is(context.waker()) {
            return Poll::Pending;
        }
        let mut inner = self.inner.lock();
        if !inner.mail.killed {
            // Also with mail: whoever takes it need not look again to hear of the next.
            match &mut inner.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            self.registered.set(context.waker());
        }
        if inner.mail.is_empty() { Poll::Pending } else { Poll::Ready(inner.take()) }
    }

    /// Takes what is there, which may be nothing.
    pub fn take(&self) -> Mail {
        self.inner.lock().take()
    }

    /// Takes what is there, and nothing more will come.
    pub fn close(&self) -> Mail {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.waker = None;
        self.registered.clear();
        std::mem::take(&mut inner.mail)
    }

    /// Wakes the owner, after unlocking: it may be quick.
    fn notify(&self, mut inner: MutexGuard<'_, Inner>) {
        let waker = inner.waker.take();
        self.registered.clear();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Inner {
    fn take(&mut self) -> Mail {
        let killed = self.mail.killed;
        let mail = std::mem::take(&mut self.mail);
        self.mail.killed = killed;
        mail
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::thread::Thread;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Count {
        fn times(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn mail_wakes_the_task_that_polled_last() {
        let mailbox = Mailbox::new(100);
        let (one, other) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (waker, other_waker) = (Waker::from(one.clone()), Waker::from(other.clone()));
        let mut context = Context::from_waker(&waker);
        assert!(mailbox.poll(&mut context).is_pending() && mailbox.poll(&mut context).is_pending());
        assert!(mailbox.poll(&mut Context::from_waker(&other_waker)).is_pending());
        mailbox.push(b"a");
        mailbox.push(b"b");
        assert_eq!((one.times(), other.times()), (0, 1));
        assert_eq!(mailbox.serve_with(|| Some(b"reply".to_vec())), Some(true));
        let mail = Mail { messages: b"ab".to_vec(), served: Some(b"reply".to_vec()), ..Mail::default() };
        assert_eq!(mailbox.poll(&mut context), Poll::Ready(mail));
        // Nobody has looked again.
        mailbox.push(b"c");
        assert_eq!((one.times(), other.times()), (1, 1));
        assert_eq!(mailbox.take().messages, b"c");
        assert_eq!(mailbox.take(), Mail::default());
        assert!(mailbox.poll(&mut context).is_pending());
    }

    #[test]
    fn a_client_that_does_not_read_has_to_leave() {
        let mailbox = Mailbox::new(10);
        let mut context = Context::from_waker(Waker::noop());
        mailbox.push(&[b'x'; 10]);
        assert!(mailbox.is_open());
        mailbox.push(b"y");
        assert!(!mailbox.is_open() && mailbox.serve_with(|| Some(vec![])).is_none());
        mailbox.push(b"z");
        let killed = Mail { killed: true, ..Mail::default() };
        assert_eq!(mailbox.poll(&mut context), Poll::Ready(killed));
        assert!(mailbox.poll(&mut context).is_ready(), "it is told again and again");
    }

    #[test]
    fn nothing_comes_once_it_is_closed() {
        let mailbox = Mailbox::new(10);
        let count = Arc::new(Count::default());
        assert!(mailbox.poll(&mut Context::from_waker(&Waker::from(count.clone()))).is_pending());
        assert_eq!(mailbox.close(), Mail::default());
        mailbox.push(b"a");
        assert!(mailbox.serve_with(|| Some(vec![])).is_none() && !mailbox.is_open());
        assert_eq!((mailbox.take(), count.times()), (Mail::default(), 0));
    }

    #[test]
    fn no_wake_up_is_lost() {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        const MESSAGES: usize = 50_000;
        let mailbox = Mailbox::new(usize::MAX);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..MESSAGES).for_each(|_| mailbox.push(b"x")));
            }
            let mut left = 2 * MESSAGES;
            while left > 0 {
                match mailbox.poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(mail) => left -= mail.messages.len(),
                    // A wake-up that was lost would leave it parked for ever.
                    Poll::Pending => std::thread::park(),
                }
            }
        });
    }
}
