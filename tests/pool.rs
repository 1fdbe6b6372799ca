//! Upstream connections: how many there are, who has them, and what comes back clean. They are counted by the
//! redis-server itself.

mod support;

use std::time::{Duration, Instant};

use support::{Client, RedisServer, Respool, Value, free_port, wait_until};

/// What respool's connections look like at the Redis, a line each.
fn connections(redis: &RedisServer) -> Vec<String> {
    let list = redis.client().call("CLIENT LIST").text();
    list.lines().filter(|line| line.contains(" name=respool ")).map(str::to_owned).collect()
}

/// A respool with one worker and this `[pool]`.
fn pooled(redis: &RedisServer, pool: &str) -> Respool {
    Respool::configured(&format!("[pool]\n{pool}\n"), &["--upstream", &redis.url(), "--workers", "1"])
}

/// Lets a client wait for a list, and returns when it does.
fn block(redis: &RedisServer, client: &mut Client, key: &str) {
    let blocked = || connections(redis).iter().filter(|line| line.contains(" flags=b ")).count();
    let before = blocked();
    client.send(&["BRPOP", key, "0"]).expect("sent");
    wait_until(|| blocked() == before + 1);
}

#[test]
fn a_thousand_busy_clients_share_a_few_connections() {
    let redis = RedisServer::start();
    let respool = Respool::configured("[pool]\nmin = 2\n", &["--upstream", &redis.url(), "--workers", "2"]);
    let mut clients: Vec<Client> = (0..1000).map(|_| respool.client()).collect();
    for round in 1..=3 {
        for client in &mut clients {
            client.send(&["INCR", "n"]).and_then(|()| client.send(&["GET", "k"])).expect("sent");
        }
        let open = connections(&redis).len();
        assert!((2..=2 + 2).contains(&open), "{open} connections in round {round}");
        for client in &mut clients {
            client.read().and_then(|_| client.read()).expect("a reply");
        }
    }
    assert_eq!(clients[0].call("GET n"), "3000");
}

#[test]
fn a_full_pool_says_so_in_time() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 3\nacquire_timeout = \"300ms\"");
    let mut probe = respool.client();
    assert_eq!(probe.call("SET k v"), "OK");
    let mut waiting: Vec<Client> = (0..2).map(|_| respool.client()).collect();
    for (index, client) in waiting.iter_mut().enumerate() {
        block(&redis, client, &format!("q{index}"));
    }
    let mut refused: Vec<Client> = (0..20).map(|_| respool.client()).collect();
    let start = Instant::now();
    for client in &mut refused {
        client.send(&["BRPOP", "q", "0"]).expect("sent");
    }
    for client in &mut refused {
        let reply = client.read().expect("a reply");
        let text = reply.text();
        assert!(reply.is_error("ERR respool: "), "{text}");
        for part in ["pool.max = 3", "pool.acquire_timeout", "rule of thumb"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(start.elapsed() >= Duration::from_millis(300));
        // It is no worse off than before.
        assert_eq!(client.call("GET k"), "v");
        assert!(client.call("EXEC").is_error("ERR EXEC without MULTI"));
    }
    assert!(connections(&redis).len() <= 3);
    assert_eq!(probe.call("LPUSH q1 x"), 1);
    assert_eq!(waiting[1].read().expect("a reply").items().len(), 2);
    let mut next = respool.client();
    block(&redis, &mut next, "q1");
}

#[test]
fn an_idle_lane_makes_room_for_another() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 2\nacquire_timeout = \"5s\"");
    let mut client = respool.client();
    for database in (0..16).chain(0..4) {
        assert_eq!(client.call(&format!("SELECT {database}")), "OK");
        assert_eq!(client.call("SET k v"), "OK");
    }
    assert!(connections(&redis).len() <= 2);
}

