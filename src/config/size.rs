//! Sizes as `redis.conf` writes them: `512mb`, `64kb`, or plain bytes.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// What a wrong size is told to be.
pub(super) const EXPECTED: &str = "a size";

/// The bytes that `text` says: digits and a unit. As in `redis.conf`, `k`, `m` and `g` count in thousands, and `kb`, `mb`
/// and `gb` in 1024s, whatever their case.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" | "kib" => 1 << 10,
        "m" => 1_000_000,
        "mb" | "mib" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// For serde: a size as a number, or as text with a unit.
pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let bytes = deserializer.deserialize_any(SizeVisitor)?;
    T::try_from(bytes).map_err(|_| D::Error::invalid_value(Unexpected::Unsigned(bytes), &SizeVisitor))
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<u64, E> {
        Ok(bytes)
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<u64, E> {
        u64::try_from(bytes).map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, bytes) in [
            ("0", 0),
            ("123", 123),
            ("1b", 1),
            ("2k", 2000),
            ("2kb", 2048),
            ("2KiB", 2048),
            ("3m", 3_000_000),
            ("512mb", 512 << 20),
            ("512 MB", 512 << 20),
            ("1g", 1_000_000_000),
            (" 4GB ", 4 << 30),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for text in ["", "mb", "-1", "+1", "1.5gb", "1tb", "1 2", "99999999999999999999", "18446744073709551615kb"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
