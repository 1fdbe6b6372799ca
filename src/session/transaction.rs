//! What `MULTI` queues.

use crate::command::{Class, Local, Row};
use crate::resp::Args;
use crate::resp::request::{Limits, RequestScanner, Scan};
use crate::resp::write::append_request;
use crate::tenant::Admitted;

/// The requests between `MULTI` and `EXEC`, as they go on the wire.
#[derive(Default)]
pub struct Transaction {
    wire: Vec<u8>,
    rows: Vec<&'static Row>,
    /// A request was refused: `EXEC` will be too.
    pub failed: bool,
    mixed: bool,
}

impl Transaction {
    /// How many requests are queued.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without requests.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.wire.len()
    }

    /// The requests as they go on the wire.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// True if `CLIENT PAUSE WRITE` holds back some of them.
    pub fn writes(&self) -> bool {
        self.rows.iter().any(|row| super::step::may_replicate(row))
    }

    /// True if some requests are about the connection: what the upstream answers is not the whole reply then.
    pub fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// Queues a request.
    pub fn push(&mut self, row: &'static Row, request: &Admitted<'_>) {
        self.mixed |= row.class == Class::Subscribe || stays_here(row) || row.class == Class::Local(Local::Select);
        request.append_to(&mut self.wire);
        self.rows.push(row);
    }

    /// Appends what of it goes upstream; says how many requests that is.
    pub fn append_upstream(&self, out: &mut Vec<u8>) -> usize {
        if !self.mixed {
            out.extend_from_slice(&self.wire);
            return self.rows.len();
        }
        let mut count = 0;
        self.for_each(|row, args| {
            if !stays_here(row) {
                append_request(out, args.iter());
                count += 1;
            }
        });
        count
    }

    /// Calls `visit` with each request in order.
    pub fn for_each(&self, mut visit: impl FnMut(&'static Row, Args<'_>)) {
        let mut scanner = RequestScanner::new(Limits::default());
        let mut rest = &self.wire[..];
        for &row in &self.rows {
            // They were scanned before they were queued.
            let Ok(Scan::Complete { consumed }) = scanner.scan(rest, true) else {
                return;
            };
            visit(row, scanner.args(rest));
            rest = &rest[consumed..];
        }
    }
}

/// True of a request that the session answers itself, even in a transaction that goes upstream: it is about the
/// connection, and the upstream's connection is respool's own.
pub fn stays_here(row: &Row) -> bool {
    match row.class {
        Class::Local(local) => {
            !matches!(local, Local::Ping | Local::Echo | Local::Time | Local::Select | Local::Unwatch)
        }
        _ => false,
    }
}
