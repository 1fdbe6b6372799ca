//! `COMMAND` and its subcommands: the table, as Redis shows its own.

use super::context::Context;
use super::error::Error;
use super::keys::documented;
use super::row::{Begin, Find, KeySpec, Row, access, flag};
use super::table;
use crate::resp::{Args, Writer};
use crate::store::broker::matches;

/// Every ACL category, in the order in which Redis names them.
pub const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// True if the command belongs to the category: since its row says so, or since its flags do.
pub fn is_in_category(row: &Row, category: &str) -> bool {
    let implied = match category {
        "read" => row.has(flag::READONLY) && !named(row, "scripting"),
        "write" => row.has(flag::WRITE),
        "admin" | "dangerous" => row.has(flag::ADMIN),
        "pubsub" => row.has(flag::PUBSUB),
        "fast" => row.has(flag::FAST),
        "slow" => !row.has(flag::FAST),
        "blocking" => row.has(flag::BLOCKING),
        _ => false,
    };
    implied || named(row, category)
}

fn named(row: &Row, category: &str) -> bool {
    row.categories.split(' ').any(|name| name == category)
}

/// Every command, each followed by its subcommands.
pub fn with_subcommands() -> impl Iterator<Item = &'static Row> {
    table::all().flat_map(|row| std::iter::once(row).chain(row.subcommands))
}

/// The row of a full name, such as `client|list`, in whatever case.
fn by_full_name(name: &[u8]) -> Option<&'static Row> {
    let mut parts = name.splitn(2, |&byte| byte == b'|');
    let row = table::find(parts.next()?)?;
    match parts.next() {
        None => Some(row),
        Some(subcommand) => table::find_subcommand(row, subcommand),
    }
}

/// Writes the names of `rows` as an array.
pub fn write_names(reply: &mut Writer<'_>, rows: impl Iterator<Item = &'static Row>) {
    let place = reply.deferred();
    let mut count = 0;
    for row in rows {
        reply.bulk(row.name.as_bytes());
        count += 1;
    }
    reply.array_at(place, count);
}

/// `COMMAND`
pub fn command(context: &mut Context, _args: Args) -> Result<(), Error> {
    write_all(&mut context.reply);
    Ok(())
}

fn write_all(reply: &mut Writer<'_>) {
    reply.array(table::all().count());
    table::all().for_each(|row| write_info(reply, row));
}

