//! What is known of a command.

use super::blocking::Blocking;
use super::context::Context;
use super::error::Error;
use crate::resp::Args;

/// Bits of [`Row::flags`], named as `COMMAND INFO` names them, and in its order.
pub mod flag {
    macro_rules! flags {
        ($($name:ident = $bit:literal, $text:literal;)*) => {
            $(#[doc = concat!("`", $text, "`")] pub const $name: u32 = 1 << $bit;)*
            /// All of them with the name that `COMMAND INFO` prints.
            pub const NAMES: &[(u32, &str)] = &[$(($name, $text)),*];
        };
    }
    flags! {
        WRITE = 0, "write";
        READONLY = 1, "readonly";
        DENYOOM = 2, "denyoom";
        ADMIN = 3, "admin";
        PUBSUB = 4, "pubsub";
        NOSCRIPT = 5, "noscript";
        BLOCKING = 6, "blocking";
        LOADING = 7, "loading";
        STALE = 8, "stale";
        SKIP_MONITOR = 9, "skip_monitor";
        SKIP_SLOWLOG = 10, "skip_slowlog";
        ASKING = 11, "asking";
        FAST = 12, "fast";
        NO_AUTH = 13, "no_auth";
        NO_MANDATORY_KEYS = 14, "no_mandatory_keys";
        NO_ASYNC_LOADING = 15, "no_async_loading";
        NO_MULTI = 16, "no_multi";
        MOVABLEKEYS = 17, "movablekeys";
        ALLOW_BUSY = 18, "allow_busy";
    }
}

/// Bits of [`KeySpec::flags`], named as `COMMAND INFO` names them.
pub mod access {
    macro_rules! flags {
        ($($name:ident = $bit:literal, $text:literal;)*) => {
            $(#[doc = concat!("`", $text, "`")] pub const $name: u16 = 1 << $bit;)*
            /// All of them with the name that `COMMAND INFO` prints.
            pub const NAMES: &[(u16, &str)] = &[$(($name, $text)),*];
        };
    }
    flags! {
        RO = 0, "RO";
        RW = 1, "RW";
        OW = 2, "OW";
        RM = 3, "RM";
        ACCESS = 4, "access";
        UPDATE = 5, "update";
        INSERT = 6, "insert";
        DELETE = 7, "delete";
        NOT_KEY = 8, "not_key";
        INCOMPLETE = 9, "incomplete";
        VARIABLE_FLAGS = 10, "variable_flags";
    }
}

/// The group that a command is documented under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// `bitmap`
    Bitmap,
    /// `cluster`
    Cluster,
    /// `connection`
    Connection,
    /// `generic`
    Generic,
    /// `geo`
    Geo,
    /// `hash`
    Hash,
    /// `hyperloglog`
    HyperLogLog,
    /// `list`
    List,
    /// `pubsub`
    PubSub,
    /// `scripting`
    Scripting,
    /// `server`
    Server,
    /// `set`
    Set,
    /// `sorted-set`
    SortedSet,
    /// `stream`
    Stream,
    /// `string`
    String,
    /// `transactions`
    Transactions,
}

impl Group {
    /// Every group, in the order of their numbers: the families of the metrics.
    pub const ALL: [Group; 16] = [
        Group::Bitmap,
        Group::Cluster,
        Group::Connection,
        Group::Generic,
        Group::Geo,
        Group::Hash,
        Group::HyperLogLog,
        Group::List,
        Group::PubSub,
        Group::Scripting,
        Group::Server,
        Group::Set,
        Group::SortedSet,
        Group::Stream,
        Group::String,
        Group::Transactions,
    ];

    /// The name that `COMMAND DOCS` prints, and the metrics' family.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Cluster => "cluster",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }
}

impl Group {
    /// The ACL category of most of the group's commands.
    pub const fn category(self) -> &'static str {
        match self {
            Group::Cluster | Group::Server => "",
            Group::Generic => "keyspace",
            Group::SortedSet => "sortedset",
            Group::Transactions => "transaction",
            other => other.name(),
        }
    }
}