#[test]
fn a_refused_transaction_is_over() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 2\nacquire_timeout = \"200ms\"");
    assert_eq!(respool.client().call("SET k v"), "OK");
    let mut waiting = respool.client();
    block(&redis, &mut waiting, "q");
    let mut client = respool.client();
    for words in ["MULTI", "SELECT 1", "SET k w"] {
        client.call(words);
    }
    let reply = client.call("EXEC");
    assert!(reply.is_error("EXECABORT Transaction discarded because of: respool: all 2"), "{reply:?}");
    assert_eq!(client.call("GET k"), "v");
    assert!(client.call("WATCH k").is_error("ERR respool: all 2"));
    assert_eq!(client.call("UNWATCH"), "OK");
}

#[test]
fn the_longest_wait_ends_first() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 2\nacquire_timeout = \"8s\"");
    let mut probe = respool.client();
    assert_eq!(probe.call("SET k v"), "OK");
    let mut holder = respool.client();
    block(&redis, &mut holder, "first");
    let waiting = || {
        let metrics = respool.http_get("/metrics");
        let line = metrics.lines().find(|line| line.starts_with("respool_pool_waiting "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_else(|| panic!("{metrics}"))
    };
    let mut clients: Vec<Client> = Vec::new();
    for index in 0..10 {
        let mut client = respool.client();
        let key = format!("k{index}");
        client
            .send(&["WATCH", &key])
            .and_then(|()| client.send(&["APPEND", "order", &index.to_string()]))
            .expect("sent");
        client.send(&["UNWATCH"]).expect("sent");
        clients.push(client);
        // The health check may stand in the queue too.
        wait_until(|| waiting() > f64::from(index));
    }
    assert_eq!(probe.call("LPUSH first x"), 1);
    for client in &mut clients {
        for _ in 0..3 {
            client.read().expect("a reply");
        }
    }
    assert_eq!(probe.call("GET order"), "0123456789");
}

#[test]
fn without_pooling_each_client_has_its_own() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 0");
    // The health check opens one now and then.
    let own = || connections(&redis).iter().filter(|line| !line.contains(" cmd=info ")).count();
    let mut clients: Vec<Client> = (0..20).map(|_| respool.client()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.call("INCR n"), index as i64 + 1);
        assert_eq!(client.call("SELECT 1"), "OK");
        assert_eq!(client.command(&["LPUSH", &format!("q{index}"), "x"]), 1);
        assert_eq!(client.call("SELECT 2"), "OK");
        assert!(client.call("GET n").is_null());
        assert_eq!(client.call("SELECT 1"), "OK");
        assert_eq!(client.command(&["BLPOP", &format!("q{index}"), "1"]).items().len(), 2);
        assert_eq!(client.call("SELECT 0"), "OK");
        for (words, reply) in [("MULTI", "OK"), ("GET n", "QUEUED")] {
            assert_eq!(client.call(words), reply);
        }
        assert_eq!(client.call("EXEC").items().len(), 1);
    }
    wait_until(|| own() == 20);
    clients.truncate(5);
    wait_until(|| own() == 5);
    for client in &mut clients {
        assert_eq!(client.call("SUBSCRIBE c").items()[2], 1);
        assert_eq!(client.call("UNSUBSCRIBE c").items()[2], 0);
        assert_eq!(client.call("GET n"), "20");
    }
    assert_eq!(own(), 5);
    drop(clients);
    wait_until(|| own() == 0);
}

