//! The state machine without sockets: requests in, what is to be done out.

use std::sync::Arc;

use super::*;
use crate::command::row::Memory;
use crate::command::{Class, Local, Row, table};
use crate::resp::OwnedArgs;
use crate::resp::write::append_request;

/// Nothing is outstanding, and the client has no connection of its own.
const FREE: Route = Route { outstanding: 0, other_lane: false, exclusive: false, blocked: false };
/// As [`FREE`], with a connection of its own.
const OWN: Route = Route { exclusive: true, ..FREE };
/// Replies of the client's lane are outstanding.
const BUSY: Route = Route { outstanding: 2, ..FREE };
/// Replies of another lane are outstanding.
const MOVED: Route = Route { other_lane: true, ..BUSY };
/// Its own connection is in the middle of something that nothing may be sent behind.
const BLOCKED: Route = Route { blocked: true, outstanding: 1, ..OWN };

/// A session under test.
struct Client {
    session: Session,
    route: Route,
}

fn client(has_upstream: bool, password: Option<&str>) -> Client {
    let shared = Shared {
        registry: Registry::default(),
        password: password.map(Into::into),
        first_database: 3,
        databases: 16,
        transaction_bytes: 200,
        has_upstream,
        unpooled: false,
        info: Box::new(|_, _, _| "# text".into()),
        pause: Default::default(),
        draining: Default::default(),
    };
    let address = ([127, 0, 0, 1], 1).into();
    let info = shared.registry.enter(address, address, 0, shared.first_database, 1 << 20);
    Client { session: Session::new(Arc::new(shared), info), route: FREE }
}

/// A client of a respool before an upstream.
fn before_upstream() -> Client {
    client(true, None)
}

/// A client of the memory driver.
fn in_memory() -> Client {
    client(false, None)
}

impl Client {
    /// Says what became of a request, and what was answered, with `|` for the end of a line.
    fn say(&mut self, request: &str) -> String {
        let owned: OwnedArgs = request.split(' ').map(str::as_bytes).collect();
        self.say_args(&owned)
    }

    fn say_args(&mut self, owned: &OwnedArgs) -> String {
        let mut wire = Vec::new();
        append_request(&mut wire, owned.args().iter());
        let mut reply = Vec::new();
        let (action, _) = self.session.step(owned.args(), Some(&wire), self.route, &mut reply);
        let what = describe(&action, &wire);
        drop(action);
        format!("{what} {}", String::from_utf8_lossy(&reply).replace("\r\n", "|")).trim_end().to_owned()
    }

    /// As [`Client::say`] with this route.
    fn say_on(&mut self, route: Route, request: &str) -> String {
        let before = std::mem::replace(&mut self.route, route);
        let said = self.say(request);
        self.route = before;
        said
    }

    /// All of the session that a request can change, but for what it was and when it came.
    fn state(&self) -> String {
        let Session { protocol, database, authenticated, silence, watching, watch_lost, closing, .. } = &self.session;
        let queued = self.session.transaction.as_ref().map(|open| (open.len(), open.bytes(), open.failed));
        let subscribed: Vec<_> = self.session.subscriptions().into_iter().flat_map(|all| all.iter()).collect();
        let name = self.session.info.name();
        format!(
            "{protocol:?} {database} {authenticated} {silence:?} {watching} {watch_lost} {closing} {queued:?} \
             {subscribed:?} {name:?}"
        )
    }
}