/// Where the search for keys begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this argument.
    Index(usize),
    /// Behind this word, looked for from this argument on (backwards from the end if negative).
    Keyword(&'static str, i32),
    /// Nowhere that could be told without the command's own grammar.
    Unknown,
}

/// Which arguments from there on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (relative to the beginning; negative from the end), every `step`th; of these the first part only
    /// if `limit` is over 1.
    Range {
        /// The last key.
        last: i32,
        /// From key to key.
        step: usize,
        /// 0 and 1: all; 2: the first half.
        limit: usize,
    },
    /// As many as the argument `count` says, from `first` on (both relative to the beginning).
    Counted {
        /// Where the number stands.
        count: usize,
        /// Where the first key stands.
        first: usize,
        /// From key to key.
        step: usize,
    },
    /// Unknown.
    Unknown,
}

/// A part of a command's keys, as `COMMAND INFO` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// What is done with them: bits of [`access`].
    pub flags: u16,
    /// Where they begin.
    pub begin: Begin,
    /// Which they are.
    pub find: Find,
}

impl KeySpec {
    /// One key at `index`.
    pub const fn one(index: usize, flags: u16) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// Keys from `index` to `last` (relative to `index`, or from the end if negative).
    pub const fn range(index: usize, last: i32, step: usize, flags: u16) -> Self {
        KeySpec { flags, begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 } }
    }

    /// A number at `index`, and as many keys behind it.
    pub const fn counted(index: usize, flags: u16) -> Self {
        KeySpec { flags, begin: Begin::Index(index), find: Find::Counted { count: 0, first: 1, step: 1 } }
    }

    /// Behind `word`, looked for from argument `from` on.
    pub const fn keyword(word: &'static str, from: i32, last: i32, limit: usize, flags: u16) -> Self {
        KeySpec { flags, begin: Begin::Keyword(word, from), find: Find::Range { last, step: 1, limit } }
    }

    /// Keys that only the command's own grammar can tell (`SORT`'s `BY`, `GET` and `STORE`).
    pub const fn unknown(flags: u16) -> Self {
        KeySpec { flags, begin: Begin::Unknown, find: Find::Unknown }
    }
}

/// How a command reaches what executes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Answered by the session.
    Local(Local),
    /// On a lane, with the commands of other clients.
    Shared,
    /// May wait for an element: on a connection of the client's own while it waits.
    Blocking,
    /// Changes what its connection is subscribed to.
    Subscribe,
    /// Depends on the state of its connection (`WAIT`): on one of the client's own.
    Exclusive,
    /// Not passed on, with the reason.
    Refused(&'static str),
}

/// What the session answers itself, since it is about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Local {
    Auth,
    ClientCaching,
    ClientGetName,
    ClientGetRedir,
    ClientHelp,
    ClientId,
    ClientInfo,
    ClientKill,
    ClientList,
    ClientNoEvict,
    ClientPause,
    ClientReply,
    ClientSetName,
    ClientTracking,
    ClientTrackingInfo,
    ClientUnblock,
    ClientUnpause,
    Discard,
    Echo,
    Exec,
    Hello,
    Info,
    Multi,
    Ping,
    Quit,
    Reset,
    Select,
    Time,
    Unwatch,
    Watch,
}

/// Whether and where a reply names keys or channels, for whoever has to strip a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Nowhere.
    Plain,
    /// In error texts only.
    ErrorText,
    /// A number that counts all tenants' keys, or a prefix's bytes.
    Count,
    /// An array with an element for each queued command (`EXEC`).
    Queued,
    /// Whatever a script returns.
    Script,
    /// An array of keys.
    Keys,
    /// One key.
    Key,
    /// An array whose first element is a key.
    FirstKey,
    /// An array of a cursor and an array of keys.
    Page,
    /// Stream names: the first of each pair, or a map's keys.
    Streams,
    /// Channels, or their names with counts.
    Channels,
    /// A subscription's confirmation and messages.
    Messages,
}

