//! Holds one conversation with one server and writes down every reply.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::frame::Frame;
use crate::support::{Client, wait_within};

use super::format::{Action, Arg, Case, Protocol, Step};
use super::stage::Server;

const SILENCE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(3);
/// After this time INFO is believed instead of a CLIENT LIST that does not show a connection.
const UNLISTED: Duration = Duration::from_millis(300);
const MAX_SCAN_ROUNDS: usize = 100_000;

/// What came of one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing to compare.
    Done,
    /// What was read.
    Replies(Vec<Reply>),
    /// A reply where silence was expected.
    Noise(Vec<u8>),
    /// The connection was closed, after these bytes.
    Closed(Vec<u8>),
    /// All elements of an iteration.
    Union(BTreeSet<Vec<u8>>),
    /// The conversation broke off.
    Failed(String),
}

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Its bytes.
    pub raw: Vec<u8>,
    /// The time since the connection's last command.
    pub elapsed: Duration,
}

/// A conversation as it went.
#[derive(Debug, Default)]
pub struct Transcript {
    /// One outcome per step; the last is a failure if it broke off.
    pub outcomes: Vec<Outcome>,
    /// Connections on which something stood unread at the end.
    pub unread: Vec<(String, Vec<u8>)>,
    /// How many commands were sent.
    pub commands: usize,
}

/// Holds the conversation, from an empty server and with new connections.
pub fn hold(case: &Case, protocol: Protocol, server: &mut Server) -> Transcript {
    if let Err(error) = server.empty() {
        return Transcript { outcomes: vec![Outcome::Failed(error)], ..Transcript::default() };
    }
    let mut talk = Talk { case, protocol, server, connections: BTreeMap::new(), saved: BTreeMap::new(), commands: 0 };
    let mut transcript = Transcript::default();
    for step in &case.steps {
        let outcome = talk.perform(step);
        let outcome = outcome.unwrap_or_else(|reason| Outcome::Failed(talk.explain(reason)));
        let failed = matches!(outcome, Outcome::Failed(_));
        transcript.outcomes.push(outcome);
        if failed {
            break;
        }
    }
    transcript.commands = talk.commands;
    transcript.unread = talk.finish();
    transcript
}

struct Talk<'a> {
    case: &'a Case,
    protocol: Protocol,
    server: &'a mut Server,
    connections: BTreeMap<String, Connection>,
    saved: BTreeMap<String, Vec<u8>>,
    commands: usize,
}

struct Connection {
    client: Client,
    id: Option<Vec<u8>>,
    last_sent: Instant,
}

