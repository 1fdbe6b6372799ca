//! Reads what is then cut into replies.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::error::UpstreamError;

/// A read of this size takes the replies to some hundred requests.
pub const READ_BYTES: usize = 64 << 10;

/// What is read into: the longest line that a [`crate::resp::reply::ReplyScanner`] wants to see whole, and a read.
pub const SCRATCH_BYTES: usize = 2 * READ_BYTES + 1024;

/// One connection's reads. They go into a buffer that all connections of a worker take turns with; what could not be
/// cut into replies yet is kept here.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
}

impl Reader {
    /// Reads once. What comes back begins with what was kept.
    pub fn poll<'a>(
        &self,
        socket: &mut TcpStream,
        context: &mut Context<'_>,
        scratch: &'a mut [u8],
    ) -> Poll<Result<&'a [u8], UpstreamError>> {
        let kept = self.rest.len();
        if kept + READ_BYTES > scratch.len() {
            return Poll::Ready(Err(UpstreamError::Protocol));
        }
        scratch[..kept].copy_from_slice(&self.rest);
        let mut buffer = ReadBuf::new(&mut scratch[kept..kept + READ_BYTES]);
        if ready!(Pin::new(socket).poll_read(context, &mut buffer)).is_err() {
            return Poll::Ready(Err(UpstreamError::Lost));
        }
        match buffer.filled().len() {
            0 => Poll::Ready(Err(UpstreamError::Lost)),
            read => Poll::Ready(Ok(&scratch[..kept + read])),
        }
    }

    /// Keeps what could not be cut into replies for the next read.
    pub fn keep(&mut self, rest: &[u8]) {
        self.rest.clear();
        self.rest.extend_from_slice(rest);
    }

    /// True if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is kept.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }
}
