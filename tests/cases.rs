//! Holds the conversations in `tests/cases` with Redis and with respool, and compares every reply.
//!
//! `TARGETS=redis` checks the cases themselves, `CASES=text` chooses some, `SHOW=1` prints what Redis answers; see
//! `tests/cases/README.md`.

#[path = "support/runner/mod.rs"]
mod runner;
mod support;

use std::path::Path;
use std::time::Instant;

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
    run::tell(&format!(
        "\n{report}; targets {}; {:.1?}",
        names.join(", "),
        begin.elapsed()
    ));
    assert!(report.cases > 0, "no case contains {:?}", settings.filter);
    assert!(report.problems.is_empty(), "replies differ, see above");
}

/// Holds cases with two servers of which the second has another `maxmemory`.
fn hold_with_a_different_server(text: &str) -> Report {
    let other = RedisServer::start_with(&["--maxmemory", "1mb"]);
    let mut stage = Stage {
        reference: Server::redis(RedisServer::start()),
        targets: vec![(Target::Redis, Server::redis(other))],
    };
    let cases = format::parse(Path::new("self.case"), text).expect("a good file");
    let mut report = Report::default();
    for case in &cases {
        report.add(run::hold_case(case, &mut stage, false));
    }
    report
}

#[test]
fn a_different_reply_is_reported() {
    let report = hold_with_a_different_server(
        "== same [resp=2]\nPING\n\n== other [resp=2]\nPING\nCONFIG GET maxmemory\n",
    );
    assert_eq!((report.cases, report.commands), (2, 3));
    let told = report.to_string();
    let expected = "self.case:6 [redis, RESP2] other\n    \
        CONFIG GET maxmemory\n    \
        expected \"*2\\r\\n$9\\r\\nmaxmemory\\r\\n$1\\r\\n0\\r\\n\"\n    \
        actual   \"*2\\r\\n$9\\r\\nmaxmemory\\r\\n$7\\r\\n1048576\\r\\n\"\n\n\
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