fn describe(action: &Action<'_>, wire: &[u8]) -> String {
    let passed = |what: &str, request: &crate::tenant::Admitted<'_>, muted: bool| {
        let mut out = Vec::new();
        request.append_to(&mut out);
        assert_eq!(out, wire, "{what} changed the request");
        format!("{what}{}", if muted { ", muted" } else { "" })
    };
    let silent = |what: &str, muted: bool| format!("{what}{}", if muted { ", muted" } else { "" });
    match action {
        Action::Answered => "answered".into(),
        Action::Hold => "hold".into(),
        Action::Pause(_) => "pause".into(),
        Action::Acquire { .. } => "acquire".into(),
        Action::Forward { request, muted, .. } => passed("forward", request, *muted),
        Action::Block { request, muted, .. } => passed("block", request, *muted),
        Action::Wait { request, muted } => passed("wait", request, *muted),
        Action::Watch { request, muted } => passed("watch", request, *muted),
        Action::Info { muted, .. } => silent("info", *muted),
        Action::Unwatch { muted } => silent("unwatch", *muted),
        Action::Forget => "forget".into(),
        Action::Execute { transaction, muted } => silent(&format!("execute {}", transaction.len()), *muted),
        Action::Subscribe { topic, subscribe, confirmations, .. } => {
            let verb = if *subscribe { "subscribe" } else { "unsubscribe" };
            format!("{verb} {topic:?} {confirmations}")
        }
        Action::Reset(subscriptions) => format!("reset {}", subscriptions.total()),
    }
}

// AUTH and HELLO.

#[test]
fn nothing_but_entering_and_leaving_goes_without_auth() {
    const NO_AUTH: &str = "NOAUTH Authentication required.|";
    let allowed = ["auth", "hello", "quit", "reset"];
    for row in rows() {
        let mut client = client(true, Some("secret"));
        let said = client.say_args(&minimal(row));
        assert_eq!(!said.ends_with(NO_AUTH), allowed.contains(&row.name), "{}: {said}", row.name);
        assert!(!client.session.is_authenticated(), "{}", row.name);
    }
    let mut client = client(true, Some("secret"));
    // What is no command is told before who asks, as Redis does.
    assert!(client.say("nonsense").starts_with("answered -ERR unknown command 'nonsense'"));
    assert_eq!(client.say("GET"), "answered -ERR wrong number of arguments for 'get' command|");
}

#[test]
fn auth_with_a_password() {
    const WRONG: &str = "answered -WRONGPASS invalid username-password pair or user is disabled.|";
    let mut client = client(true, Some("secret"));
    for refused in ["AUTH wrong", "AUTH secre", "AUTH secrets", "AUTH default wrong", "AUTH someone secret"] {
        assert_eq!(client.say(refused), WRONG, "{refused}");
        assert!(!client.session.is_authenticated());
    }
    assert_eq!(client.say("AUTH a b c"), "answered -ERR syntax error|");
    assert_eq!(client.say("AUTH secret"), "answered +OK|");
    assert_eq!(client.say("GET key"), "forward");
    // A failure does not log out.
    assert_eq!(client.say("AUTH wrong"), WRONG);
    assert_eq!(client.say("GET key"), "forward");
    assert_eq!(client.say("RESET"), "reset 0 +RESET|");
    assert!(client.say("GET key").contains("NOAUTH"));
    assert_eq!(client.say("AUTH default secret"), "answered +OK|");
}

#[test]
fn auth_without_a_password() {
    let mut client = before_upstream();
    assert!(client.say("AUTH anything").starts_with("answered -ERR AUTH <password> called without any password"));
    assert_eq!(client.say("AUTH default anything"), "answered +OK|");
    assert!(client.say("AUTH someone anything").starts_with("answered -WRONGPASS"));
}

#[test]
fn hello_changes_all_or_nothing() {
    let mut client = client(true, Some("secret"));
    let before = client.state();
    for refused in [
        "HELLO 4",
        "HELLO x",
        "HELLO 3",
        "HELLO 3 SETNAME me",
        "HELLO 3 AUTH default",
        "HELLO 3 AUTH default wrong",
        "HELLO 3 AUTH default secret SETNAME",
        "HELLO 3 AUTH default secret NONSENSE",
        "HELLO 4 AUTH default secret",
    ] {
        assert!(client.say(refused).starts_with("answered -"), "{refused}");
        assert_eq!(client.state(), before, "{refused}");
    }
    assert!(client.say("HELLO 3 AUTH default secret SETNAME me").starts_with("answered %7|"));
    assert_eq!(client.session.protocol(), Protocol::Resp3);
    assert_eq!(&*client.session.info().name(), b"me");
    assert!(client.say("HELLO").starts_with("answered %7|"), "without a version nothing changes");
    assert!(client.say("hello 2 setname you").starts_with("answered *14|"));
    assert_eq!(client.session.protocol(), Protocol::Resp2);
    assert_eq!(&*client.session.info().name(), b"you");
}

