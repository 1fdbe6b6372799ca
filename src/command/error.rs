//! Every text that a client can be refused with, in one place.
//!
//! The texts of Redis are Redis 7.0's own to the byte: clients compare them.

use std::borrow::Cow;

use crate::resp::{Args, Writer};
use crate::store::WrongType;

/// Why a command was refused: the text of an error reply, its code first.
/// Bytes, since some texts repeat what the client sent, which need not be UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

/// An error of a text that does not change.
const fn fixed(text: &'static str) -> Error {
    Error(Cow::Borrowed(text.as_bytes()))
}

/// How much of an argument a text repeats.
const SHOWN: usize = 128;

/// As much of `argument` as C prints: up to the first zero byte.
pub fn printed(argument: &[u8]) -> &[u8] {
    argument.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// As [`printed`], of `limit` bytes at most.
fn shortened(argument: &[u8], limit: usize) -> &[u8] {
    let argument = printed(argument);
    &argument[..argument.len().min(limit)]
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
    /// A string would get longer than Redis's `proto-max-bulk-len`.
    pub const STRING_TOO_LONG: Error = fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    /// `SETRANGE` before the beginning.
    pub const OFFSET_OUT_OF_RANGE: Error = fixed("ERR offset is out of range");
    /// `INCR` and its kin past what fits into 64 bits.
    pub const INCREMENT_OVERFLOW: Error = fixed("ERR increment or decrement would overflow");
    /// `DECRBY` of a number that has no opposite.
    pub const DECREMENT_OVERFLOW: Error = fixed("ERR decrement would overflow");
    /// `INCRBYFLOAT` past what a long double holds.
    pub const INCREMENT_NOT_FINITE: Error = fixed("ERR increment would produce NaN or Infinity");
    /// `LCS` of a key that holds no string.
    pub const LCS_TYPE: Error = fixed("ERR The specified keys must contain string values");
    /// `LCS` with `LEN` and `IDX`.
    pub const LCS_OPTIONS: Error = fixed("ERR If you want both the length and indexes, please just use IDX.");
    /// `LCS` of strings that would need too large a table.
    pub const LCS_TOO_LARGE: Error =
        fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    /// `LCS` when there is no memory for the table.
    pub const LCS_NO_MEMORY: Error = fixed("ERR Insufficient memory, failed allocating transient memory for LCS");
    /// A bit that is neither 0 nor 1 (`SETBIT`).
    pub const NOT_A_BIT: Error = fixed("ERR bit is not an integer or out of range");
    /// A bit that is neither 0 nor 1 (`BITPOS`).
    pub const BIT_ARGUMENT: Error = fixed("ERR The bit argument must be 1 or 0.");
    /// A bit's number that is none, or past the longest string.
    pub const BIT_OFFSET: Error = fixed("ERR bit offset is not an integer or out of range");
    /// `BITOP NOT` of more than one key.
    pub const BITOP_NOT: Error = fixed("ERR BITOP NOT must be called with a single source key.");
    /// A type that `BITFIELD` doesn't know.
    pub const BITFIELD_TYPE: Error =
        fixed("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
    /// An overflow that `BITFIELD` doesn't know.
    pub const BITFIELD_OVERFLOW: Error = fixed("ERR Invalid OVERFLOW type specified");
    /// `BITFIELD_RO` that would write.
    pub const BITFIELD_READ_ONLY: Error = fixed("ERR BITFIELD_RO only supports the GET subcommand");

    // Lists.
    /// `LMPOP` and its kin of no elements.
    pub const COUNT_NOT_POSITIVE: Error = fixed("ERR count should be greater than 0");
    /// `LPOS` that looks for the match before the first one.
    pub const RANK_ZERO: Error = fixed(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start \
         from the end of the list",
    );
    /// `LPOS` of fewer than no matches.
    pub const COUNT_NEGATIVE: Error = fixed("ERR COUNT can't be negative");
    /// `LPOS` among fewer than no elements.
    pub const MAXLEN_NEGATIVE: Error = fixed("ERR MAXLEN can't be negative");
    /// A blocking command with a timeout that is no number.
    pub const TIMEOUT_NOT_A_FLOAT: Error = fixed("ERR timeout is not a float or out of range");

    // Hashes and sets.
    /// `HINCRBY` of a value that is no integer.
    pub const HASH_NOT_AN_INTEGER: Error = fixed("ERR hash value is not an integer");
    /// `HINCRBYFLOAT` of a value that is no number.
    pub const HASH_NOT_A_FLOAT: Error = fixed("ERR hash value is not a float");
    /// `HINCRBYFLOAT` by infinity.
    pub const NOT_FINITE: Error = fixed("ERR value is NaN or Infinity");
    /// A count that is too large for its reply.
    pub const COUNT_OUT_OF_RANGE: Error = fixed("ERR value is out of range");
    /// The one count that has no opposite.
    pub const COUNT_WITHOUT_OPPOSITE: Error =
        fixed("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    /// `SINTERCARD` of no keys.
    pub const NUMKEYS: Error = fixed("ERR numkeys should be greater than 0");
    /// `SINTERCARD` of more keys than there are.
    pub const NUMKEYS_TOO_LARGE: Error = fixed("ERR Number of keys can't be greater than number of args");
    /// `SINTERCARD` with a limit below zero.
    pub const LIMIT_NEGATIVE: Error = fixed("ERR LIMIT can't be negative");

    // Sorted sets.
    /// `ZADD` with `NX` and `XX`.
    pub const NX_AND_XX: Error = fixed("ERR XX and NX options at the same time are not compatible");
    /// `ZADD` with two of `GT`, `LT` and `NX`.
    pub const GT_LT_NX: Error = fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
    /// `ZADD INCR` of several members.
    pub const INCR_SINGLE: Error = fixed("ERR INCR option supports a single increment-element pair");
    /// `ZADD INCR` that would add up opposite infinities.
    pub const SCORE_NAN: Error = fixed("ERR resulting score is not a number (NaN)");
    /// A range of scores whose limit is no number.
    pub const SCORE_LIMIT: Error = fixed("ERR min or max is not a float");
    /// A range of members whose limit does not say whether it is inside.
    pub const MEMBER_LIMIT: Error = fixed("ERR min or max not valid string range item");
    /// `ZRANGE LIMIT` by rank.
    pub const LIMIT_BY_RANK: Error =
        fixed("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    /// `ZRANGE BYLEX WITHSCORES`
    pub const WITHSCORES_BY_LEX: Error = fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    /// `ZUNION` and its kin with a weight that is no number.
    pub const WEIGHT_NOT_A_FLOAT: Error = fixed("ERR weight value is not a float");

    /// `ZUNION` and its kin of no keys.
    pub fn no_input_keys(name: &str) -> Error {
        Error::new(format!("ERR at least 1 input key is needed for '{name}' command"))
    }

    // Keys.
    /// `COPY` or `MOVE` onto itself.
    pub const SAME_OBJECT: Error = fixed("ERR source and destination objects are the same");
    /// `EXPIRE` with `NX` and another condition.
    pub const EXPIRE_NX: Error = fixed("ERR NX and XX, GT or LT options at the same time are not compatible");
    /// `EXPIRE` with `GT` and `LT`.
    pub const EXPIRE_GT_LT: Error = fixed("ERR GT and LT options at the same time are not compatible");
    /// A cursor that is none.
    pub const INVALID_CURSOR: Error = fixed("ERR invalid cursor");
    /// `OBJECT FREQ` without an LFU policy.
    pub const NO_LFU: Error = fixed(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    /// `SORT` of what is no number.
    pub const SORT_SCORE: Error = fixed("ERR One or more scores can't be converted into double");
    /// A number that does not fit into C's `int`.
    pub const NOT_AN_INT: Error = fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
    /// `WAIT`'s timeout.
    pub const WAIT_TIMEOUT: Error = fixed("ERR timeout is not an integer or out of range");
    /// `WAIT`'s timeout is below zero.
    pub const WAIT_TIMEOUT_NEGATIVE: Error = fixed("ERR timeout is negative");

    /// A condition that `EXPIRE` doesn't know.
    pub fn unsupported_option(option: &[u8]) -> Error {
        Error::quoting(&[b"ERR Unsupported option ", printed(option)])
    }

    /// An expiry that no clock can show.
    pub fn invalid_expire_time(name: &str) -> Error {
        Error::new(format!("ERR invalid expire time in '{name}' command"))
    }

    // The server.
    /// The commands of Redis Cluster.
    pub const NO_CLUSTER: Error = fixed("ERR This instance has cluster support disabled");
    /// `SWAPDB` of something that is no database.
    pub const INVALID_FIRST_DB: Error = fixed("ERR invalid first DB index");
    /// As before, of the other one.
    pub const INVALID_SECOND_DB: Error = fixed("ERR invalid second DB index");
    /// `COMMAND GETKEYS` of a command that has no row.
    pub const GETKEYS_COMMAND: Error = fixed("ERR Invalid command specified");
    /// `COMMAND GETKEYS` of a command without keys.
    pub const GETKEYS_NO_KEYS: Error = fixed("ERR The command has no key arguments");
    /// `COMMAND GETKEYS` of too many or too few arguments.
    pub const GETKEYS_ARITY: Error = fixed("ERR Invalid number of arguments specified for command");
    /// `COMMAND GETKEYS` of a request whose keys can't be told.
    pub const GETKEYS_ARGUMENTS: Error = fixed("ERR Invalid arguments specified for command");
    /// `SLOWLOG GET` of a negative count.
    pub const SLOWLOG_COUNT: Error = fixed("ERR count should be greater than or equal to -1");
    /// `ACL GENPASS` of too many bits.
    pub const GENPASS_BITS: Error = fixed(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
    );
    /// `ACL LOAD` and `ACL SAVE`.
    pub const NO_ACL_FILE: Error = fixed(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
         SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order \
         to store users in the Redis configuration.",
    );
    /// The system has no random numbers.
    pub const NO_RANDOM: Error = fixed("ERR no random numbers from the system");
    /// `CONFIG REWRITE`.
    pub const NO_CONFIG_FILE: Error = fixed("ERR The server is running without a config file");
    /// `ACL DELUSER` of the one user.
    pub const DEFAULT_USER: Error = fixed("ERR The 'default' user cannot be removed");
    /// `MODULE LOAD`.
    pub const NO_MODULES: Error = fixed(
        "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from \
         a local connection, otherwise you need to set this option in the configuration file, and then restart the \
         server.",
    );
    /// `SHUTDOWN ABORT`.
    pub const NO_SHUTDOWN: Error = fixed("ERR No shutdown in progress.");
    /// `FAILOVER ABORT`.
    pub const NO_FAILOVER: Error = fixed("ERR No failover in progress.");
    /// `FAILOVER`.
    pub const NO_REPLICAS: Error = fixed("ERR FAILOVER requires connected replicas.");

    /// `ACL CAT` of a category that there isn't.
    pub fn unknown_category(name: &[u8]) -> Error {
        Error::quoting(&[b"ERR Unknown category '", shortened(name, SHOWN), b"'"])
    }

    /// `ACL DRYRUN` of a user that there isn't.
    pub fn unknown_user(name: &[u8]) -> Error {
        Error::quoting(&[b"ERR User '", printed(name), b"' not found"])
    }

    /// `ACL DRYRUN` of a command that there isn't.
    pub fn command_not_found(name: &[u8]) -> Error {
        Error::quoting(&[b"ERR Command '", printed(name), b"' not found"])
    }

    /// `CONFIG SET` of a parameter that there isn't.
    pub fn unknown_parameter(name: &[u8]) -> Error {
        Error::quoting(&[b"ERR Unknown option or number of arguments for CONFIG SET - '", printed(name), b"'"])
    }

    /// `CONFIG SET` that fails, with the reason.
    pub fn config_set(name: &[u8], reason: &str) -> Error {
        Error::quoting(&[
            b"ERR CONFIG SET failed (possibly related to argument '",
            printed(name),
            b"') - ",
            reason.as_bytes(),
        ])
    }

    /// `LATENCY GRAPH` of what was never seen.
    pub fn no_samples(event: &[u8]) -> Error {
        Error::quoting(&[b"ERR No samples available for event '", printed(event), b"'"])
    }

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

    /// `AUTH password` where none is needed.
    pub const AUTH_WITHOUT_PASSWORD: Error = fixed(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
         configuration is correct?",
    );
    /// A wrong name or password.
    pub const WRONG_PASSWORD: Error = fixed("WRONGPASS invalid username-password pair or user is disabled.");
    /// `HELLO` before `AUTH`.
    pub const HELLO_WITHOUT_AUTH: Error = fixed(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> \
         <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
    /// `HELLO` with a version that is none.
    pub const BAD_PROTOCOL_VERSION: Error = fixed("ERR Protocol version is not an integer or out of range");
    /// `HELLO` with a version that there isn't.
    pub const NO_SUCH_PROTOCOL: Error = fixed("NOPROTO unsupported protocol version");
    /// A name with spaces.
    pub const BAD_CLIENT_NAME: Error = fixed("ERR Client names cannot contain spaces, newlines or special characters.");
    /// `CLIENT LIST ID` with what is no number.
    pub const BAD_CLIENT_ID: Error = fixed("ERR Invalid client ID");
    /// `CLIENT KILL ID` with what is no number.
    pub const BAD_KILL_ID: Error = fixed("ERR client-id should be greater than 0");
    /// `CLIENT KILL` of an address that nobody has.
    pub const NO_SUCH_CLIENT: Error = fixed("ERR No such client");
    /// `CLIENT PAUSE` with another mode.
    pub const BAD_PAUSE_MODE: Error = fixed("ERR CLIENT PAUSE mode must be WRITE or ALL");
    /// `CLIENT PAUSE` with what is no number.
    pub const TIMEOUT_NOT_AN_INTEGER: Error = fixed("ERR timeout is not an integer or out of range");
    /// `CLIENT PAUSE` with less than nothing.
    pub const TIMEOUT_NEGATIVE: Error = fixed("ERR timeout is negative");
    /// `CLIENT UNBLOCK` with another reason.
    pub const BAD_UNBLOCK_REASON: Error = fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    /// What a client gets whose wait another ended with `CLIENT UNBLOCK id ERROR`.
    pub const UNBLOCKED: Error = fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    /// `SSUBSCRIBE` in `EXEC`, where nothing may wait.
    pub const SHARD_SUBSCRIBE_IN_MULTI: Error = fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    /// `CLIENT CACHING` alone.
    pub const CACHING_WITHOUT_TRACKING: Error = fixed(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
    /// More clients than `limits.clients`.
    pub const TOO_MANY_CLIENTS: Error = fixed("ERR max number of clients reached");

    /// A `HELLO` option that there isn't.
    pub fn bad_hello_option(option: &[u8]) -> Error {
        Error::new(format!("ERR Syntax error in HELLO option '{}'", String::from_utf8_lossy(option)))
    }

    /// `CLIENT KILL USER` of a user that there isn't.
    pub fn no_such_user(name: &[u8]) -> Error {
        Error::new(format!("ERR No such user '{}'", String::from_utf8_lossy(name)))
    }

    /// `CLIENT LIST TYPE` of a type that there isn't.
    pub fn unknown_client_type(name: &[u8]) -> Error {
        Error::new(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(name)))
    }

    /// As the reply to an `EXEC` that can't even be tried.
    pub fn aborting(self) -> Error {
        const CODE: &str = "EXECABORT Transaction discarded because of: ";
        let why = self.text();
        if why.starts_with(CODE) {
            return self;
        }
        let why = why.strip_prefix("ERR ").unwrap_or(&why);
        Error::new(format!("{CODE}{why}"))
    }

    /// Anything but a subscription while a RESP2 client is subscribed.
    pub fn only_subscriptions(name: &str) -> Error {
        Error::new(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
             this context"
        ))
    }

    /// An error of a text that is made up for the occasion. It begins with its code.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Error {
        Error(match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    /// An error of these parts after another, one of which repeats what the client sent.
    pub fn quoting(parts: &[&[u8]]) -> Error {
        Error(Cow::Owned(parts.concat()))
    }

    /// The text, its code first.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Answers a request with it.
    pub fn write(&self, reply: &mut Writer<'_>) {
        reply.error_bytes(&self.0);
    }

    /// A command that has no row.
    pub fn unknown_command(args: Args<'_>) -> Error {
        let mut shown = Vec::new();
        for argument in args.iter_from(1) {
            if shown.len() >= SHOWN {
                break;
            }
            let room = SHOWN - shown.len();
            shown.extend_from_slice(&[b"'", shortened(argument, room), b"' "].concat());
        }
        let name = shortened(args.name(), SHOWN);
        Error::quoting(&[b"ERR unknown command '", name, b"', with args beginning with: ", &shown])
    }

    /// A container's subcommand that has no row.
    pub fn unknown_subcommand(args: Args<'_>) -> Error {
        let subcommand = shortened(args.get(1).unwrap_or_default(), SHOWN);
        let container = args.name().to_ascii_uppercase();
        Error::quoting(&[b"ERR unknown subcommand '", subcommand, b"'. Try ", &container, b" HELP."])
    }

    /// A container's subcommand with too many or too few arguments, where the command itself looks at them.
    pub fn subcommand_syntax(args: Args<'_>) -> Error {
        let subcommand = shortened(args.get(1).unwrap_or_default(), SHOWN);
        let container = args.name().to_ascii_uppercase();
        Error::quoting(&[
            b"ERR unknown subcommand or wrong number of arguments for '",
            subcommand,
            b"'. Try ",
            &container,
            b" HELP.",
        ])
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

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Error").field(&self.text()).finish()
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
