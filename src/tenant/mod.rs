//! Who a client is, and what of a request may pass.
//!
//! Nothing goes upstream that is not [`Admitted`], and only this room can make one. As yet there is one tenant, the
//! open one: it has no prefix, and everything passes as it is.

use crate::command::{Class, Error, Row};
use crate::resp::Args;
use crate::resp::write::append_request;

/// One who shares an upstream with others.
#[derive(Debug, Default)]
pub struct Tenant {}

/// A request that may pass, in the form in which it may.
pub struct Admitted<'a> {
    args: Args<'a>,
    wire: Option<&'a [u8]>,
}

impl Tenant {
    /// Lets a request pass or refuses it. `wire` is the request as it came, unless it came inline.
    pub fn admit<'a>(&self, row: &Row, args: Args<'a>, wire: Option<&'a [u8]>) -> Result<Admitted<'a>, Error> {
        match row.class {
            Class::Refused(reason) => Err(Error::refused(row.name, reason)),
            _ => Ok(Admitted { args, wire }),
        }
    }
}

impl<'a> Admitted<'a> {
    /// The arguments.
    pub fn args(&self) -> Args<'a> {
        self.args
    }

    /// Appends the request as it goes on the wire.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match self.wire {
            Some(wire) => out.extend_from_slice(wire),
            None => append_request(out, self.args.iter()),
        }
    }
}