// MULTI.

#[test]
fn a_transaction_is_queued_and_executed() {
    let mut client = before_upstream();
    assert_eq!(client.say("EXEC"), "answered -ERR EXEC without MULTI|");
    assert_eq!(client.say("DISCARD"), "answered -ERR DISCARD without MULTI|");
    assert_eq!(client.say("MULTI"), "answered +OK|");
    assert_eq!(client.say("EXEC"), "execute 0");
    assert_eq!(client.say("MULTI"), "answered +OK|");
    // Neither replies that are outstanding nor a connection that it will need matter yet.
    for (route, request) in [(FREE, "SET a 1"), (MOVED, "GET a"), (BUSY, "BLPOP a 0"), (FREE, "PING")] {
        assert_eq!(client.say_on(route, request), "answered +QUEUED|", "{request}");
    }
    assert_eq!(client.say("MULTI"), "answered -ERR MULTI calls can not be nested|");
    assert_eq!(client.say("WATCH a"), "answered -ERR WATCH inside MULTI is not allowed|");
    assert!(client.session.is_in_transaction());
    assert_eq!(client.say("EXEC"), "execute 4", "what is refused by its own command spoils nothing");
    assert!(!client.session.is_in_transaction());
    assert_eq!(client.say("GET a"), "forward");
}

#[test]
fn a_transaction_with_a_mistake_is_not_executed() {
    for mistake in ["nonsense", "GET", "CLIENT nonsense", "MONITOR", "SUBSCRIBE a b"] {
        for mut client in [before_upstream(), in_memory()] {
            let has_upstream = client.session.shared.has_upstream;
            client.say("MULTI");
            client.say("SET a 1");
            let said = client.say(mistake);
            if mistake.starts_with("SUBSCRIBE") && !has_upstream {
                assert_eq!(said, "answered +QUEUED|");
                continue;
            }
            assert!(said.starts_with("answered -"), "{mistake}: {said}");
            assert_eq!(client.say("GET a"), "answered +QUEUED|", "{mistake}");
            assert!(client.say("EXEC").starts_with("answered -EXECABORT"), "{mistake}");
            assert_eq!(client.say("EXEC"), "answered -ERR EXEC without MULTI|", "{mistake}");
        }
    }
    let mut client = before_upstream();
    client.say("MULTI");
    assert!(client.say("EXEC now").starts_with("answered -EXECABORT Transaction discarded because of: wrong number"));
    assert!(!client.session.is_in_transaction());
}

#[test]
fn a_transaction_is_bounded() {
    let mut client = before_upstream();
    client.say("MULTI");
    let value = "x".repeat(150);
    assert_eq!(client.say(&format!("SET a {value}")), "answered +QUEUED|");
    assert_eq!(client.say(&format!("SET a {value}")), "answered +QUEUED|", "the one that goes over it");
    assert!(client.say("PING").contains("limits.transaction_bytes"));
    assert!(client.say("EXEC").starts_with("answered -EXECABORT"));
}

#[test]
fn discard_forgets() {
    let mut client = before_upstream();
    client.say("MULTI");
    client.say("SET a 1");
    assert_eq!(client.say("DISCARD"), "answered +OK|");
    assert_eq!(client.say("MULTI"), "answered +OK|");
    assert_eq!(client.say("EXEC"), "execute 0");
    assert_eq!(client.say_on(OWN, "WATCH a"), "watch");
    client.say_on(OWN, "MULTI");
    assert_eq!(client.say_on(OWN, "DISCARD"), "forget +OK|");
    assert!(!client.session.is_watching());
}

