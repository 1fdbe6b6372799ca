//! What a session answers itself.

use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::{Action, Session, Silence};
use crate::command::info::{REDIS_VERSION, Wanted};
use crate::command::{Error, Local};
use crate::resp::number::parse_integer;
use crate::resp::{Args, Protocol, Writer};
use crate::store::shard::Stats;

impl Session {
    /// Writes the reply to a command about the connection; also inside a transaction of the memory driver.
    pub fn local(&mut self, local: Local, args: Args<'_>, reply: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = Writer::new(reply, self.protocol);
        match local {
            Local::Ping => {
                if args.len() > 2 {
                    return Err(Error::wrong_arity("ping"));
                }
                if self.protocol == Protocol::Resp2 && self.subscriptions().is_some() {
                    writer.array(2);
                    writer.bulk(b"pong");
                    writer.bulk(args.get(1).unwrap_or_default());
                } else {
                    match args.get(1) {
                        Some(message) => writer.bulk(message),
                        None => writer.simple("PONG"),
                    }
                }
            }
            Local::Echo => writer.bulk(args.at(1)),
            Local::Time => {
                let micros = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                writer.array(2);
                writer.bulk(micros.as_secs().to_string().as_bytes());
                writer.bulk(micros.subsec_micros().to_string().as_bytes());
            }
            Local::Info => self.write_info(args, None, reply),
            Local::Select => {
                let database = parse_integer(args.at(1)).ok_or(Error::NOT_AN_INTEGER)?;
                i32::try_from(database).map_err(|_| Error::NOT_AN_INT)?;
                match usize::try_from(database) {
                    Ok(database) if database < self.shared.databases => {
                        writer.ok();
                        self.set_database(database);
                    }
                    _ => return Err(Error::DATABASE_OUT_OF_RANGE),
                }
            }
            Local::Auth => {
                let (user, password) = match args.len() {
                    2 => (None, args.at(1)),
                    3 => (Some(args.at(1)), args.at(2)),
                    _ => return Err(Error::SYNTAX),
                };
                if user.is_none() && self.shared.password.is_none() {
                    return Err(Error::AUTH_WITHOUT_PASSWORD);
                }
                self.authenticate(user.unwrap_or(b"default"), password)?;
                writer.ok();
            }
            Local::Hello => self.hello(args, reply)?,
            Local::Quit => {
                writer.ok();
                self.closing = true;
            }
            Local::Multi | Local::Exec | Local::Discard | Local::Watch | Local::Unwatch | Local::Reset => {
                return Err(Error::NOT_IN_MULTI);
            }
            _ => self.client(local, args, reply)?,
        }
        Ok(())
    }

    /// `INFO`, with the store's figures in the memory driver.
    pub fn write_info(&self, args: Args<'_>, stats: Option<Stats>, reply: &mut Vec<u8>) {
        let text = self.shared.render_info(&Wanted::of(args.iter_from(1)), stats);
        Writer::new(reply, self.protocol).verbatim("txt", text.as_bytes());
    }

    /// Checks a name and password, in a time that tells nothing about them.
    fn authenticate(&mut self, user: &[u8], password: &[u8]) -> Result<(), Error> {
        let known = match &self.shared.password {
            // The default user has no password then, and any will do, as in Redis.
            None => true,
            Some(own) => bool::from(own.expose_secret().as_bytes().ct_eq(password)),
        };
        if !known || user != b"default" {
            return Err(Error::WRONG_PASSWORD);
        }
        self.authenticated = true;
        Ok(())
    }

    fn hello(&mut self, args: Args<'_>, reply: &mut Vec<u8>) -> Result<(), Error> {
        let mut protocol = self.protocol;
        if let Some(version) = args.get(1) {
            protocol = match parse_integer(version) {
                Some(2) => Protocol::Resp2,
                Some(3) => Protocol::Resp3,
                Some(_) => return Err(Error::NO_SUCH_PROTOCOL),
                None => return Err(Error::BAD_PROTOCOL_VERSION),
            };
        }
        let mut name = None;
        let mut credentials = None;
        let mut index = 2;
        while let Some(option) = args.get(index) {
            let more = args.len() - 1 - index;
            if args.is(index, "AUTH") && more >= 2 {
                credentials = Some((args.at(index + 1), args.at(index + 2)));
                index += 3;
            } else if args.is(index, "SETNAME") && more >= 1 {
                let wanted = args.at(index + 1);
                super::client::check_name(wanted)?;
                name = Some(wanted);
                index += 2;
            } else {
                return Err(Error::bad_hello_option(option));
            }
        }
        if let Some((user, password)) = credentials {
            self.authenticate(user, password)?;
        }
        if !self.authenticated {
            return Err(Error::HELLO_WITHOUT_AUTH);
        }
        if let Some(name) = name {
            self.info.set_name(name);
        }
        self.protocol = protocol;
        self.info.set_protocol(protocol);

        let mut writer = Writer::new(reply, protocol);
        writer.map(7);
        writer.bulk(b"server");
        writer.bulk(b"redis");
        writer.bulk(b"version");
        writer.bulk(REDIS_VERSION.as_bytes());
        writer.bulk(b"proto");
        writer.integer(i64::from(protocol.number()));
        writer.bulk(b"id");
        writer.integer(self.info.id as i64);
        writer.bulk(b"mode");
        writer.bulk(b"standalone");
        writer.bulk(b"role");
        writer.bulk(b"master");
        writer.bulk(b"modules");
        writer.array(0);
        Ok(())
    }

    /// `RESET`: everything as it was when the client connected.
    pub(super) fn reset<'a>(&mut self, reply: &mut Vec<u8>) -> Action<'a> {
        self.transaction = None;
        self.watching = false;
        self.watch_lost = false;
        // As in Redis, a SKIP before it still counts.
        if self.silence != Silence::Skip {
            self.silence = Silence::None;
        }
        self.protocol = Protocol::Resp2;
        self.authenticated = self.shared.password.is_none();
        self.set_database(self.shared.first_database);
        self.info.set_protocol(Protocol::Resp2);
        self.info.set_name(b"");
        self.info.set_queued(None);
        let subscriptions = self.subscriptions.take().unwrap_or_default();
        self.show_subscriptions();
        Writer::new(reply, self.protocol).simple("RESET");
        Action::Reset(subscriptions)
    }
}
