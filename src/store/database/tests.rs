//! The store seen through its databases.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::store::Options;
use crate::store::string::Str;
use crate::store::waiters::Serve;

const NOW: u64 = 1_700_000_000_000;

fn store(shards: usize) -> Store {
    Store::new(Options { shards, ..Options::default() })
}

/// A view of database 0 with everything locked.
fn view(store: &Store) -> Database<'_> {
    let mut database = Database::new(store, 0, NOW);
    database.lock(store.all_shards());
    database
}

fn text(text: &str) -> Value {
    Value::String(Str::Bytes(text.as_bytes().into()))
}

fn number(value: i64) -> Value {
    Value::String(Str::Integer(value))
}

fn get(database: &mut Database<'_>, key: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(&database.read::<Str>(key).unwrap()?.bytes()).into())
}

/// Subtracts one from the integer at `key`, and removes it at 0: a list's pop, with strings.
fn pop(database: &mut Database<'_>, key: &[u8]) -> bool {
    let left = database.modify(key, |value: &mut Str| match value {
        Str::Integer(left) => {
            *left -= 1;
            Some(*left)
        }
        _ => None,
    });
    match left.unwrap().flatten() {
        None => return false,
        Some(0) => drop(database.remove(key)),
        Some(_) => (),
    }
    true
}

fn push(database: &mut Database<'_>, key: &[u8]) {
    let pushed = database.modify_or_create(key, |value: &mut Str| match value {
        Str::Integer(left) => *left += 1,
        other => *other = Str::Integer(1),
    });
    pushed.unwrap();
    database.touch(key);
}

/// Who was served, and from which key.
type Served = Vec<(usize, Vec<u8>)>;

/// A waiter that pops from the key and pushes to another.
struct Pop {
    name: usize,
    served: Arc<Mutex<Served>>,
    to: Option<Vec<u8>>,
    is_gone: bool,
    is_slow: bool,
    /// Wants nothing from this key.
    except: Vec<u8>,
}

impl Serve for Pop {
    fn serve(&self, database: &mut Database<'_>, key: &[u8]) -> Outcome {
        if self.is_gone {
            return Outcome::Gone;
        }
        if self.is_slow {
            // Long enough for another thread to find the waiter claimed.
            std::thread::sleep(Duration::from_micros(50));
        }
        if key == self.except {
            return Outcome::Nothing;
        }
        if !pop(database, key) {
            return Outcome::Nothing;
        }
        self.served.lock().push((self.name, key.to_vec()));
        database.touch(key);
        if let Some(to) = &self.to {
            push(database, to);
        }
        Outcome::Served
    }
}

#[derive(Default)]
struct Line {
    served: Arc<Mutex<Served>>,
}

impl Line {
    fn pop(&self, name: usize) -> Pop {
        Pop { name, served: self.served.clone(), to: None, is_gone: false, is_slow: false, except: b"-".to_vec() }
    }

    fn take(&self) -> Vec<(usize, String)> {
        let served = std::mem::take(&mut *self.served.lock());
        served.into_iter().map(|(name, key)| (name, String::from_utf8(key).unwrap())).collect()
    }
}

fn waiter(want: Pop, shards: ShardSet) -> Arc<Waiter> {
    Arc::new(Waiter::new(Box::new(want), shards))
}

#[test]
fn keys_come_and_go() {
    let store = store(4);
    let mut database = view(&store);
    assert_eq!(get(&mut database, b"a"), None);
    database.set(b"a", text("1"));
    database.set(b"b", text("2"));
    assert_eq!(get(&mut database, b"a").as_deref(), Some("1"));
    assert!(database.exists(b"b") && !database.exists(b"c"));
    assert_eq!(database.len(), 2);
    assert!(database.remove(b"a") && !database.remove(b"a"));
    assert_eq!(database.value(b"b").map(Value::type_name), Some("string"));
    database.select(1);
    assert!(database.is_empty() && !database.exists(b"b"));
    drop(database);
    let stats = store.stats();
    assert_eq!((stats.hits, stats.misses), (2, 1));
    assert_eq!(stats.databases[0].keys, 1);
}

