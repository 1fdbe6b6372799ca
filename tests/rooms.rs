//! The house: a room uses only what stands to its left, and a file can be read in one sitting.

use std::fs;
use std::path::{Path, PathBuf};

/// From left to right.
const ROOMS: [&str; 9] = ["resp", "store", "command", "tenant", "queue", "upstream", "session", "server", "main"];

/// Anyone may use them; they use no room.
const LEAVES: [&str; 2] = ["config", "metrics"];

/// Lines of a file, its tests not counted. A group of commands may be longer: a command is all in one file.
const LONGEST_FILE: usize = 700;

/// Every source file with its path within `src/`, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                found.push((path.strip_prefix(&root).expect("within src").to_owned(), text));
            }
        }
    }
    assert!(found.len() > 50, "{} sources", found.len());
    found.sort();
    found
}

/// The room that a file stands in.
fn room(path: &Path) -> &str {
    let first = path.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The rooms that a line of code names, as `crate::room` (or `respool::room` in `main.rs`).
fn named(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    let mut rooms = Vec::new();
    for root in ["crate::", "respool::"] {
        for (position, _) in code.match_indices(root) {
            let rest = &code[position + root.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                // `use crate::{one, other::{A, B}}`: what stands behind `::` or in inner braces is no room, but no
                // room's name either.
                rooms.extend(list.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| known(word)));
            } else {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                rooms.extend(Some(&rest[..end]).filter(|word| known(word)));
            }
        }
    }
    rooms
}

fn known(word: &str) -> bool {
    ROOMS.contains(&word) || LEAVES.contains(&word)
}

/// Why a file of `own` may not name `other`, if it may not.
fn objection(own: &str, other: &str) -> Option<String> {
    if own == other || (LEAVES.contains(&other) && !LEAVES.contains(&own)) {
        return None;
    }
    if LEAVES.contains(&own) {
        return Some(format!("{own} is a leaf, and uses {other}"));
    }
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    (place(other) > place(own)).then(|| format!("{own} uses {other}, which stands to its right"))
}

#[test]
fn a_room_uses_only_what_stands_to_its_left() {
    let mut violations = Vec::new();
    for (path, text) in sources() {
        let own = room(&path);
        if own == "lib" {
            continue;
        }
        assert!(known(own), "src/{} stands in no room", path.display());
        for (index, line) in text.lines().enumerate() {
            let place = format!("src/{}:{}", path.display(), index + 1);
            assert!(!line.trim_end().ends_with("crate::{"), "{place}: one room a line, or this test does not see it");
            for why in named(line).into_iter().filter_map(|other| objection(own, other)) {
                violations.push(format!("{place}: {why}"));
            }
        }
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn the_rule_is_the_pages() {
    assert_eq!(named("use crate::resp::Args;"), ["resp"]);
    assert_eq!(named("    let x = crate::store::f(crate::server::g());"), ["store", "server"]);
    assert_eq!(named("use crate::{resp::{Args, Writer}, session};"), ["resp", "session"]);
    assert!(named("/// See [`crate::server`].").is_empty());
    assert!(objection("store", "resp").is_none() && objection("resp", "store").is_some());
    assert!(objection("upstream", "metrics").is_none() && objection("metrics", "upstream").is_some());
    assert!(objection("config", "metrics").is_some() && objection("main", "server").is_none());
}

#[test]
fn no_file_is_too_long() {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let is_test =
            path.file_name().is_some_and(|name| name == "tests.rs") || path.iter().any(|part| part == "tests");
        let is_group = path.parent().is_some_and(|folder| folder == Path::new("command"));
        let length = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if length > LONGEST_FILE && !is_test && !is_group {
            offenders.push(format!("src/{}: {length} lines", path.display()));
        }
    }
    assert!(offenders.is_empty(), "over {LONGEST_FILE} lines:\n{}", offenders.join("\n"));
}
