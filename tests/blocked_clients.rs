//! Clients that wait for an element: one who has left takes nothing, and the others get what they wait for.

mod support;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::{Client, Process, Random, RedisServer, Respool, Value, wait_until, wait_within};

/// A respool with what stands behind it, if anything does.
struct Stage {
    respool: Respool,
    redis: Option<RedisServer>,
}

impl Stage {
    fn both() -> [Stage; 2] {
        let redis = RedisServer::start();
        let respool = Respool::before(&redis);
        [Stage { respool: Respool::memory(), redis: None }, Stage { respool, redis: Some(redis) }]
    }

    /// How many clients wait, as respool and the Redis behind it see it.
    fn waiting(&self) -> Vec<usize> {
        let count = |mut client: Client| client.call("CLIENT LIST").text().lines().filter(|line| waits(line)).count();
        let behind = self.redis.as_ref().map(|redis| count(redis.client()));
        [count(self.respool.client())].into_iter().chain(behind).collect()
    }

    #[track_caller]
    fn wait_for_waiting(&self, count: usize) {
        let is_so = || self.waiting().iter().all(|&waiting| waiting == count);
        assert!(wait_within(Duration::from_secs(5), is_so), "not {count} but {:?} wait", self.waiting());
    }
}

/// Whether a client waits, by its line in CLIENT LIST.
fn waits(line: &str) -> bool {
    let flags = line.split(" flags=").nth(1).and_then(|rest| rest.split(' ').next());
    flags.expect("flags").contains('b')
}

/// The number of the one client that waits.
fn id_of_waiting(stage: &Stage) -> String {
    stage.wait_for_waiting(1);
    let list = stage.respool.client().call("CLIENT LIST").text();
    let line = list.lines().find(|line| waits(line)).expect("it waits");
    line.split(' ').next().and_then(|id| id.strip_prefix("id=")).expect("an id").to_owned()
}

/// Sends a reset instead of an end.
fn reset(client: Client) {
    socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).expect("a socket");
}

/// A waiting command, how an element comes for it, and how many are there.
const COMMANDS: [(&str, &str, &str); 7] = [
    ("BLPOP k 0", "RPUSH k e", "LLEN k"),
    ("BRPOP other k 0", "RPUSH k e", "LLEN k"),
    ("BLMPOP 0 1 k LEFT COUNT 2", "RPUSH k e", "LLEN k"),
    ("BLMOVE k other LEFT RIGHT 0", "RPUSH k e", "LLEN k"),
    ("BZPOPMIN k 0", "ZADD k 1 e", "ZCARD k"),
    ("BZPOPMAX k 0", "ZADD k 1 e", "ZCARD k"),
    ("BZMPOP 0 1 k MIN", "ZADD k 1 e", "ZCARD k"),
];

#[test]
fn one_who_has_left_takes_nothing() {
    for stage in Stage::both() {
        let mut probe = stage.respool.client();
        for (wait, push, count) in COMMANDS {
            for way in ["end", "reset", "kill"] {
                let mut leaving = stage.respool.client();
                let id = leaving.call("CLIENT ID").integer();
                leaving.send(&wait.split(' ').collect::<Vec<_>>()).expect("sent");
                stage.wait_for_waiting(1);
                match way {
                    "end" => drop(leaving),
                    "reset" => reset(leaving),
                    _ => {
                        assert_eq!(probe.command(&["CLIENT", "KILL", "ID", &id.to_string()]), 1);
                        assert_eq!(leaving.read_to_close().expect("closed"), b"");
                    }
                }
                stage.wait_for_waiting(0);
                assert_eq!(probe.call(push), 1, "{wait} {way}");
                assert_eq!(probe.call(count), 1, "{wait} {way}");
                assert_eq!(probe.call("DEL k"), 1);
            }
        }
    }
}

