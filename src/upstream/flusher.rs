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

/// The inboxes of a worker that have something to be written.
#[derive(Default)]
pub struct Flusher {
    listed: RefCell<Vec<Rc<Inbox>>>,
    waker: RefCell<Option<Waker>>,
}

impl Flusher {
    /// Has `inbox` written in this turn.
    pub(super) fn list(&self, inbox: Rc<Inbox>) {
        self.listed.borrow_mut().push(inbox);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Writes for ever.
    pub async fn run(self: Rc<Self>, metrics: Arc<WorkerMetrics>) {
        let mut batch = Vec::new();
        std::future::poll_fn(|context| {
            std::mem::swap(&mut batch, &mut self.listed.borrow_mut());
            let written: usize = batch.drain(..).map(|inbox| inbox.flush()).sum();
            metrics.bytes_out.add(written as u64);
            *self.waker.borrow_mut() = Some(context.waker().clone());
            Poll::<()>::Pending
        })
        .await
    }
}
