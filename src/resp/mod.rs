//! The wire: what stands on a socket, and nothing of what it means.
//!
//! * [`request`]: finds complete requests in a client's bytes, as flat argument vectors
//! * [`reply`]: finds complete replies in an upstream's bytes, without building them
//! * [`mod@write`]: appends replies and requests to a buffer, in RESP2 or RESP3
//! * [`args`]: the arguments of one request
//! * [`number`]: integers and doubles as Redis reads and prints them
//!
//! Reference: <https://redis.io/docs/latest/develop/reference/protocol-spec/>

pub mod args;
pub mod number;
pub mod reply;
pub mod request;
pub mod write;

pub use args::{Args, OwnedArgs, Span};
pub use write::Writer;

/// The version of the protocol that a connection has agreed on with `HELLO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// What every connection starts with.
    #[default]
    Resp2,
    /// Maps, sets, doubles, nulls and pushes of their own.
    Resp3,
}

impl Protocol {
    /// The number that `HELLO` uses for it.
    pub const fn number(self) -> u8 {
        match self {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        }
    }
}
