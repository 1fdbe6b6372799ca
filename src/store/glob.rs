//! Glob patterns as Redis reads them.

/// True if `text` matches the glob `pattern` by Redis's rules (`stringmatchlen`): `*`, `?`, `[a-z]`, `[^a]`, `\`.
/// Bounded: a pattern of many stars does not take exponential time.
///
/// As in Redis, a lone `*` does not match the empty text. `KEYS` and `SCAN` treat that pattern apart (every key
/// matches), and so have their handlers to; `PSUBSCRIBE` and `PUBSUB CHANNELS` don't.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut position) = (0, 0);
    // Behind the last star, and where in the text the rest of the pattern was last tried.
    let mut star = None;
    while position < text.len() {
        if pattern.get(at) == Some(&b'*') {
            while pattern.get(at) == Some(&b'*') {
                at += 1;
            }
            if at == pattern.len() {
                return true;
            }
            star = Some((at, position));
        } else if let Some(next) = step(pattern, at, text[position]) {
            at = next;
            position += 1;
        } else if let Some((behind, tried)) = star {
            // Only the last star has to be tried again: what the earlier ones matched can stay the shortest.
            at = behind;
            position = tried + 1;
            star = Some((behind, position));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Where the pattern goes on if its element at `at`, no star, matches `byte`.
#[inline]
fn step(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => {
            let (matches, next) = class(pattern, at + 1, byte);
            matches.then_some(next)
        }
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        literal => (literal == byte).then_some(at + 1),
    }
}

/// Whether the class whose inside begins at `at` matches `byte`, and where the pattern goes on. A class that is not
/// closed ends with the pattern.
fn class(pattern: &[u8], mut at: usize, byte: u8) -> (bool, usize) {
    let is_negated = pattern.get(at) == Some(&b'^');
    at += usize::from(is_negated);
    let mut matches = false;
    loop {
        match pattern[at.min(pattern.len())..] {
            [] => break,
            [b'\\', escaped, ..] => {
                matches |= escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [start, b'-', end, ..] => {
                // Redis compares C's `char`, which has a sign on the machines that most run it on.
                let (start, end, byte) = (start as i8, end as i8, byte as i8);
                matches |= (start.min(end)..=start.max(end)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                matches |= literal == byte;
                at += 1;
            }
        }
    }
    (matches != is_negated, at)
}
