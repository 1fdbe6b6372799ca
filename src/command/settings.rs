//! `CONFIG`: the parameters of Redis that clients ask for, as the memory driver has them.

use super::context::Context;
use super::error::Error;
use crate::resp::Args;
use crate::store::Store;
use crate::store::broker::matches;

/// A parameter's value.
#[derive(Clone, Copy)]
enum Setting {
    /// What it is, for good.
    Fixed(&'static str),
    /// `databases`
    Databases,
    /// `maxmemory`, the one that can be changed.
    MaxMemory,
}
use Setting::{Databases, Fixed, MaxMemory};

impl Setting {
    fn show(self, store: &Store) -> String {
        match self {
            Fixed(value) => value.into(),
            Databases => store.options().databases.to_string(),
            MaxMemory => store.max_memory().to_string(),
        }
    }
}

/// By their names. What describes a Redis process rather than its data (`port`, `dir`, `requirepass`, ...) is not here.
const SETTINGS: &[(&str, Setting)] = &[
    ("active-expire-effort", Fixed("1")),
    ("activedefrag", Fixed("no")),
    ("activerehashing", Fixed("yes")),
    ("appendfsync", Fixed("everysec")),
    ("appendonly", Fixed("no")),
    ("busy-reply-threshold", Fixed("5000")),
    ("client-query-buffer-limit", Fixed("1073741824")),
    ("cluster-enabled", Fixed("no")),
    ("databases", Databases),
    ("hash-max-listpack-entries", Fixed("512")),
    ("hash-max-listpack-value", Fixed("64")),
    ("hash-max-ziplist-entries", Fixed("512")),
    ("hash-max-ziplist-value", Fixed("64")),
    ("hll-sparse-max-bytes", Fixed("3000")),
    ("latency-monitor-threshold", Fixed("0")),
    ("latency-tracking", Fixed("no")),
    ("lazyfree-lazy-eviction", Fixed("no")),
    ("lazyfree-lazy-expire", Fixed("no")),
    ("lazyfree-lazy-server-del", Fixed("no")),
    ("lazyfree-lazy-user-del", Fixed("no")),
    ("lazyfree-lazy-user-flush", Fixed("no")),
    ("list-compress-depth", Fixed("0")),
    ("list-max-listpack-size", Fixed("-2")),
    ("list-max-ziplist-size", Fixed("-2")),
    ("lua-time-limit", Fixed("5000")),
    ("maxmemory", MaxMemory),
    ("maxmemory-clients", Fixed("0")),
    ("maxmemory-eviction-tenacity", Fixed("10")),
    ("maxmemory-policy", Fixed("noeviction")),
    ("maxmemory-samples", Fixed("5")),
    ("min-replicas-max-lag", Fixed("10")),
    ("min-replicas-to-write", Fixed("0")),
    ("min-slaves-max-lag", Fixed("10")),
    ("min-slaves-to-write", Fixed("0")),
    ("notify-keyspace-events", Fixed("")),
    ("proto-max-bulk-len", Fixed("536870912")),
    ("replica-read-only", Fixed("yes")),
    ("replicaof", Fixed("")),
    ("save", Fixed("")),
    ("set-max-intset-entries", Fixed("512")),
    ("slave-read-only", Fixed("yes")),
    ("slaveof", Fixed("")),
    ("slowlog-log-slower-than", Fixed("10000")),
    ("slowlog-max-len", Fixed("128")),
    ("stop-writes-on-bgsave-error", Fixed("yes")),
    ("stream-node-max-bytes", Fixed("4096")),
    ("stream-node-max-entries", Fixed("100")),
    ("tcp-keepalive", Fixed("300")),
    ("timeout", Fixed("0")),
    ("zset-max-listpack-entries", Fixed("128")),
    ("zset-max-listpack-value", Fixed("64")),
    ("zset-max-ziplist-entries", Fixed("128")),
    ("zset-max-ziplist-value", Fixed("64")),
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
        if let Databases = setting {
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
        if let MaxMemory = setting {
            let bytes = parse_memory(value);
            limit = Some(bytes.ok_or_else(|| Error::config_set(name.as_bytes(), "argument must be a memory value"))?);
        } else if value != setting.show(store).as_bytes() {
            return Err(Error::config_set(name.as_bytes(), IMMUTABLE));
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
    fn names_are_unique_and_sorted() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
