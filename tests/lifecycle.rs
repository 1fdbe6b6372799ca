//! From the first client to the last: starting, stopping, limits, pauses, and replies in order whatever is mixed.

mod support;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::client::encode;
use support::{Client, Process, Random, RedisServer, Respool, Value, free_port, temp_dir, wait_until};

/// How many clients wait for an element at a Redis.
fn blocked(redis: &RedisServer) -> usize {
    redis.client().call("CLIENT LIST").text().matches(" flags=b ").count()
}

#[test]
fn it_stops_when_all_are_served() {
    let redis = RedisServer::start();
    let mut respool = Respool::before(&redis);
    let (mut busy, mut idle, mut waiting, mut open) =
        (respool.client(), respool.client(), respool.client(), respool.client());
    assert_eq!(idle.call("PING"), "PONG");
    assert_eq!(open.call("MULTI"), "OK");
    assert_eq!(open.call("INCR n"), "QUEUED");
    waiting.send(&["BLPOP", "q", "0"]).expect("sent");
    wait_until(|| blocked(&redis) == 1);

    redis.stop();
    let pipeline: Vec<u8> = (0..3000).flat_map(|_| encode(&["INCR", "n"])).collect();
    busy.send_raw(&pipeline).expect("sent");
    assert_eq!(open.call("ECHO still-here").text(), "QUEUED");
    respool.signal(libc::SIGTERM);
    assert_eq!(idle.read_to_close().expect("closed"), b"");
    assert_eq!(waiting.read_to_close().expect("closed"), b"");
    wait_until(|| TcpStream::connect(("127.0.0.1", respool.port())).is_err());
    let ready = respool.http_get("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("draining"), "{ready}");
    assert!(respool.is_running());

    redis.resume();
    for number in 1..=3000 {
        assert_eq!(busy.read().expect("a reply"), number);
    }
    assert_eq!(busy.read_to_close().expect("closed"), b"");
    assert_eq!(open.call("EXEC").items()[0], 3001);
    assert_eq!(open.read_to_close().expect("closed"), b"");
    assert_eq!(respool.wait().code(), Some(0), "{}", respool.stderr());
    // What comes for the one that waited is still there.
    let mut direct = redis.client();
    wait_until(|| blocked(&redis) == 0);
    assert_eq!(direct.call("RPUSH q e"), 1);
    assert_eq!(direct.call("LLEN q"), 1);
}

#[test]
fn what_was_sent_before_it_stops_is_answered() {
    for round in 0..10 {
        let mut respool = Respool::memory();
        let mut clients: Vec<Client> = (0..10).map(|_| respool.client()).collect();
        for client in &mut clients {
            assert_eq!(client.call("PING"), "PONG");
        }
        let pipeline: Vec<u8> = (0..100).flat_map(|_| encode(&["INCR", "n"])).collect();
        for client in &mut clients {
            client.send_raw(&pipeline).expect("sent");
        }
        respool.signal(libc::SIGTERM);
        for client in &mut clients {
            for _ in 0..100 {
                let reply = client.read();
                assert!(matches!(reply, Ok(Value::Integer(_))), "round {round}: {reply:?}");
            }
            assert_eq!(client.read_to_close().expect("closed"), b"");
        }
        assert_eq!(respool.wait().code(), Some(0));
    }
}

/// An element that comes while the waiting are sent away is with one of them or still there.
#[test]
fn nothing_is_lost_while_it_stops() {
    let redis = RedisServer::start();
    for round in 0..5 {
        let mut respool = Respool::before(&redis);
        let mut waiting: Vec<Client> = (0..50).map(|_| respool.client()).collect();
        for client in &mut waiting {
            client.send(&["BLPOP", "q", "0"]).expect("sent");
        }
        wait_until(|| blocked(&redis) == 50);
        let mut direct = redis.client();
        respool.signal(libc::SIGTERM);
        for number in 0..50 {
            direct.command(&["RPUSH", "q", &number.to_string()]);
        }
        let mut received = 0;
        for client in &mut waiting {
            received += i64::from(!client.read_to_close().expect("closed").is_empty());
        }
        assert_eq!(respool.wait().code(), Some(0));
        wait_until(|| blocked(&redis) == 0);
        assert_eq!(direct.call("LLEN q"), 50 - received, "round {round}");
        assert_eq!(direct.call("FLUSHALL"), "OK");
    }
}

#[test]
fn those_who_do_not_finish_are_sent_away() {
    let mut respool = Respool::configured("[server]\ndrain_timeout = \"200ms\"", &[]);
    let mut client = respool.client();
    assert_eq!(client.call("MULTI"), "OK");
    let start = Instant::now();
    respool.signal(libc::SIGINT);
    assert_eq!(client.read_to_close().expect("closed"), b"");
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(respool.wait().code(), Some(0), "{}", respool.stderr());
    assert!(respool.stderr().contains("did not leave in server.drain_timeout"), "{}", respool.stderr());
}

#[test]
fn it_starts_again_at_once() {
    let mut respool = Respool::memory();
    for _ in 0..3 {
        // Connections that respool closes first keep its port busy for a while.
        let mut clients: Vec<Client> = (0..20).map(|_| respool.client()).collect();
        for client in &mut clients {
            assert_eq!(client.call("PING"), "PONG");
        }
        respool.signal(libc::SIGTERM);
        assert_eq!(respool.wait().code(), Some(0));
        respool.restart();
    }
}

#[test]
fn one_line_says_that_it_serves() {
    let (port, http) = (free_port(), free_port());
    let directory = temp_dir();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_respool"));
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--http", &format!("127.0.0.1:{http}")]);
    command.current_dir(directory.path()).env_remove("RESPOOL_LOG");
    let process = Process::spawn(command, &directory.path().join("log")).expect("respool starts");
    wait_until(|| Client::answers(port));
    let log = process.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains(&format!("serves its in-memory driver on 127.0.0.1:{port} - try: redis-cli -p {port} ping")));
}