/// With room for the lane and one more connection, whoever comes next gets what the last one left behind.
#[test]
fn nothing_is_left_behind_for_the_next_user() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 2\nacquire_timeout = \"3s\"");
    let mut lane = respool.client();
    assert_eq!(lane.call("SET k 0"), "OK");
    type Leave = fn(&mut Client);
    let ways: [(&str, Leave); 13] = [
        ("EXEC", |client| {
            client.call("MULTI");
            client.call("EXEC");
        }),
        ("DISCARD", |client| {
            client.call("MULTI");
            client.call("SET k x");
            assert_eq!(client.call("DISCARD"), "OK");
        }),
        ("UNWATCH", |client| assert_eq!(client.call("UNWATCH"), "OK")),
        ("RESET", |client| assert_eq!(client.call("RESET"), "RESET")),
        ("RESET in MULTI", |client| {
            client.call("MULTI");
            assert_eq!(client.call("RESET"), "RESET");
        }),
        ("leaving", |_| {}),
        ("leaving MULTI", |client| {
            client.call("MULTI");
            client.call("SET k x");
        }),
        ("an EXEC that subscriptions forbid", |client| {
            client.call("MULTI");
            client.call("DISCARD");
            client.call("WATCH k");
            client.call("SUBSCRIBE c");
            assert!(client.call("EXEC").is_error("EXECABORT"));
            assert_eq!(client.call("UNSUBSCRIBE c").items()[2], 0);
        }),
        ("QUIT", |client| assert_eq!(client.call("QUIT"), "OK")),
        ("another database", |client| {
            assert_eq!(client.call("SELECT 3"), "OK");
            assert!(client.call("GET k").is_null());
            assert_eq!(client.call("UNWATCH"), "OK");
        }),
        ("another protocol", |client| {
            client.hello3();
            assert!(client.call("GET k").text() == "0");
            assert_eq!(client.call("UNWATCH"), "OK");
        }),
        ("a failed EXEC", |client| {
            client.call("MULTI");
            assert!(client.call("NOSUCH").is_error("ERR unknown command"));
            assert!(client.call("EXEC").is_error("EXECABORT"));
        }),
        ("a transaction in another database", |client| {
            for words in ["MULTI", "SELECT 4", "SET here 1", "EXEC"] {
                client.call(words);
            }
        }),
    ];
    for (name, leave) in ways {
        let mut first = respool.client();
        assert_eq!(first.call("WATCH k"), "OK", "{name}");
        assert!(connections(&redis).len() <= 2, "{name}");
        leave(&mut first);
        let _stays = (!name.starts_with("leaving")).then_some(first);
        // It would have waited for all of its time if the connection were still held.
        let mut second = respool.client();
        assert_eq!(second.call("WATCH other"), "OK", "{name}");
        assert_eq!(lane.call("SET k 0"), "OK");
        assert_eq!(second.call("GET k"), "0", "{name}");
        assert_eq!(second.call("MULTI"), "OK", "{name}");
        assert_eq!(second.call("GET k"), "QUEUED", "{name}");
        let reply = second.call("EXEC");
        assert_eq!(reply, Value::Array(vec![Value::Bulk(b"0".to_vec())]), "{name}");
        assert!(connections(&redis).len() <= 2, "{name}");
    }
}

#[test]
fn a_clean_connection_is_used_again() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 10");
    let exclusive = || {
        let mut client = respool.client();
        client.call("WATCH k");
        let ids: Vec<String> = connections(&redis)
            .iter()
            .filter(|line| line.contains(" cmd=watch "))
            .map(|line| line.split(' ').next().expect("an id").to_owned())
            .collect();
        assert_eq!(client.call("UNWATCH"), "OK");
        ids
    };
    let first = exclusive();
    assert_eq!(first.len(), 1);
    // Those that are idle may be one more, since the health check has one too.
    let others: Vec<_> = (0..5).map(|_| exclusive()).collect();
    assert!(others.contains(&first), "{first:?} {others:?}");
    assert!(connections(&redis).len() <= 3);
}

