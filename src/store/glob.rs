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

#[cfg(test)]
mod tests {
    use super::matches;

    /// What `KEYS` of Redis 7.0.15 (x86-64) answers with the text as the only key.
    const SEEN: &[(&[u8], &[u8], bool)] = &[
        (b"", b"", true),
        (b"", b"a", false),
        (b"**", b"", false),
        (b"a", b"", false),
        (b"**", b"a", true),
        (b"a*", b"a", true),
        (b"a***", b"a", true),
        (b"*a", b"ba", true),
        (b"*a", b"ab", false),
        (b"a*b*c", b"aXbXc", true),
        (b"a*b*c", b"aXcXb", false),
        (b"*ab*ab*", b"xabab", true),
        (b"*ab*ab*", b"xaba", false),
        (b"?", b"a", true),
        (b"?", b"", false),
        (b"??", b"a", false),
        (b"*?", b"a", true),
        (b"?*", b"a", true),
        (b"*??", b"a", false),
        (b"[abc]", b"b", true),
        (b"[abc]", b"d", false),
        (b"[a-c]", b"b", true),
        (b"[c-a]", b"b", true),
        (b"[a-c]", b"-", false),
        (b"[^a-c]", b"b", false),
        (b"[^a-c]", b"d", true),
        (b"[^]", b"a", true),
        (b"[^", b"a", true),
        (b"[^a", b"a", false),
        (b"[^a", b"b", true),
        (b"[]", b"a", false),
        (b"[]", b"]", false),
        (b"[]a]", b"a]", false),
        (b"[", b"[", false),
        (b"[", b"a", false),
        (b"[a", b"a", true),
        (b"[a", b"b", false),
        (b"[ab", b"b", true),
        (b"[a-", b"a", true),
        (b"[a-", b"-", true),
        (b"[a-]", b"-", false),
        (b"[a-]", b"^", true),
        (b"[a-]", b"b", false),
        (b"[a-]b", b"b", true),
        (b"[-a]", b"-", true),
        (b"[\\]]", b"]", true),
        (b"[\\", b"\\", true),
        (b"[\\^a]", b"^", true),
        (b"[a\\-c]", b"b", false),
        (b"[a\\-c]", b"-", true),
        (b"[\\a-c]", b"b", false),
        (b"[\\a-c]", b"-", true),
        (b"[a-\\]]", b"\\", false),
        (b"[a-\\]]", b"\\]", true),
        (b"[^\\]]", b"]", false),
        (b"\\*", b"*", true),
        (b"\\*", b"a", false),
        (b"\\", b"\\", true),
        (b"a\\", b"a\\", true),
        (b"\\\\", b"\\", true),
        (b"\\a", b"a", true),
        (b"*\\*", b"a*", true),
        (b"*\\*", b"ab", false),
        (b"\\[a]", b"[a]", true),
        (b"[*]", b"*", true),
        (b"[*]", b"a", false),
        (b"[?]x", b"ax", false),
        (b"[\x00-\xff]", b"a", false),
        (b"[\x01-\xff]", b"a", false),
        (b"[\x01-\xff]", b"\x00", true),
        (b"[\x80-\xff]", b"\x90", true),
        (b"[\x7f-\x80]", b"a", true),
        (b"[a-\xff]", b"\x05", true),
        (b"h[^\xff]", b"h\xff", false),
        (b"a\x00*", b"a\x00b", true),
        (b"user:*:[0-9]", b"user:x:y:7", true),
        (b"user:[0-9]*", b"user:17", true),
        (b"*]", b"a]", true),
        (b"a]", b"a]", true),
        (b"[a]*[b]", b"axxb", true),
        (b"*[^b]", b"ab", false),
        (b"*[^b]", b"abc", true),
    ];

    #[test]
    fn patterns_match_as_in_redis() {
        for &(pattern, text, expected) in SEEN {
            assert_eq!(matches(pattern, text), expected, "{} {}", pattern.escape_ascii(), text.escape_ascii());
        }
        // Seen with PSUBSCRIBE: KEYS itself takes a lone star for every key.
        assert!(!matches(b"*", b"") && matches(b"*", b"a"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(pattern.as_bytes(), &[b'a'; 20_000]));
        let pattern = "*[ab]?".repeat(100) + "c";
        assert!(!matches(pattern.as_bytes(), &[b'a'; 20_000]));
    }
}