#[test]
fn more_clients_than_the_limit_are_refused() {
    let respool = Respool::configured("[limits]\nclients = 5", &[]);
    // The one that asked whether it answers may not have left yet.
    let mut first = respool.client();
    wait_until(|| first.call("CLIENT LIST").text().lines().count() == 1);
    let mut clients: Vec<Client> = (0..4).map(|_| respool.client()).collect();
    for client in &mut clients {
        assert_eq!(client.call("PING"), "PONG");
    }
    for _ in 0..3 {
        let said = respool.client().read_to_close().expect("closed");
        assert_eq!(said.escape_ascii().to_string(), r"-ERR max number of clients reached\r\n");
    }
    clients.pop();
    wait_until(|| Client::answers(respool.port()));
    assert_eq!(first.call("PING"), "PONG");
}

#[test]
fn a_pause_holds_all_workers_clients() {
    let redis = RedisServer::start();
    for respool in [Respool::memory(), Respool::before(&redis)] {
        let mut clients: Vec<Client> = (0..4).map(|_| respool.client()).collect();
        let mut probe = respool.client();
        let (held, transaction) = clients.split_at_mut(3);
        let transaction = &mut transaction[0];
        assert_eq!(transaction.call("MULTI"), "OK");
        assert_eq!(transaction.call("INCR n"), "QUEUED");
        assert_eq!(probe.call("CLIENT PAUSE 60000 WRITE"), "OK");
        for client in &mut *held {
            assert!(client.call("GET n").is_null());
            client.send(&["INCR", "n"]).and_then(|()| client.send(&["ECHO", "behind"])).expect("sent");
        }
        transaction.send(&["EXEC"]).expect("sent");
        for client in held.iter_mut().chain([&mut *transaction]) {
            assert_eq!(client.read_within(Duration::from_millis(20)).expect("open"), None);
        }
        assert_eq!(probe.call("CLIENT UNPAUSE"), "OK");
        let mut sum = 0;
        for client in &mut *held {
            sum += client.read().expect("a reply").integer();
            assert_eq!(client.read().expect("a reply"), "behind");
        }
        sum += transaction.read().expect("a reply").items()[0].integer();
        assert_eq!(sum, 1 + 2 + 3 + 4);

        let start = Instant::now();
        assert_eq!(probe.call("CLIENT PAUSE 150"), "OK");
        for client in &mut *held {
            assert_eq!(client.call("GET n"), "4");
            assert!(start.elapsed() >= Duration::from_millis(149), "{:?}", start.elapsed());
        }
    }
}

