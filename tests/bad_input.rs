//! What is no request, or no reply, is answered as Redis answers it, takes no memory, and disturbs nobody else.

mod support;

use std::io::Write;
use std::time::Duration;

use support::{Client, FakeUpstream, RedisServer, Respool, Value, wait_until};

/// Long enough for an answer that should not come.
const SILENCE: Duration = Duration::from_millis(50);

const MB: u64 = 1 << 20;

/// Runs a test against respool in memory and before a Redis; another client is there before and works after.
fn both(test: impl Fn(&RedisServer, &Respool)) {
    let redis = RedisServer::start();
    for respool in [Respool::memory(), Respool::before(&redis)] {
        let mut other = respool.client();
        assert_eq!(other.call("SET other 1"), "OK");
        test(&redis, &respool);
        assert_eq!(other.call("INCR other"), 2);
    }
}

/// What the server says to the bytes before it closes the connection.
fn last_words(mut client: Client, bytes: &[u8]) -> String {
    // The server may hang up in the middle of it.
    let _ = client.send_raw(bytes);
    let said = client.read_to_close().expect("the connection is closed");
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn half_a_request_waits_for_its_rest() {
    both(|_, respool| {
        let whole = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
        for cut in 1..whole.len() {
            let mut client = respool.client();
            client.send_raw(&whole[..cut]).expect("sent");
            if cut % 7 == 0 {
                assert_eq!(client.read_within(SILENCE).expect("open"), None);
            }
            client.send_raw(&whole[cut..]).expect("sent");
            assert!(client.read().expect("a reply").is_null());
        }
    });
}

#[test]
fn what_is_no_request_gets_redis_error_and_is_closed() {
    let requests = [
        b"*1\r\n".repeat(8000),
        b"*1\r\n$x\r\n".to_vec(),
        b"*x\r\n".to_vec(),
        b"*2147483648\r\n".to_vec(),
        b"*2\r\n$3\r\nGET\r\n$-1\r\n".to_vec(),
        b"*2\r\n$3\r\nGET\r\n$1073741824\r\n".to_vec(),
        b"*2\r\n$2\r\nGET\r\n$1\r\nk\r\n".to_vec(),
        b"*1\r\n+PING\r\n".to_vec(),
        b"SET key \"open\r\n".to_vec(),
        [b"GET ".to_vec(), vec![b'k'; 70_000]].concat(),
        [b"*1".to_vec(), vec![b'0'; 70_000]].concat(),
        [b"*1\r\n$1".to_vec(), vec![b'0'; 70_000]].concat(),
        // Replies to what came before are not lost.
        b"PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n!\r\n".to_vec(),
    ];
    both(|redis, respool| {
        for request in &requests {
            let expected = last_words(redis.client(), request);
            assert!(expected.contains("-ERR Protocol error: "), "{expected}");
            let shown = request[..request.len().min(40)].escape_ascii();
            assert_eq!(last_words(respool.client(), request), expected, "{shown}");
        }
    });
}

#[test]
fn more_arguments_than_the_limit_are_refused() {
    both(|_, respool| {
        let said = last_words(respool.client(), b"*1048577\r\n");
        assert_eq!(said, "-ERR Protocol error: invalid multibulk length\r\n");
    });
}

#[test]
fn a_length_is_only_a_claim() {
    both(|_, respool| {
        let before = respool.resident_bytes();
        let mut clients: Vec<Client> = (0..20).map(|_| respool.client()).collect();
        for client in &mut clients {
            client.send_raw(b"*1000000\r\n$3\r\nSET\r\n$536870912\r\nbegin").expect("sent");
        }
        for client in &mut clients {
            assert_eq!(client.read_within(Duration::from_millis(5)).expect("open"), None);
        }
        let grown = respool.resident_bytes().saturating_sub(before);
        assert!(grown < 32 * MB, "{grown}");
    });
}

#[test]
fn keys_may_hold_any_byte() {
    both(|_, respool| {
        let mut client = respool.client();
        let key: Vec<u8> = (0..=255).collect();
        assert_eq!(client.command(&[b"SET", &key[..], &key[..]]), "OK");
        assert_eq!(client.command(&[b"GET", &key[..]]), Value::Bulk(key.clone()));
        let keys = client.call("KEYS *");
        assert!(keys.items().contains(&Value::Bulk(key.clone())), "{keys:?}");
        assert_eq!(client.command(&[b"DEL", &key[..]]), 1);
    });
}

/// A client that sends as much as it can and reads nothing must not fill respool's memory, whatever answers.
#[test]
fn replies_that_wait_behind_another_are_bounded() {
    let redis = RedisServer::start();
    let respool = Respool::before(&redis);
    let mut client = respool.client();
    assert_eq!(client.call("SET k 1"), "OK");
    redis.stop();
    let before = respool.resident_bytes();
    let echo = support::client::encode(&[b"ECHO", &vec![b'x'; 1 << 20][..]]);
    client.send(&["GET", "k"]).expect("sent");
    client.stream().set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
    // It is held back in the end, which is what is asked for.
    let _ = (0..200).try_for_each(|_| client.send_raw(&echo));
    let grown = respool.resident_bytes().saturating_sub(before);
    redis.resume();
    assert!(grown < 50 * MB, "{grown}");
    assert_eq!(client.read().expect("a reply"), "1");
    assert_eq!(client.read_raw().expect("a reply").len(), echo.len() - b"*2\r\n$4\r\nECHO\r\n".len());
}

#[test]
fn replies_of_scripts_are_passed_on_whatever_they_hold() {
    let redis = RedisServer::start();
    let respool = Respool::start(&["--upstream", &redis.url(), "--workers", "1"], &[]);
    let mut others: Vec<Client> = (0..10).map(|_| respool.client()).collect();
    for script in [
        "local t = 1 for _ = 1, 7000 do t = {t} end return t",
        "return redis.error_reply('ERR ' .. string.rep('x', 20000))",
        "return redis.error_reply('ERR ' .. string.rep('x', 40000))",
        "return redis.error_reply('ERR ' .. string.rep('x', 60000))",
        "return redis.error_reply('ERR ' .. string.rep('x', 100000))",
        "return redis.status_reply(string.rep('x', 1000000))",
        "local t = {} for i = 1, 5000 do t[i] = redis.status_reply(string.rep('x', 1000)) end return t",
        "local t = {} for i = 1, 20 do t[i] = redis.status_reply(string.rep('x', 33000)) end return t",
    ] {
        let eval = ["EVAL", script, "0"];
        let expected = redis.client().command_raw(&eval);
        let mut client = respool.client();
        for _ in 0..5 {
            client.send(&eval).expect("sent");
            // They share its lane.
            for other in &mut others {
                other.send(&["ECHO", "x"]).and_then(|()| other.send(&["INCR", "n"])).expect("sent");
            }
            let raw = client.read_raw().expect("a reply");
            assert!(raw == expected, "{script}: {}", raw[..raw.len().min(100)].escape_ascii());
            for other in &mut others {
                assert_eq!(other.read().expect("a reply"), "x");
                let reply = other.read().expect("a reply");
                assert!(matches!(reply, Value::Integer(_)), "{script}: {reply:?}");
            }
        }
    }
}

#[test]
fn nested_headers_of_an_upstream_are_passed_on() {
    let reply = [b"*1\r\n".repeat(8000), b":1\r\n".to_vec()].concat();
    let sent = reply.clone();
    let upstream = FakeUpstream::start(move |_, socket| socket.write_all(&sent));
    let respool = Respool::start(&["--upstream", &upstream.url()], &[]);
    let mut client = respool.client();
    assert_eq!(client.command_raw(&["GET", "k"]), reply);
    // On a connection of its own too.
    assert_eq!(client.command_raw(&["WATCH", "k"]), reply);
    assert_eq!(client.command_raw(&["GET", "k"]), reply);
}

/// An upstream whose reply begins so and goes on so for ever; the rest of the test is the same for every kind.
fn endless(begin: &'static [u8], more: &'static [u8]) {
    let upstream = FakeUpstream::start(move |command, socket| match command[0].as_str() {
        "WATCH" => socket.write_all(b"+OK\r\n"),
        _ => {
            socket.write_all(begin)?;
            let more = more.repeat((64 << 10) / more.len());
            loop {
                socket.write_all(&more)?;
            }
        }
    });
    let config = "[limits]\nclient_output_bytes = \"1mb\"";
    for exclusive in [false, true] {
        let respool = Respool::configured(config, &["--upstream", &upstream.url(), "--workers", "1"]);
        let mut other = respool.client();
        let before = respool.resident_bytes();
        let mut slow = respool.client();
        if exclusive {
            assert_eq!(slow.call("WATCH k"), "OK");
        }
        let id = slow.call("CLIENT ID").integer();
        slow.send(&["GET", "k"]).expect("sent");
        // It reads nothing, and is cut.
        wait_until(|| {
            let grown = respool.resident_bytes().saturating_sub(before);
            assert!(grown < 20 * MB, "{grown}");
            other.command(&["CLIENT", "LIST", "ID", &id.to_string()]).text().is_empty()
        });
        assert_eq!(other.call("PING"), "PONG");
    }
}

#[test]
fn an_endless_string_fills_nothing() {
    endless(b"$1000000000000\r\n", b"x");
}

#[test]
fn an_endless_array_fills_nothing() {
    endless(b"*1000000000\r\n", b":1\r\n");
}

#[test]
fn an_endless_line_fills_nothing() {
    endless(b"-ERR ", b"x");
}

#[test]
fn half_a_reply_closes_its_client_only() {
    let upstream = FakeUpstream::start(|command, socket| match command[1].as_str() {
        "half" => {
            socket.write_all(b"$10\r\nabc")?;
            // Its client is to have it before the connection ends.
            std::thread::sleep(Duration::from_millis(20));
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        "none" => Err(std::io::ErrorKind::ConnectionAborted.into()),
        _ => socket.write_all(b"$1\r\n1\r\n"),
    });
    let respool = Respool::start(&["--upstream", &upstream.url(), "--workers", "1"], &[]);
    let (mut one, mut other) = (respool.client(), respool.client());
    one.send(&["GET", "half"]).expect("sent");
    let part = one.read_to_close().expect("closed");
    assert!(b"$10\r\nabc".starts_with(&part), "{part:?}");
    assert_eq!(other.call("GET k"), "1");
    let reply = other.call("GET none");
    assert!(reply.is_error("UNCERTAIN the upstream connection was lost"), "{reply:?}");
    assert_eq!(other.call("GET k"), "1");
}

#[test]
fn a_reply_that_nobody_asked_for_reaches_nobody() {
    let upstream = FakeUpstream::start(|command, socket| match command[1].as_str() {
        "twice" => socket.write_all(b"$1\r\n2\r\n$5\r\nextra\r\n"),
        _ => socket.write_all(b"$1\r\n1\r\n"),
    });
    let respool = Respool::start(&["--upstream", &upstream.url(), "--workers", "1"], &[]);
    let (mut one, mut other) = (respool.client(), respool.client());
    for _ in 0..20 {
        assert_eq!(one.call("GET twice"), "2");
        assert_eq!(other.call("GET k"), "1");
        assert_eq!(one.call("GET k"), "1");
    }
}

#[test]
fn garbage_is_an_error() {
    for garbage in [&b"hello\r\n"[..], b"$x\r\n", b"*-2\r\n", b"$1\r\nabcdef\r\n", b"\r\n", b"\0\0\0\0"] {
        let upstream = FakeUpstream::start(move |command, socket| match command[1].as_str() {
            "garbage" => socket.write_all(garbage),
            _ => socket.write_all(b"$1\r\n1\r\n"),
        });
        let respool = Respool::start(&["--upstream", &upstream.url(), "--workers", "1"], &[]);
        let (mut one, mut other) = (respool.client(), respool.client());
        one.send(&["GET", "garbage"]).expect("sent");
        let said = one.read().expect("a reply");
        assert!(said.is_error("UNCERTAIN the upstream sent bytes that are no reply"), "{said:?}");
        assert_eq!(other.call("GET k"), "1");
        assert_eq!(one.call("GET k"), "1");
    }
}