/// `COMMAND INFO`
pub fn command_info(context: &mut Context, args: Args) -> Result<(), Error> {
    let names = args.iter_from(2);
    let reply = &mut context.reply;
    if names.len() == 0 {
        write_all(reply);
        return Ok(());
    }
    reply.array(names.len());
    for name in names {
        match by_full_name(name) {
            Some(row) => write_info(reply, row),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `COMMAND COUNT`
pub fn command_count(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.count(table::all().count());
    Ok(())
}

/// `COMMAND LIST`
pub fn command_list(context: &mut Context, args: Args) -> Result<(), Error> {
    let reply = &mut context.reply;
    if args.len() == 2 {
        write_names(reply, with_subcommands());
        return Ok(());
    }
    if args.len() != 5 || !args.is(2, "FILTERBY") {
        return Err(Error::SYNTAX);
    }
    let wanted = args.at(4).to_ascii_lowercase();
    if args.is(3, "MODULE") {
        reply.array(0);
    } else if args.is(3, "ACLCAT") {
        let category = CATEGORIES.into_iter().find(|name| name.as_bytes() == wanted);
        write_names(reply, with_subcommands().filter(|row| category.is_some_and(|name| is_in_category(row, name))));
    } else if args.is(3, "PATTERN") {
        write_names(reply, with_subcommands().filter(|row| matches(&wanted, row.name.as_bytes())));
    } else {
        return Err(Error::SYNTAX);
    }
    Ok(())
}

/// `COMMAND GETKEYS`
pub fn command_getkeys(context: &mut Context, args: Args) -> Result<(), Error> {
    write_keys(context, args, false)
}

/// `COMMAND GETKEYSANDFLAGS`
pub fn command_getkeysandflags(context: &mut Context, args: Args) -> Result<(), Error> {
    write_keys(context, args, true)
}

fn write_keys(context: &mut Context, args: Args, with_flags: bool) -> Result<(), Error> {
    let request = args.skip(2);
    let row = table::lookup(request).ok_or(Error::GETKEYS_COMMAND)?;
    if row.keys.iter().all(|spec| spec.flags & access::NOT_KEY != 0) {
        return Err(Error::GETKEYS_NO_KEYS);
    }
    if !row.accepts(request.len()) {
        return Err(Error::GETKEYS_ARITY);
    }
    let keys = documented(row, request);
    if keys.is_empty() && !row.has(flag::NO_MANDATORY_KEYS) {
        return Err(Error::GETKEYS_ARGUMENTS);
    }
    let reply = &mut context.reply;
    reply.array(keys.len());
    for (index, flags) in keys {
        if with_flags {
            reply.array(2);
        }
        reply.bulk(request.at(index));
        if with_flags {
            write_access(reply, flags);
        }
    }
    Ok(())
}

/// `COMMAND DOCS`, of what is known here: since when there is the command, its group and its subcommands. Redis also
/// has a summary, the complexity, the history and the grammar of the arguments.
pub fn command_docs(context: &mut Context, args: Args) -> Result<(), Error> {
    let reply = &mut context.reply;
    let place = reply.deferred();
    let mut count = 0;
    let mut write = |row: &Row| {
        reply.bulk(row.name.as_bytes());
        write_docs(reply, row);
        count += 1;
    };
    if args.len() == 2 {
        table::all().for_each(write);
    } else {
        args.iter_from(2).filter_map(by_full_name).for_each(&mut write);
    }
    reply.map_at(place, count);
    Ok(())
}

fn write_docs(reply: &mut Writer<'_>, row: &Row) {
    let is_container = !row.subcommands.is_empty();
    reply.map(2 + usize::from(is_container));
    reply.bulk(b"since");
    reply.bulk(row.since.as_bytes());
    reply.bulk(b"group");
    reply.bulk(row.group.name().as_bytes());
    if is_container {
        reply.bulk(b"subcommands");
        reply.map(row.subcommands.len());
        for subcommand in row.subcommands {
            reply.bulk(subcommand.name.as_bytes());
            write_docs(reply, subcommand);
        }
    }
}

fn write_info(reply: &mut Writer<'_>, row: &Row) {
    let (first, last, step) = plain_range(row.keys);
    reply.array(10);
    reply.bulk(row.name.as_bytes());
    reply.integer(i64::from(row.arity));
    write_set(reply, flag::NAMES.iter().filter(|(bit, _)| row.has(*bit)).map(|(_, name)| *name));
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    let categories = CATEGORIES.into_iter().filter(|category| is_in_category(row, category));
    let place = reply.deferred();
    let mut count = 0;
    for category in categories {
        reply.simple(&format!("@{category}"));
        count += 1;
    }
    reply.set_at(place, count);
    let tips = row.tips.split_ascii_whitespace();
    reply.set(tips.clone().count());
    tips.for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(row.keys.len());
    for (index, spec) in row.keys.iter().enumerate() {
        write_spec(reply, spec, note(row.name, index));
    }
    if row.subcommands.is_empty() {
        reply.set(0);
    } else {
        reply.array(row.subcommands.len());
        row.subcommands.iter().for_each(|subcommand| write_info(reply, subcommand));
    }
}

/// First, last and step, for clients that know of no key specs: what the plain ranges among these, one behind the
/// other, cover together.
fn plain_range(specs: &[KeySpec]) -> (i64, i64, i64) {
    let range = |spec: &KeySpec| match (spec.begin, spec.find) {
        (Begin::Index(first), Find::Range { last, step, .. }) => {
            let first = first as i64;
            let last = i64::from(last);
            Some((first, if last < 0 { last } else { first + last }, step as i64))
        }
        _ => None,
    };
    if let [spec] = specs {
        return range(spec).unwrap_or_default();
    }
    let mut covered: Option<(i64, i64)> = None;
    for (first, last, _) in specs.iter().filter_map(range).filter(|(.., step)| *step == 1) {
        covered = match covered {
            None => Some((first, last)),
            Some((start, end)) if end == first - 1 => Some((start, last)),
            other => other,
        };
    }
    covered.map_or((0, 0, 0), |(first, last)| (first, last, 1))
}

fn write_set(reply: &mut Writer<'_>, names: impl Iterator<Item = &'static str>) {
    let place = reply.deferred();
    let mut count = 0;
    for name in names {
        reply.simple(name);
        count += 1;
    }
    reply.set_at(place, count);
}

fn write_access(reply: &mut Writer<'_>, flags: u16) {
    write_set(reply, access::NAMES.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name));
}

/// What Redis remarks on a command's key spec.
fn note(name: &str, index: usize) -> Option<&'static str> {
    Some(match (name, index) {
        ("bitfield", 0) => "This command allows both access and modification of the key",
        ("eval" | "fcall", 0) => "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
        ("eval_ro" | "fcall_ro", 0) => "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
        ("getex", 0) => "RW and UPDATE because it changes the TTL",
        ("pfcount", 0) => "RW because it may change the internal representation of the key, and propagate to replicas",
        ("set", 0) => "RW and ACCESS due to the optional `GET` argument",
        ("sort" | "sort_ro", 1) => {
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of \
             the key we sort"
        }
        ("sort", 2) => {
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the \
             argument array"
        }
        ("xadd", 0) => "UPDATE instead of INSERT because of the optional trimming feature",
        _ => return None,
    })
}

fn write_spec(reply: &mut Writer<'_>, spec: &KeySpec, note: Option<&str>) {
    reply.map(3 + usize::from(note.is_some()));
    if let Some(note) = note {
        reply.bulk(b"notes");
        reply.bulk(note.as_bytes());
    }
    reply.bulk(b"flags");
    write_access(reply, spec.flags);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => {
            write_kind(reply, "index", 1);
            write_number(reply, "index", index as i64);
        }
        Begin::Keyword(word, from) => {
            write_kind(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            write_number(reply, "startfrom", i64::from(from));
        }
        Begin::Unknown => write_kind(reply, "unknown", 0),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            write_kind(reply, "range", 3);
            write_number(reply, "lastkey", i64::from(last));
            write_number(reply, "keystep", step as i64);
            write_number(reply, "limit", limit as i64);
        }
        Find::Counted { count, first, step } => {
            write_kind(reply, "keynum", 3);
            write_number(reply, "keynumidx", count as i64);
            write_number(reply, "firstkey", first as i64);
            write_number(reply, "keystep", step as i64);
        }
        Find::Unknown => write_kind(reply, "unknown", 0),
    }
}

/// The map of a search, up to its own map of `parameters`, which follow.
fn write_kind(reply: &mut Writer<'_>, kind: &str, parameters: usize) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(parameters);
}

fn write_number(reply: &mut Writer<'_>, name: &str, number: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(number);
}