#[test]
fn a_message_between_unsubscribing_and_its_confirmation_is_no_reply() {
    let redis = RedisServer::start();
    let respool = pooled(&redis, "min = 0\nmax = 2\nacquire_timeout = \"3s\"");
    let mut publisher = redis.client();
    let mut lane = respool.client();
    assert_eq!(lane.call("SET k v"), "OK");
    for round in 0..100 {
        let mut subscriber = respool.client();
        assert_eq!(subscriber.call("SUBSCRIBE c").items()[2], 1);
        for _ in 0..20 {
            publisher.send(&["PUBLISH", "c", "message"]).expect("sent");
        }
        subscriber.send(&["UNSUBSCRIBE", "c"]).and_then(|()| subscriber.send(&["PING"])).expect("sent");
        for _ in 0..20 {
            publisher.read().expect("a reply");
        }
        let mut kinds: Vec<String> = Vec::new();
        loop {
            match subscriber.read().expect("a reply") {
                Value::Array(items) => kinds.push(items[0].text()),
                reply => {
                    assert_eq!(reply, "PONG", "round {round}");
                    break;
                }
            }
        }
        assert_eq!(kinds.pop().as_deref(), Some("unsubscribe"), "round {round}");
        assert!(kinds.iter().all(|kind| kind == "message"), "round {round}: {kinds:?}");
        // The next user of the connection gets replies of its own.
        assert_eq!(subscriber.call("WATCH k"), "OK", "round {round}");
        assert_eq!(subscriber.call("GET k"), "v");
        assert_eq!(subscriber.call("UNWATCH"), "OK");
    }
}

#[test]
fn a_dead_upstream_is_waited_for() {
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}/0");
    let respool =
        Respool::configured("[pool]\nmin = 0\nacquire_timeout = \"500ms\"", &["--upstream", &url, "--workers", "1"]);
    let mut client = respool.client();
    let start = Instant::now();
    assert_eq!(client.call("PING"), "PONG");
    assert!(client.call("INFO").text().contains("redis_version:"));
    assert!(start.elapsed() < Duration::from_millis(500), "they wait for nobody");
    for words in ["GET k", "WATCH k", "BLPOP q 0"] {
        let start = Instant::now();
        let reply = client.call(words);
        assert!(reply.is_error("ERR respool: the upstream can't be reached"), "{words}: {reply:?}");
        assert!(reply.text().contains(&port.to_string()), "{words}: {reply:?}");
        assert!(start.elapsed() >= Duration::from_millis(300), "{words} was given up at once");
    }
    // One that waits when it comes up gets its reply.
    let patient =
        Respool::configured("[pool]\nmin = 0\nacquire_timeout = \"9s\"", &["--upstream", &url, "--workers", "1"]);
    let mut clients: Vec<Client> = (0..3).map(|_| patient.client()).collect();
    for (client, words) in
        clients.iter_mut().zip([vec!["INCR", "n"], vec!["WATCH", "k"], vec!["BLPOP", "empty", "0.01"]])
    {
        client.send(&words).expect("sent");
    }
    let mut redis = std::process::Command::new("redis-server");
    redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
    let directory = support::temp_dir();
    redis.arg("--dir").arg(directory.path());
    let _redis = support::Process::spawn(redis, &directory.path().join("log")).expect("redis-server starts");
    for (client, expected) in clients.iter_mut().zip([":1\r\n", "+OK\r\n", "*-1\r\n"]) {
        client.set_timeout(Duration::from_secs(9));
        let reply = client.read_raw().expect("a reply");
        assert!(reply.starts_with(expected.as_bytes()), "{}", reply.escape_ascii());
    }
    wait_until(|| client.call("GET n") == "1");
}