#[test]
fn another_kind_of_value_is_left_alone() {
    use crate::store::list::List;
    let store = store(1);
    let mut database = view(&store);
    database.set(b"a", text("1"));
    assert_eq!(database.read::<List>(b"a").map(|_| ()), Err(WrongType));
    assert_eq!(database.modify(b"a", |_: &mut List| ()), Err(WrongType));
    assert_eq!(database.modify_or_create(b"a", |_: &mut List| ()), Err(WrongType));
    assert_eq!(database.modify(b"b", |_: &mut List| ()), Ok(None));
    assert_eq!(get(&mut database, b"a").as_deref(), Some("1"));
}

#[test]
fn an_aggregate_without_elements_has_no_key() {
    use crate::store::set::Set;
    let store = store(4);
    let mut database = view(&store);
    assert_eq!(database.modify_or_create(b"a", |set: &mut Set| set.len()), Ok(0));
    assert!(!database.exists(b"a"));
    for index in 0..1_000_u32 {
        database.modify_or_create(b"a", |set: &mut Set| assert!(set.add(&index.to_be_bytes()))).unwrap();
    }
    database.set_deadline(b"a", Some(NOW + 5));
    assert!(database.memory_usage(b"a").unwrap() > 4_000);
    assert_eq!(database.deadline(b"a"), Some(NOW + 5));
    for index in 0..1_000_u32 {
        assert_eq!(database.modify(b"a", |set: &mut Set| set.remove(&index.to_be_bytes())), Ok(Some(true)));
    }
    assert!(!database.exists(b"a"));
    database.set(b"b", text("1"));
    database.set(b"b", Value::Set(Box::default()));
    assert!(!database.exists(b"b"));
    drop(database);
    assert_eq!(store.stats().used_bytes, 0);
    assert_eq!(store.stats().databases[0], Default::default());
}

#[test]
fn a_key_expires_once_its_deadline_lies_behind() {
    let store = store(4);
    let mut database = view(&store);
    for key in [b"a", b"b", b"c"] {
        database.set(key, text("1"));
        assert!(database.set_deadline(key, Some(NOW + 100)));
    }
    database.set_keeping_deadline(b"b", text("2"));
    database.set(b"c", text("3"));
    assert_eq!(database.deadline(b"a"), Some(NOW + 100));
    assert_eq!(database.deadline(b"b"), Some(NOW + 100));
    assert_eq!(database.deadline(b"c"), None);
    database.set_now_ms(NOW + 100);
    assert_eq!(database.len(), 3);
    database.set_now_ms(NOW + 101);
    assert_eq!(database.len(), 1);
    let mut seen = Vec::new();
    database.for_each(|key, _| seen.push(key.to_vec()));
    assert_eq!(seen, [b"c"]);
    assert!(!database.exists(b"a"));
    assert!(!database.set_deadline(b"b", Some(NOW + 500)));
    assert_eq!(database.random_key().as_deref(), Some(&b"c"[..]));
    assert!(!database.set_deadline(b"none", None));
    assert!(database.set_deadline(b"c", Some(NOW + 101)));
    assert!(!database.exists(b"c"));
    drop(database);
    assert_eq!(store.stats().expired_keys, 2);
    assert_eq!(store.stats().used_bytes, 0);
}

#[test]
fn active_expiry_is_exact_and_bounded() {
    let store = store(2);
    let mut database = view(&store);
    for index in 0..1_000 {
        let key = format!("key:{index}").into_bytes();
        database.set(&key, text("1"));
        assert!(database.set_deadline(&key, Some(NOW + 1 + index)));
    }
    drop(database);
    store.set_active_expiry(false);
    assert_eq!(store.expire(NOW + 5_000, 100), 0);
    store.set_active_expiry(true);
    assert_eq!(store.expire(NOW + 1, 100), 0);
    assert_eq!(store.expire(NOW + 11, 1_000), 10);
    let removed = store.expire(NOW + 5_000, 100);
    assert_eq!(removed, 200);
    assert_eq!(store.expire(NOW + 5_000, 10_000), 790);
    let stats = store.stats();
    assert_eq!((stats.expired_keys, stats.used_bytes, store.used_bytes()), (1_000, 0, 0));
    assert_eq!(stats.databases[0], Default::default());
}

