//! What is sent: the workloads and their prepared requests.

use std::io::Write;

use crate::target::Target;

/// Small keys that exist before the first measurement.
const KEYS: usize = 10_000;
/// Large keys that exist before the first measurement.
const LARGE_KEYS: usize = 500;
const SMALL: usize = 64;
const LARGE: usize = 16 * 1024;
/// Keys in one MGET or MSET.
const MANY: usize = 10;
/// Lists of the queue workload.
pub const LISTS: usize = 5;
/// Digits of the time that a queue message starts with.
pub const STAMP: usize = 20;
/// The length of a queue message.
pub const MESSAGE: usize = SMALL;

/// One way of using the server.
pub struct Workload {
    /// The name for `--only` and the JSON file.
    pub name: &'static str,
    /// The name in the report.
    pub title: &'static str,
    /// Connections.
    pub clients: usize,
    /// When requests are sent.
    pub pace: Pace,
    requests: Requests,
}

/// When requests are sent.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Every client sends its next batch when the last one has been answered.
    Closed,
    /// So many batches a second in all, in bursts over the clients in turn, whether or not
    /// earlier ones were answered.
    Paced { rate: u32, burst: u32 },
    /// The first half of the clients push, the second half pop.
    Queue,
}

enum Requests {
    GetSet { size: usize, pipeline: usize },
    Transaction,
    ManyKeys,
    Queue,
}

/// Requests that are sent with one write, in their bytes.
pub struct Batch {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Replies that it is answered with.
    pub replies: u32,
    /// What it counts for.
    pub operations: u32,
    /// Where the time of sending is to be written.
    pub stamp: Option<usize>,
}

/// All workloads, in the order of the report.
pub const WORKLOADS: [Workload; 10] = [
    Workload {
        name: "get-set",
        title: "GET/SET 64 B, 50 clients",
        clients: 50,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    },
    Workload {
        name: "pipeline-16",
        title: "GET/SET 64 B, 50 clients, pipeline 16",
        clients: 50,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: SMALL, pipeline: 16 },
    },
    Workload {
        name: "500-clients",
        title: "GET/SET 64 B, 500 clients",
        clients: 500,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    },
    Workload {
        name: "1-client",
        title: "GET/SET 64 B, 1 client",
        clients: 1,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    },
    Workload {
        name: "paced",
        title: "GET/SET 64 B, 5,000/s over 200 clients, 5 each ms",
        clients: 200,
        pace: Pace::Paced { rate: 5_000, burst: 5 },
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    },
    Workload {
        name: "paced-evenly",
        title: "GET/SET 64 B, 5,000/s over 200 clients, 1 each 200 us",
        clients: 200,
        pace: Pace::Paced { rate: 5_000, burst: 1 },
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    },
    Workload {
        name: "16k",
        title: "GET/SET 16 KiB, 50 clients",
        clients: 50,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: LARGE, pipeline: 1 },
    },
    Workload {
        name: "transactions",
        title: "MULTI/SET/GET/EXEC, 50 clients",
        clients: 50,
        pace: Pace::Closed,
        requests: Requests::Transaction,
    },
    Workload {
        name: "many-keys",
        title: "MGET/MSET of 10, 50 clients",
        clients: 50,
        pace: Pace::Closed,
        requests: Requests::ManyKeys,
    },
    Workload {
        name: "queue",
        title: "LPUSH/BRPOP, 25 + 25 clients, 5 lists",
        clients: 50,
        pace: Pace::Queue,
        requests: Requests::Queue,
    },
];

/// GET/SET of 64 bytes by so many clients: what the upstream connections are counted under.
pub const fn busy(clients: usize) -> Workload {
    Workload {
        name: "busy",
        title: "GET/SET 64 B",
        clients,
        pace: Pace::Closed,
        requests: Requests::GetSet { size: SMALL, pipeline: 1 },
    }
}

impl Workload {
    /// False where the target does not know the commands.
    pub fn runs_on(&self, target: Target) -> bool {
        match self.requests {
            Requests::GetSet { .. } | Requests::ManyKeys => true,
            Requests::Transaction | Requests::Queue => !matches!(target, Target::Twemproxy | Target::Envoy),
        }
    }

