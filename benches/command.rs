//! What the way of a command costs within respool, without sockets: `cargo bench --bench command`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use respool::command::{Context, Row, execute, keys, table};
use respool::resp::{Args, OwnedArgs, Protocol};
use respool::store::{Database, Options, Store};
use respool::tenant::Tenant;

/// Keys that there are before the memory driver is measured: more than the processor's caches hold.
const KEYS: usize = 1 << 20;

/// Members of the large sorted set.
const MEMBERS: usize = 100_000;

/// Requests of one pipeline.
const PIPELINE: usize = 16;

/// The time of all requests, in milliseconds since 1970.
const NOW_MS: u64 = 1_700_000_000_000;

fn request(words: &[&str]) -> OwnedArgs {
    words.iter().map(|word| word.as_bytes()).collect()
}

fn row(args: Args<'_>) -> &'static Row {
    table::resolve(args).expect("a request that is in order")
}

fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    for (name, word) in [("hit", "get"), ("hit, mixed case", "ZRangeByScore"), ("miss", "nonsense")] {
        group.bench_function(name, |bench| bench.iter(|| table::find(black_box(word.as_bytes()))));
    }
    for (name, words) in [
        ("resolve GET", &["GET", "key"][..]),
        ("resolve CLIENT SETNAME", &["CLIENT", "SETNAME", "name"]),
        ("resolve CONFIG GET", &["CONFIG", "GET", "maxmemory"]),
    ] {
        let owned = request(words);
        group.bench_function(name, |bench| bench.iter(|| table::resolve(black_box(owned.args())).is_ok()));
    }
    group.finish();
}

fn key_positions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keys");
    let mget: Vec<String> = std::iter::once("MGET".into()).chain((0..16).map(|n| format!("key:{n}"))).collect();
    let mget: Vec<&str> = mget.iter().map(String::as_str).collect();
    for (name, words) in [
        ("SET", &["SET", "key", "value", "EX", "10"][..]),
        ("MGET of 16", &mget),
        ("ZUNIONSTORE of 2", &["ZUNIONSTORE", "to", "2", "a", "b", "WEIGHTS", "1", "2"]),
        ("XREAD of 2", &["XREAD", "COUNT", "1", "STREAMS", "a", "b", "0", "0"]),
    ] {
        let owned = request(words);
        let row = row(owned.args());
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut sum = 0;
                black_box(keys::for_each(row, black_box(owned.args()), |index, _| sum += index));
                sum
            });
        });
    }
    group.finish();
}

fn admit(criterion: &mut Criterion) {
    let tenant = Tenant::default();
    let owned = request(&["SET", "key", "value"]);
    let row = row(owned.args());
    let mut out = Vec::new();
    criterion.bench_function("admit SET, and append it", |bench| {
        bench.iter(|| {
            out.clear();
            if let Ok(admitted) = tenant.admit(row, black_box(owned.args()), None) {
                admitted.append_to(&mut out);
            }
            out.len()
        });
    });
}

/// A store with a million strings of 64 bytes.
fn filled() -> Store {
    let store = Store::new(Options::default());
    let mut database = Database::new(&store, 0, NOW_MS);
    let value = "x".repeat(64);
    for number in 0..KEYS {
        run(&mut database, request(&["SET", &key(number), &value]).args(), &mut Vec::new());
    }
    drop(database);
    store
}

fn key(number: usize) -> String {
    format!("key:{number:012}")
}

/// What a worker does with a request of the memory driver: finds its row and executes it.
fn run(database: &mut Database<'_>, args: Args<'_>, reply: &mut Vec<u8>) {
    let row = row(args);
    execute::execute(&mut Context::new(database, reply, Protocol::Resp2), row, args);
}

/// Requests for keys all over the store, in no order, each made by `make` of its key.
fn scattered(make: impl Fn(&str) -> OwnedArgs) -> Vec<OwnedArgs> {
    (0..4096_usize).map(|number| make(&key(number.wrapping_mul(0x9e37_79b1) % KEYS))).collect()
}

fn in_memory(criterion: &mut Criterion) {
    let store = filled();
    let mut group = criterion.benchmark_group("memory");
    let value = "y".repeat(64);
    let mut reply = Vec::new();
    let mut measure = |name: &str, requests: &[OwnedArgs], pipeline: usize| {
        group.throughput(Throughput::Elements(pipeline as u64));
        let mut next = requests.chunks_exact(pipeline).cycle();
        group.bench_function(name, |bench| {
            bench.iter(|| {
                reply.clear();
                // A batch of requests has one view of the data: a shard stays locked from one to the next.
                let mut database = Database::new(&store, 0, NOW_MS);
                for owned in next.next().into_iter().flatten() {
                    run(&mut database, owned.args(), &mut reply);
                }
                drop(database);
                reply.len()
            });
        });
    };
    let get = scattered(|key| request(&["GET", key]));
    let set = scattered(|key| request(&["SET", key, &value]));
    measure("GET 64 B", &get, 1);
    measure("GET, no such key", &scattered(|key| request(&["GET", &format!("no {key}")])), 1);
    measure("SET 64 B", &set, 1);
    measure("SET 64 B EX", &scattered(|key| request(&["SET", key, &value, "EX", "1000"])), 1);
    measure("SET 64 B NX, taken", &scattered(|key| request(&["SET", key, &value, "NX"])), 1);
    measure("INCR", &scattered(|key| request(&["INCR", &format!("counter of {key}")])), 1);
    measure("LPUSH, RPOP", &[request(&["LPUSH", "list", &value]), request(&["RPOP", "list"])], 2);
    measure("HSET", &scattered(|key| request(&["HSET", "hash", key, &value])), 1);
    measure("HGET", &scattered(|key| request(&["HGET", "hash", key])), 1);
    let member = |number: usize| request(&["ZADD", "zset", &(number * 7919 % MEMBERS).to_string(), &key(number)]);
    let members: Vec<OwnedArgs> = (0..MEMBERS).map(member).collect();
    let mut database = Database::new(&store, 0, NOW_MS);
    members.iter().for_each(|owned| run(&mut database, owned.args(), &mut Vec::new()));
    drop(database);
    let moved = |number: usize| request(&["ZADD", "zset", &(number * 104_729 % MEMBERS).to_string(), &key(number)]);
    let moves: Vec<OwnedArgs> = (0..MEMBERS).map(|number| moved(number * 7919 % MEMBERS)).collect();
    measure("ZADD, moves one of 100k", &moves, 1);
    measure("pipeline of 16 GET", &get, PIPELINE);
    measure("pipeline of 16 SET", &set, PIPELINE);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = look_up, key_positions, admit, in_memory
}
criterion_main!(benches);
