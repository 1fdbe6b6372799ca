//! `SORT` and `SORT_RO`.

use super::context::Context;
use super::error::Error;
use crate::resp::Args;

/// `SORT`
pub fn sort(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SORT_RO`
pub fn sort_ro(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