    /// The requests that the clients choose from. `round` gives every round its own lists.
    /// In a queue the first `LISTS` batches push and the rest pop.
    pub fn batches(&self, round: usize) -> Vec<Batch> {
        let mut random = Random::new(round as u64);
        match self.requests {
            Requests::GetSet { size, pipeline } => {
                let many = if size == SMALL { KEYS / pipeline } else { LARGE_KEYS };
                (0..many).map(|_| get_set(&mut random, size, pipeline)).collect()
            }
            Requests::Transaction => (0..KEYS).map(|_| transaction(&mut random)).collect(),
            Requests::ManyKeys => (0..KEYS / MANY * 2).map(|index| many_keys(&mut random, index % 2 == 0)).collect(),
            Requests::Queue => {
                let pushes = (0..LISTS).map(|list| push(round, list));
                pushes.chain((0..LISTS).map(|list| pop(round, list))).collect()
            }
        }
    }
}

/// The requests that fill the keyspace, in batches that are small enough to write at once.
pub fn filling() -> Vec<Batch> {
    let small: Vec<usize> = (0..KEYS).collect();
    let large: Vec<usize> = (0..LARGE_KEYS).collect();
    let fill = |indexes: &[usize], size| {
        let mut bytes = Vec::new();
        for &index in indexes {
            append_command(&mut bytes, &[b"SET", &key(index, size), &vec![b'v'; size]]);
        }
        let count = indexes.len() as u32;
        Batch { bytes, replies: count, operations: count, stamp: None }
    };
    let small = small.chunks(100).map(|indexes| fill(indexes, SMALL));
    small.chain(large.chunks(1).map(|indexes| fill(indexes, LARGE))).collect()
}

/// Appends a command in RESP.
pub fn append_command(bytes: &mut Vec<u8>, words: &[&[u8]]) {
    append_header(bytes, b'*', words.len());
    for word in words {
        append_header(bytes, b'$', word.len());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
}

fn append_header(bytes: &mut Vec<u8>, kind: u8, number: usize) {
    bytes.push(kind);
    write!(bytes, "{number}\r\n").expect("a vector takes every write");
}

fn key(index: usize, size: usize) -> Vec<u8> {
    let kind = if size == SMALL { "key" } else { "large" };
    format!("{kind}:{index:08}").into_bytes()
}

fn get_set(random: &mut Random, size: usize, pipeline: usize) -> Batch {
    let keys = if size == SMALL { KEYS } else { LARGE_KEYS };
    let value = vec![b'v'; size];
    let mut bytes = Vec::new();
    for _ in 0..pipeline {
        let key = key(random.below(keys), size);
        if random.below(2) == 0 {
            append_command(&mut bytes, &[b"GET", &key]);
        } else {
            append_command(&mut bytes, &[b"SET", &key, &value]);
        }
    }
    Batch { bytes, replies: pipeline as u32, operations: pipeline as u32, stamp: None }
}

fn transaction(random: &mut Random) -> Batch {
    let key = key(random.below(KEYS), SMALL);
    let mut bytes = Vec::new();
    append_command(&mut bytes, &[b"MULTI"]);
    append_command(&mut bytes, &[b"SET", &key, &[b'v'; SMALL]]);
    append_command(&mut bytes, &[b"GET", &key]);
    append_command(&mut bytes, &[b"EXEC"]);
    Batch { bytes, replies: 4, operations: 1, stamp: None }
}

fn many_keys(random: &mut Random, get: bool) -> Batch {
    let keys: Vec<Vec<u8>> = (0..MANY).map(|_| key(random.below(KEYS), SMALL)).collect();
    let mut words: Vec<&[u8]> = vec![if get { b"MGET" } else { b"MSET" }];
    for key in &keys {
        words.push(key);
        if !get {
            words.push(&[b'v'; SMALL]);
        }
    }
    let mut bytes = Vec::new();
    append_command(&mut bytes, &words);
    Batch { bytes, replies: 1, operations: 1, stamp: None }
}

fn push(round: usize, list: usize) -> Batch {
    let mut bytes = Vec::new();
    append_command(&mut bytes, &[b"LPUSH", &list_name(round, list), &[b'0'; MESSAGE]]);
    let stamp = Some(bytes.len() - MESSAGE - 2);
    Batch { bytes, replies: 1, operations: 1, stamp }
}

fn pop(round: usize, list: usize) -> Batch {
    let mut bytes = Vec::new();
    append_command(&mut bytes, &[b"BRPOP", &list_name(round, list), b"0"]);
    Batch { bytes, replies: 1, operations: 1, stamp: None }
}

fn list_name(round: usize, list: usize) -> Vec<u8> {
    format!("queue:{round}:{list}").into_bytes()
}

/// A small generator of numbers (xorshift), so that every run sends the same.
pub struct Random(u64);

impl Random {
    /// A generator with its own sequence for every seed.
    pub fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ (seed + 1).wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }
}