#[test]
fn idle_time_counts_from_the_last_access() {
    let store = store(1);
    let mut database = view(&store);
    database.set(b"a", text("1"));
    database.set_now_ms(NOW + 5_000);
    database.value(b"a");
    assert_eq!(database.idle_seconds(b"a"), Some(5));
    assert_eq!(get(&mut database, b"a").as_deref(), Some("1"));
    assert_eq!(database.idle_seconds(b"a"), Some(0));
    database.set_now_ms(NOW + 8_000);
    assert_eq!(database.idle_seconds(b"a"), Some(3));
    assert!(database.access(b"a"));
    assert_eq!(database.idle_seconds(b"a"), Some(0));
    assert_eq!(database.idle_seconds(b"b"), None);
}

#[test]
fn memory_is_counted_and_comes_back() {
    let store = Store::new(Options { max_memory: 1 << 20, ..Options::default() });
    let mut database = view(&store);
    for index in 0..1_000 {
        let key = format!("key:{index}").into_bytes();
        database.set(&key, text(&"x".repeat(500)));
        database.set_deadline(&key, Some(NOW + 1_000));
        assert!(database.memory_usage(&key).unwrap() > 500);
    }
    let (used, all) = (store.used_bytes(), store.all_shards().iter().count() as u64);
    database.unlock();
    assert!(store.used_bytes().abs_diff(used) <= 1024 * all);
    assert_eq!(store.stats().used_bytes, store.used_bytes());
    assert!((600_000..900_000).contains(&store.used_bytes()), "{} bytes", store.used_bytes());
    assert!(!store.is_over_memory());
    store.set_max_memory(500_000);
    assert!(store.is_over_memory());
    store.set_max_memory(0);
    assert!(!store.is_over_memory());
    database.lock(store.all_shards());
    for index in 0..1_000 {
        let key = format!("key:{index}").into_bytes();
        database.modify(&key, |value: &mut Str| *value = Str::Integer(1)).unwrap();
        assert!(database.remove(&key));
    }
    drop(database);
    let stats = store.stats();
    assert_eq!((store.used_bytes(), stats.used_bytes), (0, 0));
    assert!(stats.peak_bytes > 600_000);
}

#[test]
fn a_large_database_is_freed_elsewhere() {
    let store = store(16);
    let mut database = view(&store);
    for index in 0..100_000_u32 {
        database.set(&index.to_be_bytes(), number(1));
    }
    let broken = Arc::new(AtomicBool::new(false));
    let other = Arc::new(AtomicBool::new(false));
    database.watch(&7_u32.to_be_bytes(), &broken);
    database.watch(b"none", &other);
    assert!(!store.has_discarded());
    database.clear();
    assert_eq!(database.len(), 0);
    drop(database);
    assert!(store.has_discarded());
    assert_eq!(store.stats().used_bytes, 0);
    assert!(broken.load(Ordering::Acquire) && !other.load(Ordering::Acquire));
}

