//! Numbers as C's `long double` of x86 has them, 64 bits of mantissa: what `INCRBYFLOAT` computes in.

use std::fmt;

/// No value has a larger exponent, nor one that is not subnormal a smaller one; see [`LongDouble::Finite`].
const EXPONENTS: std::ops::RangeInclusive<i64> = -16445..=16320;

/// No text as long as this is a number (Redis's `MAX_LONG_DOUBLE_CHARS`).
const MAX_TEXT: usize = 5 * 1024;

/// Digits behind the point that are printed.
const DECIMALS: usize = 17;

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongDouble {
    /// Infinity, or its opposite.
    Infinite {
        /// Below zero.
        negative: bool,
    },
    /// `mantissa * 2^exponent`. The mantissa's highest bit is set, or the exponent is the smallest.
    Finite {
        /// Below zero.
        negative: bool,
        /// The leading 64 bits.
        mantissa: u64,
        /// What the last of them stands for.
        exponent: i64,
    },
}

use LongDouble::{Finite, Infinite};

impl LongDouble {
    /// 0
    pub const ZERO: LongDouble = Finite { negative: false, mantissa: 0, exponent: *EXPONENTS.start() };

    /// The number that `text` is, by Redis's rule: what C's `strtold` takes from the first byte to the last, but no
    /// NaN, nothing too large, and nothing but 0 for 0.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= MAX_TEXT {
            return None;
        }
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") {
            return Some(Infinite { negative });
        }
        let (number, is_zero) = match digits {
            [b'0', b'x' | b'X', rest @ ..] => {
                let numeral = Numeral::parse(rest, b'p', |byte| char::from(byte).to_digit(16))?;
                (numeral.hexadecimal(negative), numeral.is_zero())
            }
            _ => {
                let numeral = Numeral::parse(digits, b'e', |byte| char::from(byte).to_digit(10))?;
                (numeral.decimal(negative), numeral.is_zero())
            }
        };
        match number {
            Finite { mantissa, .. } if (mantissa == 0) == is_zero => Some(number),
            _ => None,
        }
    }

    /// The number, unless it is infinite.
    pub fn finite(self) -> Option<LongDouble> {
        matches!(self, Finite { .. }).then_some(self)
    }

    /// The sum, rounded to the nearest number; `None` if it is infinite or no number.
    pub fn plus(self, other: LongDouble) -> Option<LongDouble> {
        let (one, other) = match (self, other) {
            (Infinite { .. }, _) | (_, Infinite { .. }) => return None,
            (Finite { mantissa: 0, .. }, _) => return Some(other),
            (_, Finite { mantissa: 0, .. }) => return Some(self),
            _ => (Wide::of(self), Wide::of(other)),
        };
        let (large, small) = if one.exponent >= other.exponent { (one, other) } else { (other, one) };
        let (bits, lost) = shift_right(small.bits, large.exponent - small.exponent);
        // Bits that don't fit only matter by being there: there are enough places below the mantissa.
        let small_bits = bits | u128::from(lost);
        let (negative, bits) = if large.negative == small.negative {
            (large.negative, large.bits + small_bits)
        } else if large.bits >= small_bits {
            (large.negative, large.bits - small_bits)
        } else {
            (small.negative, small_bits - large.bits)
        };
        round(negative, bits, large.exponent).finite()
    }
}

/// A finite number that is not 0, with its leading bit at the 126th place.
struct Wide {
    negative: bool,
    bits: u128,
    exponent: i64,
}

impl Wide {
    fn of(number: LongDouble) -> Wide {
        let Finite { negative, mantissa, exponent } = number else {
            unreachable!("only finite numbers are widened");
        };
        let shift = u128::from(mantissa).leading_zeros() - 2;
        Wide { negative, bits: u128::from(mantissa) << shift, exponent: exponent - i64::from(shift) }
    }
}

/// `bits / 2^places`, and whether anything but zeros is lost.
fn shift_right(bits: u128, places: i64) -> (u128, bool) {
    match places {
        ..=0 => (bits, false),
        1..=127 => (bits >> places, bits & ((1 << places) - 1) != 0),
        _ => (0, bits != 0),
    }
}

/// The number nearest to `bits * 2^exponent`, the even one of two. If there is more below `bits`, its last bit is set
/// and there are more than 65 of them.
fn round(negative: bool, bits: u128, exponent: i64) -> LongDouble {
    let length = 128 - i64::from(bits.leading_zeros());
    if length == 0 {
        return LongDouble::ZERO;
    }
    let surplus = (length - 64).max(EXPONENTS.start() - exponent);
    let mantissa = if surplus > 0 { round_shift(bits, surplus) } else { bits << -surplus };
    let (mantissa, exponent) = match u64::try_from(mantissa) {
        Ok(mantissa) => (mantissa, exponent + surplus),
        Err(_) => (1 << 63, exponent + surplus + 1),
    };
    if exponent > *EXPONENTS.end() { Infinite { negative } } else { Finite { negative, mantissa, exponent } }
}

