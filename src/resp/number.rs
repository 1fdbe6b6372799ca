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
