//! A blocking client for what happens outside the measured time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::reply::{Scanner, Tally};
use crate::workload::append_command;

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One connection that sends and waits.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects to a server on this machine.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Sends one command and returns its reply as it came. An error or null reply is an error.
    pub fn call(&mut self, words: &[&str]) -> Result<Vec<u8>> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut request = Vec::new();
        append_command(&mut request, &words);
        self.exchange(&request, 1)
    }

    /// Sends prepared commands and waits for `replies` good replies.
    pub fn exchange(&mut self, request: &[u8], replies: u32) -> Result<Vec<u8>> {
        self.stream.write_all(request)?;
        let (mut scanner, mut tally) = (Scanner::new(), Tally::default());
        let (mut answer, mut seen) = (Vec::new(), 0);
        let mut buffer = vec![0; 64 * 1024];
        while seen < replies {
            let length = self.stream.read(&mut buffer).context("no reply")?;
            if length == 0 {
                bail!("the connection was closed after {seen} of {replies} replies");
            }
            answer.extend_from_slice(&buffer[..length]);
            seen += scanner.scan(&buffer[..length], &mut tally);
        }
        if let Some(error) = tally.first_error {
            bail!("{} error replies, the first: {error}", tally.errors);
        }
        if tally.nulls > 0 {
            bail!("{} null replies", tally.nulls);
        }
        Ok(answer)
    }
}