/// `bits / 2^places` (at least one), rounded to the nearest number, the even one of two.
fn round_shift(bits: u128, places: i64) -> u128 {
    let (doubled, lost) = shift_right(bits, places - 1);
    let (number, half) = (doubled >> 1, doubled & 1 == 1);
    number + u128::from(half && (lost || number & 1 == 1))
}

/// Digits, and an exponent: `0.digits` with the point moved, in whichever base.
struct Numeral {
    /// Without zeros in front.
    digits: Vec<u8>,
    /// How many of them stand before the point; below zero if there are zeros between the point and them.
    point: i64,
    /// What follows the letter of the exponent.
    exponent: i64,
}

impl Numeral {
    /// No number has an exponent this far from zero, whatever its digits.
    const FAR: i64 = 1 << 20;

    fn parse(text: &[u8], letter: u8, digit: impl Fn(u8) -> Option<u32>) -> Option<Numeral> {
        let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&letter));
        let (mantissa, exponent) = text.split_at(end.unwrap_or(text.len()));
        let exponent = if exponent.is_empty() { 0 } else { Self::parse_exponent(&exponent[1..])? };
        let mut digits = Vec::with_capacity(mantissa.len());
        let mut point = None;
        for &byte in mantissa {
            match digit(byte) {
                Some(value) => digits.push(value as u8),
                None if byte == b'.' && point.is_none() => point = Some(digits.len() as i64),
                None => return None,
            }
        }
        if digits.is_empty() {
            return None;
        }
        let point = point.unwrap_or(digits.len() as i64);
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        Some(Numeral { digits, point: point - zeros as i64, exponent })
    }

    fn parse_exponent(text: &[u8]) -> Option<i64> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0, |value: i64, digit| (value * 10 + i64::from(digit - b'0')).min(Self::FAR));
        Some(if negative { -value } else { value })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// What is left of the digits is worth `base^scale` each.
    fn scale(&self) -> i64 {
        self.point - self.digits.len() as i64
    }

    /// The digits as a whole number.
    fn whole(&self, base: u32) -> Whole {
        let mut whole = Whole::default();
        // As many at once as 32 bits hold in every base up to 16.
        for digits in self.digits.chunks(7) {
            let value = digits.iter().fold(0, |value, digit| value * base + u32::from(*digit));
            whole.multiply_and_add(base.pow(digits.len() as u32), value);
        }
        whole
    }

    fn hexadecimal(&self, negative: bool) -> LongDouble {
        self.whole(16).rounded(negative, self.scale() * 4 + self.exponent, false)
    }

    fn decimal(&self, negative: bool) -> LongDouble {
        let power = self.scale() + self.exponent;
        // Where the leading digit stands: past these there is nothing but infinity and zero.
        match power + self.digits.len() as i64 {
            5000.. => return if self.is_zero() { LongDouble::ZERO } else { Infinite { negative } },
            ..-5000 => return LongDouble::ZERO,
            _ => {}
        }
        let mut whole = self.whole(10);
        if power >= 0 {
            powers_of_ten(power).for_each(|factor| whole.multiply_and_add(factor, 0));
            return whole.rounded(negative, 0, false);
        }
        // Enough bits for a quotient of more than 65: 10 is less than 2^4.
        let limbs = (-power as usize * 4).div_ceil(32) + 3;
        whole.multiply_by_limbs(limbs);
        let mut inexact = false;
        powers_of_ten(-power).for_each(|divisor| inexact |= whole.divide(divisor) != 0);
        whole.rounded(negative, -32 * limbs as i64, inexact)
    }
}

/// Powers of ten whose product is `10^power`, as large as 32 bits allow.
fn powers_of_ten(power: i64) -> impl Iterator<Item = u32> {
    (0..power).step_by(9).map(move |done| 10u32.pow((power - done).min(9) as u32))
}

/// A natural number of any size, the lowest 32 bits first.
#[derive(Default)]
struct Whole(Vec<u32>);

impl Whole {
    fn multiply_and_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.0 {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = product as u32;
            carry = product >> 32;
        }
        if carry != 0 {
            self.0.push(carry as u32);
        }
    }

    /// Multiplies by `2^(32 * count)`.
    fn multiply_by_limbs(&mut self, count: usize) {
        if !self.0.is_empty() {
            self.0.splice(0..0, std::iter::repeat_n(0, count));
        }
    }

    /// Divides, and gives the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0;
        for limb in self.0.iter_mut().rev() {
            let dividend = rest << 32 | u64::from(*limb);
            *limb = (dividend / u64::from(divisor)) as u32;
            rest = dividend % u64::from(divisor);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        rest as u32
    }

    /// The number nearest to it times `2^exponent`; `inexact` if there is something more, but less than 1.
    fn rounded(&self, negative: bool, exponent: i64, inexact: bool) -> LongDouble {
        let skipped = self.0.len().saturating_sub(4);
        let (low, high) = self.0.split_at(skipped);
        let bits = high.iter().rev().fold(0, |bits: u128, limb| bits << 32 | u128::from(*limb));
        let inexact = inexact || low.iter().any(|limb| *limb != 0);
        round(negative, bits | u128::from(inexact), exponent + 32 * skipped as i64)
    }
}