impl Talk<'_> {
    fn perform(&mut self, step: &Step) -> Result<Outcome, String> {
        match &step.action {
            Action::Call { client, args } => {
                self.send(client, args)?;
                self.read(client, 1, step)
            }
            Action::Send { client, args } => {
                self.send(client, args)?;
                Ok(Outcome::Done)
            }
            Action::Raw { client, bytes } => {
                self.send_raw(client, bytes)?;
                Ok(Outcome::Done)
            }
            Action::Read { client, count } => self.read(client, *count, step),
            Action::Silence { client } => {
                let noise = self.connection(client)?.client.read_within(SILENCE);
                let noise = noise.map_err(|error| describe(&error))?;
                Ok(noise.map_or(Outcome::Done, Outcome::Noise))
            }
            Action::Blocked { clients } => {
                self.wait_until_blocked(clients)?;
                Ok(Outcome::Done)
            }
            Action::Sleep(time) => {
                thread::sleep(*time);
                Ok(Outcome::Done)
            }
            Action::Closed { client } => {
                let mut connection = self.take(client)?;
                let bytes = connection.client.read_to_close();
                bytes.map(Outcome::Closed).map_err(|error| describe(&error))
            }
            Action::Close { client } => {
                let address = self.take(client)?.client.local_address().to_string();
                self.wait_until_gone(&[address]);
                Ok(Outcome::Done)
            }
            Action::ScanAll { client, args } => self.scan_all(client, args),
        }
    }

    fn send(&mut self, name: &str, args: &[Arg]) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(args.len());
        for arg in args {
            bytes.push(self.evaluate(arg)?);
        }
        self.send_raw(name, &crate::support::client::encode(&bytes))
    }

    fn send_raw(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.commands += 1;
        let connection = self.connection(name)?;
        connection.last_sent = Instant::now();
        // A server may answer and close before it has read everything: the reply tells.
        let _ = connection.client.send_raw(bytes);
        Ok(())
    }

    fn evaluate(&mut self, arg: &Arg) -> Result<Vec<u8>, String> {
        match arg {
            Arg::Bytes(bytes) => Ok(bytes.clone()),
            Arg::Saved(name) => {
                let saved = self.saved.get(name).cloned();
                saved.ok_or_else(|| format!("nothing was saved as ${name}"))
            }
            Arg::Id(name) => {
                let id = self.connection(name)?.id.clone();
                id.ok_or_else(|| format!("{name} has no id"))
            }
            Arg::Address(name) => {
                let address = self.connection(name)?.client.local_address();
                Ok(address.to_string().into_bytes())
            }
        }
    }

    fn read(&mut self, name: &str, count: usize, step: &Step) -> Result<Outcome, String> {
        let connection = self.connection(name)?;
        let mut replies = Vec::with_capacity(count);
        for _ in 0..count {
            let raw = connection.client.read_raw();
            replies
                .push(Reply { raw: raw.map_err(|error| describe(&error))?, elapsed: connection.last_sent.elapsed() });
        }
        if let (Some(variable), [reply]) = (&step.save, replies.as_slice()) {
            let text = Frame::open(&reply.raw).text.to_vec();
            self.saved.insert(variable.clone(), text);
        }
        Ok(Outcome::Replies(replies))
    }

    /// The connection of this name, opened when it is first mentioned.
    fn connection(&mut self, name: &str) -> Result<&mut Connection, String> {
        if !self.connections.contains_key(name) {
            let opened = self.open(name).map_err(|error| describe(&error))?;
            self.connections.insert(name.to_owned(), opened);
        }
        Ok(self.connections.get_mut(name).expect("it was just put in"))
    }

    fn open(&self, name: &str) -> io::Result<Connection> {
        let mut client = Client::connect(self.server.port())?;
        let mut ask = |args: &[&str]| -> io::Result<Vec<u8>> {
            client.send(args)?;
            client.read_raw()
        };
        if self.protocol == Protocol::Resp3 {
            let reply = ask(&["HELLO", "3"])?;
            if !reply.starts_with(b"%") {
                let text = format!("HELLO 3: {}", reply.escape_ascii());
                return Err(io::Error::other(text));
            }
        }
        let id =
            if self.case.asks_id_of(name) { Some(Frame::open(&ask(&["CLIENT", "ID"])?).text.to_vec()) } else { None };
        Ok(Connection { client, id, last_sent: Instant::now() })
    }

    fn take(&mut self, name: &str) -> Result<Connection, String> {
        self.connection(name)?;
        Ok(self.connections.remove(name).expect("it was just opened"))
    }

    fn wait_until_blocked(&mut self, names: &[String]) -> Result<(), String> {
        let mut addresses = Vec::new();
        for name in names {
            let connection = self.connections.get(name);
            let connection = connection.ok_or_else(|| format!("{name} is not connected"))?;
            addresses.push(connection.client.local_address().to_string());
        }
        let begin = Instant::now();
        let blocked = wait_within(PATIENCE, || match self.listed_as_blocked(&addresses) {
            Some(blocked) => blocked,
            None => begin.elapsed() > UNLISTED && self.blocked_clients() >= addresses.len(),
        });
        if blocked {
            return Ok(());
        }
        Err(format!("not blocked: {}", names.join(" ")))
    }

    /// Whether CLIENT LIST flags all of them as blocked; none if it does not show them (yet).
    fn listed_as_blocked(&mut self, addresses: &[String]) -> Option<bool> {
        let list = self.client_list().ok()?;
        let is_blocked = |line: &str| field(line, "flags").is_some_and(|flags| flags.contains('b'));
        let blocked: Option<Vec<bool>> =
            addresses.iter().map(|address| line_of(&list, address).map(is_blocked)).collect();
        let all = blocked?.iter().all(|blocked| *blocked);
        Some(all && self.blocked_behind(list.lines().filter(|line| is_blocked(line)).count()))
    }

    /// Whether so many clients of the Redis behind respool are blocked: respool says that a client is as soon as its
    /// command is on the way. True if there is no Redis behind.
    fn blocked_behind(&mut self, count: usize) -> bool {
        let info = self.server.behind(&["INFO", "clients"]);
        info.is_none_or(|info| info.is_ok_and(|info| blocked_clients(&info) == count))
    }

    /// How many clients INFO counts as blocked.
    fn blocked_clients(&mut self) -> usize {
        let info = self.server.control(&["INFO", "clients"]);
        info.map_or(0, |info| blocked_clients(&info))
    }

    fn client_list(&mut self) -> Result<String, String> {
        let list = self.server.control(&["CLIENT", "LIST"])?;
        Ok(String::from_utf8_lossy(&list).into_owned())
    }

    fn scan_all(&mut self, name: &str, args: &[Arg]) -> Result<Outcome, String> {
        let Some(Arg::Bytes(command)) = args.first() else {
            return Err("!scanall needs a command".to_owned());
        };
        let place = if command.eq_ignore_ascii_case(b"SCAN") { 1 } else { 2 };
        let flat_pairs = command.eq_ignore_ascii_case(b"HSCAN") || command.eq_ignore_ascii_case(b"ZSCAN");
        let mut args = args.to_vec();
        args.insert(place.min(args.len()), Arg::Bytes(b"0".to_vec()));
        let mut union = BTreeSet::new();
        for _ in 0..MAX_SCAN_ROUNDS {
            self.send(name, &args)?;
            let connection = self.connection(name)?;
            let raw = connection.client.read_raw();
            let raw = raw.map_err(|error| describe(&error))?;
            let frame = Frame::open(&raw);
            let [cursor, elements] = frame.items.as_slice() else {
                return Ok(Outcome::Noise(raw));
            };
            let elements = Frame::open(elements).items;
            let chunks = elements.chunks(if flat_pairs { 2 } else { 1 });
            union.extend(chunks.map(<[_]>::concat));
            let cursor = Frame::open(cursor).text.to_vec();
            if cursor == b"0" {
                return Ok(Outcome::Union(union));
            }
            args[place] = Arg::Bytes(cursor);
        }
        Err(format!("no end after {MAX_SCAN_ROUNDS} rounds"))
    }

    /// Closes all connections; returns what stood unread on them.
    fn finish(mut self) -> Vec<(String, Vec<u8>)> {
        let mut unread = Vec::new();
        let mut addresses = Vec::new();
        for (name, mut connection) in std::mem::take(&mut self.connections) {
            addresses.push(connection.client.local_address().to_string());
            match connection.client.unread() {
                Ok(bytes) if !bytes.is_empty() => unread.push((name, bytes)),
                _ => {}
            }
        }
        self.wait_until_gone(&addresses);
        unread
    }

    /// Waits until the server has noticed that connections are closed, so that none of them waits for an element
    /// of the next case.
    fn wait_until_gone(&mut self, addresses: &[String]) {
        wait_within(PATIENCE, || match self.client_list() {
            Ok(list) => !addresses.iter().any(|address| line_of(&list, address).is_some()),
            Err(_) => true,
        });
    }

    /// A failure's reason, with the server's last words if it died.
    fn explain(&mut self, reason: String) -> String {
        if !self.server.has_died() {
            return reason;
        }
        format!("{reason}; the server died:\n{}", self.server.last_words())
    }
}

fn blocked_clients(info: &[u8]) -> usize {
    let info = String::from_utf8_lossy(info);
    let count = info.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn line_of<'a>(list: &'a str, address: &str) -> Option<&'a str> {
    list.lines().find(|line| field(line, "addr") == Some(address))
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = line.split(' ');
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn describe(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the server closed the connection".to_owned();
    }
    error.to_string()
}