#[test]
fn the_next_in_line_gets_what_comes_after_one_has_left() {
    for stage in Stage::both() {
        let mut probe = stage.respool.client();
        // An element that is moved for one who has left is where it was to go.
        for (wait, push, count) in COMMANDS.into_iter().filter(|(wait, ..)| !wait.starts_with("BLMOVE")) {
            let words: Vec<&str> = wait.split(' ').collect();
            for round in 0..5 {
                let (mut leaving, mut next) = (stage.respool.client(), stage.respool.client());
                leaving.send(&words).expect("sent");
                stage.wait_for_waiting(1);
                next.send(&words).expect("sent");
                stage.wait_for_waiting(2);
                // The element comes while it is leaving.
                leaving.stream().shutdown(std::net::Shutdown::Write).expect("a socket");
                if round > 0 {
                    std::thread::sleep(Duration::from_micros(50 * round));
                }
                assert_eq!(probe.call(push), 1, "{wait}");
                let taken = leaving.read_to_close().expect("closed");
                if taken.is_empty() {
                    assert!(!next.read().expect("a reply").is_null(), "{wait}");
                } else {
                    // It came before respool knew.
                    assert_eq!(probe.call(push), 1, "{wait}");
                    assert!(!next.read().expect("a reply").is_null(), "{wait}");
                }
                assert_eq!(probe.call(count), 0, "{wait}");
                probe.call("DEL k other");
            }
        }
    }
}

#[test]
fn a_process_that_was_killed_takes_nothing() {
    for stage in Stage::both() {
        let mut command = std::process::Command::new("redis-cli");
        command.args(["-p", &stage.respool.port().to_string(), "BRPOP", "k", "0"]);
        let directory = support::temp_dir();
        let mut process = Process::spawn(command, &directory.path().join("log")).expect("redis-cli starts");
        stage.wait_for_waiting(1);
        process.kill();
        stage.wait_for_waiting(0);
        let mut probe = stage.respool.client();
        assert_eq!(probe.call("LPUSH k e"), 1);
        assert_eq!(probe.call("LLEN k"), 1);
    }
}

/// What is sent before on the same connection does not hide that it waits.
#[test]
fn one_who_waits_in_a_pipeline_takes_nothing_after_leaving() {
    for stage in Stage::both() {
        let mut probe = stage.respool.client();
        for before in
            ["WATCH w", "WATCH w\r\nGET w\r\nSELECT 1\r\nSELECT 0\r\nGET w", "GET w\r\nHELLO 3\r\nSUBSCRIBE c"]
        {
            let mut leaving = stage.respool.client();
            leaving.send_raw(format!("{before}\r\nBLPOP k 0\r\n").as_bytes()).expect("sent");
            let id = id_of_waiting(&stage);
            if before.starts_with("GET") {
                assert_eq!(probe.command(&["CLIENT", "KILL", "ID", &id]), 1);
            }
            drop(leaving);
            stage.wait_for_waiting(0);
            assert_eq!(probe.call("RPUSH k e"), 1, "{before}");
            assert_eq!(probe.call("LPOP k"), "e", "{before}");
            // The same one can be told to wait no longer.
            let mut told = stage.respool.client();
            told.send_raw(format!("{before}\r\nBLPOP k 0\r\nECHO end\r\n").as_bytes()).expect("sent");
            let id = id_of_waiting(&stage);
            assert_eq!(probe.command(&["CLIENT", "UNBLOCK", &id]), 1, "{before}");
            while told.read().expect("a reply") != "end" {}
        }
    }
}