impl fmt::Display for LongDouble {
    /// As C's `%.17Lf`, without zeros at the end; there is no `-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (negative, mantissa, exponent) = match *self {
            Infinite { negative } => return f.write_str(if negative { "-inf" } else { "inf" }),
            Finite { negative, mantissa, exponent } => (negative, mantissa, exponent),
        };
        let digits = if exponent >= 0 { large_digits(mantissa, exponent) } else { small_digits(mantissa, -exponent) };
        let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        f.write_str(if negative && digits != "0" { "-" } else { "" })?;
        f.write_str(digits)
    }
}

/// `mantissa * 2^exponent`, a whole number.
fn large_digits(mantissa: u64, exponent: i64) -> String {
    let mut whole = Whole(vec![mantissa as u32, (mantissa >> 32) as u32]);
    whole.multiply_and_add(1 << (exponent % 32), 0);
    whole.multiply_by_limbs(exponent as usize / 32);
    let mut groups = Vec::new();
    while !whole.0.is_empty() {
        groups.push(whole.divide(1_000_000_000));
    }
    let first = groups.pop().unwrap_or(0).to_string();
    groups.iter().rev().fold(first, |digits, group| digits + &format!("{group:09}"))
}

/// `mantissa / 2^places`, rounded to [`DECIMALS`] digits behind the point.
fn small_digits(mantissa: u64, places: i64) -> String {
    const UNIT: u128 = 10u128.pow(DECIMALS as u32);
    let number = round_shift(u128::from(mantissa) * UNIT, places);
    format!("{}.{:0DECIMALS$}", number / UNIT, number % UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(one: &str, other: &str) -> String {
        let number = |text: &str| LongDouble::parse(text.as_bytes()).unwrap();
        number(one).plus(number(other)).map_or("none".into(), |sum| sum.to_string())
    }

    #[test]
    fn sums_are_what_people_expect() {
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("5.0e3", "200"), "5200");
        assert_eq!(sum("3.0", "1.000000000000005"), "4.000000000000005");
        assert_eq!(sum("-1e-20", "0"), "0");
        assert_eq!(sum("1", "-1"), "0");
        assert_eq!(sum("10.5", "-10.6"), "-0.1");
        assert_eq!(sum("0x1.8p3", "0X.8"), "12.5");
        assert_eq!(sum("18446744073709551615", "1"), "18446744073709551616");
        assert_eq!(sum("inf", "-1e4000"), "none");
        assert_eq!(sum("inf", "-inf"), "none");
        assert_eq!(sum("1e4000", "1e4000"), sum("2e4000", "0"));
        assert_eq!(sum("1.1e4932", "1.1e4932"), "none");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let none = [
            "",
            " 1",
            "1 ",
            "+",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "--1",
            "1.2.3",
            "1,5",
            "nan",
            "nan(1)",
            "infinit",
            "0x",
            "0x.p1",
            "0x1p",
            "1e4933",
            "1e-5000",
            "-1e999999999999",
            "0x1p16384",
            "0x1p-16447",
            "1\0",
        ];
        for text in none {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(LongDouble::parse(&[b'0'; MAX_TEXT]), None);
    }

    #[test]
    fn the_ends_of_the_range_are_numbers() {
        let parse = |text: &str| LongDouble::parse(text.as_bytes());
        let least = Some(Finite { negative: false, mantissa: 1, exponent: -16445 });
        assert_eq!(parse("3.6e-4951"), least);
        assert_eq!(parse("0x1p-16445"), least);
        assert_eq!(parse("1.18973149535723176502e4932"), parse("0xf.fffffffffffffffp16380"));
        assert_eq!(parse("0e99999999999999999999"), Some(LongDouble::ZERO));
        assert_eq!(parse("0x0p-99999999999999999999"), Some(LongDouble::ZERO));
        assert_eq!(parse("000000.000000e-5"), Some(LongDouble::ZERO));
    }

    #[test]
    fn halves_go_to_the_even_number() {
        let mantissa = |text: &str| match LongDouble::parse(text.as_bytes()) {
            Some(Finite { mantissa, .. }) => mantissa,
            other => panic!("{other:?}"),
        };
        assert_eq!(mantissa("0x8000000000000000.8"), 1 << 63);
        assert_eq!(mantissa("0x8000000000000001.8"), (1 << 63) + 2);
        assert_eq!(mantissa("0x8000000000000000.80000000000000000000000000001"), (1 << 63) + 1);
        assert_eq!(mantissa("9223372036854775808.5"), 1 << 63);
        assert_eq!(mantissa("9223372036854775808.50000000000000000000000000000000000000000001"), (1 << 63) + 1);
        assert_eq!(mantissa("0xffffffffffffffff.8"), 1 << 63);
    }
}