#[test]
fn a_change_breaks_those_who_watch() {
    let store = store(4);
    let mut database = view(&store);
    let watch = |database: &mut Database<'_>, key: &[u8]| {
        let broken = Arc::new(AtomicBool::new(false));
        database.watch(key, &broken);
        database.watch(key, &broken);
        broken
    };
    let (a, b, c) = (watch(&mut database, b"a"), watch(&mut database, b"a"), watch(&mut database, b"b"));
    database.unwatch(b"a", &b);
    database.set(b"a", text("1"));
    database.touch(b"a");
    assert!(a.load(Ordering::Acquire) && !b.load(Ordering::Acquire) && !c.load(Ordering::Acquire));
    database.select(1);
    database.touch(b"b");
    assert!(!c.load(Ordering::Acquire));

    // A key that expires while it is watched breaks it, at the latest when EXEC ends the watch.
    database.select(0);
    database.set(b"late", text("1"));
    database.set_deadline(b"late", Some(NOW + 10));
    let late = watch(&mut database, b"late");
    database.set_now_ms(NOW + 11);
    let expired = watch(&mut database, b"early");
    assert!(!late.load(Ordering::Acquire));
    database.unwatch(b"late", &late);
    assert!(late.load(Ordering::Acquire));

    // One that had expired before does not.
    database.set(b"early", text("1"));
    database.set_deadline(b"early", Some(NOW + 20));
    database.set_now_ms(NOW + 21);
    let early = watch(&mut database, b"early");
    assert!(expired.load(Ordering::Acquire));
    assert!(!database.exists(b"early"));
    database.unwatch(b"early", &early);
    assert!(!early.load(Ordering::Acquire));
}

#[test]
fn swapping_databases_breaks_watches_and_readies_waiters() {
    let store = store(4);
    let line = Line::default();
    let mut database = view(&store);
    let watches: Vec<_> = ["here", "there", "nowhere", "expired"]
        .map(|key| {
            let broken = Arc::new(AtomicBool::new(false));
            database.watch(key.as_bytes(), &broken);
            broken
        })
        .into();
    database.set(b"here", text("1"));
    database.wait(b"queue", &waiter(line.pop(1), ShardSet::NONE));
    database.select(1);
    database.set(b"there", text("1"));
    database.set(b"expired", text("1"));
    database.set_deadline(b"expired", Some(NOW + 1));
    push(&mut database, b"queue");
    push(&mut database, b"queue");
    database.serve_waiters();
    assert_eq!(line.take(), []);
    database.set_now_ms(NOW + 2);
    database.swap(0, 1);
    database.serve_waiters();
    assert_eq!(line.take(), [(1, "queue".into())]);
    let broken: Vec<_> = watches.iter().map(|broken| broken.load(Ordering::Acquire)).collect();
    assert_eq!(broken, [true, true, false, false]);
    assert_eq!(database.index(), 1);
    assert_eq!(get(&mut database, b"here").as_deref(), Some("1"));
    database.select(0);
    assert_eq!(get(&mut database, b"queue").as_deref(), Some("1"));
}

#[test]
fn the_longest_waiting_is_served_first() {
    let store = store(4);
    let line = Line::default();
    let mut database = view(&store);
    let waiters: Vec<_> = (0..5)
        .map(|name| {
            let mut pop = line.pop(name);
            pop.is_gone = name == 1;
            pop.except = if name == 2 { b"a".to_vec() } else { vec![] };
            waiter(pop, ShardSet::NONE)
        })
        .collect();
    for waiter in &waiters {
        database.wait(b"a", waiter);
        database.wait(b"a", waiter);
    }
    database.wait(b"b", &waiters[2]);
    database.wait(b"b", &waiters[3]);
    assert_eq!(store.blocked.load(Ordering::Relaxed), 5);
    push(&mut database, b"a");
    push(&mut database, b"a");
    database.serve_waiters();
    assert_eq!(line.take(), [(0, "a".into()), (3, "a".into())]);
    assert!(!database.exists(b"a"));
    // The third still stands in the other queue, where it gets nothing more.
    push(&mut database, b"b");
    push(&mut database, b"b");
    database.serve_waiters();
    assert_eq!(line.take(), [(2, "b".into())]);
    assert_eq!(get(&mut database, b"b").as_deref(), Some("1"));
    push(&mut database, b"a");
    push(&mut database, b"a");
    database.serve_waiters();
    assert_eq!(line.take(), [(4, "a".into())]);
    database.stop_waiting(b"a", &waiters[2]);
    drop(database);
    assert_eq!(store.stats().blocked_clients, 0);
}

