//! Runs a request in the memory driver.

use super::blocking::{Blocking, Waiting};
use super::context::Context;
use super::error::Error;
use super::keys;
use super::row::{Memory, Row, flag};
use crate::resp::Args;
use crate::store::{ShardSet, Store};

/// What came of a request.
pub enum Executed {
    /// The reply is written.
    Done,
    /// Nothing is there yet: the client has to wait.
    Waits(Waiting),
}

/// Runs one request: locks what it needs, writes its reply, and serves those who waited for what it did.
///
/// The row is the request's, with the arity checked.
pub fn execute(context: &mut Context<'_, '_>, row: &'static Row, args: Args<'_>) -> Executed {
    context.db.lock(shards(context.db.store(), row, args));
    let executed = run(context, row, args);
    context.db.serve_waiters();
    executed
}

/// The shards that a request needs.
pub fn shards(store: &Store, row: &Row, args: Args<'_>) -> ShardSet {
    if let Memory::Whole(_) = row.memory {
        return store.all_shards();
    }
    let mut shards = ShardSet::NONE;
    let known = keys::for_each(row, args, |index, _| shards = shards.union(store.shard_of(args.at(index))));
    // A request whose keys can't be told is refused by its handler, which may look at one before it finds out.
    if known { shards } else { store.all_shards() }
}

/// Runs one request, whose shards are locked. Inside a transaction nothing waits, and waiters are served at its end.
pub fn run(context: &mut Context<'_, '_>, row: &'static Row, args: Args<'_>) -> Executed {
    let start = context.reply.position();
    let result = if row.has(flag::DENYOOM) && context.db.store().is_over_memory() {
        Err(Error::OUT_OF_MEMORY)
    } else {
        match row.memory {
            Memory::Handler(handler) | Memory::Whole(handler) => handler(context, args).map(|()| Executed::Done),
            Memory::Blocking(blocking) => run_blocking(context, row, blocking, args),
            Memory::Refused(reason) => Err(Error::refused(row.name, reason)),
            Memory::Session => Err(Error::refused(row.name, "it is about a connection")),
        }
    };
    result.unwrap_or_else(|error| {
        context.reply.rewind(start);
        error.write(&mut context.reply);
        Executed::Done
    })
}

fn run_blocking(
    context: &mut Context<'_, '_>,
    row: &'static Row,
    blocking: &Blocking,
    args: Args<'_>,
) -> Result<Executed, Error> {
    let plan = (blocking.plan)(args)?;
    for index in plan.keys.clone() {
        if (blocking.attempt)(context, args, args.at(index))? {
            return Ok(Executed::Done);
        }
    }
    if context.in_transaction {
        (blocking.nothing)(&mut context.reply);
        return Ok(Executed::Done);
    }
    Ok(Executed::Waits(Waiting { row, request: args.to_owned(), plan }))
}