// WATCH.

#[test]
fn watching_ends_with_exec_discard_unwatch_and_reset() {
    let mut client = before_upstream();
    client.route = OWN;
    assert_eq!(client.say("UNWATCH"), "answered +OK|", "there is nothing to end");
    for (end, said) in [("UNWATCH", "unwatch"), ("RESET", "reset 0 +RESET|")] {
        assert_eq!(client.say("WATCH a"), "watch");
        assert_eq!(client.say("WATCH b c"), "watch");
        assert!(client.session.is_watching());
        assert_eq!(client.say(end), said);
        assert!(!client.session.is_watching());
    }
    client.say("WATCH a");
    client.say("MULTI");
    assert_eq!(client.say("UNWATCH"), "answered +QUEUED|");
    assert!(client.session.is_watching(), "until EXEC");
    assert_eq!(client.say("EXEC"), "execute 1");
    assert!(!client.session.is_watching());
    client.say("WATCH a");
    client.say("MULTI");
    client.say("nonsense");
    let said = client.say("EXEC");
    assert!(said.starts_with("forget -EXECABORT"), "the upstream still watches: {said}");
}

#[test]
fn a_lost_watch_fails_the_transaction_once() {
    for (protocol, null) in [("HELLO 2", "*-1|"), ("HELLO 3", "_|")] {
        let mut client = before_upstream();
        client.say(protocol);
        client.say_on(OWN, "WATCH a");
        client.session.lose_watch();
        assert_eq!(client.say("MULTI"), "answered +OK|");
        assert_eq!(client.say("SET a 1"), "answered +QUEUED|");
        assert_eq!(client.say("EXEC"), format!("answered {null}"));
        client.say("MULTI");
        client.say("SET a 1");
        assert_eq!(client.say("EXEC"), "execute 1");
        for pardon in ["UNWATCH", "RESET"] {
            client.say_on(OWN, "WATCH a");
            client.session.lose_watch();
            client.say(pardon);
            client.say("MULTI");
            assert_eq!(client.say("EXEC"), "execute 0", "{pardon}");
        }
        client.session.lose_watch();
        client.say("MULTI");
        assert_eq!(client.say("EXEC"), "execute 0", "nothing was watched");
        // To watch more does not make up for what was lost.
        client.say(protocol);
        client.say_on(OWN, "WATCH a");
        client.session.lose_watch();
        client.say_on(OWN, "WATCH b");
        client.say_on(OWN, "MULTI");
        assert_eq!(client.say_on(OWN, "EXEC"), format!("forget {null}"), "the new connection still watches");
    }
}

// What is held, and what needs a connection.

#[test]
fn what_would_overtake_is_held() {
    let held = ["GET a", "SET a 1", "BLPOP a 0", "SUBSCRIBE a", "WAIT 0 0", "WATCH a", "EXEC", "UNWATCH", "DISCARD"];
    for request in held {
        for route in [MOVED, BLOCKED] {
            assert_eq!(before_upstream().say_on(route, request), "hold", "{request}");
        }
    }
    // The lane keeps the order of its own.
    assert_eq!(before_upstream().say_on(BUSY, "GET a"), "forward");
    assert_eq!(before_upstream().say_on(BUSY, "EXEC"), "answered -ERR EXEC without MULTI|");
    // What is answered here is put behind the replies that are outstanding.
    for request in ["PING", "SELECT 1", "MULTI", "CLIENT ID", "HELLO 3", "QUIT", "INFO"] {
        for route in [BUSY, MOVED] {
            assert_ne!(before_upstream().say_on(route, request), "hold", "{request}");
        }
    }
    // A transaction that is being executed may select a database: what changes the connection comes after it.
    for request in ["SELECT 1", "HELLO 3", "MULTI", "CLIENT REPLY OFF", "QUIT"] {
        assert_eq!(before_upstream().say_on(BLOCKED, request), "hold", "{request}");
    }
    for route in [BUSY, MOVED, BLOCKED] {
        assert_eq!(before_upstream().say_on(route, "RESET"), "hold");
    }
}