#[test]
fn silence_leaves_the_others_in_order() {
    let redis = RedisServer::start();
    let pipeline = b"SET k 1\r\nCLIENT REPLY SKIP\r\nINCR k\r\nINCR k\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n\
        CLIENT REPLY SKIP\r\nNOSUCH\r\nECHO a\r\nCLIENT REPLY SKIP\r\nGET\r\nECHO b\r\n\
        CLIENT REPLY OFF\r\nINCR k\r\nPING\r\nNOSUCH\r\nWATCH k\r\nGET k\r\nMULTI\r\nINCR k\r\nEXEC\r\nWATCH k\r\n\
        MULTI\r\nDISCARD\r\nBLPOP none 0.01\r\nWATCH k\r\nUNWATCH\r\nMULTI\r\nNOSUCH\r\nEXEC\r\nCLIENT REPLY ON\r\n\
        GET k\r\nCLIENT REPLY SKIP\r\nWATCH k\r\nMULTI\r\nCLIENT REPLY SKIP\r\nGET k\r\nEXEC\r\nGET k\r\n\
        CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO c\r\nQUIT\r\n";
    let answer = |mut client: Client| {
        client.send_raw(pipeline).expect("sent");
        client.read_to_close().expect("closed").escape_ascii().to_string()
    };
    let expected = answer(redis.client());
    assert!(expected.ends_with(r"$1\r\nc\r\n+OK\r\n"), "{expected}");
    assert_eq!(answer(Respool::memory().client()), expected);
    assert_eq!(answer(Respool::before(&redis).client()), expected);
}

/// Commands of all kinds; `K`, `L` and `H` stand for keys of the client's own.
const COMMANDS: &[&str] = &[
    "SET K v",
    "GET K",
    "GET K",
    "INCR K",
    "APPEND K x",
    "STRLEN K",
    "EXISTS K L",
    "DEL K",
    "MGET K L H",
    "TYPE K",
    "RPUSH L a b c",
    "LRANGE L 0 -1",
    "LPOP L",
    "LLEN L",
    "HSET H f 1",
    "HGETALL H",
    "HGET H f",
    "GETRANGE K 0 5",
    // Errors, from everywhere.
    "NOSUCH x",
    "GET",
    "LPUSH K x",
    "INCR L",
    "EXEC",
    "DISCARD",
    "SELECT 99",
    "SELECT x",
    "BLPOP K 0.001",
    "BLPOP L x",
    // Answered by respool.
    "PING",
    "PING hello",
    "ECHO hi",
    "SELECT 0",
    "SELECT 1",
    "SELECT 2",
    "CLIENT SETNAME me",
    "CLIENT GETNAME",
    "CLIENT REPLY SKIP",
    "HELLO 2",
    "HELLO 3",
    "OBJECT HELP",
    // By a connection of its own.
    "WATCH K",
    "WATCH K L",
    "UNWATCH",
    "BLPOP L 0.001",
    "BRPOP L H 0.001",
    "BLMOVE L K LEFT RIGHT 0.001",
    "WAIT 0 1",
    "SUBSCRIBE C",
    "UNSUBSCRIBE C",
    "PSUBSCRIBE C* D",
    "PUNSUBSCRIBE",
    "BLMPOP 0.001 1 L LEFT COUNT 2",
    "MULTI",
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "DISCARD",
    "RESET",
];

