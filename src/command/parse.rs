//! Arguments as numbers, with Redis's errors.

use super::context::Context;
use super::error::Error;
use crate::resp::number::parse_integer;

/// A 64-bit integer.
pub fn integer(argument: &[u8]) -> Result<i64, Error> {
    parse_integer(argument).ok_or(Error::NOT_AN_INTEGER)
}

/// An integer that fits into C's `int`.
pub fn int(argument: &[u8]) -> Result<i32, Error> {
    i32::try_from(integer(argument)?).map_err(|_| Error::NOT_AN_INT)
}

/// The number of a database that there is.
pub fn database(context: &Context, argument: &[u8]) -> Result<usize, Error> {
    in_range(context, int(argument)?)
}

/// The database `number`, if there is one.
pub fn in_range(context: &Context, number: i32) -> Result<usize, Error> {
    let databases = context.db.store().options().databases;
    usize::try_from(number).ok().filter(|&number| number < databases).ok_or(Error::DATABASE_OUT_OF_RANGE)
}

/// A cursor by the rules of C's `strtoul`: a sign is allowed, nothing at all is 0, what follows a zero byte is not
/// looked at.
pub fn cursor(argument: &[u8]) -> Result<u64, Error> {
    let text = argument.split(|&byte| byte == 0).next().unwrap_or_default();
    let (negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(Error::INVALID_CURSOR);
    }
    let mut value: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return Err(Error::INVALID_CURSOR);
        }
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        value = next.ok_or(Error::INVALID_CURSOR)?;
    }
    Ok(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_strtoul_reads_them() {
        assert_eq!(cursor(b""), Ok(0));
        assert_eq!(cursor(b"+7"), Ok(7));
        assert_eq!(cursor(b"-1"), Ok(u64::MAX));
        assert_eq!(cursor(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(cursor(b"12\0x"), Ok(12));
        for none in [&b" 1"[..], b"1 ", b"x", b"-", b"+", b"18446744073709551616", b"0x1"] {
            assert_eq!(cursor(none), Err(Error::INVALID_CURSOR), "{none:?}");
        }
    }
}
