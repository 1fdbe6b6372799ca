//! Runs the fuzz targets' checks over their corpus, and over changed copies of it, without a fuzzer.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Changed copies of each file.
const COPIES: usize = 5000;

#[test]
fn requests() {
    replay("request", checks::request);
}

#[test]
fn replies() {
    replay("reply", checks::reply);
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(files.len() >= 10, "a corpus in {}", folder.display());

    let run = |data: &[u8], path: &Path| {
        if catch_unwind(AssertUnwindSafe(|| check(data))).is_err() {
            panic!("{} fails on {}, from {}", target, data.escape_ascii(), path.display());
        }
    };
    // The same copies every time.
    let mut random = Random(0x9e3779b97f4a7c15);
    for (file, path) in files.iter().zip(&paths) {
        run(file, path);
        for _ in 0..COPIES {
            let mut data = file.clone();
            for _ in 0..=random.below(4) {
                random.change(&mut data, &files);
            }
            run(&data, path);
        }
    }
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn change(&mut self, data: &mut Vec<u8>, files: &[Vec<u8>]) {
        const BYTES: &[u8] = b"\r\n\0*$+-:_,#!=(~%>|0123456789\"'\\x \t\x0b\xff";
        let at = self.below(data.len());
        let end = at + self.below(data.len() - at + 1);
        let byte = BYTES[self.below(BYTES.len())];
        match self.below(6) {
            0 if !data.is_empty() => data[at] = byte,
            1 if !data.is_empty() => data[at] ^= 1 << self.below(8),
            2 => data.insert(at, byte),
            3 => drop(data.drain(at..end)),
            4 => data.extend_from_within(at..end),
            _ => {
                let other = &files[self.below(files.len())];
                data.truncate(at);
                data.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
    }
}