#[test]
fn a_restarted_upstream_is_found_again() {
    let mut redis = RedisServer::start();
    let respool = pooled(&redis, "min = 2\nmax = 10\nacquire_timeout = \"5s\"");
    let (mut sent, mut watching, mut subscribed, mut blocked, mut other) =
        (respool.client(), respool.client(), respool.client(), respool.client(), respool.client());
    assert_eq!(other.call("SET k v"), "OK");
    assert_eq!(watching.call("WATCH k"), "OK");
    assert_eq!(subscribed.call("SUBSCRIBE c").items()[2], 1);
    block(&redis, &mut blocked, "q");
    redis.stop();
    // They are on their way when it dies; the muted one has no reply, whatever comes of it.
    sent.send_raw(b"CLIENT REPLY SKIP\r\nINCR n\r\nINCR n\r\nPING\r\nGET n\r\n").expect("sent");
    assert_eq!(other.call("PING"), "PONG");
    let waits = || redis_input(&redis) > 0;
    wait_until(waits);
    redis.restart();
    assert!(sent.read().expect("a reply").is_error("UNCERTAIN the upstream connection was lost"));
    assert_eq!(sent.read().expect("a reply"), "PONG");
    assert!(sent.read().expect("a reply").is_error("UNCERTAIN"));
    assert!(sent.call("GET n").is_null());
    assert_eq!(sent.call("INCR n"), 1);
    assert_eq!(watching.call("MULTI"), "OK");
    assert_eq!(watching.call("SET k w"), "QUEUED");
    assert!(watching.call("EXEC").is_null());
    assert_eq!(watching.call("GET k"), Value::Null);
    assert_eq!(subscribed.read_to_close().expect("closed"), b"");
    assert!(blocked.read().expect("a reply").is_error("UNCERTAIN"));
    assert_eq!(blocked.call("LPUSH q x"), 1);
    // While it is gone, requests are not written and so not uncertain.
    redis.kill();
    wait_until(|| respool.http_get("/readyz").starts_with("HTTP/1.1 503"));
    other.send(&["INCR", "late"]).expect("sent");
    redis.restart();
    assert_eq!(other.read().expect("a reply"), 1);
}

/// Bytes that stand in the sockets of a Redis and were not read.
fn redis_input(redis: &RedisServer) -> u64 {
    let port = format!(":{:04X}", redis.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let queued = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let queue = fields.get(4)?.split(':').nth(1)?;
        fields[1].ends_with(&port).then(|| u64::from_str_radix(queue, 16).unwrap_or(0))
    };
    table.lines().filter(|line| !line.contains(" 0A ")).filter_map(queued).sum()
}

#[test]
fn a_refused_password_is_told() {
    let redis = RedisServer::start();
    assert_eq!(redis.client().call("CONFIG SET requirepass secret"), "OK");
    for url in [redis.url(), format!("redis://:wrong@127.0.0.1:{}/0", redis.port())] {
        let respool = Respool::start(&["--upstream", &url], &[]);
        let mut client = respool.client();
        for words in ["GET k", "WATCH k", "BLPOP q 0"] {
            let start = Instant::now();
            let reply = client.call(words);
            assert!(reply.is_error("ERR respool: the upstream refused the connection: "), "{words}: {reply:?}");
            assert!(reply.text().contains("NOAUTH") || reply.text().contains("WRONGPASS"), "{words}: {reply:?}");
            assert!(start.elapsed() < Duration::from_secs(4), "{words}: it gets no better by waiting");
        }
        assert!(!respool.stderr().contains(":wrong@"), "{}", respool.stderr());
    }
    let url = format!("redis://:secret@127.0.0.1:{}/0", redis.port());
    assert_eq!(Respool::start(&["--upstream", &url], &[]).client().call("SET k v"), "OK");
}

