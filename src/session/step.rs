//! From a request to its action.

use super::subscriptions::{Subscriptions, write_confirmation};
use super::{Action, Route, Session, Silence, Transaction};
use crate::command::row::{Group, flag};
use crate::command::{Class, Error, Local, Row, table};
use crate::resp::{Args, Writer};
use crate::store::broker::Topic;

impl Session {
    /// Decides what is to be done with a request. A reply of respool's own is appended to `reply`. `wire` is the
    /// request as it came, unless it came inline.
    ///
    /// A request that is held back, or needs a connection first, changes nothing: it is offered again as it is.
    pub fn step<'a>(
        &mut self,
        args: Args<'a>,
        wire: Option<&'a [u8]>,
        route: Route,
        reply: &mut Vec<u8>,
    ) -> (Action<'a>, Option<Group>) {
        let row = match table::resolve(args) {
            Ok(row) => row,
            Err(error) => return (self.fail(error, args, reply), None),
        };
        let group = Some(row.group);
        if let Some(error) = self.objection(row) {
            return (self.fail(error, args, reply), group);
        }
        self.info.set_command(row);
        // What a client queues or asks respool about itself needs no connection, and never waits for one.
        let queues = self.transaction.is_some() && !ends_transaction(row);
        if !queues && must_hold(row, route) {
            return (Action::Hold, group);
        }
        // Before a connection is acquired, which others could use in the meantime.
        if self.may_pause(row)
            && let Some(until_ms) = self.shared.pause.holds(self.writes(row))
        {
            return (Action::Pause(until_ms), group);
        }
        if !queues && !route.exclusive && self.needs_exclusive(row, args) {
            let to_block = row.class == Class::Blocking;
            return (if route.outstanding > 0 { Action::Hold } else { Action::Acquire { to_block } }, group);
        }
        let start = reply.len();
        self.begin_silence();
        let action = if queues {
            self.queue(row, args, wire, reply).unwrap_or_else(|error| self.reject(error, args, reply))
        } else {
            self.act(row, args, wire, reply).unwrap_or_else(|error| self.refuse(error, reply))
        };
        let answered = matches!(action, Action::Answered | Action::Forget | Action::Reset(_));
        // What confirms a subscription is a message, and messages are never muted.
        if answered && self.is_muted() && row.class != Class::Subscribe {
            reply.truncate(start);
        }
        self.end_silence();
        (action, group)
    }

    /// Answers a request with an error that has nothing to do with what it says.
    pub fn fail<'a>(&mut self, error: Error, args: Args<'_>, reply: &mut Vec<u8>) -> Action<'a> {
        self.begin_silence();
        let action = self.reject(error, args, reply);
        self.end_silence();
        action
    }

    /// True of what `CLIENT PAUSE` holds back. What respool answers itself it does not, so that others can end it.
    fn may_pause(&self, row: &Row) -> bool {
        match row.class {
            Class::Local(Local::Exec) => self.transaction.is_some(),
            Class::Local(_) => false,
            _ => true,
        }
    }

    /// True of what may write, if that is the end of a transaction that does.
    fn writes(&self, row: &Row) -> bool {
        may_replicate(row)
            || (row.class == Class::Local(Local::Exec)
                && self.transaction.as_ref().is_some_and(|transaction| transaction.writes()))
    }

    /// Why a request can't be executed now, whatever it is.
    fn objection(&self, row: &Row) -> Option<Error> {
        if !self.authenticated && !row.has(flag::NO_AUTH) {
            return Some(Error::NO_AUTH);
        }
        if self.transaction.is_some() && row.has(flag::NO_MULTI) {
            return Some(Error::NOT_IN_MULTI);
        }
        if self.protocol == crate::resp::Protocol::Resp2 && self.subscriptions().is_some() {
            let allowed = row.class == Class::Subscribe
                || matches!(row.class, Class::Local(Local::Ping | Local::Quit | Local::Reset));
            if !allowed {
                return Some(Error::only_subscriptions(row.name));
            }
        }
        None
    }

    /// Answers a request that can't even be tried. In `MULTI` it makes `EXEC` fail; an `EXEC` itself ends the
    /// transaction.
    fn reject<'a>(&mut self, error: Error, args: Args<'_>, reply: &mut Vec<u8>) -> Action<'a> {
        if args.is(0, "EXEC") {
            self.transaction = None;
            self.info.set_queued(None);
            self.refuse(error.aborting(), reply);
            return self.forget();
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.failed = true;
        }
        self.refuse(error, reply)
    }

    /// Answers with an error.
    fn refuse<'a>(&mut self, error: Error, reply: &mut Vec<u8>) -> Action<'a> {
        if !self.is_muted() {
            error.write(&mut Writer::new(reply, self.protocol));
        }
        Action::Answered
    }

    fn queue<'a>(
        &mut self,
        row: &'static Row,
        args: Args<'a>,
        wire: Option<&'a [u8]>,
        reply: &mut Vec<u8>,
    ) -> Result<Action<'a>, Error> {
        if self.shared.has_upstream && row.class == Class::Subscribe && args.len() != 2 {
            // Each name has a confirmation of its own, so that EXEC's reply would not be as long as it says.
            return Err(Error::refused(row.name, "inside MULTI it may have one name"));
        }
        let request = self.tenant.admit(row, args, wire)?;
        let limit = self.shared.transaction_bytes;
        if let Some(transaction) = &mut self.transaction {
            if transaction.bytes() > limit {
                return Err(Error::new("ERR respool: the transaction is too long (limits.transaction_bytes)"));
            }
            transaction.push(row, &request);
            self.info.set_queued(Some(transaction.len()));
        }
        Writer::new(reply, self.protocol).simple("QUEUED");
        Ok(Action::Answered)
    }

    fn act<'a>(
        &mut self,
        row: &'static Row,
        args: Args<'a>,
        wire: Option<&'a [u8]>,
        reply: &mut Vec<u8>,
    ) -> Result<Action<'a>, Error> {
        let muted = self.is_muted();
        match row.class {
            Class::Local(Local::Multi) => {
                if self.transaction.is_some() {
                    return Err(Error::NESTED_MULTI);
                }
                self.transaction = Some(Box::default());
                self.info.set_queued(Some(0));
                Writer::new(reply, self.protocol).ok();
                Ok(Action::Answered)
            }
            Class::Local(Local::Exec) => {
                let transaction = self.take_transaction().ok_or(Error::EXEC_WITHOUT_MULTI)?;
                if transaction.failed {
                    Error::EXEC_ABORT.write(&mut Writer::new(reply, self.protocol));
                    return Ok(self.forget());
                }
                if self.watch_lost {
                    Writer::new(reply, self.protocol).null_array();
                    return Ok(self.forget());
                }
                self.watching = false;
                Ok(Action::Execute { transaction, muted })
            }
            Class::Local(Local::Discard) => {
                self.take_transaction().ok_or(Error::DISCARD_WITHOUT_MULTI)?;
                Writer::new(reply, self.protocol).ok();
                Ok(self.forget())
            }
            Class::Local(Local::Watch) => {
                if self.transaction.is_some() {
                    return Err(Error::WATCH_IN_MULTI);
                }
                let request = self.tenant.admit(row, args, wire)?;
                self.watching = true;
                Ok(Action::Watch { request, muted })
            }
            Class::Local(Local::Unwatch) => {
                self.watch_lost = false;
                if std::mem::take(&mut self.watching) {
                    return Ok(Action::Unwatch { muted });
                }
                Writer::new(reply, self.protocol).ok();
                Ok(Action::Answered)
            }
            Class::Local(Local::Info) if !self.asks_upstream(args) => Ok(Action::Info { request: args, muted }),
            Class::Local(Local::Reset) => Ok(self.reset(reply)),
            Class::Local(Local::Info) => {
                Ok(Action::Forward { row, request: self.tenant.admit(row, args, wire)?, muted })
            }
            Class::Local(local) => self.local(local, args, reply).map(|()| Action::Answered),
            Class::Subscribe => Ok(self.subscribe(row, args, reply)),
            Class::Blocking if blocks(row, args) => {
                Ok(Action::Block { row, request: self.tenant.admit(row, args, wire)?, muted })
            }
            Class::Exclusive if self.shared.has_upstream => {
                Ok(Action::Wait { request: self.tenant.admit(row, args, wire)?, muted })
            }
            _ => Ok(Action::Forward { row, request: self.tenant.admit(row, args, wire)?, muted }),
        }
    }

    /// True of an `INFO` that the upstream is asked for. One without sections is what clients open a connection with,
    /// and is answered here and at once, with what the upstream said last; whoever names a section wants to know.
    fn asks_upstream(&self, args: Args<'_>) -> bool {
        self.shared.has_upstream && args.len() > 1 && !(1..args.len()).any(|index| args.is(index, "RESPOOL"))
    }

    fn take_transaction(&mut self) -> Option<Box<Transaction>> {
        let transaction = self.transaction.take();
        self.info.set_queued(None);
        transaction
    }

    fn forget<'a>(&mut self) -> Action<'a> {
        self.watch_lost = false;
        if std::mem::take(&mut self.watching) { Action::Forget } else { Action::Answered }
    }

    /// True if a request can only go by a connection that is the client's own.
    fn needs_exclusive(&self, row: &Row, args: Args<'_>) -> bool {
        if !self.shared.has_upstream {
            return false;
        }
        match row.class {
            // What will be refused or fail needs none, and would keep it for nothing.
            Class::Local(Local::Watch) => self.transaction.is_none(),
            Class::Local(Local::Exec) => {
                let executes = |open: &Transaction| !open.failed && (open.is_mixed() || self.shared.unpooled);
                !self.watch_lost && self.transaction.as_deref().is_some_and(executes)
            }
            Class::Exclusive => true,
            Class::Blocking if blocks(row, args) => true,
            // Ending what was never begun is answered here.
            Class::Subscribe => !row.name.contains("unsub"),
            Class::Local(Local::Info) => self.shared.unpooled && self.asks_upstream(args),
            Class::Local(_) => false,
            _ => self.shared.unpooled,
        }
    }

    /// Notes a change of subscriptions and says what is to be done about it.
    fn subscribe<'a>(&mut self, row: &Row, args: Args<'a>, reply: &mut Vec<u8>) -> Action<'a> {
        let (topic, subscribe) = subscription(row);
        let had_any = self.subscriptions().is_some();
        let subscriptions = self.subscriptions.get_or_insert_default();
        let names = subscriptions.len(topic);
        let confirmations = if args.len() > 1 { args.len() - 1 } else { names.max(1) };
        if self.shared.has_upstream && !subscribe && !had_any {
            let mut writer = Writer::new(reply, self.protocol);
            if args.len() == 1 {
                write_confirmation(&mut writer, topic, false, None, 0);
            }
            for name in args.iter_from(1) {
                write_confirmation(&mut writer, topic, false, Some(name), 0);
            }
            return Action::Answered;
        }
        if self.shared.has_upstream {
            // In memory, the confirmations are written name by name, and each is noted with its own.
            note(subscriptions, topic, subscribe, args);
        }
        let action = Action::Subscribe { topic, subscribe, request: args, confirmations };
        self.show_subscriptions();
        action
    }

    /// Notes what a `SUBSCRIBE` or `UNSUBSCRIBE` inside a transaction has changed.
    pub fn note_queued_subscription(&mut self, row: &Row, args: Args<'_>) {
        let (topic, subscribe) = subscription(row);
        note(self.subscriptions.get_or_insert_default(), topic, subscribe, args);
        self.show_subscriptions();
    }

    /// Changes one subscription in memory; gives the number for its confirmation.
    pub fn note_subscription(&mut self, topic: Topic, subscribe: bool, name: &[u8]) -> usize {
        let subscriptions = self.subscriptions.get_or_insert_default();
        if subscribe {
            subscriptions.add(topic, name);
        } else {
            subscriptions.remove(topic, name);
        }
        let count = subscriptions.count(topic);
        self.show_subscriptions();
        count
    }

    pub(super) fn show_subscriptions(&self) {
        let counts = match &self.subscriptions {
            None => [0; 3],
            Some(subscriptions) => [Topic::Channel, Topic::Pattern, Topic::Shard].map(|topic| subscriptions.len(topic)),
        };
        self.info.set_subscriptions(counts);
    }

    fn is_muted(&self) -> bool {
        matches!(self.silence, Silence::Skip | Silence::Off)
    }

    fn begin_silence(&mut self) {
        if self.silence == Silence::SkipNext {
            self.silence = Silence::Skip;
        }
    }

    fn end_silence(&mut self) {
        if self.silence == Silence::Skip {
            self.silence = Silence::None;
        }
    }
}

