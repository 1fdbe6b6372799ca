//! The `CLIENT` commands: they are about connections to respool, not to what stands behind it.

use super::registry::ClientInfo;
use super::shared::now_ms;
use super::{Session, Silence};
use crate::command::{Error, Local};
use crate::resp::number::parse_integer;
use crate::resp::{Args, Writer};
use crate::store::mailbox::Unblock;

/// What `CLIENT HELP` prints, without the frame that all help has.
const HELP: &[&str] = &[
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The number of this connection.",
    "INFO",
    "    What is known of this connection.",
    "KILL <ip:port>",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Close connections; options are ADDR, LADDR, TYPE, USER, SKIPME, ID.",
    "LIST [TYPE <type>] [ID <id> [<id> ...]]",
    "    What is known of all connections.",
    "NO-EVICT (ON|OFF)",
    "    Accepted; respool evicts no client.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Hold back all commands, or those that write, for so many milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Whether replies are sent.",
    "SETNAME <name>",
    "    Name this connection.",
    "UNBLOCK <id> [TIMEOUT|ERROR]",
    "    End the wait of a blocked connection.",
    "UNPAUSE",
    "    End a PAUSE.",
    "HELP",
    "    This help.",
];

/// A name without spaces and control characters.
pub(super) fn check_name(name: &[u8]) -> Result<(), Error> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) { Ok(()) } else { Err(Error::BAD_CLIENT_NAME) }
}

impl Session {
    pub(super) fn client(&mut self, local: Local, args: Args<'_>, reply: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = Writer::new(reply, self.protocol);
        match local {
            Local::ClientId => writer.integer(self.info.id as i64),
            Local::ClientGetName => {
                let name = self.info.name();
                writer.bulk_or_null((!name.is_empty()).then_some(&*name));
            }
            Local::ClientSetName => {
                check_name(args.at(2))?;
                self.info.set_name(args.at(2));
                writer.ok();
            }
            Local::ClientInfo => {
                let mut line = self.info.line(now_ms());
                line.push(b'\n');
                writer.verbatim("txt", &line);
            }
            Local::ClientList => {
                let text = self.client_list(args)?;
                writer.verbatim("txt", &text);
            }
            Local::ClientKill => self.client_kill(args, &mut writer)?,
            Local::ClientNoEvict => {
                if !args.is(2, "ON") && !args.is(2, "OFF") {
                    return Err(Error::SYNTAX);
                }
                writer.ok();
            }
            Local::ClientReply => {
                if args.is(2, "ON") {
                    self.silence = Silence::None;
                    writer.ok();
                } else if args.is(2, "OFF") {
                    self.silence = Silence::Off;
                } else if args.is(2, "SKIP") {
                    if self.silence != Silence::Off {
                        self.silence = Silence::SkipNext;
                    }
                } else {
                    return Err(Error::SYNTAX);
                }
            }
            Local::ClientPause => {
                let timeout = parse_integer(args.at(2)).ok_or(Error::TIMEOUT_NOT_AN_INTEGER)?;
                let timeout = u64::try_from(timeout).map_err(|_| Error::TIMEOUT_NEGATIVE)?;
                let writes_only = match args.len() {
                    3 => false,
                    4 if args.is(3, "WRITE") => true,
                    4 if args.is(3, "ALL") => false,
                    4 => return Err(Error::BAD_PAUSE_MODE),
                    _ => return Err(Error::SYNTAX),
                };
                self.shared.pause.set(now_ms().saturating_add(timeout), writes_only);
                writer.ok();
            }
            Local::ClientUnpause => {
                self.shared.pause.end();
                for client in self.shared.registry.list() {
                    client.mailbox.wake();
                }
                writer.ok();
            }
            Local::ClientUnblock => {
                let reason = match args.len() {
                    3 => Unblock::Timeout,
                    4 if args.is(3, "TIMEOUT") => Unblock::Timeout,
                    4 if args.is(3, "ERROR") => Unblock::Error,
                    4 => return Err(Error::BAD_UNBLOCK_REASON),
                    _ => return Err(Error::subcommand_syntax(args)),
                };
                let id = parse_integer(args.at(2)).ok_or(Error::NOT_AN_INTEGER)?;
                let client = u64::try_from(id).ok().and_then(|id| self.shared.registry.find(id));
                let blocked = client.is_some_and(|client| client.is_blocked() && client.mailbox.unblock(reason));
                writer.flag(blocked);
            }
            Local::ClientGetRedir => writer.integer(-1),
            Local::ClientTracking => {
                if args.is(2, "OFF") {
                    writer.ok();
                } else if args.is(2, "ON") {
                    return Err(Error::refused(
                        "client|tracking",
                        "a lane is shared, and so its invalidations would reach every client",
                    ));
                } else {
                    return Err(Error::SYNTAX);
                }
            }
            Local::ClientTrackingInfo => {
                writer.map(3);
                writer.bulk(b"flags");
                writer.set(1);
                writer.bulk(b"off");
                writer.bulk(b"redirect");
                writer.integer(-1);
                writer.bulk(b"prefixes");
                writer.array(0);
            }
            Local::ClientCaching => {
                return Err(Error::CACHING_WITHOUT_TRACKING);
            }
            Local::ClientHelp => {
                writer.array(HELP.len() + 1);
                writer.simple("CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
                for line in HELP {
                    writer.simple(line);
                }
            }
            _ => return Err(Error::unknown_command(args)),
        }
        Ok(())
    }

    fn client_list(&self, args: Args<'_>) -> Result<Vec<u8>, Error> {
        let mut clients = self.shared.registry.list();
        if args.len() == 4 && args.is(2, "TYPE") {
            let kind = ClientType::parse(args.at(3))?;
            clients.retain(|client| kind.fits(client));
        } else if args.len() > 3 && args.is(2, "ID") {
            let ids: Vec<u64> = args
                .iter_from(3)
                .map(|id| parse_integer(id).map(|id| u64::try_from(id).unwrap_or(0)).ok_or(Error::BAD_CLIENT_ID))
                .collect::<Result<_, _>>()?;
            // In the order asked for, as Redis does.
            clients = ids.iter().filter_map(|&id| self.shared.registry.find(id)).collect();
        } else if args.len() != 2 {
            return Err(Error::SYNTAX);
        }
        let now_ms = now_ms();
        let mut text = Vec::new();
        for client in clients {
            text.extend(client.line(now_ms));
            text.push(b'\n');
        }
        Ok(text)
    }

    fn client_kill(&mut self, args: Args<'_>, writer: &mut Writer<'_>) -> Result<(), Error> {
        // The old form names an address, reports whether it was there, and does not spare the caller.
        let old_form = args.len() == 3;
        let mut filter = Filter { skip_me: !old_form, ..Filter::default() };
        if old_form {
            filter.address = Some(args.at(2));
        } else {
            let mut index = 2;
            while index < args.len() {
                let value = args.get(index + 1).ok_or(Error::SYNTAX)?;
                filter.add(args, index, value)?;
                index += 2;
            }
        }
        let mut killed = 0;
        for client in self.shared.registry.list() {
            let me = client.id == self.info.id;
            if !filter.fits(&client) || (me && filter.skip_me) {
                continue;
            }
            killed += 1;
            if me {
                self.closing = true;
            } else {
                client.mailbox.kill();
            }
        }
        match (old_form, killed) {
            (true, 0) => return Err(Error::NO_SUCH_CLIENT),
            (true, _) => writer.ok(),
            (false, killed) => writer.count(killed),
        }
        Ok(())
    }
}

/// Which clients `CLIENT KILL` means.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    kind: Option<ClientType>,
    skip_me: bool,
}

