//! Integers and doubles as Redis reads and prints them.

use std::io::Write;

/// The integer that `bytes` are, by Redis's strict rule (`string2ll`): an optional minus, no leading zero, no space,
/// no plus, nothing behind it.
pub fn parse_integer(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    if negative {
        (value <= i64::MIN.unsigned_abs()).then(|| (value as i64).wrapping_neg())
    } else {
        i64::try_from(value).ok()
    }
}

/// The double that `bytes` are, by Redis's rule: what C's `strtod` takes from the first byte to the last (also
/// hexadecimal, and `inf` or `infinity` in whatever case), but no NaN, nothing too large, and nothing but 0 for 0.
pub fn parse_double(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if let [b'0', b'x' | b'X', rest @ ..] = digits {
        let value = parse_hexadecimal(rest)?;
        return Some(if negative { -value } else { value });
    }
    // Rust's grammar is C's, apart from hexadecimal and NaN.
    let value: f64 = str::from_utf8(bytes).ok()?.parse().ok()?;
    let mantissa = digits.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next()?;
    let fits = match value {
        value if value.is_nan() => false,
        value if value.is_infinite() => digits[0].is_ascii_alphabetic(),
        0.0 => !mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9')),
        _ => true,
    };
    fits.then_some(value)
}

/// What follows `0x`: digits with or without a point, and a binary exponent if any.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let (mantissa, exponent) = match text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    // The first 60 bits or so, with the last of them set if anything but zeros follows: enough to round by.
    let (mut bits, mut scale, mut point, mut digits) = (0u64, 0i64, false, 0usize);
    for &byte in mantissa {
        if byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16)?);
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
            scale -= if point { 4 } else { 0 };
        } else {
            bits |= u64::from(digit != 0);
            scale += if point { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return None;
    }
    if let Some(exponent) = exponent {
        let (negative, digits) = match exponent {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, exponent),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 48));
        scale += if negative { -value } else { value };
    }
    if bits == 0 {
        return Some(0.0);
    }
    // The value is bits * 2^scale; its leading bit stands for 2^leading.
    let length = 64 - i64::from(bits.leading_zeros());
    let leading = scale + length - 1;
    if leading > 1023 {
        return None;
    }
    // Bits that a double has room for there: fewer than 53 if it is subnormal, none if it is too small.
    let room = if leading >= -1022 { 53 } else { 53 - (-1022 - leading) };
    if room < 0 {
        return None;
    }
    let surplus = length - room;
    let (mut kept, mut unit) = (bits, scale);
    if surplus > 0 {
        let rest = if surplus == 64 { bits } else { bits & ((1 << surplus) - 1) };
        let half = 1u64 << (surplus - 1);
        kept = bits.checked_shr(surplus as u32).unwrap_or(0);
        unit += surplus;
        if rest > half || rest == half && kept & 1 == 1 {
            kept += 1;
        }
    }
    // `kept` has at most 54 bits and fits exactly; two steps, because 2^-1074 and 2^-1126 have no reciprocal.
    let half = (unit / 2) as i32;
    let value = kept as f64 * 2f64.powi(half) * 2f64.powi(unit as i32 - half);
    (value.is_finite() && value != 0.0).then_some(value)
}

/// The length at `at`, and where the line behind it ends: up to nine digits, a `\r`, and any byte. `None` says only that
/// it isn't that simple; the reader has to look again.
#[inline(always)]
pub(super) fn short_length(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = usize::from(input.get(at)?.wrapping_sub(b'0'));
    if value > 9 {
        return None;
    }
    let mut next = at + 1;
    loop {
        let byte = *input.get(next)?;
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (byte == b'\r' && next + 1 < input.len()).then_some((value, next + 2));
        }
        // A leading zero, or a tenth digit.
        if value == 0 || next - at == 9 {
            return None;
        }
        value = value * 10 + usize::from(digit);
        next += 1;
    }
}

/// `value` with 17 significant digits, as C's `%.17g` prints it; infinities are `inf` and `-inf`.
pub fn format_double(value: f64) -> String {
    String::from_utf8_lossy(DoubleBuffer::new().format(value)).into_owned()
}

/// Room for a double's text, so that printing one allocates nothing.
#[derive(Default)]
pub struct DoubleBuffer {
    text: [u8; 32],
    length: usize,
}

