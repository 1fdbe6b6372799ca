//! Integers and doubles as Redis reads and prints them.

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
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    // An integer of up to 17 digits needs no rounding; scores mostly are.
    if value.abs() < 1e17 && value.fract() == 0.0 {
        return (value as i64).to_string();
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let trim = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if (-4..17).contains(&exponent) {
        let text = if exponent < 0 {
            trim(&format!("0.{}{}", "0".repeat((-exponent - 1) as usize), digits))
        } else {
            let point = exponent as usize + 1;
            trim(&format!("{}.{}", &digits[..point], &digits[point..]))
        };
        format!("{sign}{text}")
    } else {
        let mantissa = trim(&format!("{}.{}", &digits[..1], &digits[1..]));
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs())
    }
}