/// One who waits for an upstream connection only, and leaves, does not begin to wait for an element when it gets one.
#[test]
fn one_who_left_before_it_had_a_connection_takes_nothing() {
    let redis = RedisServer::start();
    let config = "[pool]\nmin = 0\nmax = 2\nacquire_timeout = \"9s\"";
    let respool = Respool::configured(config, &["--upstream", &redis.url(), "--workers", "1"]);
    let mut probe = respool.client();
    assert_eq!(probe.call("RPUSH k e"), 1);
    let mut holder = respool.client();
    assert_eq!(holder.call("WATCH w"), "OK");
    let mut leaving = respool.client();
    let id = leaving.call("CLIENT ID").integer();
    leaving.send(&["BLPOP", "k", "0"]).expect("sent");
    let listed = |probe: &mut Client| probe.command(&["CLIENT", "LIST", "ID", &id.to_string()]).text();
    wait_until(|| listed(&mut probe).contains("cmd=blpop"));
    drop(leaving);
    let is_gone = wait_within(Duration::from_secs(3), || listed(&mut probe).is_empty());
    assert!(is_gone, "it still waits for a connection");
    assert_eq!(holder.call("UNWATCH"), "OK");
    assert_eq!(holder.call("WATCH w"), "OK");
    assert_eq!(probe.call("LLEN k"), 1);
}

#[test]
fn nothing_is_lost_in_a_race() {
    for stage in Stage::both() {
        race(&stage, ["RPUSH", "q"], &["BLPOP", "q", "0"], |items| items[1].text());
        race(&stage, ["RPUSH", "l"], &["BLMPOP", "0", "1", "l", "LEFT"], |items| items[1].items()[0].text());
        race(&stage, ["ZADD", "z"], &["BZPOPMIN", "z", "0"], |items| items[1].text());
    }
}

/// Many clients wait for elements, and half of them leave at any moment. Everything that was pushed is received once.
fn race(stage: &Stage, push: [&str; 2], wait: &[&str], element: impl Fn(&[Value]) -> String + Sync) {
    const PUSHES: usize = 700;
    const CLIENTS: u64 = 50;
    let received = Mutex::new(Vec::new());
    let (over, resets) = (AtomicBool::new(false), AtomicU64::new(0));
    let (received, over, resets, element) = (&received, &over, &resets, &element);
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let mut client = stage.respool.client();
                let take = |raw: Vec<u8>| received.lock().expect("a lock").push(element(Value::parse(&raw).items()));
                while !over.load(Ordering::Relaxed) {
                    client.send(wait).expect("sent");
                    let stays = seed % 2 == 0 || random.below(3) == 0;
                    if stays {
                        // The end of the test closes it.
                        while !over.load(Ordering::Relaxed) {
                            match client.read_within(Duration::from_millis(20)).expect("open") {
                                Some(reply) => {
                                    take(reply);
                                    client.send(wait).expect("sent");
                                }
                                None => continue,
                            }
                            if seed % 2 == 1 {
                                break;
                            }
                        }
                    } else {
                        std::thread::sleep(Duration::from_micros(random.below(3000) as u64));
                    }
                    if random.below(10) == 0 && !over.load(Ordering::Relaxed) && seed % 2 == 1 {
                        // What is on its way to it now is lost, as it is with Redis.
                        resets.fetch_add(1, Ordering::Relaxed);
                        reset(client);
                    } else {
                        client.stream().shutdown(std::net::Shutdown::Write).expect("a socket");
                        let rest = client.read_to_close().expect("closed");
                        if !rest.is_empty() {
                            take(rest);
                        }
                    }
                    client = stage.respool.client();
                }
            });
        }
        let mut random = Random::new(99);
        let mut pusher = stage.respool.client();
        for number in 0..PUSHES {
            let number = number.to_string();
            let words = if push[0] == "ZADD" {
                vec![push[0], push[1], &number, &number]
            } else {
                vec![push[0], push[1], &number]
            };
            pusher.command(&words);
            if random.below(4) == 0 {
                std::thread::sleep(Duration::from_micros(random.below(1000) as u64));
            }
        }
        // What is given back comes in its own time.
        let enough = || received.lock().expect("a lock").len() + resets.load(Ordering::Relaxed) as usize >= PUSHES;
        wait_within(Duration::from_secs(3), enough);
        over.store(true, Ordering::Relaxed);
    });
    stage.wait_for_waiting(0);
    let mut probe = stage.respool.client();
    let left = if push[0] == "ZADD" { vec!["ZRANGE", push[1], "0", "-1"] } else { vec!["LRANGE", push[1], "0", "-1"] };
    let mut all = received.lock().expect("a lock").clone();
    all.extend(probe.command(&left).items().iter().map(Value::text));
    let distinct: HashSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{wait:?}: an element was received twice");
    let lost = PUSHES - all.len();
    let resets = resets.load(Ordering::Relaxed) as usize;
    assert!(lost <= resets, "{wait:?}: {lost} elements are lost, and {resets} clients were reset");
    assert!(all.len() > PUSHES / 2, "{wait:?}: {} received", all.len());
}

