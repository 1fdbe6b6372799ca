//! The dict against std's map.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

fn key(number: u64) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// Scans the whole, with `between` called after each step; gives how often each key was visited.
fn scan_all<V>(dict: &mut Dict<V>, count: usize, mut between: impl FnMut(&mut Dict<V>)) -> HashMap<Vec<u8>, usize> {
    let mut seen = HashMap::new();
    let mut cursor = 0;
    loop {
        cursor = dict.scan(cursor, count, |key, _| *seen.entry(key.to_vec()).or_default() += 1);
        if cursor == 0 {
            return seen;
        }
        between(dict);
    }
}

#[test]
fn an_empty_dict_allocates_nothing() {
    let mut dict: Dict<u64> = Dict::new();
    assert_eq!(dict.memory(), 0);
    assert_eq!((dict.len(), dict.get(b"a")), (0, None));
    assert_eq!(dict.remove(b"a"), None);
    assert_eq!(dict.scan(0, 10, |_, _| unreachable!()), 0);
    assert!(dict.random(7).is_none());
    dict.insert(b"", 1);
    assert_eq!(dict.get(b""), Some(&1));
    assert!(dict.memory() > 0);
    dict.remove(b"");
    assert_eq!(dict.memory(), 0);
}

#[test]
fn no_insertion_moves_more_than_a_segment() {
    let mut dict = Dict::new();
    for number in 0..200_000 {
        dict.insert(&key(number), number);
    }
    assert!(dict.segments.len() > 200, "{} segments", dict.segments.len());
    assert!(dict.directory.len() <= dict.segments.len() * 8, "{} places", dict.directory.len());
    for number in 0..200_000 {
        assert_eq!(dict.get(&key(number)), Some(&number));
    }
    for number in 0..199_990 {
        assert_eq!(dict.remove(&key(number)).map(|(_, value)| value), Some(number));
    }
    assert!(dict.most_moved <= SEGMENT_ENTRIES, "{} entries moved at once", dict.most_moved);
    // What is nearly empty has given its memory back.
    assert!(dict.memory() < 8_000, "{} bytes for 10 entries", dict.memory());
    assert_eq!(dict.segments.len(), 1);
    assert_eq!(dict.iter().count(), 10);
    for number in 199_990..200_000 {
        dict.remove(&key(number));
    }
    assert_eq!(dict.memory(), 0);
}

/// Entries that come and go leave deleted places; they must neither make a segment larger nor split it.
#[test]
fn a_dict_that_keeps_its_size_keeps_its_memory() {
    let mut dict = Dict::new();
    for number in 0..10_000 {
        dict.insert(&key(number), number);
    }
    let segments = dict.segments.len();
    for number in 10_000..300_000 {
        dict.insert(&key(number), number);
        dict.remove(&key(number - 10_000));
    }
    assert!(dict.segments.len() <= segments * 2, "{segments} segments became {}", dict.segments.len());
    let full = SEGMENT_ENTRIES / 7 * 8;
    assert!(dict.segments.iter().all(|segment| segment.table.num_buckets() <= full));
    assert!(dict.most_moved <= SEGMENT_ENTRIES);
}

/// Hashes that are all alike can't be split; the table has to stay correct, and the directory small.
#[test]
fn equal_hashes_do_not_make_the_directory_grow() {
    let mut dict = Dict::new();
    for number in 0..2_000_u64 {
        dict.insert_hashed(0x1234_5678_9abc_def0, &key(number), number);
    }
    assert!(dict.directory.len() <= 4_096, "{} places", dict.directory.len());
    for number in 0..2_000 {
        assert_eq!(dict.get_hashed(0x1234_5678_9abc_def0, &key(number)), Some(&number));
    }
    assert_eq!(scan_all(&mut dict, 10, |_| {}).len(), 2_000);
    for number in 0..2_000 {
        assert!(dict.remove_hashed(0x1234_5678_9abc_def0, &key(number)).is_some());
    }
    assert_eq!(dict.memory(), 0);
}

