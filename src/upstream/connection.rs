//! A connection to an upstream, and how it is made.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::UpstreamError;
use crate::config::Address;
use crate::resp::Protocol;
use crate::resp::reply::{ReplyError, Value};
use crate::resp::write::append_request;

/// A connection that nobody uses at the moment, or the state of one that somebody does.
///
/// The socket belongs to no runtime while the connection lies in the pool, so that any worker can take it. A user
/// takes it out, and puts it back only when the connection is as clean as a new one.
#[derive(Debug)]
pub struct Connection {
    /// The socket; `None` while it is in use, and after it was found unusable.
    pub socket: Option<std::net::TcpStream>,
    /// What was agreed on with `HELLO`.
    pub protocol: Protocol,
    /// What was selected.
    pub database: usize,
    /// Its number at the upstream (`CLIENT ID`), by which a blocked command can be ended.
    pub id: i64,
}

impl Connection {
    /// Dials, enters and asks for the connection's number. Bounded by `timeout` as a whole.
    pub async fn open(address: &Address, timeout: Duration) -> Result<Connection, UpstreamError> {
        match tokio::time::timeout(timeout, Self::open_unbounded(address)).await {
            Ok(result) => result,
            Err(_) => Err(UpstreamError::Unreachable(format!(
                "{}:{} did not answer in {timeout:?}",
                address.host, address.port
            ))),
        }
    }

    async fn open_unbounded(address: &Address) -> Result<Connection, UpstreamError> {
        let unreachable =
            |error: std::io::Error| UpstreamError::Unreachable(format!("{}:{}: {error}", address.host, address.port));
        let mut socket = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(unreachable)?;
        socket.set_nodelay(true).map_err(unreachable)?;
        socket2::SockRef::from(&socket)
            .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(Duration::from_secs(60)))
            .map_err(unreachable)?;

        let mut requests = Vec::new();
        let mut expected = 2;
        if let Some(password) = &address.password {
            let password = password.expose_secret().as_bytes();
            match &address.username {
                Some(user) => append_request(&mut requests, [b"AUTH", user.as_bytes(), password].into_iter()),
                None => append_request(&mut requests, [b"AUTH", password].into_iter()),
            }
            expected += 1;
        }
        append_request(&mut requests, [&b"CLIENT"[..], b"SETNAME", b"respool"].into_iter());
        append_request(&mut requests, [&b"CLIENT"[..], b"ID"].into_iter());
        socket.write_all(&requests).await.map_err(unreachable)?;

        let mut input = Vec::new();
        let mut id = 0;
        for _ in 0..expected {
            if let Value::Integer(number) = read_agreement(&mut socket, &mut input).await? {
                id = number;
            }
        }
        let socket = socket.into_std().map_err(unreachable)?;
        Ok(Connection { socket: Some(socket), protocol: Protocol::Resp2, database: 0, id })
    }

    /// True if the upstream has neither closed the connection nor said anything that nobody asked for.
    pub fn is_quiet(&self) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        matches!(socket.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Takes the socket out, in `protocol` and `database`: nothing is sent before the upstream has agreed to both, or it
    /// would be executed in another database.
    pub async fn prepare(&mut self, protocol: Protocol, database: usize) -> Result<TcpStream, UpstreamError> {
        let lost = |_: std::io::Error| UpstreamError::Lost;
        let socket = self.socket.take().ok_or(UpstreamError::Lost)?;
        let mut socket = TcpStream::from_std(socket).map_err(lost)?;
        let mut requests = Vec::new();
        let replies = self.append_setup(protocol, database, &mut requests);
        if replies > 0 {
            socket.write_all(&requests).await.map_err(lost)?;
        }
        let mut input = Vec::new();
        for _ in 0..replies {
            read_agreement(&mut socket, &mut input).await?;
        }
        Ok(socket)
    }

    /// Appends what brings the connection to `protocol` and `database`; says how many replies that will have.
    pub fn append_setup(&mut self, protocol: Protocol, database: usize, out: &mut Vec<u8>) -> u32 {
        let mut replies = 0;
        if self.protocol != protocol {
            append_request(out, [&b"HELLO"[..], protocol.number().to_string().as_bytes()].into_iter());
            self.protocol = protocol;
            replies += 1;
        }
        if self.database != database {
            append_request(out, [&b"SELECT"[..], database.to_string().as_bytes()].into_iter());
            self.database = database;
            replies += 1;
        }
        replies
    }
}

/// Reads one reply to a request of respool's own; an error is what the upstream refuses the connection with.
async fn read_agreement(socket: &mut TcpStream, input: &mut Vec<u8>) -> Result<Value, UpstreamError> {
    match read_reply(socket, input).await? {
        Value::Error(text) => Err(UpstreamError::Handshake(String::from_utf8_lossy(&text).into_owned())),
        value => Ok(value),
    }
}

/// Reads one reply, for the cold paths; `input` keeps what came behind it.
pub async fn read_reply(socket: &mut TcpStream, input: &mut Vec<u8>) -> Result<Value, UpstreamError> {
    loop {
        match Value::parse(input) {
            Ok((value, consumed)) => {
                input.drain(..consumed);
                return Ok(value);
            }
            Err(ReplyError::Incomplete) => {}
            Err(_) => return Err(UpstreamError::Protocol),
        }
        match socket.read_buf(input).await {
            Ok(0) | Err(_) => return Err(UpstreamError::Lost),
            Ok(_) => {}
        }
    }
}