#[test]
fn what_is_held_changes_nothing() {
    for row in rows() {
        let request = minimal(row);
        for has_upstream in [true, false] {
            for route in [BUSY, MOVED, BLOCKED] {
                let mut held = client(has_upstream, None);
                let mut other = client(has_upstream, None);
                let before = held.state();
                held.route = route;
                let said = held.say_args(&request);
                if said != "hold" && said != "acquire" {
                    continue;
                }
                assert_eq!(held.state(), before, "{}", row.name);
                assert_eq!(held.say_args(&request), said, "{}", row.name);
                (held.route, other.route) = (OWN, OWN);
                if !row.name.contains("client") && row.name != "time" {
                    assert_eq!(held.say_args(&request), other.say_args(&request), "{}", row.name);
                }
                assert_eq!(held.state(), other.state(), "{}", row.name);
            }
        }
    }
}

#[test]
fn a_connection_is_acquired_exactly_when_needed() {
    let needed = [
        "WATCH a",
        "BLPOP a 0",
        "BRPOPLPUSH a b 0",
        "BZPOPMIN a 0",
        "XREAD BLOCK 0 STREAMS a $",
        "xread count 1 block 0 streams a $",
        "XREADGROUP GROUP g c BLOCK 0 STREAMS a >",
        "SUBSCRIBE a",
        "PSUBSCRIBE a",
        "SSUBSCRIBE a",
        "WAIT 0 0",
    ];
    for request in needed {
        assert_eq!(before_upstream().say(request), "acquire", "{request}");
        assert_eq!(before_upstream().say_on(BUSY, request), "hold", "{request}: its replies come first");
        let with_own = before_upstream().say_on(OWN, request);
        assert!(with_own != "acquire" && with_own != "hold", "{request}: {with_own}");
        let with_own = before_upstream().say_on(Route { outstanding: 1, ..OWN }, request);
        assert!(with_own != "acquire" && with_own != "hold", "{request}: {with_own}");
        let memory = in_memory().say(request);
        assert!(memory != "acquire" && memory != "hold", "{request} in memory: {memory}");
        let mut queueing = before_upstream();
        queueing.say("MULTI");
        let queued = queueing.say(request);
        assert!(queued.starts_with("answered "), "{request} in MULTI: {queued}");
    }
    let not_needed = [
        "GET a",
        "XREAD STREAMS a 0",
        "XREAD COUNT 1 STREAMS BLOCK 0",
        "XREADGROUP GROUP g c STREAMS a >",
        "UNSUBSCRIBE",
        "UNSUBSCRIBE a",
        "PUNSUBSCRIBE a",
        "SUNSUBSCRIBE",
        "UNWATCH",
        "PUBLISH a b",
        "MULTI",
        "EXEC",
        "DISCARD",
        "INFO",
        "INFO server",
    ];
    for request in not_needed {
        assert_ne!(before_upstream().say(request), "acquire", "{request}");
    }
}

#[test]
fn a_transaction_about_the_connection_needs_one() {
    let exec = |requests: &[&str]| {
        let mut client = before_upstream();
        client.say("MULTI");
        requests.iter().for_each(|request| {
            client.say(request);
        });
        let said = client.say("EXEC");
        assert_eq!(client.session.is_in_transaction(), said == "acquire");
        said
    };
    assert_eq!(exec(&["SET a 1", "PING", "TIME", "UNWATCH", "ECHO a"]), "execute 5");
    for request in ["SELECT 1", "CLIENT ID", "SUBSCRIBE a", "INFO server"] {
        assert_eq!(exec(&["SET a 1", request]), "acquire", "{request}");
    }
    // What won't be executed needs nothing.
    assert!(exec(&["SELECT 1", "nonsense"]).starts_with("answered -EXECABORT"));
    let mut client = before_upstream();
    client.say_on(OWN, "WATCH a");
    client.session.lose_watch();
    client.say("MULTI");
    client.say("SELECT 1");
    assert_eq!(client.say("EXEC"), "answered *-1|");
}

