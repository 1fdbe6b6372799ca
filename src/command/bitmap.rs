//! Bitmaps: strings as arrays of bits.

use super::context::Context;
use super::error::Error;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use crate::resp::Args;

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("bitcount", -2, Group::Bitmap, "2.6.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(bitcount),
    Row::new("bitfield", -2, Group::Bitmap, "3.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE | VARIABLE_FLAGS)])
        .memory(bitfield),
    Row::new("bitfield_ro", -2, Group::Bitmap, "6.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(bitfield_ro),
    Row::new("bitop", -4, Group::Bitmap, "2.6.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(2, OW | UPDATE), KeySpec::range(3, -1, 1, RO | ACCESS)])
        .memory(bitop),
    Row::new("bitpos", -3, Group::Bitmap, "2.8.7", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(bitpos),
    Row::new("getbit", 3, Group::Bitmap, "2.2.0", READONLY | FAST).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(getbit),
    Row::new("setbit", 4, Group::Bitmap, "2.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(setbit),
];

/// `BITCOUNT`
fn bitcount(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `BITFIELD`
fn bitfield(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `BITFIELD_RO`
fn bitfield_ro(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `BITOP`
fn bitop(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `BITPOS`
fn bitpos(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `GETBIT`
fn getbit(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}

/// `SETBIT`
fn setbit(_context: &mut Context, _args: Args) -> Result<(), Error> {
    todo!()
}
