//! Why an upstream did not answer.

use std::time::Duration;

use crate::command::error::UpstreamFailure;

/// Why a request got no reply from the upstream. What the client is told is in [`crate::command::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamError {
    /// No connection could be made.
    Unreachable(String),
    /// The upstream refused respool's own `AUTH` or `SELECT`, with this text.
    Handshake(String),
    /// All connections that `pool.max` allows are in use, and none came free in time.
    Exhausted {
        /// `pool.max`
        max: u32,
        /// `pool.acquire_timeout`
        waited: Duration,
    },
    /// The connection was lost after the request was sent and before its reply came.
    Lost,
    /// The upstream sent what is no reply.
    Protocol,
    /// Too many bytes wait for a connection already (`limits.lane_bytes`).
    Full,
}

impl UpstreamError {
    /// True if it gets no better by asking again: a refused password does not, unlike a Redis that is full or loading.
    pub fn is_lasting(&self) -> bool {
        let passing = ["ERR max number of clients", "LOADING"];
        matches!(self, UpstreamError::Handshake(text) if !passing.iter().any(|error| text.starts_with(error)))
    }
}

impl UpstreamFailure for UpstreamError {
    fn is_retry_safe(&self) -> bool {
        !matches!(self, UpstreamError::Lost | UpstreamError::Protocol)
    }
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UpstreamError::Unreachable(why) => write!(f, "the upstream can't be reached: {why}"),
            UpstreamError::Handshake(text) => write!(f, "the upstream refused the connection: {text}"),
            UpstreamError::Exhausted { max, waited } => write!(
                f,
                "all {max} upstream connections are in use (pool.max = {max}) and none came free in {waited:?} \
                 (pool.acquire_timeout); as a rule of thumb pool.max should be at least queue size x tenants"
            ),
            UpstreamError::Lost => f.write_str("the upstream connection was lost before the reply came"),
            UpstreamError::Protocol => f.write_str("the upstream sent bytes that are no reply"),
            UpstreamError::Full => f.write_str("too many bytes wait for the upstream (limits.lane_bytes)"),
        }
    }
}

impl std::error::Error for UpstreamError {}
