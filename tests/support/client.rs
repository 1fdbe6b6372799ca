//! A small blocking client that hides nothing: raw bytes out, raw replies in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::frame::FrameScanner;
use super::value::Value;

const TIMEOUT: Duration = Duration::from_secs(5);

/// One connection. Its convenient methods (`call`, `command`, `hello3`) panic on I/O errors; the others return them.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    scanner: FrameScanner,
    timeout: Duration,
}

impl Client {
    /// Connects to a port on 127.0.0.1.
    pub fn connect(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, received: Vec::new(), scanner: FrameScanner::new(), timeout: TIMEOUT })
    }

    /// Whether a server on this port answers PING.
    pub fn answers(port: u16) -> bool {
        let ping = || -> io::Result<Vec<u8>> {
            let mut client = Self::connect(port)?;
            client.set_timeout(Duration::from_secs(1));
            client.send(&["PING"])?;
            client.read_raw()
        };
        ping().is_ok_and(|reply| reply == b"+PONG\r\n")
    }

    /// How long a read waits before it fails; five seconds at first.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The client's side of the connection, as the server's CLIENT LIST shows it.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket")
    }

    /// The socket itself, for a test that wants to shut down or reset it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a command without waiting for its reply.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<()> {
        self.send_raw(&encode(args))
    }

    /// Reads exactly one reply as raw bytes.
    pub fn read_raw(&mut self) -> io::Result<Vec<u8>> {
        let timeout = self.timeout;
        self.read_within(timeout)?.ok_or_else(|| self.no_reply(timeout))
    }

    /// Reads exactly one reply.
    pub fn read(&mut self) -> io::Result<Value> {
        self.read_raw().map(|raw| Value::parse(&raw))
    }

    /// Reads one reply, or none if it is not there within `limit`. A closed connection is an error.
    pub fn read_within(&mut self, limit: Duration) -> io::Result<Option<Vec<u8>>> {
        let deadline = Instant::now() + limit;
        loop {
            let complete = self.scanner.advance(&self.received);
            if let Some(length) = complete.map_err(|text| self.bad_reply(&text))? {
                let rest = self.received.split_off(length);
                self.scanner = FrameScanner::new();
                return Ok(Some(std::mem::replace(&mut self.received, rest)));
            }
            match self.receive(deadline)? {
                Received::Bytes => {}
                Received::Nothing => return Ok(None),
                Received::End => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Waits until the server closes the connection; returns what it sent before. Fails if it stays open.
    pub fn read_to_close(&mut self) -> io::Result<Vec<u8>> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.receive(deadline) {
                Ok(Received::Bytes) => {}
                Ok(Received::End) => return Ok(std::mem::take(&mut self.received)),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok(std::mem::take(&mut self.received));
                }
                Ok(Received::Nothing) => {
                    let text = "the connection stays open".to_owned();
                    return Err(io::Error::new(ErrorKind::TimedOut, text));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What has arrived and was not read, without waiting.
    pub fn unread(&mut self) -> io::Result<Vec<u8>> {
        self.stream.set_nonblocking(true)?;
        while let Ok(Received::Bytes) = self.read_piece() {}
        self.stream.set_nonblocking(false)?;
        Ok(self.received.clone())
    }

    /// Sends a command and reads its reply as raw bytes.
    #[track_caller]
    pub fn command_raw<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Vec<u8> {
        self.send(args).and_then(|()| self.read_raw()).unwrap_or_else(|error| panic!("{}: {error}", show(args)))
    }

    /// Sends a command and reads its reply.
    #[track_caller]
    pub fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Value {
        Value::parse(&self.command_raw(args))
    }

    /// The same for a command whose arguments are plain words.
    #[track_caller]
    pub fn call(&mut self, words: &str) -> Value {
        self.command(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Changes the connection to RESP3.
    #[track_caller]
    pub fn hello3(&mut self) -> Value {
        let reply = self.call("HELLO 3");
        assert!(matches!(reply, Value::Map(_)), "{reply:?}");
        reply
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Received> {
        let left = deadline.saturating_duration_since(Instant::now());
        // Zero would mean no timeout at all.
        let left = left.max(Duration::from_micros(1));
        self.stream.set_read_timeout(Some(left))?;
        self.read_piece()
    }

    fn read_piece(&mut self) -> io::Result<Received> {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => Ok(Received::End),
            Ok(length) => {
                self.received.extend_from_slice(&piece[..length]);
                Ok(Received::Bytes)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Received::Nothing),
                ErrorKind::Interrupted => Ok(Received::Bytes),
                _ => Err(error),
            },
        }
    }

    fn no_reply(&self, limit: Duration) -> io::Error {
        let part = self.received.escape_ascii();
        let text = format!("no reply within {limit:?}, only \"{part}\"");
        io::Error::new(ErrorKind::TimedOut, text)
    }

    fn bad_reply(&self, reason: &str) -> io::Error {
        let bytes = &self.received[..self.received.len().min(200)];
        let text = format!("not a reply: {reason}, in \"{}\"", bytes.escape_ascii());
        io::Error::new(ErrorKind::InvalidData, text)
    }
}

enum Received {
    Bytes,
    Nothing,
    End,
}

/// A command as a client library sends it: an array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn show<A: AsRef<[u8]>>(args: &[A]) -> String {
    let words: Vec<String> = args.iter().map(|arg| arg.as_ref().escape_ascii().to_string()).collect();
    words.join(" ")
}