// CLIENT REPLY and CLIENT PAUSE.

#[test]
fn replies_are_left_out_as_asked() {
    let mut client = before_upstream();
    assert_eq!(client.say("CLIENT REPLY ON"), "answered +OK|");
    assert_eq!(client.say("CLIENT REPLY SKIP"), "answered");
    assert_eq!(client.say("PING"), "answered");
    assert_eq!(client.say("PING"), "answered +PONG|");
    client.say("CLIENT REPLY SKIP");
    assert_eq!(client.say("GET a"), "forward, muted");
    assert_eq!(client.say("GET a"), "forward");
    // A mistake is the next command too.
    for mistake in ["nonsense", "GET", "SELECT x"] {
        client.say("CLIENT REPLY SKIP");
        assert_eq!(client.say(mistake), "answered", "{mistake}");
        assert_eq!(client.say("PING"), "answered +PONG|", "{mistake}");
    }
    // What is held or waits for a connection is still the next one.
    client.say("CLIENT REPLY SKIP");
    assert_eq!(client.say_on(MOVED, "GET a"), "hold");
    assert_eq!(client.say("BLPOP a 0"), "acquire");
    assert_eq!(client.say_on(OWN, "BLPOP a 0"), "block, muted");
    assert_eq!(client.say("PING"), "answered +PONG|");

    assert_eq!(client.say("CLIENT REPLY OFF"), "answered");
    for (request, said) in [
        ("PING", "answered"),
        ("GET", "answered"),
        ("nonsense", "answered"),
        ("GET a", "forward, muted"),
        ("INFO", "info, muted"),
        ("CLIENT REPLY SKIP", "answered"),
        ("CLIENT REPLY nonsense", "answered"),
        ("MULTI", "answered"),
        ("SET a 1", "answered"),
        ("EXEC", "execute 1, muted"),
        ("MULTI", "answered"),
        ("DISCARD", "answered"),
    ] {
        assert_eq!(client.say(request), said, "{request}");
    }
    client.route = OWN;
    for (request, said) in [
        ("WATCH a", "watch, muted"),
        ("UNWATCH", "unwatch, muted"),
        ("WATCH a", "watch, muted"),
        ("MULTI", "answered"),
        ("DISCARD", "forget"),
        ("WATCH a", "watch, muted"),
        ("MULTI", "answered"),
        ("nonsense", "answered"),
        ("EXEC", "forget"),
        ("WAIT 0 0", "wait, muted"),
        ("CLIENT REPLY ON", "answered +OK|"),
        ("PING", "answered +PONG|"),
        ("CLIENT REPLY OFF", "answered"),
        ("RESET", "reset 0 +RESET|"),
        ("PING", "answered +PONG|"),
    ] {
        assert_eq!(client.say(request), said, "{request}");
    }
}

#[test]
fn a_pause_holds_back_what_it_says() {
    let mut client = before_upstream();
    assert_eq!(client.say("CLIENT PAUSE 60000 WRITE"), "answered +OK|");
    assert_eq!(client.say("GET a"), "forward");
    assert_eq!(client.say("SET a 1"), "pause");
    assert_eq!(client.say("BLPOP a 0"), "pause", "a client that is held back holds no connection");
    assert_eq!(client.say("CLIENT PAUSE 60000"), "answered +OK|");
    let state = client.state();
    assert_eq!(client.say("GET a"), "pause");
    assert_eq!(client.say("SUBSCRIBE a"), "pause");
    assert_eq!(client.state(), state);
    assert_eq!(client.say("PING"), "answered +PONG|");
    assert!(client.session.is_paused());
    assert_eq!(client.say("CLIENT UNPAUSE"), "answered +OK|");
    assert_eq!(client.say("SET a 1"), "forward");
    client.say("MULTI");
    client.say("SET a 1");
    client.session.shared.pause.set(u64::MAX, true);
    assert_eq!(client.say("EXEC"), "pause");
    client.session.shared.pause.end();
    assert_eq!(client.say("EXEC"), "execute 1");
    for refused in ["CLIENT PAUSE x", "CLIENT PAUSE -1", "CLIENT PAUSE 1 nonsense", "CLIENT PAUSE 1 ALL x"] {
        assert!(client.say(refused).starts_with("answered -"), "{refused}");
        assert!(!client.session.is_paused());
    }
}