/// A waiter that moves what it gets to a key on another shard, where another waits that moves it on: a command that
/// pushes to the first key has to lock the shards of all.
#[test]
fn serving_reaches_the_shards_that_waiters_need() {
    let store = store(16);
    let line = Line::default();
    // Keys in shards of descending order, so that locking on demand would go against the order.
    let mut keys: Vec<Vec<u8>> = (0..200).map(|index| format!("list:{index}").into_bytes()).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(store.shard_of(key).0));
    keys.dedup_by_key(|key| store.shard_of(key).0);
    assert!(keys.len() > 10);
    let mut database = Database::new(&store, 3, NOW);
    for (name, pair) in keys.windows(2).enumerate() {
        let mut pop = line.pop(name);
        pop.to = Some(pair[1].clone());
        let to = store.shard_of(&pair[1]);
        database.lock(store.shard_of(&pair[0]).union(to));
        database.wait(&pair[0], &waiter(pop, to));
        database.unlock();
    }
    database.lock(store.shard_of(&keys[0]));
    push(&mut database, &keys[0]);
    database.unlock();
    assert_eq!(line.take().len(), keys.len() - 1);
    database.lock(store.shard_of(&keys[keys.len() - 1]));
    assert_eq!(get(&mut database, &keys[keys.len() - 1]).as_deref(), Some("1"));
    database.unlock();
    assert_eq!(store.stats().blocked_clients, 0);
    assert!(store.all_shards().iter().all(|index| store.lock(index).needs() == ShardSet::NONE));
}

/// Two threads push to the two keys that one waiter waits for: it is served once, and what it does not take stays.
#[test]
fn a_waiter_is_served_once_whatever_two_threads_do() {
    let store = store(16);
    let keys: Vec<Vec<u8>> = (0..200).map(|index| format!("list:{index}").into_bytes()).collect();
    let apart = keys.iter().find(|key| store.shard_of(key) != store.shard_of(&keys[0])).unwrap();
    let pair = [keys[0].clone(), apart.clone()];
    let barrier = Barrier::new(3);
    let rounds = if cfg!(debug_assertions) { 2_000 } else { 20_000 };
    std::thread::scope(|scope| {
        for key in &pair {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                for _ in 0..rounds {
                    barrier.wait();
                    let mut database = Database::new(store, 0, NOW);
                    database.lock(store.shard_of(key));
                    push(&mut database, key);
                    database.unlock();
                    barrier.wait();
                }
            });
        }
        // Counted rather than asserted, since the other threads would wait for ever.
        let mut wrong = 0;
        let line = Line::default();
        let shards = store.shard_of(&pair[0]).union(store.shard_of(&pair[1]));
        let mut database = Database::new(&store, 0, NOW);
        for round in 0..rounds {
            // It wants nothing from the one key in every other round: then it must get what is in the other.
            let mut pop = line.pop(round);
            pop.is_slow = round % 2 == 0;
            pop.except = if round % 2 == 0 { pair[round / 2 % 2].clone() } else { vec![] };
            let waiter = waiter(pop, ShardSet::NONE);
            database.lock(shards);
            pair.iter().for_each(|key| database.wait(key, &waiter));
            database.unlock();
            barrier.wait();
            barrier.wait();
            wrong += usize::from(line.take().len() != 1);
            database.lock(shards);
            wrong += usize::from(pair.iter().filter(|key| database.remove(key)).count() != 1);
            pair.iter().for_each(|key| database.stop_waiting(key, &waiter));
            database.unlock();
        }
        assert_eq!(wrong, 0);
    });
    assert_eq!(store.stats().blocked_clients, 0);
}