impl<'a> Filter<'a> {
    fn add(&mut self, args: Args<'a>, index: usize, value: &'a [u8]) -> Result<(), Error> {
        if args.is(index, "ID") {
            let id = parse_integer(value).filter(|&id| id >= 1).ok_or(Error::BAD_KILL_ID)?;
            self.id = Some(id as u64);
        } else if args.is(index, "TYPE") {
            self.kind = Some(ClientType::parse(value)?);
        } else if args.is(index, "ADDR") {
            self.address = Some(value);
        } else if args.is(index, "LADDR") {
            self.local_address = Some(value);
        } else if args.is(index, "USER") {
            if value != b"default" {
                return Err(Error::no_such_user(value));
            }
        } else if args.is(index, "SKIPME") {
            self.skip_me = match value.to_ascii_lowercase().as_slice() {
                b"yes" => true,
                b"no" => false,
                _ => return Err(Error::SYNTAX),
            };
        } else {
            return Err(Error::SYNTAX);
        }
        Ok(())
    }

    fn fits(&self, client: &ClientInfo) -> bool {
        self.id.is_none_or(|id| id == client.id)
            && self.address.is_none_or(|address| address == client.address.to_string().as_bytes())
            && self.local_address.is_none_or(|address| address == client.local_address.to_string().as_bytes())
            && self.kind.is_none_or(|kind| kind.fits(client))
    }
}

/// What Redis tells apart; respool has neither masters nor replicas among its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientType {
    Normal,
    PubSub,
    Replication,
}

impl ClientType {
    fn parse(name: &[u8]) -> Result<Self, Error> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"pubsub" => Ok(ClientType::PubSub),
            b"master" | b"replica" | b"slave" => Ok(ClientType::Replication),
            _ => Err(Error::unknown_client_type(name)),
        }
    }

    fn fits(self, client: &ClientInfo) -> bool {
        match self {
            ClientType::Normal => !client.is_subscribed(),
            ClientType::PubSub => client.is_subscribed(),
            ClientType::Replication => false,
        }
    }
}
