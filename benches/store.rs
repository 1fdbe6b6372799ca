//! The dict against hashbrown's map with the same hasher, and how long one insertion can take while they grow,
//! on the wall's clock and on the processor's.
//!
//! `cargo bench --bench store`; the growth to 5 million keys is printed first, and `-- --skip-growth` leaves it out.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use respool::store::dict::Dict;
use respool::store::string::Str;
use respool::store::{Database, Options, Store, Value};

const KEYS: u64 = 1_000_000;
const GROWTH: u64 = 5_000_000;

fn key(number: u64) -> [u8; 20] {
    let mut key = *b"key:0000000000000000";
    let mut rest = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for digit in &mut key[4..] {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
    key
}

/// How long this thread has waited for a processor that others had. The system's count of the time that a thread ran
/// moves only with its tick, some milliseconds; this one is exact, so that the time on the wall less the time waited is
/// the processor's time. Interrupts, and what a hypervisor takes, are still in it.
struct Waited(Option<File>);

impl Waited {
    fn new() -> Self {
        Waited(File::open("/proc/thread-self/schedstat").ok())
    }

    fn get(&self) -> Duration {
        let mut text = [0; 96];
        let read = self.0.as_ref().and_then(|file| file.read_at(&mut text, 0).ok());
        let fields = std::str::from_utf8(&text[..read.unwrap_or(0)]).unwrap_or_default();
        Duration::from_nanos(fields.split(' ').nth(1).and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
    }
}

/// Inserts all keys; prints the longest insertions and the throughput.
fn growth(name: &str, mut insert: impl FnMut(&[u8], u64)) {
    let waited = Waited::new();
    let (mut longest, mut longest_cpu) = (Duration::ZERO, Duration::ZERO);
    let mut over_100_us = 0;
    let mut spent = Duration::ZERO;
    for number in 0..GROWTH {
        let key = key(number);
        let waited_before = waited.get();
        let before = Instant::now();
        insert(&key, number);
        let took = before.elapsed();
        spent += took;
        longest = longest.max(took);
        if took > longest_cpu {
            let cpu = took.saturating_sub(waited.get() - waited_before);
            longest_cpu = longest_cpu.max(cpu);
        }
        over_100_us += u64::from(took > Duration::from_micros(100));
    }
    let each = spent.as_nanos() as u64 / GROWTH;
    println!(
        "growth to {GROWTH}: {name:<10} longest {longest:>12?} on the wall, {longest_cpu:>12?} of the processor, \
         {over_100_us:>4} over 100 us, {each:>4} ns each"
    );
}

fn growths() {
    // What the machine itself adds.
    growth("nothing", |key, number| {
        black_box((key.len(), number));
    });
    let mut dict = Dict::new();
    growth("dict", |key, number| {
        dict.insert(key, number);
    });
    println!("dict: {} bytes a key", dict.memory() / dict.len());
    drop(dict);
    let mut map: HashMap<Box<[u8]>, u64, RandomState> = HashMap::default();
    growth("hashbrown", |key, number| {
        map.insert(key.into(), number);
    });
    drop(map);
    let store = Store::new(Options::default());
    growth("store", |key, number| {
        let mut database = Database::new(&store, 0, 1);
        database.lock(store.shard_of(key));
        database.set(key, Value::String(Str::Integer(number as i64)));
    });
    println!("store: {} bytes a key", store.stats().used_bytes / GROWTH);
    let mut database = Database::new(&store, 0, 1);
    database.lock(store.all_shards());
    let began = Instant::now();
    database.clear();
    println!("store: cleared in {:?}", began.elapsed());
}

fn operations(criterion: &mut Criterion) {
    let mut dict = Dict::new();
    let mut map: HashMap<Box<[u8]>, u64, RandomState> = HashMap::default();
    let store = Store::new(Options::default());
    let mut database = Database::new(&store, 0, 1);
    database.lock(store.all_shards());
    for number in 0..KEYS {
        dict.insert(&key(number), number);
        map.insert(key(number).into(), number);
        database.set(&key(number), Value::String(Str::Bytes([b'x'; 64].into())));
    }
    database.unlock();
    // In no order that the table could have been filled in.
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        key((*state >> 33) % KEYS)
    };
    let mut group = criterion.benchmark_group("get of 1M keys");
    let mut state = 1;
    group.bench_function("dict", |bench| bench.iter(|| black_box(dict.get(&next(&mut state))).is_some()));
    let mut state = 1;
    group.bench_function("hashbrown", |bench| bench.iter(|| black_box(map.get(&next(&mut state)[..])).is_some()));
    let mut state = 1;
    group.bench_function("store, with its lock", |bench| {
        bench.iter(|| {
            let key = next(&mut state);
            database.lock(store.shard_of(&key));
            let found = black_box(database.read::<Str>(&key)).is_ok_and(|value| value.is_some());
            database.unlock();
            found
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("insert 100k keys");
    group.bench_function("dict", |bench| {
        bench.iter_batched(
            Dict::new,
            |dict| {
                fill(dict, |dict, key, number| {
                    dict.insert(key, number);
                })
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("hashbrown", |bench| {
        let make = HashMap::<Box<[u8]>, u64, RandomState>::default;
        bench.iter_batched(
            make,
            |map| {
                fill(map, |map, key, number| {
                    map.insert(key.into(), number);
                })
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let mut group = criterion.benchmark_group("scan of 1M keys, one step");
    for count in [10, 1_000] {
        let mut cursor = 0;
        group.bench_function(format!("count {count}"), |bench| {
            bench.iter(|| {
                cursor = dict.scan(cursor, count, |key, _| {
                    black_box(key);
                })
            });
        });
    }
    group.finish();
}

fn fill<M>(mut map: M, mut insert: impl FnMut(&mut M, &[u8], u64)) -> M {
    (0..100_000).for_each(|number| insert(&mut map, &key(number), number));
    map
}

fn main() {
    // `cargo test` runs benches too, where nobody wants the growth.
    let mut arguments = std::env::args();
    if std::env::args().any(|argument| argument == "--bench") && !arguments.any(|argument| argument == "--skip-growth")
    {
        growths();
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    operations(&mut criterion);
    criterion.final_summary();
}