#[test]
fn a_scan_visits_each_once_and_about_as_many_as_asked_for() {
    let mut dict = Dict::new();
    for number in 0..20_000 {
        dict.insert(&key(number), number);
    }
    for count in [1, 10, 1_000, 100_000] {
        let mut steps = 0;
        let seen = scan_all(&mut dict, count, |_| steps += 1);
        assert!(seen.len() == 20_000 && seen.values().all(|&times| times == 1));
        assert!(steps <= 20_000 / count + 1, "{steps} steps of {count}");
    }
    for cursor in [1, 1 << 47, (1 << 48) - 1, 1 << 48, u64::MAX] {
        assert!(dict.scan(cursor, 10, |_, _| {}) < 1 << 48);
    }
}

#[test]
fn a_random_entry_is_any_entry() {
    for entries in [1_u64, 3, 20, 3_000] {
        let mut dict = Dict::new();
        for number in 0..entries {
            dict.insert(&key(number), number as usize);
        }
        let mut times = vec![0_u64; entries as usize];
        let draws = entries * 200;
        for random in 0..draws {
            times[*dict.random(random).unwrap().1] += 1;
        }
        let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!(*least > 80 && *most < 400, "{entries} entries were drawn {least} to {most} times");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64, u64),
    Remove(u64, u64),
    Scan(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let range = (0..6_000_u64, 1..1_500_u64);
    let step = prop_oneof![
        4 => range.clone().prop_map(|(first, count)| Step::Insert(first, count)),
        4 => range.prop_map(|(first, count)| Step::Remove(first, count)),
        3 => (1..700_usize).prop_map(Step::Scan),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 40 } else { 400 }))]

    /// Behaves as std's map does, and a scan that goes on through all changes misses nothing that stays, and shows
    /// nothing twice that was not put there anew.
    #[test]
    fn behaves_as_a_map_while_it_is_scanned(steps in steps()) {
        let mut dict = Dict::new();
        let mut model = HashMap::new();
        let mut cursor = 0;
        let mut steady: HashSet<Vec<u8>> = HashSet::new();
        let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
        for step in steps {
            match step {
                Step::Insert(first, count) => for number in first..first + count {
                    prop_assert_eq!(dict.insert(&key(number), number + count), model.insert(key(number), number + count));
                },
                Step::Remove(first, count) => for number in first..first + count {
                    steady.remove(&key(number));
                    seen.remove(&key(number));
                    prop_assert_eq!(dict.remove(&key(number)).map(|(_, value)| value), model.remove(&key(number)));
                },
                Step::Scan(count) => {
                    if cursor == 0 {
                        steady = model.keys().cloned().collect();
                        seen.clear();
                    }
                    let mut twice = None;
                    cursor = dict.scan(cursor, count, |key, value| {
                        assert_eq!(model.get(key), Some(value));
                        if seen.insert(key.to_vec(), 1).is_some() {
                            twice = Some(key.to_vec());
                        }
                    });
                    prop_assert_eq!(twice, None);
                    if cursor == 0 {
                        prop_assert!(steady.iter().all(|key| seen.contains_key(key)));
                    }
                }
            }
            prop_assert_eq!(dict.len(), model.len());
            prop_assert!(dict.most_moved <= SEGMENT_ENTRIES);
        }
        let mut entries: Vec<_> = dict.iter().map(|(key, value)| (key.to_vec(), *value)).collect();
        let mut expected: Vec<_> = model.iter().map(|(key, value)| (key.clone(), *value)).collect();
        entries.sort();
        expected.sort();
        prop_assert_eq!(entries, expected);
        let tables: usize = dict.segments.iter().map(Segment::memory).sum();
        prop_assert_eq!(dict.table_bytes, tables);
        let keys: usize = dict.iter().map(|(key, _)| key_memory(key)).sum();
        prop_assert_eq!(dict.key_bytes, keys);
    }
}