#[test]
fn elements_come_in_order() {
    for stage in Stage::both() {
        let mut clients: Vec<Client> = (0..20).map(|_| stage.respool.client()).collect();
        for (index, client) in clients.iter_mut().enumerate() {
            client.send(&["BLPOP", "q", "0"]).expect("sent");
            stage.wait_for_waiting(index + 1);
        }
        // Every other one leaves.
        let mut stay: Vec<Client> = Vec::new();
        for (index, client) in clients.into_iter().enumerate() {
            if index % 2 == 0 {
                stay.push(client);
            }
        }
        stage.wait_for_waiting(stay.len());
        let mut pusher = stage.respool.client();
        for number in 0..20 {
            pusher.command(&["RPUSH", "q", &number.to_string()]);
        }
        for (index, client) in stay.iter_mut().enumerate() {
            assert_eq!(client.read().expect("a reply").items()[1].text(), index.to_string());
        }
        let left: Vec<String> = pusher.call("LRANGE q 0 -1").items().iter().map(Value::text).collect();
        assert_eq!(left, (10..20).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn a_wait_is_ended_from_another_worker() {
    for stage in Stage::both() {
        let mut clients: Vec<Client> = (0..4).map(|_| stage.respool.client()).collect();
        let mut probe = stage.respool.client();
        for (index, client) in clients.iter_mut().enumerate() {
            let id = client.call("CLIENT ID").integer().to_string();
            assert_eq!(probe.command(&["CLIENT", "UNBLOCK", &id]), 0);
            for (reason, reply) in [
                (&[][..], "*-1\r\n"),
                (&["TIMEOUT"], "*-1\r\n"),
                (&["ERROR"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"),
            ] {
                client.send(&["BLPOP", "k", "0"]).expect("sent");
                stage.wait_for_waiting(1);
                let unblock = [&["CLIENT", "UNBLOCK", &id], reason].concat();
                assert_eq!(probe.command(&unblock), 1);
                assert_eq!(client.read_raw().expect("a reply"), reply.as_bytes(), "client {index}");
                // It can wait again at once, and nothing ends that wait.
                client.send(&["BLPOP", "k", "0"]).expect("sent");
                assert_eq!(client.read_within(Duration::from_millis(10)).expect("open"), None);
                assert_eq!(probe.call("LPUSH k e"), 1);
                assert_eq!(client.read().expect("a reply").items()[1], "e");
            }
        }
    }
}

#[test]
fn a_wait_ends_when_its_time_is_up() {
    for stage in Stage::both() {
        let mut client = stage.respool.client();
        for (command, timeout_ms) in [
            ("BLPOP k 0.05", 50),
            ("BRPOP k 0.2", 200),
            ("BLMPOP 0.1 1 k LEFT", 100),
            ("BZPOPMIN k 0.1", 100),
            ("BZMPOP 0.1 1 k MAX", 100),
            ("BLMOVE k l LEFT LEFT 0.1", 100),
            ("BRPOPLPUSH k l 0.1", 100),
        ] {
            let start = Instant::now();
            assert!(client.call(command).is_null(), "{command}");
            // The clock behind it counts whole milliseconds.
            let waited = start.elapsed() + Duration::from_millis(1);
            assert!(waited >= Duration::from_millis(timeout_ms), "{command}: {waited:?}");
        }
    }
}
