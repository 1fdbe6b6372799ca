//! Holds the conversations in `tests/cases` with Redis and with respool, and compares every reply.
//!
//! `TARGETS=redis` checks the cases themselves, `CASES=text` chooses some, `SHOW=1` prints what Redis answers; see
//! `tests/cases/README.md`.

#[path = "support/runner/mod.rs"]
mod runner;
mod support;

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use runner::format::{self, Target};
use runner::report::Report;
use runner::run::{self, Settings};
use runner::stage::{Server, Stage};
use support::RedisServer;

#[test]
fn cases() {
    let settings = Settings::from_env();
    let begin = Instant::now();
    let cases = run::load(Path::new("tests/cases")).expect("readable case files");
    let report = run::run(&cases, &settings);
    let names: Vec<String> = settings.targets.iter().map(ToString::to_string).collect();
    run::tell(&format!("\n{report}; targets {}; {:.1?}", names.join(", "), begin.elapsed()));
    assert!(report.cases > 0, "no case contains {:?}", settings.filter);
    assert!(report.problems.is_empty(), "replies differ, see above");
}

/// Holds cases with two servers of which the second has another `maxmemory`.
fn hold_with_a_different_server(text: &str) -> Report {
    let other = RedisServer::start_with(&["--maxmemory", "100mb"]);
    let mut stage =
        Stage { reference: Server::redis(RedisServer::start()), targets: vec![(Target::Redis, Server::redis(other))] };
    let cases = format::parse(Path::new("self.case"), text).expect("a good file");
    let mut report = Report::default();
    for case in &cases {
        report.add(run::hold_case(case, &mut stage, false));
    }
    report
}

#[test]
fn a_different_reply_is_reported() {
    let report =
        hold_with_a_different_server("== same [resp=2]\nPING\n\n== other [resp=2]\nPING\nCONFIG GET maxmemory\n");
    assert_eq!((report.cases, report.commands), (2, 3));
    let told = report.to_string();
    let expected = "self.case:6 [redis, RESP2] other\n    \
        CONFIG GET maxmemory\n    \
        expected \"*2\\r\\n$9\\r\\nmaxmemory\\r\\n$1\\r\\n0\\r\\n\"\n    \
        actual   \"*2\\r\\n$9\\r\\nmaxmemory\\r\\n$9\\r\\n104857600\\r\\n\"\n\n\
        \x20   1 in self.case [redis, RESP2]\n\
        2 cases, 3 commands, 1 problems";
    assert_eq!(told, expected);
}

#[test]
fn mistakes_in_cases_are_reported() {
    let report = hold_with_a_different_server(
        "== no error [resp=2]\n~error PING\n\n\
         == not silent [resp=2]\na& PING\na?none\n\n\
         == too early [resp=2]\n~after 50ms PING\n\n\
         == nobody reads [resp=2]\na& PING\na& PING\na?\nb> PING\nb> PING\n\n\
         == nothing comes [resp=2]\nb& BLPOP k 0\n!blocked c\n",
    );
    let lines: Vec<usize> = report
        .problems
        .iter()
        .filter(|problem| problem.where_ == "reference, RESP2")
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [2, 6, 9, 16, 20], "{report}");
}

#[test]
fn every_marker_and_directive_works() {
    let report = hold_with_a_different_server(
        r#"
== markers
RPUSH l 1 2 3
~kind CONFIG GET maxmemory
~shape CONFIG GET maxmemory
~mask maxmemory CONFIG GET maxmemory
~any CONFIG GET maxmemory
~error GET
SADD s a b c
~unordered SMEMBERS s
~sorted2 SSCAN s 0
HSET h f v g w
~pairs HGETALL h
SET k v EX 100
~within 2 TTL k
~has maxmemory: INFO memory
~fields CLIENT INFO
~save dump DUMP l
RESTORE copy 0 $dump
LRANGE copy 0 -1

== directives
MSET k1 1 k2 2 k3 3 k4 4 k5 5 other 6
!scanall SCAN MATCH k* COUNT 2
HSET h f v g w
!scanall b> HSCAN h
b& BLPOP l 0
!blocked b
b?none
RPUSH l "x"*3
b?
b& BLPOP l 0.05
~after 40ms b?
!sleep 5ms
!raw c "PING\r\n"*2
~unordered c?2
c> CLIENT KILL ID $b.id
!closed b
CLIENT KILL $c.addr
!closed c
b> PING
!close b
"#,
    );
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!(report.cases, 2);
}

#[test]
fn a_redis_server_can_be_stopped_and_started() {
    let mut redis = RedisServer::start();
    let mut client = redis.client();
    assert_eq!(client.call("SET key value"), "OK");
    redis.stop();
    client.send(&["GET", "key"]).expect("the socket takes it");
    let moment = Duration::from_millis(50);
    assert_eq!(client.read_within(moment).expect("an open socket"), None);
    redis.resume();
    assert_eq!(client.read().expect("the late reply"), "value");
    redis.restart();
    client.read().expect_err("the old connection is gone");
    let mut client = redis.client();
    assert!(client.call("GET key").is_null());
    client.hello3();
    redis.kill();
    assert!(!redis.is_running());
}

#[test]
fn ports_are_handed_out_once() {
    let ports: HashSet<u16> = (0..50).map(|_| support::free_port()).collect();
    assert_eq!(ports.len(), 50);
}
