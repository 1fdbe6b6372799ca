//! Every text that a client can be refused with, in one place.
//!
//! The texts of Redis are Redis 7.0's own to the byte: clients compare them.

use std::borrow::Cow;

use crate::resp::{Args, Writer};
use crate::store::WrongType;

/// Why a command was refused: the text of an error reply, its code first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, str>);

/// An error of a text that does not change.
const fn fixed(text: &'static str) -> Error {
    Error(Cow::Borrowed(text))
}

impl Error {
    // Any command.
    /// The key holds another kind of value.
    pub const WRONG_TYPE: Error = fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// The options don't fit together.
    pub const SYNTAX: Error = fixed("ERR syntax error");
    /// An argument (or a stored value) is no 64-bit integer.
    pub const NOT_AN_INTEGER: Error = fixed("ERR value is not an integer or out of range");
    /// An argument (or a stored value) is no double.
    pub const NOT_A_FLOAT: Error = fixed("ERR value is not a valid float");
    /// An index outside of what is there.
    pub const OUT_OF_RANGE: Error = fixed("ERR index out of range");
    /// A number that has to be zero or more.
    pub const NOT_POSITIVE: Error = fixed("ERR value is out of range, must be positive");
    /// There is no such key where there has to be one.
    pub const NO_SUCH_KEY: Error = fixed("ERR no such key");
    /// A database number that `SELECT` doesn't know.
    pub const DATABASE_OUT_OF_RANGE: Error = fixed("ERR DB index is out of range");
    /// The memory driver is full.
    pub const OUT_OF_MEMORY: Error = fixed("OOM command not allowed when used memory > 'maxmemory'.");

    // Strings and bitmaps.

    // Lists.

    // Hashes and sets.

    // Sorted sets.

    // Keys.

    // Connections and transactions.
    /// A command before `AUTH`.
    pub const NO_AUTH: Error = fixed("NOAUTH Authentication required.");
    /// `EXEC` of a transaction in which a command was refused.
    pub const EXEC_ABORT: Error = fixed("EXECABORT Transaction discarded because of previous errors.");
    /// `EXEC` alone.
    pub const EXEC_WITHOUT_MULTI: Error = fixed("ERR EXEC without MULTI");
    /// `DISCARD` alone.
    pub const DISCARD_WITHOUT_MULTI: Error = fixed("ERR DISCARD without MULTI");
    /// `MULTI` in `MULTI`.
    pub const NESTED_MULTI: Error = fixed("ERR MULTI calls can not be nested");
    /// `WATCH` in `MULTI`.
    pub const WATCH_IN_MULTI: Error = fixed("ERR WATCH inside MULTI is not allowed");
    /// `SUBSCRIBE` and the like in `MULTI`.
    pub const NOT_IN_MULTI: Error = fixed("ERR Command not allowed inside a transaction");

    /// An error of a text that is made up for the occasion. It begins with its code.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Error {
        Error(text.into())
    }

    /// The text, its code first.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Answers a request with it.
    pub fn write(&self, reply: &mut Writer<'_>) {
        reply.error(&self.0);
    }

    /// A command that has no row.
    pub fn unknown_command(args: Args<'_>) -> Error {
        let mut shown = String::new();
        for argument in args.iter_from(1) {
            if shown.len() >= 128 {
                break;
            }
            let room = 128 - shown.len();
            let text = String::from_utf8_lossy(&argument[..argument.len().min(room)]).into_owned();
            shown.push_str(&format!("'{text}' "));
        }
        let name = args.name();
        let name = String::from_utf8_lossy(&name[..name.len().min(128)]);
        Error::new(format!("ERR unknown command '{name}', with args beginning with: {shown}"))
    }

    /// A container's subcommand that has no row.
    pub fn unknown_subcommand(args: Args<'_>) -> Error {
        let subcommand = args.get(1).unwrap_or_default();
        let subcommand = String::from_utf8_lossy(&subcommand[..subcommand.len().min(128)]);
        let container = String::from_utf8_lossy(args.name()).to_ascii_uppercase();
        Error::new(format!("ERR unknown subcommand '{subcommand}'. Try {container} HELP."))
    }

    /// Too many or too few arguments.
    pub fn wrong_arity(name: &str) -> Error {
        Error::new(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// A command that respool does not pass on or does not execute, with the reason.
    pub fn refused(name: &str, reason: &str) -> Error {
        Error::new(format!("ERR respool refuses '{name}': {reason}"))
    }
}

impl Error {
    /// The upstream did not answer. A command that may have been executed gets a code of its own.
    pub fn upstream(why: &impl UpstreamFailure) -> Error {
        if why.is_retry_safe() {
            Error::new(format!("ERR respool: {why}"))
        } else {
            Error::new(format!("UNCERTAIN {why}: the command may or may not have been executed"))
        }
    }
}

/// Why an upstream did not answer, as far as its text needs to know.
pub trait UpstreamFailure: std::fmt::Display {
    /// True if the request was certainly not executed.
    fn is_retry_safe(&self) -> bool;
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Self {
        Error::WRONG_TYPE
    }
}
