//! What `MULTI` queues.

use crate::command::{Class, Local, Row};
use crate::resp::request::{Limits, RequestScanner, Scan};
use crate::resp::{Args, number};
use crate::tenant::Admitted;

/// The requests between `MULTI` and `EXEC`, as they go on the wire.
#[derive(Default)]
pub struct Transaction {
    wire: Vec<u8>,
    rows: Vec<&'static Row>,
    /// A request was refused: `EXEC` will be too.
    pub failed: bool,
    /// The database that the last `SELECT` among them selects.
    pub selects: Option<usize>,
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

    /// Queues a request.
    pub fn push(&mut self, row: &'static Row, request: &Admitted<'_>) {
        if row.class == Class::Local(Local::Select) {
            let database = request.args().get(1).and_then(number::parse_integer);
            self.selects = database.and_then(|database| usize::try_from(database).ok()).or(self.selects);
        }
        request.append_to(&mut self.wire);
        self.rows.push(row);
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