/// respool may know more databases than the Redis: nothing is executed in another one instead.
#[test]
fn a_database_that_is_not_there_is_told() {
    let redis = RedisServer::start_with(&["--databases", "2"]);
    for max in [10, 0] {
        let respool = pooled(&redis, &format!("min = 0\nmax = {max}"));
        let mut client = respool.client();
        assert_eq!(client.call("SET k 0"), "OK");
        assert_eq!(client.call("WATCH k"), "OK");
        assert_eq!(client.call("UNWATCH"), "OK");
        assert_eq!(client.call("SELECT 5"), "OK");
        for words in ["SET k 5", "WATCH k", "LPUSH q x", "BLPOP q 1"] {
            let reply = client.call(words);
            assert!(reply.is_error("ERR respool: the upstream refused the connection: ERR DB index"), "{reply:?}");
        }
        assert_eq!(client.call("SELECT 1"), "OK");
        assert!(client.call("GET k").is_null());
        // The same on a connection that it holds already.
        assert_eq!(client.call("WATCH k"), "OK");
        assert_eq!(client.call("SELECT 5"), "OK");
        assert!(client.call("SET k 5").is_error("ERR respool: the upstream refused the connection"));
        assert_eq!(client.call("SELECT 0"), "OK");
        assert_eq!(client.call("GET k"), "0");
        assert_eq!(client.call("DBSIZE"), 1);
        assert_eq!(client.call("SELECT 1"), "OK");
        assert_eq!(client.call("DBSIZE"), 0);
    }
}

#[test]
fn a_held_connection_follows_its_client_to_another_database() {
    let redis = RedisServer::start();
    let respool = Respool::before(&redis);
    let mut client = respool.client();
    client.call("SET k 0");
    let pipeline: Vec<Vec<&str>> =
        ["SELECT 1", "LPUSH q one", "SELECT 0", "WATCH k", "SELECT 1", "BLPOP q 1", "SELECT 2", "SET k two", "GET k"]
            .iter()
            .chain(&["SELECT 0", "GET k", "HELLO 3", "GET none", "HELLO 2", "GET none", "WAIT 0 1", "UNWATCH"])
            .chain(&["HELLO 3", "WATCH k", "SUBSCRIBE c", "SELECT 1", "HELLO 2", "PING", "UNSUBSCRIBE c", "DBSIZE"])
            .map(|words| words.split(' ').collect())
            .collect();
    let mut direct = redis.client();
    direct.call("FLUSHALL");
    direct.call("SET k 0");
    let mut run = |client: &mut Client| {
        for words in &pipeline {
            client.send(words).expect("sent");
        }
        let replies: Vec<Vec<u8>> = pipeline.iter().map(|_| client.read_raw().expect("a reply")).collect();
        direct.call("FLUSHALL");
        direct.call("SET k 0");
        replies
    };
    let expected = run(&mut redis.client());
    let actual = run(&mut client);
    for ((words, expected), actual) in pipeline.iter().zip(&expected).zip(&actual) {
        // HELLO tells the number of the connection.
        if words[0] != "HELLO" {
            assert_eq!(actual.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{words:?}");
        }
    }
}

/// What can't be taken is refused behind what was, and in silence if that was asked for.
#[test]
fn a_full_lane_refuses_in_order() {
    let redis = RedisServer::start();
    let config = "[limits]\nlane_bytes = \"64kb\"";
    let respool = Respool::configured(config, &["--upstream", &redis.url(), "--workers", "1"]);
    let mut client = respool.client();
    assert_eq!(client.call("SET k v"), "OK");
    redis.stop();
    // More than the sockets hold, so that most of it waits.
    let large = vec![b'x'; 32 << 20];
    client.send(&["GET", "k"]).and_then(|()| client.send(&[b"SET", &b"large"[..], &large])).expect("sent");
    for words in [&["CLIENT", "REPLY", "SKIP"][..], &["INCR", "n"], &["INCR", "n"], &["ECHO", "end"]] {
        client.send(words).expect("sent");
    }
    wait_until(|| respool.client().call("CLIENT LIST").text().contains("cmd=echo"));
    redis.resume();
    assert_eq!(client.read().expect("a reply"), "v");
    assert_eq!(client.read().expect("a reply"), "OK");
    let refused = client.read().expect("a reply");
    assert!(refused.is_error("ERR respool: too many bytes wait for the upstream (limits.lane_bytes)"), "{refused:?}");
    assert_eq!(client.read().expect("a reply"), "end");
    assert!(client.call("GET n").is_null());
}