/// Who ends a wait while the waiter is being served, learns whether it was served for good.
#[test]
fn a_claim_waits_for_what_comes_of_serving() {
    let store = store(4);
    for is_served in [false, true] {
        let line = Line::default();
        let mut pop = line.pop(1);
        pop.except = if is_served { vec![] } else { b"a".to_vec() };
        pop.is_slow = true;
        let waiter = waiter(pop, ShardSet::NONE);
        let mut database = view(&store);
        database.wait(b"a", &waiter);
        database.unlock();
        std::thread::scope(|scope| {
            let serving = scope.spawn(|| {
                let mut database = view(&store);
                push(&mut database, b"a");
                database.serve_waiters();
            });
            // A busy machine may let the whole serving go by between two looks.
            while !waiter.is_claimed() && !serving.is_finished() {
                std::thread::yield_now();
            }
            assert_eq!(waiter.claim(), !is_served);
        });
        let mut database = view(&store);
        database.stop_waiting(b"a", &waiter);
        database.remove(b"a");
    }
}

#[test]
fn a_scan_sees_every_shard() {
    let store = store(16);
    let mut database = view(&store);
    let cursors_of = |database: &mut Database<'_>, count: usize| {
        let (mut cursor, mut steps, mut keys) = (0, 0, BTreeMap::new());
        loop {
            cursor = database.scan(cursor, count, |key, _| *keys.entry(key.to_vec()).or_insert(0) += 1);
            steps += 1;
            assert!(cursor < 1 << 53, "a double can't hold {cursor}");
            if cursor == 0 {
                return (steps, keys);
            }
        }
    };
    assert_eq!(cursors_of(&mut database, 10), (1, BTreeMap::new()));
    for index in 0..5_000_u32 {
        database.set(&index.to_be_bytes(), number(1));
    }
    for count in [1, 10, 333, 10_000] {
        let (steps, keys) = cursors_of(&mut database, count);
        assert!(keys.len() == 5_000 && keys.values().all(|&times| times == 1));
        assert!(steps <= 5_000 / count + 17, "{steps} steps of {count}");
    }
    for cursor in [1, 15, 1 << 52, u64::MAX] {
        database.scan(cursor, 10, |_, _| ());
    }
    for _ in 0..100 {
        let key = database.random_key().unwrap();
        assert!(database.exists(&key));
    }
}

