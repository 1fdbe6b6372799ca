//! Commands that wait in the memory driver.

use std::ops::Range;
use std::sync::Arc;

use super::context::Context;
use super::error::Error;
use super::row::Row;
use crate::resp::number::{parse_double, parse_integer};
use crate::resp::{Args, OwnedArgs, Protocol, Writer};
use crate::store::waiters::{Outcome, Serve, Waiter};
use crate::store::{Database, Mailbox, ShardSet, Store, Value};

/// What a blocking command is made of.
///
/// It is tried on each of its keys in the order of the request. Where none has anything, the client waits on all of
/// them, and the command is tried again on the one that gets ready.
pub struct Blocking {
    /// True of a value that it takes from. A client that waits is not served by any other, where one that comes just
    /// now gets an error.
    pub serves: fn(&Value) -> bool,
    /// Checks the arguments, and says which to wait on and for how long.
    pub plan: fn(Args<'_>) -> Result<Plan, Error>,
    /// Tries on one key: true if the reply is written, false if the key has nothing.
    pub attempt: fn(&mut Context<'_, '_>, Args<'_>, key: &[u8]) -> Result<bool, Error>,
    /// Writes what the client gets when its time is up, or at once inside a transaction.
    pub nothing: fn(&mut Writer<'_>),
}

/// What a request waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The arguments that are keys to wait on.
    pub keys: Range<usize>,
    /// How long, in milliseconds; 0 is for ever.
    pub timeout_ms: u64,
}

/// The plan of a request whose arguments are keys and, at the end, a timeout.
pub fn keys_and_timeout(args: Args<'_>) -> Result<Plan, Error> {
    let last = args.len() - 1;
    Ok(Plan { keys: 1..last, timeout_ms: timeout_ms(args.at(last))? })
}

/// A timeout in seconds, as milliseconds.
pub fn timeout_ms(argument: &[u8]) -> Result<u64, Error> {
    if let Some(seconds) = parse_integer(argument) {
        let timeout_ms = seconds.checked_mul(1000).and_then(|timeout_ms| u64::try_from(timeout_ms).ok());
        return timeout_ms.ok_or(Error::TIMEOUT_NEGATIVE);
    }
    // Redis reads a long double, which may be larger than any double.
    let too_large = || str::from_utf8(argument).ok()?.parse::<f64>().ok().filter(|seconds| seconds.is_infinite());
    let seconds = parse_double(argument).or_else(too_large).ok_or(Error::TIMEOUT_NOT_A_FLOAT)?;
    let timeout_ms = (seconds * 1000.0).ceil();
    // What is too large wraps around in Redis, and is refused as negative.
    if (0.0..i64::MAX as f64).contains(&timeout_ms) { Ok(timeout_ms as u64) } else { Err(Error::TIMEOUT_NEGATIVE) }
}

/// A request that found nothing, and what it takes to wait.
pub struct Waiting {
    /// The command.
    pub row: &'static Row,
    /// The request.
    pub request: OwnedArgs,
    /// What it waits on.
    pub plan: Plan,
}

impl Waiting {
    /// Puts the client into the queues of its keys, whose shards are locked. The guard that comes back takes it out
    /// again.
    pub fn park(self, db: &mut Database<'_>, protocol: Protocol, mailbox: &Arc<Mailbox>, store: Arc<Store>) -> Parked {
        let Waiting { row, request, plan } = self;
        // The shard of the key that gets ready is locked by who touches it; a destination's would not be.
        let mut shards = ShardSet::NONE;
        super::keys::for_each(row, request.args(), |index, _| {
            if !plan.keys.contains(&index) {
                shards = shards.union(store.shard_of(request.args().at(index)));
            }
        });
        let request = Arc::new(request);
        let want = Want { row, request: request.clone(), database: db.index(), protocol, mailbox: mailbox.clone() };
        let waiter = Arc::new(Waiter::new(Box::new(want), shards));
        for index in plan.keys.clone() {
            db.wait(request.args().at(index), &waiter);
        }
        let deadline_ms = (plan.timeout_ms > 0).then(|| db.now_ms().saturating_add(plan.timeout_ms));
        Parked { row, request, keys: plan.keys, database: db.index(), deadline_ms, waiter, store }
    }
}

/// A client's place in the queues of the keys that it waits for. Dropping it leaves them.
pub struct Parked {
    /// The command.
    pub row: &'static Row,
    /// The request.
    pub request: Arc<OwnedArgs>,
    /// When the client has waited long enough, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// The database that it waits in.
    pub database: usize,
    keys: Range<usize>,
    waiter: Arc<Waiter>,
    store: Arc<Store>,
}

impl Parked {
    /// Ends the wait from this side: false if the waiter has been served, so that its reply is in the mailbox.
    pub fn give_up(&self) -> bool {
        // Nobody is just serving it while the shards of its keys are locked.
        let _db = self.lock();
        self.waiter.claim()
    }

    /// Locks the shards of the keys that it waits for.
    fn lock(&self) -> Database<'_> {
        let args = self.request.args();
        let shards = self.keys.clone().map(|index| self.store.shard_of(args.at(index)));
        let mut db = Database::new(&self.store, self.database, 0);
        db.lock(shards.fold(ShardSet::NONE, ShardSet::union));
        db
    }

    /// Writes what the client gets when its time is up.
    pub fn write_nothing(&self, reply: &mut Writer<'_>) {
        if let super::row::Memory::Blocking(blocking) = &self.row.memory {
            (blocking.nothing)(reply);
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let args = self.request.args();
        let mut db = self.lock();
        for index in self.keys.clone() {
            db.stop_waiting(args.at(index), &self.waiter);
        }
    }
}

/// What a parked client wants.
struct Want {
    row: &'static Row,
    request: Arc<OwnedArgs>,
    database: usize,
    protocol: Protocol,
    mailbox: Arc<Mailbox>,
}

impl Serve for Want {
    fn serve(&self, database: &mut Database<'_>, key: &[u8]) -> Outcome {
        let super::row::Memory::Blocking(blocking) = &self.row.memory else {
            return Outcome::Gone;
        };
        debug_assert_eq!(database.index(), self.database);
        // Under the mailbox's lock: the client can't leave between the look whether it is there and the pop.
        let served = self.mailbox.serve_with(|| {
            let mut reply = Vec::new();
            let mut context = Context::new(database, &mut reply, self.protocol);
            match (blocking.attempt)(&mut context, self.request.args(), key) {
                Ok(false) => return None,
                Ok(true) => {}
                // Another kind of value came to the key: it goes on waiting.
                Err(_) if !context.db.value(key).is_some_and(blocking.serves) => return None,
                Err(error) => error.write(&mut context.reply),
            }
            Some(reply)
        });
        match served {
            None => Outcome::Gone,
            Some(true) => Outcome::Served,
            Some(false) => Outcome::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::execute::{self, Executed};
    use crate::command::table;
    use crate::store::Options;

    fn new_store() -> Arc<Store> {
        Arc::new(Store::new(Options::default()))
    }

    fn new_mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(1 << 20))
    }

    fn request(words: &str) -> OwnedArgs {
        words.split(' ').map(str::as_bytes).collect()
    }

    /// Runs a request that has something to answer.
    fn run(store: &Store, words: &str) -> String {
        let request = request(words);
        let row = table::resolve(request.args()).unwrap();
        let (mut db, mut out) = (Database::new(store, 0, 1000), Vec::new());
        let mut context = Context::new(&mut db, &mut out, Protocol::Resp2);
        assert!(matches!(execute::execute(&mut context, row, request.args()), Executed::Done), "{words} waits");
        String::from_utf8(out).unwrap()
    }

    /// Runs requests as one transaction.
    fn run_together(store: &Store, requests: &[&str]) {
        let (mut db, mut out) = (Database::new(store, 0, 1000), Vec::new());
        db.lock(store.all_shards());
        let mut context = Context::new(&mut db, &mut out, Protocol::Resp2);
        context.in_transaction = true;
        for words in requests {
            let request = request(words);
            let row = table::resolve(request.args()).unwrap();
            assert!(matches!(execute::run(&mut context, row, request.args()), Executed::Done), "{words} waits");
        }
        db.serve_waiters();
    }

    /// Has a client wait.
    fn park(store: &Arc<Store>, words: &str, mailbox: &Arc<Mailbox>) -> Parked {
        let request = request(words);
        let row = table::resolve(request.args()).unwrap();
        let (mut db, mut out) = (Database::new(store, 0, 1000), Vec::new());
        let mut context = Context::new(&mut db, &mut out, Protocol::Resp2);
        let Executed::Waits(waiting) = execute::execute(&mut context, row, request.args()) else {
            panic!("{words} does not wait: {}", out.escape_ascii());
        };
        waiting.park(&mut db, Protocol::Resp2, mailbox, store.clone())
    }

    /// What a client was sent in reply to the command that it waited in.
    fn served(mailbox: &Mailbox) -> Option<String> {
        mailbox.take().served.map(|reply| String::from_utf8(reply).unwrap())
    }

    /// The reply of `BLPOP` and its like.
    fn popped(key: &str, element: &str) -> Option<String> {
        Some(format!("*2\r\n${}\r\n{key}\r\n${}\r\n{element}\r\n", key.len(), element.len()))
    }

    #[test]
    fn timeouts_are_read_as_redis_reads_them() {
        for (text, expected) in [
            ("0", 0),
            ("00", 0),
            ("-0", 0),
            ("-0.0001", 0),
            ("0.0001", 1),
            ("1.5", 1500),
            ("1e2", 100_000),
            ("0x10", 16_000),
            ("9223372036854775", 9_223_372_036_854_775_000),
        ] {
            assert_eq!(timeout_ms(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in ["-1", "-0.001", "inf", "-inf", "1e400", "9223372036854776", "9223372036854775807", "1e30"] {
            assert_eq!(timeout_ms(text.as_bytes()), Err(Error::TIMEOUT_NEGATIVE), "{text}");
        }
        for text in ["", "x", "nan", " 1", "1 ", "1s"] {
            assert_eq!(timeout_ms(text.as_bytes()), Err(Error::TIMEOUT_NOT_A_FLOAT), "{text}");
        }
    }

    #[test]
    fn a_deadline_follows_from_the_timeout() {
        let (store, mailbox) = (new_store(), new_mailbox());
        assert_eq!(park(&store, "BLPOP l 0", &mailbox).deadline_ms, None);
        assert_eq!(park(&store, "BLPOP l 1.5", &mailbox).deadline_ms, Some(2500));
        assert!(park(&store, "BLPOP l 9223372036854775", &mailbox).deadline_ms.is_some());
    }

    #[test]
    fn who_waits_longest_is_served_first() {
        let (store, mailboxes) = (new_store(), [new_mailbox(), new_mailbox(), new_mailbox()]);
        let parked = [
            park(&store, "BLPOP l 0", &mailboxes[0]),
            park(&store, "BRPOP l 0", &mailboxes[1]),
            park(&store, "BLMPOP 0 1 l LEFT COUNT 5", &mailboxes[2]),
        ];
        assert_eq!(run(&store, "RPUSH l a b c"), ":3\r\n");
        assert_eq!(served(&mailboxes[0]), popped("l", "a"));
        assert_eq!(served(&mailboxes[1]), popped("l", "c"));
        assert_eq!(served(&mailboxes[2]).unwrap(), "*2\r\n$1\r\nl\r\n*1\r\n$1\r\nb\r\n");
        assert_eq!(run(&store, "EXISTS l"), ":0\r\n");
        assert!(parked.iter().all(|parked| !parked.give_up()));
    }

    #[test]
    fn who_waits_for_several_keys_is_served_once() {
        let (store, mailbox) = (new_store(), new_mailbox());
        let parked = park(&store, "BLPOP a b a c 0", &mailbox);
        run_together(&store, &["RPUSH b 1", "RPUSH a 2", "RPUSH c 3"]);
        assert_eq!(served(&mailbox), popped("b", "1"));
        assert_eq!((run(&store, "LLEN a"), run(&store, "LLEN b")), (":1\r\n".into(), ":0\r\n".into()));
        run(&store, "RPUSH b 4");
        assert_eq!(served(&mailbox), None);
        drop(parked);
        assert_eq!(store.stats().blocked_clients, 0);
    }

    #[test]
    fn what_a_transaction_takes_again_nobody_gets() {
        let (store, mailbox) = (new_store(), new_mailbox());
        let _parked = park(&store, "BLPOP l 0", &mailbox);
        run_together(&store, &["RPUSH l a b", "LPOP l", "LPOP l"]);
        assert_eq!(served(&mailbox), None);
        run_together(&store, &["RPUSH l a", "RPUSH l b", "LPOP l"]);
        assert_eq!(served(&mailbox), popped("l", "b"));
    }

    #[test]
    fn moves_go_on_from_waiter_to_waiter() {
        let (store, mailboxes) = (new_store(), [new_mailbox(), new_mailbox(), new_mailbox()]);
        let _parked = [
            park(&store, "BLMOVE b c LEFT RIGHT 0", &mailboxes[0]),
            park(&store, "BRPOPLPUSH a b 0", &mailboxes[1]),
            park(&store, "BLPOP c 0", &mailboxes[2]),
        ];
        run(&store, "RPUSH a x");
        assert_eq!(served(&mailboxes[0]).unwrap(), "$1\r\nx\r\n");
        assert_eq!(served(&mailboxes[1]).unwrap(), "$1\r\nx\r\n");
        assert_eq!(served(&mailboxes[2]), popped("c", "x"));
        assert_eq!(run(&store, "EXISTS a b c"), ":0\r\n");
    }

    #[test]
    fn another_kind_of_value_serves_nobody() {
        let (store, mailboxes) = (new_store(), [new_mailbox(), new_mailbox()]);
        let parked = [park(&store, "BLPOP k 0", &mailboxes[0]), park(&store, "BZPOPMIN k 0", &mailboxes[1])];
        run(&store, "SET k text");
        assert_eq!((served(&mailboxes[0]), served(&mailboxes[1])), (None, None));
        run(&store, "DEL k");
        run(&store, "ZADD k 1.5 m");
        assert_eq!(served(&mailboxes[0]), None);
        assert_eq!(served(&mailboxes[1]).unwrap(), "*3\r\n$1\r\nk\r\n$1\r\nm\r\n$3\r\n1.5\r\n");
        run(&store, "RPUSH k a");
        assert_eq!(served(&mailboxes[0]), popped("k", "a"));
        drop(parked);
    }

    #[test]
    fn a_destination_of_another_kind_is_an_error_and_takes_nothing() {
        let (store, mailbox) = (new_store(), new_mailbox());
        let _parked = park(&store, "BLMOVE l s LEFT LEFT 0", &mailbox);
        run(&store, "SET s text");
        run(&store, "RPUSH l a");
        assert!(served(&mailbox).unwrap().starts_with("-WRONGTYPE "));
        assert_eq!(run(&store, "LLEN l"), ":1\r\n");
    }

    #[test]
    fn who_has_gone_takes_nothing() {
        let (store, mailboxes) = (new_store(), [new_mailbox(), new_mailbox(), new_mailbox()]);
        let _parked = [
            park(&store, "BLPOP l 0", &mailboxes[0]),
            park(&store, "BLPOP l 0", &mailboxes[1]),
            park(&store, "BLPOP l 0", &mailboxes[2]),
        ];
        mailboxes[0].close();
        mailboxes[1].kill();
        run(&store, "RPUSH l a");
        assert_eq!(served(&mailboxes[2]), popped("l", "a"));
        run(&store, "RPUSH l b");
        assert_eq!(run(&store, "LLEN l"), ":1\r\n");
    }

    #[test]
    fn who_has_given_up_takes_nothing() {
        let (store, mailbox) = (new_store(), new_mailbox());
        let parked = park(&store, "BLPOP l 0.1", &mailbox);
        assert!(parked.give_up());
        run(&store, "RPUSH l a");
        assert_eq!(served(&mailbox), None);
        assert_eq!(run(&store, "LLEN l"), ":1\r\n");
        let mut out = Vec::new();
        parked.write_nothing(&mut Writer::new(&mut out, Protocol::Resp2));
        assert_eq!(out, b"*-1\r\n");
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let (store, mailbox) = (new_store(), new_mailbox());
        let parked = park(&store, "BLPOP a b c 0", &mailbox);
        assert_eq!(store.stats().blocked_clients, 1);
        drop(parked);
        assert_eq!((store.stats().blocked_clients, Arc::strong_count(&mailbox)), (0, 1));
        run_together(&store, &["RPUSH a 1", "RPUSH c 1"]);
        assert_eq!(run(&store, "EXISTS a c"), ":2\r\n");
        assert_eq!(served(&mailbox), None);
    }

    #[test]
    fn of_giving_up_and_being_served_one_wins() {
        for _ in 0..500 {
            let (store, mailbox) = (new_store(), new_mailbox());
            let parked = park(&store, "BLPOP a b 0.1", &mailbox);
            let gave_up = std::thread::scope(|scope| {
                scope.spawn(|| run(&store, "RPUSH a x"));
                scope.spawn(|| run(&store, "RPUSH b x"));
                parked.give_up()
            });
            drop(parked);
            let left = [run(&store, "LLEN a"), run(&store, "LLEN b")].iter().filter(|reply| *reply == ":1\r\n").count();
            match served(&mailbox) {
                Some(_) => assert_eq!((gave_up, left), (false, 1)),
                None => assert_eq!((gave_up, left), (true, 2)),
            }
            assert_eq!(store.stats().blocked_clients, 0);
        }
    }

    #[test]
    fn many_threads_lose_and_double_nothing() {
        const ELEMENTS: usize = 400;
        let store = new_store();
        let taken = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (store, taken) = (&store, &taken);
                scope.spawn(move || {
                    let keys = if worker % 2 == 0 { "a b" } else { "b a" };
                    while taken.lock().unwrap().len() < ELEMENTS {
                        let mailbox = new_mailbox();
                        let words = request(&format!("BLPOP {keys} 0"));
                        let row = table::resolve(words.args()).unwrap();
                        let (mut db, mut out) = (Database::new(store, 0, 1000), Vec::new());
                        let mut context = Context::new(&mut db, &mut out, Protocol::Resp2);
                        if let Executed::Waits(waiting) = execute::execute(&mut context, row, words.args()) {
                            let parked = waiting.park(&mut db, Protocol::Resp2, &mailbox, store.clone());
                            drop(db);
                            std::thread::yield_now();
                            parked.give_up();
                            out = mailbox.take().served.unwrap_or_default();
                        }
                        if !out.is_empty() {
                            taken.lock().unwrap().push(out);
                        }
                    }
                });
            }
            for pusher in 0..2 {
                let store = &store;
                scope.spawn(move || {
                    for element in 0..ELEMENTS / 2 {
                        run(store, &format!("RPUSH {} {pusher}:{element}", if element % 3 == 0 { "a" } else { "b" }));
                    }
                });
            }
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), ELEMENTS);
        assert_eq!(run(&store, "EXISTS a b"), ":0\r\n");
    }
}
