//! The servers that conversations are held with.

use crate::support::{Client, RedisServer, Respool};

use super::format::Target;

/// The reference and its targets. Every thread has a stage of its own, because each case begins with FLUSHALL.
pub struct Stage {
    /// The `redis-server` whose replies are right.
    pub reference: Server,
    /// The servers that must reply alike.
    pub targets: Vec<(Target, Server)>,
}

impl Stage {
    /// Starts all servers.
    pub fn start(targets: &[Target]) -> Self {
        Self {
            reference: Server::redis(RedisServer::start()),
            targets: targets.iter().map(|target| (*target, Server::start(*target))).collect(),
        }
    }
}

/// A server, with a connection for FLUSHALL and for looking at its clients.
pub struct Server {
    redis: Option<RedisServer>,
    respool: Option<Respool>,
    control: Option<Client>,
    behind: Option<Client>,
    judged_stderr: usize,
}

impl Server {
    /// A server as the reference is.
    pub fn redis(redis: RedisServer) -> Self {
        Self { redis: Some(redis), respool: None, control: None, behind: None, judged_stderr: 0 }
    }

    fn start(target: Target) -> Self {
        let redis = (target != Target::Memory).then(RedisServer::start);
        let respool = match (target, &redis) {
            (Target::Memory, _) => Some(Respool::memory()),
            (Target::Upstream, Some(redis)) => Some(Respool::before(redis)),
            _ => None,
        };
        Self { redis, respool, control: None, behind: None, judged_stderr: 0 }
    }

    /// The port that a case talks to.
    pub fn port(&self) -> u16 {
        match (&self.respool, &self.redis) {
            (Some(respool), _) => respool.port(),
            (None, Some(redis)) => redis.port(),
            (None, None) => unreachable!("a server is a Redis or a respool"),
        }
    }

    /// Empties the server; starts it again if it died.
    pub fn empty(&mut self) -> Result<(), String> {
        if self.control(&["FLUSHALL"]).is_ok() {
            return Ok(());
        }
        self.restart_the_dead();
        self.control(&["FLUSHALL"]).map(drop)
    }

    /// Sends a command over the control connection; an error reply is an error.
    pub fn control(&mut self, args: &[&str]) -> Result<Vec<u8>, String> {
        let port = self.port();
        ask(&mut self.control, port, args)
    }

    /// Sends a command to the Redis behind respool, if there is one, past respool.
    pub fn behind(&mut self, args: &[&str]) -> Option<Result<Vec<u8>, String>> {
        let (Some(redis), Some(_)) = (&self.redis, &self.respool) else {
            return None;
        };
        Some(ask(&mut self.behind, redis.port(), args))
    }

    /// The first panic in what respool has written since this was asked last.
    pub fn panic(&mut self) -> Option<String> {
        let stderr = self.respool.as_ref()?.stderr();
        let news = stderr.get(self.judged_stderr..).unwrap_or_default();
        self.judged_stderr = stderr.len();
        let place = news.find("panicked at")?;
        Some(news[place..].chars().take(1000).collect())
    }

    fn restart_the_dead(&mut self) {
        if let Some(redis) = &mut self.redis
            && !redis.is_running()
        {
            redis.restart();
        }
        if let Some(respool) = &mut self.respool
            && !respool.is_running()
        {
            respool.restart();
        }
    }

    /// Whether its process has ended without being asked to.
    pub fn has_died(&mut self) -> bool {
        let redis = self.redis.as_mut().is_some_and(|redis| !redis.is_running());
        let respool = self.respool.as_mut();
        redis || respool.is_some_and(|respool| !respool.is_running())
    }

    /// The end of what it has logged.
    pub fn last_words(&self) -> String {
        let log = match (&self.respool, &self.redis) {
            (Some(respool), _) => respool.stderr(),
            (None, Some(redis)) => redis.log(),
            (None, None) => String::new(),
        };
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

/// Sends a command over a connection that is opened when needed, and given up after a failure.
fn ask(connection: &mut Option<Client>, port: u16, args: &[&str]) -> Result<Vec<u8>, String> {
    let mut client = match connection.take() {
        Some(client) => client,
        None => Client::connect(port).map_err(|error| error.to_string())?,
    };
    let reply = client.send(args).and_then(|()| client.read_raw());
    let reply = reply.map_err(|error| format!("{}: {error}", args.join(" ")))?;
    *connection = Some(client);
    if reply.starts_with(b"-") {
        return Err(format!("{}: {}", args.join(" "), reply.escape_ascii()));
    }
    Ok(reply)
}
