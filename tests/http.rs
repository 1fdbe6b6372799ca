//! What an orchestrator sees of a running respool: `/livez`, `/readyz`, `/metrics`, and its end.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{RedisServer, Respool, wait_within};

/// Longer than the upstream is asked for, and than a pool waits for it.
const NOTICED: Duration = Duration::from_secs(10);

/// Status code and body.
fn get(respool: &Respool, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(("127.0.0.1", respool.http_port())).expect("a connection");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (code.expect("a status code"), body.expect("a body"))
}

/// The value of a series in `/metrics`.
fn metric(respool: &Respool, series: &str) -> f64 {
    let (_, text) = get(respool, "/metrics");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn in_memory() {
    let mut respool = Respool::memory();
    assert_eq!(get(&respool, "/livez"), (200, "ok".into()));
    assert_eq!(get(&respool, "/readyz").0, 200);

    let mut client = respool.client();
    client.call("SET key value");
    client.call("GET key");
    client.call("GET other");
    // The one that waited for the start may still be leaving.
    assert!(wait_within(NOTICED, || metric(&respool, "respool_clients") == 1.0));
    assert_eq!(metric(&respool, "respool_memory_keys{database=\"0\"}"), 1.0);
    assert_eq!(metric(&respool, "respool_memory_hits_total"), 1.0);
    assert_eq!(metric(&respool, "respool_memory_misses_total"), 1.0);
    assert_eq!(metric(&respool, "respool_requests_total{family=\"string\",outcome=\"local\"}"), 3.0);
    assert!(metric(&respool, "respool_memory_bytes") > 0.0);
    // Not every batch is timed.
    for _ in 0..100 {
        client.call("PING");
    }
    assert!(metric(&respool, "respool_proxy_seconds_count") >= 1.0);

    drop(client);
    assert!(wait_within(NOTICED, || metric(&respool, "respool_clients") == 0.0));
    respool.signal(libc::SIGTERM);
    assert_eq!(respool.wait().code(), Some(0));
}

#[test]
fn readiness_follows_the_upstream_and_liveness_does_not() {
    let mut redis = RedisServer::start();
    let respool = Respool::before(&redis);
    assert!(wait_within(NOTICED, || get(&respool, "/readyz").0 == 200));

    let mut client = respool.client();
    client.call("SET key value");
    assert_eq!(metric(&respool, "respool_requests_total{family=\"string\",outcome=\"forwarded\"}"), 1.0);
    assert!(metric(&respool, "respool_pool_connections{state=\"open\"}") >= 1.0);
    assert!(metric(&respool, "respool_upstream_seconds_count") >= 1.0);

    redis.kill();
    assert!(wait_within(NOTICED, || get(&respool, "/readyz").0 == 503));
    let (_, reason) = get(&respool, "/readyz");
    assert!(reason.contains("upstream: not reachable for"), "{reason}");
    assert_eq!(get(&respool, "/livez"), (200, "ok".into()));
    assert_eq!(metric(&respool, "respool_ready"), 0.0);

    redis.restart();
    assert!(wait_within(NOTICED, || get(&respool, "/readyz").0 == 200));
    assert_eq!(client.call("DBSIZE"), support::Value::Integer(0));
}

#[test]
fn draining_shows_until_the_last_client_has_left() {
    let mut respool = Respool::memory();
    let mut client = respool.client();
    client.call("MULTI");
    respool.signal(libc::SIGTERM);
    // The transaction keeps the client, and that the process.
    assert!(wait_within(NOTICED, || get(&respool, "/readyz").0 == 503));
    let (_, reason) = get(&respool, "/readyz");
    assert!(reason.contains("draining: yes"), "{reason}");
    assert_eq!(get(&respool, "/livez").0, 200);
    assert!(respool.is_running());
    drop(client);
    assert_eq!(respool.wait().code(), Some(0));
}
