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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::command::row::{Begin, Class, Find, Group, Memory, flag};
    use crate::resp::OwnedArgs;

    fn with_subcommands() -> impl Iterator<Item = &'static Row> {
        all().flat_map(|row| std::iter::once(row).chain(row.subcommands))
    }

    #[test]
    fn names_are_unique_and_in_small_letters() {
        let mut seen = HashSet::new();
        for row in with_subcommands() {
            assert!(seen.insert(row.name), "{} twice", row.name);
            assert_eq!(row.name, row.name.to_ascii_lowercase());
        }
    }

    #[test]
    fn every_row_is_found_in_whatever_case() {
        for row in all() {
            assert!(row.name.len() <= LONGEST_NAME, "{}", row.name);
            for name in [row.name.to_owned(), row.name.to_ascii_uppercase()] {
                assert_eq!(find(name.as_bytes()).map(|row| row.name), Some(row.name));
            }
            for subcommand in row.subcommands {
                let name = subcommand.name.strip_prefix(row.name).and_then(|rest| rest.strip_prefix('|'));
                let name = name.unwrap_or_else(|| panic!("{} is in {}", subcommand.name, row.name));
                let found = find_subcommand(row, name.to_ascii_uppercase().as_bytes());
                assert_eq!(found.map(|row| row.name), Some(subcommand.name));
                assert!(subcommand.subcommands.is_empty());
            }
        }
        for name in ["", "ge", "gett", "client|list", "a name that is longer than any there is"] {
            assert!(find(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn keys_that_cannot_be_told_lock_everything() {
        for row in with_subcommands() {
            let is_unknown = row.keys.iter().any(|spec| spec.begin == Begin::Unknown || spec.find == Find::Unknown);
            if is_unknown && let Memory::Handler(_) | Memory::Blocking(_) = row.memory {
                panic!("{} works on keys that are not locked", row.name);
            }
        }
    }

    #[test]
    fn what_can_block_has_a_connection_of_its_own() {
        for row in with_subcommands() {
            let is_blocking = row.class == Class::Blocking;
            assert_eq!(row.has(flag::BLOCKING), is_blocking, "{}", row.name);
            if let Memory::Blocking(_) = row.memory {
                assert!(is_blocking, "{}", row.name);
            }
        }
    }

    #[test]
    fn channels_are_of_the_pubsub_group_only() {
        for row in with_subcommands() {
            assert!(row.channels.is_none() || row.group == Group::PubSub, "{}", row.name);
            assert!(row.class != Class::Subscribe || row.channels.is_some(), "{}", row.name);
        }
    }

    #[test]
    fn what_the_session_answers_needs_no_driver() {
        for row in with_subcommands() {
            let by_session = matches!(row.class, Class::Local(_) | Class::Subscribe);
            assert_eq!(matches!(row.memory, Memory::Session), by_session, "{}", row.name);
        }
    }

    #[test]
    fn containers_are_nothing_without_a_subcommand() {
        for row in all().filter(|row| !row.subcommands.is_empty() && row.name != "command") {
            assert!(row.arity <= -2 && row.keys.is_empty() && row.flags == 0, "{}", row.name);
        }
    }

    #[test]
    fn errors_are_those_of_redis() {
        let cases: [(&[&[u8]], &str); 9] = [
            (&[b"foo"], "ERR unknown command 'foo', with args beginning with: "),
            (&[b"FoO", b"a b", b""], "ERR unknown command 'FoO', with args beginning with: 'a b' '' "),
            (&[b"foo\0bar", b"a\0b"], "ERR unknown command 'foo', with args beginning with: 'a' "),
            (&[b"get"], "ERR wrong number of arguments for 'get' command"),
            (&[b"object"], "ERR wrong number of arguments for 'object' command"),
            (&[b"OBJECT", b"encoding"], "ERR wrong number of arguments for 'object|encoding' command"),
            (&[b"Client", b"foo"], "ERR unknown subcommand 'foo'. Try CLIENT HELP."),
            (&[b"command", b"f\0o"], "ERR unknown subcommand 'f'. Try COMMAND HELP."),
            (&[b"command", b"count", b"x"], "ERR wrong number of arguments for 'command|count' command"),
        ];
        for (request, text) in cases {
            let owned: OwnedArgs = request.iter().copied().collect();
            assert_eq!(resolve(owned.args()).expect_err(text).text(), text);
        }
        let long = [b'x'; 200];
        let owned: OwnedArgs = [&long[..], &long[..], &long[..]].into_iter().collect();
        let shown = "x".repeat(128);
        let text = format!("ERR unknown command '{shown}', with args beginning with: '{shown}' ");
        assert_eq!(resolve(owned.args()).expect_err("unknown").text(), text);
    }
}