/// Threads move amounts between random keys in different shards, keeping their locks from one move to the next. The
/// sum stays, and nobody waits for ever.
#[test]
fn threads_with_several_keys_each_do_not_wait_for_each_other() {
    const ACCOUNTS: u64 = 40;
    let store = store(16);
    let mut database = view(&store);
    let key = |account: u64| format!("account:{account}").into_bytes();
    (0..ACCOUNTS).for_each(|account| database.set(&key(account), number(1_000)));
    drop(database);
    let finished = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (store, finished) = (&store, &finished);
            scope.spawn(move || {
                let mut random = thread;
                let mut next = move |below: u64| dict::next_random(&mut random) % below;
                let mut database = Database::new(store, 0, NOW);
                for _ in 0..20_000 {
                    let (from, to) = (key(next(ACCOUNTS)), key(next(ACCOUNTS)));
                    let amount = next(10) as i64;
                    database.lock(store.shard_of(&from).union(store.shard_of(&to)));
                    for (key, amount) in [(&from, -amount), (&to, amount)] {
                        let changed = database.modify(key, |value: &mut Str| match value {
                            Str::Integer(sum) => *sum += amount,
                            _ => unreachable!(),
                        });
                        assert_eq!(changed, Ok(Some(())));
                        database.touch(key);
                    }
                    database.serve_waiters();
                    if next(3) == 0 {
                        database.unlock();
                    }
                }
                finished.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(finished.into_inner(), 4);
    let mut sum = 0;
    view(&store).for_each(|_, value| match value {
        Value::String(Str::Integer(amount)) => sum += amount,
        _ => unreachable!(),
    });
    assert_eq!(sum, 1_000 * ACCOUNTS as i64);
}

/// The keys of a database with the lengths of their values and their deadlines.
type Model = BTreeMap<Vec<u8>, (usize, Option<u64>)>;

#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8),
    Keep(u8, u8),
    Append(u8, u8),
    Remove(u8),
    Expire(u8, u64),
    Persist(u8),
    Pass(u64),
    Sweep(usize),
    Swap,
    Select(usize),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..30_u8, any::<u8>()).prop_map(|(key, size)| Step::Set(key, size)),
        2 => (0..30_u8, any::<u8>()).prop_map(|(key, size)| Step::Keep(key, size)),
        4 => (0..30_u8, any::<u8>()).prop_map(|(key, size)| Step::Append(key, size)),
        3 => (0..30_u8).prop_map(Step::Remove),
        4 => (0..30_u8, 0..50_u64).prop_map(|(key, time)| Step::Expire(key, time)),
        1 => (0..30_u8).prop_map(Step::Persist),
        4 => (0..20_u64).prop_map(Step::Pass),
        2 => (1..5_usize).prop_map(Step::Sweep),
        1 => Just(Step::Swap),
        2 => (0..2_usize).prop_map(Step::Select),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 100 } else { 1000 }))]

    #[test]
    fn behaves_as_two_maps_with_deadlines(steps in steps()) {
        let store = store(4);
        let mut database = view(&store);
        let mut model: [Model; 2] = Default::default();
        let mut now = NOW;
        for step in steps {
            let index = database.index();
            let bytes = |size: u8| Value::String(Str::Raw(vec![b'x'; size.into()]));
            match step {
                Step::Set(key, size) => {
                    database.set(&[key], bytes(size));
                    model[index].insert(vec![key], (size.into(), None));
                }
                Step::Keep(key, size) => {
                    database.set_keeping_deadline(&[key], bytes(size));
                    let deadline = model[index].get(&vec![key]).and_then(|(_, deadline)| *deadline);
                    model[index].insert(vec![key], (size.into(), deadline));
                }
                Step::Append(key, size) => {
                    let appended = database.modify_or_create(&[key], |value: &mut Str| value.append(&vec![b'y'; size.into()]));
                    prop_assert_eq!(appended, Ok(()));
                    model[index].entry(vec![key]).or_default().0 += usize::from(size);
                }
                Step::Remove(key) => {
                    prop_assert_eq!(database.remove(&[key]), model[index].remove(&vec![key]).is_some());
                }
                Step::Expire(key, time) => {
                    let is_there = model[index].contains_key(&vec![key]);
                    prop_assert_eq!(database.set_deadline(&[key], Some(now + time)), is_there);
                    if time == 0 {
                        model[index].remove(&vec![key]);
                    } else if let Some((_, deadline)) = model[index].get_mut(&vec![key]) {
                        *deadline = Some(now + time);
                    }
                }
                Step::Persist(key) => {
                    let is_there = model[index].contains_key(&vec![key]);
                    prop_assert_eq!(database.set_deadline(&[key], None), is_there);
                    model[index].entry(vec![key]).and_modify(|(_, deadline)| *deadline = None);
                }
                Step::Pass(time) => {
                    now += time;
                    database.set_now_ms(now);
                    for keys in &mut model {
                        keys.retain(|_, (_, deadline)| deadline.is_none_or(|deadline| now <= deadline));
                    }
                }
                Step::Sweep(limit) => {
                    database.unlock();
                    store.expire(now, limit);
                    database.lock(store.all_shards());
                }
                Step::Swap => {
                    database.swap(0, 1);
                    model.swap(0, 1);
                }
                Step::Select(index) => database.select(index),
                Step::Clear => {
                    database.clear();
                    model[index].clear();
                }
            }
            let index = database.index();
            prop_assert_eq!(database.len(), model[index].len());
            for key in 0..30 {
                let size = match database.value(&[key]) {
                    Some(Value::String(value)) => Some(value.len()),
                    _ => None,
                };
                let expected = model[index].get(&vec![key]).copied();
                prop_assert_eq!(size, expected.map(|(size, _)| size));
                prop_assert_eq!(database.deadline(&[key]), expected.and_then(|(_, deadline)| deadline));
            }
        }
        for index in 0..2 {
            database.select(index);
            for key in 0..30 {
                database.remove(&[key]);
            }
        }
        database.unlock();
        prop_assert_eq!(store.stats().used_bytes, 0);
        prop_assert_eq!(store.used_bytes(), 0);
    }
}