/// A handler of the memory driver. It writes exactly one reply, or returns the error that is the reply.
pub type Handler = fn(&mut Context<'_, '_>, Args<'_>) -> Result<(), Error>;

/// What the memory driver does with a command.
#[derive(Clone, Copy)]
pub enum Memory {
    /// Runs this with the shards of the request's keys locked.
    Handler(Handler),
    /// Runs this with all shards locked: it works on keys that the request does not name.
    Whole(Handler),
    /// Runs this, or waits.
    Blocking(&'static Blocking),
    /// Refuses it, with the reason.
    Refused(&'static str),
    /// Nothing: the session answers it before it comes here.
    Session,
}

/// A command, or a subcommand of one.
#[derive(Clone, Copy)]
pub struct Row {
    /// In small letters; a subcommand as `client|list`.
    pub name: &'static str,
    /// Arguments with the name: exactly as many, or at least as many if negative.
    pub arity: i32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// Where it is documented.
    pub group: Group,
    /// The release that it came with.
    pub since: &'static str,
    /// ACL categories that do not follow from the flags, as words separated by spaces, without the `@`; of most
    /// commands the group's own, [`Group::category`].
    pub categories: &'static str,
    /// Hints for clients, as words separated by spaces.
    pub tips: &'static str,
    /// Where its keys stand.
    pub keys: &'static [KeySpec],
    /// Which arguments are channels or patterns of channels: first and last as in [`KeySpec::range`].
    pub channels: Option<(usize, i32)>,
    /// How it reaches what executes it.
    pub class: Class,
    /// Where its reply names keys.
    pub reply: Reply,
    /// What the memory driver does with it.
    pub memory: Memory,
    /// The commands of a container.
    pub subcommands: &'static [Row],
}

impl Row {
    /// A row of a shared command that has no keys and isn't in the memory driver; the other functions say the rest.
    pub const fn new(name: &'static str, arity: i32, group: Group, since: &'static str, flags: u32) -> Self {
        Row {
            name,
            arity,
            flags,
            group,
            since,
            categories: group.category(),
            tips: "",
            keys: &[],
            channels: None,
            class: Class::Shared,
            reply: Reply::Plain,
            memory: Memory::Refused(match group {
                Group::Scripting => "Lua scripts are not in the memory driver",
                _ => "it is not in the memory driver",
            }),
            subcommands: &[],
        }
    }

    /// Sets [`Row::categories`].
    pub const fn categories(mut self, categories: &'static str) -> Self {
        self.categories = categories;
        self
    }

    /// Sets [`Row::tips`].
    pub const fn tips(mut self, tips: &'static str) -> Self {
        self.tips = tips;
        self
    }

    /// Sets [`Row::keys`].
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.keys = keys;
        self
    }

    /// Sets [`Row::channels`].
    pub const fn channels(mut self, first: usize, last: i32) -> Self {
        self.channels = Some((first, last));
        self
    }

    /// Sets [`Row::class`].
    pub const fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// The session answers it.
    pub const fn local(mut self, local: Local) -> Self {
        self.class = Class::Local(local);
        self.memory = Memory::Session;
        self
    }

    /// The session carries it out, with the memory driver's broker.
    pub const fn session(mut self) -> Self {
        self.memory = Memory::Session;
        self
    }

    /// Sets [`Row::reply`].
    pub const fn reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    /// The memory driver runs `handler` with the keys' shards locked.
    pub const fn memory(mut self, handler: Handler) -> Self {
        self.memory = Memory::Handler(handler);
        self
    }

    /// The memory driver runs `handler` with all shards locked.
    pub const fn whole(mut self, handler: Handler) -> Self {
        self.memory = Memory::Whole(handler);
        self
    }

    /// The memory driver runs it, or waits.
    pub const fn blocking(mut self, blocking: &'static Blocking) -> Self {
        self.memory = Memory::Blocking(blocking);
        self
    }

    /// Sets [`Row::subcommands`].
    pub const fn subcommands(mut self, subcommands: &'static [Row]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// True if all bits of `flags` are set.
    pub const fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// True of a command that can change data.
    pub const fn is_write(&self) -> bool {
        self.has(flag::WRITE)
    }

    /// True if a request of `length` arguments has as many as the command takes.
    pub const fn accepts(&self, length: usize) -> bool {
        if self.arity >= 0 { length == self.arity as usize } else { length >= self.arity.unsigned_abs() as usize }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}