/// Which kind of names a row of the class is about, and whether it subscribes.
pub fn subscription(row: &Row) -> (Topic, bool) {
    let topic = match row.name {
        "psubscribe" | "punsubscribe" => Topic::Pattern,
        "ssubscribe" | "sunsubscribe" => Topic::Shard,
        _ => Topic::Channel,
    };
    (topic, !row.name.contains("unsub"))
}

fn note(subscriptions: &mut Subscriptions, topic: Topic, subscribe: bool, args: Args<'_>) {
    if args.len() == 1 {
        subscriptions.clear(topic);
    }
    for name in args.iter_from(1) {
        if subscribe {
            subscriptions.add(topic, name);
        } else {
            subscriptions.remove(topic, name);
        }
    }
}

/// True of what `CLIENT PAUSE WRITE` holds back: what writes, and what a replica would hear of all the same.
pub fn may_replicate(row: &Row) -> bool {
    row.is_write()
        || matches!(row.name, "publish" | "spublish" | "pfcount" | "eval" | "evalsha" | "fcall" | "script|load")
}

/// True of what is executed in `MULTI` rather than queued.
fn ends_transaction(row: &Row) -> bool {
    matches!(
        row.class,
        Class::Local(Local::Exec | Local::Discard | Local::Multi | Local::Watch | Local::Quit | Local::Reset)
    )
}

/// True if a request has to wait until the replies that are outstanding have come: it would overtake them.
fn must_hold(row: &Row, route: Route) -> bool {
    if route.outstanding == 0 {
        return false;
    }
    match row.class {
        Class::Local(Local::Reset) => true,
        Class::Local(Local::Exec | Local::Watch | Local::Unwatch | Local::Discard) => route.other_lane || route.blocked,
        // A transaction that is being executed may change what the connection is: what is said of it comes after.
        Class::Local(_) => route.blocked,
        _ => route.other_lane || route.blocked,
    }
}

/// True if a command of the blocking class may wait: `XREAD` and `XREADGROUP` do only with `BLOCK`.
fn blocks(row: &Row, args: Args<'_>) -> bool {
    if row.group != Group::Stream {
        return true;
    }
    let options = (1..args.len()).take_while(|&index| !args.is(index, "STREAMS"));
    options.into_iter().any(|index| args.is(index, "BLOCK"))
}