// Subscriptions.

#[test]
fn a_subscriber_in_resp2_can_do_little_else() {
    let allowed = ["ping", "quit", "reset"];
    for row in rows() {
        let mut client = before_upstream();
        client.route = OWN;
        assert_eq!(client.say("SUBSCRIBE a b a"), "subscribe Channel 3");
        let said = client.say_args(&minimal(row));
        let is_free = allowed.contains(&row.name) || row.class == Class::Subscribe;
        assert_eq!(said.contains("Can't execute '"), !is_free, "{}: {said}", row.name);

        let mut client = before_upstream();
        client.route = OWN;
        client.say("HELLO 3");
        client.say("SUBSCRIBE a");
        assert!(!client.say_args(&minimal(row)).contains("Can't execute"), "{}", row.name);
    }
    let mut client = before_upstream();
    client.route = OWN;
    client.say("SUBSCRIBE a");
    assert_eq!(client.say("PING"), "answered *2|$4|pong|$0||");
    assert_eq!(client.say("PING b"), "answered *2|$4|pong|$1|b|");
    assert_eq!(client.say("PSUBSCRIBE a*"), "subscribe Pattern 1");
    assert_eq!(client.say("UNSUBSCRIBE"), "unsubscribe Channel 1");
    assert!(client.say("GET a").contains("Can't execute 'get'"));
    assert_eq!(client.say("PUNSUBSCRIBE a*"), "unsubscribe Pattern 1");
    assert_eq!(client.say("GET a"), "forward");
    assert_eq!(client.say("PING"), "answered +PONG|");
}

#[test]
fn what_was_never_begun_is_ended_here() {
    let mut client = before_upstream();
    assert_eq!(client.say("UNSUBSCRIBE"), "answered *3|$11|unsubscribe|$-1|:0|");
    assert_eq!(client.say("PUNSUBSCRIBE a b"), "answered *3|$12|punsubscribe|$1|a|:0|*3|$12|punsubscribe|$1|b|:0|");
    client.route = OWN;
    client.say("SSUBSCRIBE a b");
    assert_eq!(client.say("UNSUBSCRIBE"), "unsubscribe Channel 1", "one confirmation, of nothing");
    assert_eq!(client.say("SUNSUBSCRIBE"), "unsubscribe Shard 2");
    assert!(client.session.subscriptions().is_none());
    assert_eq!(in_memory().say("UNSUBSCRIBE a b"), "unsubscribe Channel 2");
}

// RESET, QUIT and SELECT.

#[test]
fn reset_brings_back_the_first_state() {
    let fresh = before_upstream().state();
    let mut client = before_upstream();
    client.route = OWN;
    for request in ["HELLO 3 SETNAME me", "SELECT 7", "WATCH a", "SUBSCRIBE a b", "MULTI", "SET a 1"] {
        client.say(request);
    }
    assert_eq!(client.say("RESET"), "reset 2 +RESET|");
    assert_eq!(client.state(), fresh);
    client.say_on(OWN, "WATCH a");
    client.session.lose_watch();
    client.say("RESET");
    assert_eq!(client.state(), fresh);
}

#[test]
fn quit_answers_and_closes() {
    for route in [FREE, BUSY, OWN] {
        let mut client = client(true, Some("secret"));
        assert_eq!(client.say_on(route, "QUIT"), "answered +OK|");
        assert!(client.session.is_closing());
    }
    let mut client = before_upstream();
    client.say("MULTI");
    assert_eq!(client.say("QUIT"), "answered +OK|");
    assert!(client.session.is_closing());
}