/// What can't stand in a transaction, or says there what Redis alone can say.
const NOT_QUEUED: &[&str] =
    &["HELLO", "CLIENT", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "WAIT", "OBJECT"];

/// A random pipeline that ends with a mark.
fn pipeline(random: &mut Random, client: usize, mark: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut queues = false;
    for _ in 0..50 {
        let words: Vec<&str> = random.pick(COMMANDS).split(' ').collect();
        match words[0] {
            name if queues && NOT_QUEUED.contains(&name) => continue,
            "MULTI" => queues = true,
            "EXEC" | "DISCARD" | "RESET" => queues = false,
            _ => {}
        }
        let own = |word: &str| match word {
            "K" | "L" | "H" | "C" | "C*" => format!("{client}:{word}"),
            word => word.to_owned(),
        };
        bytes.extend(encode(&words.into_iter().map(own).collect::<Vec<_>>()));
    }
    for words in [vec!["RESET"], vec!["ECHO", mark]] {
        bytes.extend(encode(&words));
    }
    bytes
}

/// Sends it cut at random places; gives all that comes up to the mark, without the number that HELLO tells.
fn converse(client: &mut Client, random: &mut Random, bytes: &[u8], mark: &str) -> String {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(1 + random.below(rest.len().min(600)));
        client.send_raw(piece).expect("sent");
        rest = behind;
        if random.below(3) == 0 {
            std::thread::sleep(Duration::from_micros(random.below(300) as u64));
        }
    }
    let mut text = String::new();
    loop {
        match client.read_raw() {
            Ok(raw) => {
                let reply = raw.escape_ascii().to_string();
                match reply.split_once(r"$2\r\nid\r\n:") {
                    Some((before, behind)) => {
                        text.push_str(before);
                        text.push_str(behind.trim_start_matches(|digit: char| digit.is_ascii_digit()));
                    }
                    None => text.push_str(&reply),
                }
                text.push('\n');
                if raw.ends_with(format!("{mark}\r\n").as_bytes()) {
                    return text;
                }
            }
            Err(error) => panic!("{error} after:\n{text}\nof:\n{}", String::from_utf8_lossy(bytes)),
        }
    }
}

#[test]
fn whatever_is_mixed_is_answered_in_order() {
    let (model, redis) = (RedisServer::start(), RedisServer::start());
    for respool in [Respool::memory(), Respool::before(&redis)] {
        std::thread::scope(|scope| {
            for client in 0..4 {
                let (model, respool) = (&model, &respool);
                scope.spawn(move || {
                    let mut random = Random::new(client as u64);
                    let (mut expected, mut actual) = (model.client(), respool.client());
                    for round in 0..50 {
                        let mark = format!("mark-{client}-{round}");
                        let bytes = pipeline(&mut random, client, &mark);
                        let wanted = converse(&mut expected, &mut random, &bytes, &mark);
                        let got = converse(&mut actual, &mut random, &bytes, &mark);
                        let same = wanted.lines().zip(got.lines()).take_while(|(wanted, got)| wanted == got).count();
                        let from = |text: &str| {
                            text.lines().skip(same.saturating_sub(5)).take(8).collect::<Vec<_>>().join("\n")
                        };
                        assert!(
                            got == wanted,
                            "{mark} of:\n{}\nreply {same} of:\n{}\ninstead of:\n{}",
                            String::from_utf8_lossy(&bytes).replace("\r\n", " ").replace('*', "\n*"),
                            from(&got),
                            from(&wanted),
                        );
                    }
                });
            }
        });
        assert_eq!(model.client().call("FLUSHALL"), "OK");
    }
}
