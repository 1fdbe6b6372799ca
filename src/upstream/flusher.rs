//! Writes to clients, all of them together.
//!
//! Whoever has something for a client puts it into its inbox. The worker's flusher runs behind all that was ready in
//! this turn of the worker's loop, and writes each inbox once: however many replies have come together, a client gets
//! them in one write, and its own task need not even be woken for it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::inbox::Inbox;
use crate::metrics::WorkerMetrics;

/// Buffers that are kept for the next inbox that needs one.
const SPARE_BUFFERS: usize = 64;

/// A buffer that has grown beyond this is not kept.
const SPARE_BYTES: usize = 64 << 10;

/// The inboxes of a worker that have something to be written, and the buffers that they take turns with: an idle
/// client has none.
pub struct Flusher {
    metrics: Arc<WorkerMetrics>,
    listed: RefCell<Vec<Rc<Inbox>>>,
    spare: RefCell<Vec<Vec<u8>>>,
    waker: RefCell<Option<Waker>>,
}

impl Flusher {
    /// A worker's flusher. Its task must be run: [`Flusher::run`].
    pub fn new(metrics: Arc<WorkerMetrics>) -> Rc<Self> {
        Rc::new(Flusher { metrics, listed: RefCell::default(), spare: RefCell::default(), waker: RefCell::default() })
    }

    /// An empty buffer: the one that was used last, and so is still in the processor's cache.
    pub(super) fn spare(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Keeps a buffer for the next one.
    pub(super) fn give_back(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare.borrow_mut();
        if buffer.capacity() > 0 && buffer.capacity() <= SPARE_BYTES && spare.len() < SPARE_BUFFERS {
            buffer.clear();
            spare.push(buffer);
        }
    }

    /// Counts bytes that were written.
    pub(super) fn count(&self, bytes: usize) {
        self.metrics.bytes_out.add(bytes as u64);
    }

    /// Has `inbox` written in this turn.
    pub(super) fn list(&self, inbox: Rc<Inbox>) {
        self.listed.borrow_mut().push(inbox);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Writes for ever.
    pub async fn run(self: Rc<Self>) {
        let mut batch = Vec::new();
        std::future::poll_fn(|context| {
            std::mem::swap(&mut batch, &mut self.listed.borrow_mut());
            batch.drain(..).for_each(|inbox| inbox.flush());
            *self.waker.borrow_mut() = Some(context.waker().clone());
            Poll::<()>::Pending
        })
        .await
    }
}