#[test]
fn select_knows_its_databases() {
    let mut client = before_upstream();
    assert_eq!(client.session.database(), 3);
    assert_eq!(client.say("SELECT 15"), "answered +OK|");
    assert_eq!(client.session.database(), 15);
    for refused in ["SELECT 16", "SELECT -1", "SELECT x", "SELECT 99999999999"] {
        assert!(client.say(refused).starts_with("answered -ERR"), "{refused}");
        assert_eq!(client.session.database(), 15);
    }
    client.say("MULTI");
    client.say("SELECT 4");
    assert_eq!(client.session.database(), 15, "until EXEC");
}

// The whole table.

/// All rows that a request can be for.
fn rows() -> impl Iterator<Item = &'static Row> {
    table::all().flat_map(|row| std::iter::once(row).chain(row.subcommands)).filter(|row| row.subcommands.is_empty())
}

/// The shortest request for a row.
fn minimal(row: &Row) -> OwnedArgs {
    let fill = std::iter::repeat(&b"1"[..]);
    row.name.split('|').map(str::as_bytes).chain(fill).take(row.arity.unsigned_abs() as usize).collect()
}

#[test]
fn every_command_has_an_action_that_suits_its_class() {
    for row in rows() {
        for has_upstream in [true, false] {
            for route in [FREE, OWN, BUSY, MOVED, BLOCKED] {
                for transaction in [false, true] {
                    let mut client = client(has_upstream, None);
                    if transaction {
                        client.say("MULTI");
                    }
                    client.route = route;
                    let said = client.say_args(&minimal(row));
                    check(row, has_upstream, transaction, &said);
                }
            }
        }
    }
}

fn check(row: &Row, has_upstream: bool, transaction: bool, said: &str) {
    let what = said.split([' ', ',']).next().unwrap_or_default();
    let has_reply = said.contains('|');
    let context = format!("{} (upstream {has_upstream}, transaction {transaction}): {said}", row.name);
    // Who answers, answers; who passes on, leaves it to whoever it is passed on to.
    let answers = matches!(what, "answered" | "forget" | "reset");
    assert_eq!(has_reply, answers, "{context}");
    let waits = matches!(what, "hold" | "acquire");
    if waits {
        assert!(
            !transaction || matches!(row.name, "exec" | "discard" | "reset" | "quit" | "multi" | "watch"),
            "{context}"
        );
        return;
    }
    let ends = matches!(row.class, Class::Local(Local::Exec | Local::Reset));
    if transaction && !ends {
        assert_eq!(what, "answered", "{context}");
        return;
    }
    match row.class {
        Class::Local(Local::Reset) => assert_eq!(what, "reset", "{context}"),
        Class::Local(Local::Watch) => assert_eq!(what, "watch", "{context}"),
        Class::Local(Local::Exec) => assert_eq!(what, if transaction { "execute" } else { "answered" }, "{context}"),
        Class::Local(Local::Info) => assert_eq!(what, "info", "{context}"),
        Class::Local(_) => assert_eq!(what, "answered", "{context}"),
        Class::Shared => assert_eq!(what, "forward", "{context}"),
        // XREAD without BLOCK does not wait.
        Class::Blocking => assert!(what == "block" || (what == "forward" && row.name.starts_with('x')), "{context}"),
        Class::Subscribe => {
            assert!(matches!(what, "subscribe" | "unsubscribe") || row.name.contains("unsub"), "{context}");
        }
        Class::Exclusive => assert_eq!(what, if has_upstream { "wait" } else { "forward" }, "{context}"),
        Class::Refused(_) => assert!(said.starts_with("answered -"), "{context}"),
    }
    if what == "forward" {
        assert!(!matches!(row.memory, Memory::Session), "{context}");
    }
}
