//! `CONFIG`: the parameters of Redis that clients ask for, as the memory driver has them.

use std::borrow::Cow;

use super::context::Context;
use super::error::Error;
use crate::resp::Args;
use crate::resp::number::parse_integer;
use crate::store::Store;
use crate::store::broker::matches;

/// A parameter's value.
#[derive(Clone, Copy)]
enum Setting {
    /// What it is, for good; what else Redis would take is told from what it would not.
    Fixed(Kind, &'static str),
    /// As before; Redis itself cannot change it either.
    Immutable(&'static str),
    /// `databases`
    Databases,
    /// `maxmemory`, the one that can be changed.
    MaxMemory,
}
use Setting::{Databases, Fixed, Immutable, MaxMemory};

/// What values Redis takes for a parameter.
#[derive(Clone, Copy)]
enum Kind {
    YesNo,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// From the one to the other.
    Integer(i64, i64),
    /// Bytes with a unit, no fewer than these.
    Bytes(u64),
    Text,
}
use Kind::{Bytes, Integer, OneOf, Text, YesNo};

/// C's `int` from zero on.
const INT: Kind = Integer(0, i32::MAX as i64);
/// C's `long` from zero on.
const LONG: Kind = Integer(0, i64::MAX);

const FSYNC: Kind = OneOf(&["everysec", "always", "no"]);
const POLICY: Kind = OneOf(&[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
]);

impl Kind {
    /// Whether `value` means the same as `present`; Redis's reason if it can't be a value at all.
    fn is_same(self, present: &str, value: &[u8]) -> Result<bool, Cow<'static, str>> {
        let is = |word: &str| word.as_bytes().eq_ignore_ascii_case(value);
        match self {
            YesNo if !is("yes") && !is("no") => return Err("argument must be 'yes' or 'no'".into()),
            OneOf(words) if !words.iter().any(|word| is(word)) => {
                return Err(format!("argument(s) must be one of the following: {}", words.join(", ")).into());
            }
            YesNo | OneOf(_) => return Ok(is(present)),
            Integer(least, most) => {
                let number = parse_integer(value).ok_or("argument couldn't be parsed into an integer")?;
                if !(least..=most).contains(&number) {
                    return Err(format!("argument must be between {least} and {most} inclusive").into());
                }
            }
            Bytes(least) => {
                let bytes = parse_memory(value).ok_or(NO_MEMORY_VALUE)?;
                if bytes < least {
                    return Err(format!("argument must be between {least} and {} inclusive", i64::MAX).into());
                }
                return Ok(Some(bytes) == parse_memory(present.as_bytes()));
            }
            Text => {}
        }
        Ok(value == present.as_bytes())
    }
}

impl Setting {
    fn show(self, store: &Store) -> String {
        match self {
            Fixed(_, value) | Immutable(value) => value.into(),
            Databases => store.options().databases.to_string(),
            MaxMemory => store.max_memory().to_string(),
        }
    }
}

/// By their names. What describes a Redis process rather than its data (`port`, `dir`, `requirepass`, ...) is not here.
const SETTINGS: &[(&str, Setting)] = &[
    ("active-expire-effort", Fixed(Integer(1, 10), "1")),
    ("activedefrag", Fixed(YesNo, "no")),
    ("activerehashing", Fixed(YesNo, "yes")),
    ("appendfsync", Fixed(FSYNC, "everysec")),
    ("appendonly", Fixed(YesNo, "no")),
    ("busy-reply-threshold", Fixed(LONG, "5000")),
    ("client-query-buffer-limit", Fixed(Bytes(1 << 20), "1073741824")),
    ("cluster-enabled", Immutable("no")),
    ("databases", Databases),
    ("hash-max-listpack-entries", Fixed(LONG, "512")),
    ("hash-max-listpack-value", Fixed(Bytes(0), "64")),
    ("hash-max-ziplist-entries", Fixed(LONG, "512")),
    ("hash-max-ziplist-value", Fixed(Bytes(0), "64")),
    ("hll-sparse-max-bytes", Fixed(Bytes(0), "3000")),
    ("latency-monitor-threshold", Fixed(LONG, "0")),
    ("latency-tracking", Fixed(YesNo, "no")),
    ("lazyfree-lazy-eviction", Fixed(YesNo, "no")),
    ("lazyfree-lazy-expire", Fixed(YesNo, "no")),
    ("lazyfree-lazy-server-del", Fixed(YesNo, "no")),
    ("lazyfree-lazy-user-del", Fixed(YesNo, "no")),
    ("lazyfree-lazy-user-flush", Fixed(YesNo, "no")),
    ("list-compress-depth", Fixed(INT, "0")),
    ("list-max-listpack-size", Fixed(Integer(i32::MIN as i64, i32::MAX as i64), "-2")),
    ("list-max-ziplist-size", Fixed(Integer(i32::MIN as i64, i32::MAX as i64), "-2")),
    ("lua-time-limit", Fixed(LONG, "5000")),
    ("maxmemory", MaxMemory),
    ("maxmemory-clients", Fixed(Text, "0")),
    ("maxmemory-eviction-tenacity", Fixed(Integer(0, 100), "10")),
    ("maxmemory-policy", Fixed(POLICY, "noeviction")),
    ("maxmemory-samples", Fixed(Integer(1, i32::MAX as i64), "5")),
    ("min-replicas-max-lag", Fixed(INT, "10")),
    ("min-replicas-to-write", Fixed(INT, "0")),
    ("min-slaves-max-lag", Fixed(INT, "10")),
    ("min-slaves-to-write", Fixed(INT, "0")),
    ("notify-keyspace-events", Fixed(Text, "")),
    ("proto-max-bulk-len", Fixed(Bytes(1 << 20), "536870912")),
    ("replica-read-only", Fixed(YesNo, "yes")),
    ("replicaof", Immutable("")),
    ("save", Fixed(Text, "")),
    ("set-max-intset-entries", Fixed(LONG, "512")),
    ("slave-read-only", Fixed(YesNo, "yes")),
    ("slaveof", Immutable("")),
    ("slowlog-log-slower-than", Fixed(Integer(-1, i64::MAX), "10000")),
    ("slowlog-max-len", Fixed(LONG, "128")),
    ("stop-writes-on-bgsave-error", Fixed(YesNo, "yes")),
    ("stream-node-max-bytes", Fixed(Bytes(0), "4096")),
    ("stream-node-max-entries", Fixed(LONG, "100")),
    ("tcp-keepalive", Fixed(INT, "300")),
    ("timeout", Fixed(INT, "0")),
    ("zset-max-listpack-entries", Fixed(LONG, "128")),
    ("zset-max-listpack-value", Fixed(Bytes(0), "64")),
    ("zset-max-ziplist-entries", Fixed(LONG, "128")),
    ("zset-max-ziplist-value", Fixed(Bytes(0), "64")),
];

fn find(name: &[u8]) -> Option<(&'static str, Setting)> {
    SETTINGS.iter().copied().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
}

/// `CONFIG GET`
pub fn config_get(context: &mut Context, args: Args) -> Result<(), Error> {
    let mut found: Vec<(&[u8], Setting)> = Vec::new();
    for wanted in args.iter_from(2) {
        let pattern = wanted.to_ascii_lowercase();
        let is_pattern = pattern.iter().any(|byte| b"[*?".contains(byte));
        let hits = SETTINGS.iter().filter(|(name, _)| {
            if is_pattern { matches(&pattern, name.as_bytes()) } else { pattern == name.as_bytes() }
        });
        for &(name, setting) in hits {
            if !found.iter().any(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())) {
                // A name is answered as it was asked for.
                found.push((if is_pattern { name.as_bytes() } else { wanted }, setting));
            }
        }
    }
    let store = context.db.store();
    context.reply.map(found.len());
    for (name, setting) in found {
        context.reply.bulk(name);
        context.reply.bulk(setting.show(store).as_bytes());
    }
    Ok(())
}

