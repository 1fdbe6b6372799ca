//! All rows, looked up by name.

use std::sync::LazyLock;

use super::error::Error;
use super::row::Row;
use super::{
    bitmap, cluster, connection, generic, geo, hash, hyperloglog, list, pubsub, scripting, server, set, sorted_set,
    stream, string, transaction,
};
use crate::resp::Args;

/// The rows of every group.
pub static GROUPS: [&[Row]; 16] = [
    bitmap::ROWS,
    cluster::ROWS,
    connection::ROWS,
    generic::ROWS,
    geo::ROWS,
    hash::ROWS,
    hyperloglog::ROWS,
    list::ROWS,
    pubsub::ROWS,
    scripting::ROWS,
    server::ROWS,
    set::ROWS,
    sorted_set::ROWS,
    stream::ROWS,
    string::ROWS,
    transaction::ROWS,
];

/// Every command (not the subcommands), group by group.
pub fn all() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|rows| rows.iter())
}

/// No command has a longer name.
const LONGEST_NAME: usize = 24;

/// An open-addressed index of the rows by their names: two cache lines a look-up, and no allocation for the case.
struct Index {
    slots: Box<[Option<&'static Row>]>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut slots: Box<[Option<&'static Row>]> = vec![None; 1024].into();
    for row in all() {
        let mut slot = hash_name(row.name.as_bytes()) as usize % slots.len();
        while slots[slot].is_some() {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = Some(row);
    }
    Index { slots }
});

/// FNV-1a over the name in small letters.
fn hash_name(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193))
}

/// The row of the command `name`, in whatever case; not of a subcommand.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let slots = &INDEX.slots;
    let mut slot = hash_name(name) as usize % slots.len();
    while let Some(row) = slots[slot] {
        if row.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(row);
        }
        slot = (slot + 1) % slots.len();
    }
    None
}

/// The row of a container's subcommand.
pub fn find_subcommand(container: &'static Row, name: &[u8]) -> Option<&'static Row> {
    let prefix = container.name.len() + 1;
    container.subcommands.iter().find(|row| row.name.as_bytes()[prefix..].eq_ignore_ascii_case(name))
}

/// The row that a request is for: of a container its subcommand's, except where there is none behind it.
pub fn lookup(args: Args<'_>) -> Option<&'static Row> {
    let row = find(args.name())?;
    match args.get(1) {
        Some(name) if !row.subcommands.is_empty() => find_subcommand(row, name),
        _ => Some(row),
    }
}

/// The row that a request is for, with its arity checked: the error is Redis's own.
pub fn resolve(args: Args<'_>) -> Result<&'static Row, Error> {
    let Some(row) = lookup(args) else {
        let is_container = find(args.name()).is_some();
        return Err(if is_container { Error::unknown_subcommand(args) } else { Error::unknown_command(args) });
    };
    if !row.accepts(args.len()) {
        return Err(Error::wrong_arity(row.name));
    }
    Ok(row)
}