impl DoubleBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`format_double`].
    pub fn format(&mut self, value: f64) -> &[u8] {
        self.length = 0;
        if value.is_nan() {
            self.push(b"nan");
        } else if value.is_infinite() {
            self.push(if value > 0.0 { b"inf" } else { b"-inf" });
        } else if value == 0.0 {
            self.push(if value.is_sign_negative() { b"-0" } else { b"0" });
        } else if value.abs() < 1e17 && value.fract() == 0.0 {
            // An integer of up to 17 digits needs no rounding; scores mostly are.
            self.push(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            self.push_rounded(value);
        }
        &self.text[..self.length]
    }

    fn push_rounded(&mut self, value: f64) {
        // One digit, a point, 16 digits, `e` and the exponent.
        let mut scientific = [0; 32];
        let mut rest = scientific.as_mut_slice();
        if write!(rest, "{:.16e}", value.abs()).is_err() {
            return;
        }
        let unused = rest.len();
        let scientific = &scientific[..scientific.len() - unused];
        let (mantissa, exponent) = scientific.split_at(18.min(scientific.len()));
        let exponent = exponent.get(1..).and_then(parse_integer).unwrap_or(0);
        let mut digits = [b'0'; 17];
        digits[0] = mantissa[0];
        digits[1..].copy_from_slice(&mantissa[2..]);
        let count = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);

        if value < 0.0 {
            self.push(b"-");
        }
        let digits = match exponent {
            -4..0 => {
                self.push(&b"0.0000"[..1 + exponent.unsigned_abs() as usize]);
                return self.push(&digits[..count]);
            }
            0..17 => {
                let point = exponent as usize + 1;
                self.push(&digits[..point]);
                &digits[point..count.max(point)]
            }
            _ => {
                self.push(&digits[..1]);
                &digits[1..count]
            }
        };
        if !digits.is_empty() {
            self.push(b".");
            self.push(digits);
        }
        if !(0..17).contains(&exponent) {
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            if exponent.abs() < 10 {
                self.push(b"0");
            }
            self.push(itoa::Buffer::new().format(exponent.abs()).as_bytes());
        }
    }

    fn push(&mut self, text: &[u8]) {
        self.text[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers() {
        let valid = [("0", 0), ("7", 7), ("-1", -1), ("10", 10), ("9223372036854775807", i64::MAX)];
        for (text, value) in valid.into_iter().chain([("-9223372036854775808", i64::MIN)]) {
            assert_eq!(parse_integer(text.as_bytes()), Some(value), "{text}");
        }
        let wrong =
            ["", "-", "+1", "01", "-0", "00", " 1", "1 ", "1x", "x", "--1", "1.0", "0x1", "-01", "\x001", "1\0"];
        let wide = ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "100000000000000000000"];
        for text in wrong.into_iter().chain(wide) {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn short_lengths() {
        let wrong = ["", "1", "12", "1\r", "01\r\n", "1234567890\r\n", "-1\r\n", "x\r\n", "\r\n", "1\n\n"];
        for text in wrong {
            assert_eq!(short_length(text.as_bytes(), 0), None, "{text:?}");
        }
        for (text, length) in [("0\r\n", (0, 3)), ("12\r\nabc", (12, 4)), ("123456789\rx", (123456789, 11))] {
            assert_eq!(short_length(text.as_bytes(), 0), Some(length), "{text:?}");
        }
    }

    /// What a redis-server 7.0.15 said to `ZADD` with these.
    #[test]
    fn doubles_as_zadd_reads_them() {
        let refused = [
            "",
            " 1",
            "1 ",
            "\n1",
            "\x0b1",
            "1\n",
            ".",
            "-",
            "+",
            "+-1",
            "1.5.",
            "e5",
            "1e",
            "1e+",
            "infinit",
            "in",
            "nan",
            "NaN",
            "-nan",
            "nan(1)",
            "1.7976931348623159e308",
            "1e309",
            "-1e309",
            "1e999999999999999999999",
            "2.4703282292062327e-324",
            "2e-324",
            "1e-400",
            "-1e-400",
            "1_0",
            "1,0",
            "1\x002",
            "\0",
            "0x",
            "0x.",
            "0x.p1",
            "0x1p",
            "0x1p+",
            "0xg",
            "0x1g",
            "0x1p1024",
            "0x1.fffffffffffff8p1023",
            "0x1p-1075",
            "0x1p-1076",
            "0x1p99999999999999999999",
            "0x1p-99999999999999999999",
            "0x1..0",
            "0x-1",
            "0x1p 4",
            "1e5 ",
            "1e0x5",
            "i",
            "n",
            "infinityx",
            "3.14f",
            "1d",
            "1e2.5",
            "0x1p1.5",
            "0b1",
            "0o1",
            "\u{ff}",
        ];
        for text in refused {
            assert_eq!(parse_double(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_double(b"1\xff"), None);
        let (zeros, hexadecimal) = ("0".repeat(400), format!("0x1{}", "0".repeat(300)));
        let (tiny, huge) = (format!("0.{zeros}1"), format!("1{zeros}"));
        for text in [&tiny, &huge, &hexadecimal] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text:?}");
        }
        let (tiny, huge) = (format!("{tiny}e400"), format!("{huge}e-400"));
        let taken = [
            ("1", "1"),
            ("+1", "1"),
            ("-1", "-1"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1e5", "100000"),
            ("1E5", "100000"),
            ("1e+05", "100000"),
            ("1e-5", "1.0000000000000001e-05"),
            ("1.e3", "1000"),
            ("inf", "inf"),
            ("INF", "inf"),
            ("+inf", "inf"),
            ("-Inf", "-inf"),
            ("infinity", "inf"),
            ("-INFINITY", "-inf"),
            ("1.7976931348623158e308", "1.7976931348623157e+308"),
            ("1e-307", "9.9999999999999991e-308"),
            ("1e-310", "9.9999999999999694e-311"),
            ("5e-324", "4.9406564584124654e-324"),
            ("2.4703282292062328e-324", "4.9406564584124654e-324"),
            ("0e999999999999", "0"),
            ("0e-999999", "0"),
            ("0.0", "0"),
            ("00012", "12"),
            ("0x1", "1"),
            ("0X1F", "31"),
            ("-0x1f", "-31"),
            ("+0x1f", "31"),
            ("0x1.8", "1.5"),
            ("0x.8", "0.5"),
            ("0x1.", "1"),
            ("0x1p4", "16"),
            ("0x1P-4", "0.0625"),
            ("0x1.8p1", "3"),
            ("0x1p1023", "8.9884656743115795e+307"),
            ("0x1.fffffffffffff7p1023", "1.7976931348623157e+308"),
            ("0x1p-1022", "2.2250738585072014e-308"),
            ("0x1p-1074", "4.9406564584124654e-324"),
            ("0x1.1p-1075", "4.9406564584124654e-324"),
            ("0x0.fp-1074", "4.9406564584124654e-324"),
            ("0x3p-1075", "9.8813129168249309e-324"),
            ("0x0p9999999999", "0"),
            ("0x123456789abcdef0123456789", "9.0144042682896313e+28"),
            ("0x10000000000000800", "1.8446744073709552e+19"),
            ("0x10000000000000801", "1.8446744073709556e+19"),
            ("0x10000000000001800", "1.844674407370956e+19"),
            ("0x.00000000000000000000000000001", "1.2037062152420224e-35"),
            ("0x1.00000000000008000000000000000000001", "1.0000000000000002"),
            ("0x1e5", "485"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("9007199254740993", "9007199254740992"),
            ("2.2250738585072011e-308", "2.2250738585072009e-308"),
            (&tiny, "0.10000000000000001"),
            (&huge, "1"),
        ];
        for (text, printed) in taken {
            assert_eq!(parse_double(text.as_bytes()).map(format_double).as_deref(), Some(printed), "{text:?}");
        }
        assert!(parse_double(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    /// What C's `printf("%.17g")` printed.
    #[test]
    fn doubles_as_printf_prints_them() {
        let printed = [
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (-f64::INFINITY, "-inf"),
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.10000000000000001"),
            (-0.1, "-0.10000000000000001"),
            (1.5, "1.5"),
            (-3.0, "-3"),
            (1e16, "10000000000000000"),
            (99999999999999984.0, "99999999999999984"),
            (1e17, "1e+17"),
            (-1e17, "-1e+17"),
            (1.5e17, "1.5e+17"),
            (2e18, "2e+18"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012344999999999999"),
            (0.00001, "1.0000000000000001e-05"),
            (0.00003814697265625, "3.814697265625e-05"),
            (0.5, "0.5"),
            (1234.5678, "1234.5678"),
            (2251799813685249.5, "2251799813685249.5"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "4.9406564584124654e-324"),
        ];
        for (value, text) in printed {
            assert_eq!(format_double(value), text);
        }
    }

    proptest! {
        #[test]
        fn any_integer_is_read_back(value: i64) {
            prop_assert_eq!(parse_integer(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn any_double_is_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            let back = parse_double(format_double(value).as_bytes());
            prop_assert_eq!(back.map(f64::to_bits), (!value.is_nan()).then_some(bits));
        }
    }
}