/// `CONFIG SET`: a parameter may be set to what it is; of all others only `maxmemory` can be changed.
pub fn config_set(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() % 2 == 1 {
        return Err(Error::SYNTAX);
    }
    // All names are looked at before any value, as in Redis.
    let mut changes: Vec<(&str, Setting, &[u8])> = Vec::new();
    for index in (2..args.len()).step_by(2) {
        let asked = args.at(index);
        let (name, setting) = find(asked).ok_or_else(|| Error::unknown_parameter(asked))?;
        if let Databases | Immutable(_) = setting {
            return Err(Error::config_set(asked, IMMUTABLE));
        }
        if changes.iter().any(|(known, ..)| *known == name) {
            return Err(Error::config_set(asked, "duplicate parameter"));
        }
        changes.push((name, setting, args.at(index + 1)));
    }
    let store = context.db.store();
    let mut limit = None;
    for (name, setting, value) in changes {
        let failed = |reason: &str| Error::config_set(name.as_bytes(), reason);
        match setting {
            MaxMemory => limit = Some(parse_memory(value).ok_or_else(|| failed(NO_MEMORY_VALUE))?),
            Fixed(kind, present) if kind.is_same(present, value).map_err(|reason| failed(&reason))? => {}
            Fixed(..) | Immutable(_) | Databases => return Err(failed(IMMUTABLE)),
        }
    }
    if let Some(limit) = limit {
        store.set_max_memory(limit);
    }
    context.reply.ok();
    Ok(())
}

/// Redis's reason for what can't be changed.
const IMMUTABLE: &str = "can't set immutable config";
/// Redis's reason for what are no bytes.
const NO_MEMORY_VALUE: &str = "argument must be a memory value";

/// Digits and a unit, as in `100mb`.
fn parse_memory(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits);
    let scale: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number =
        digits.iter().fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    // Redis lets the product overflow.
    Some(number.wrapping_mul(scale))
}

/// `CONFIG RESETSTAT`: the figures that it resets are kept by others, who do not go back.
pub fn config_resetstat(context: &mut Context, _args: Args) -> Result<(), Error> {
    context.reply.ok();
    Ok(())
}

/// `CONFIG REWRITE`
pub fn config_rewrite(_context: &mut Context, _args: Args) -> Result<(), Error> {
    Err(Error::NO_CONFIG_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_units() {
        let cases: [(&[u8], Option<u64>); 9] = [
            (b"100", Some(100)),
            (b"1k", Some(1000)),
            (b"1Kb", Some(1024)),
            (b"2MB", Some(2 << 20)),
            (b"3g", Some(3_000_000_000)),
            (b"", Some(0)),
            (b"-1", None),
            (b"1.5gb", None),
            (b"1x", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_memory(text), bytes, "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn every_value_is_one_that_redis_takes() {
        for (name, setting) in SETTINGS {
            if let Fixed(kind, value) = setting {
                assert_eq!(kind.is_same(value, value.as_bytes()), Ok(true), "{name}");
            }
        }
        assert_eq!(YesNo.is_same("no", b"YES"), Ok(false));
        assert_eq!(Bytes(0).is_same("1024", b"1kb"), Ok(true));
    }

    #[test]
    fn names_are_unique_and_sorted() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
