//! A line's words, quoted as in redis-cli.

/// One word of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Its bytes, without quotes and escapes.
    pub bytes: Vec<u8>,
    /// Whether any part of it was quoted.
    pub quoted: bool,
}

/// Splits a line at spaces. `"..."` knows `\n \r \t \a \b \xHH \" \\`, `'...'` only `\'`; a quoted text may be
/// followed by `*1000` to repeat it.
pub fn split(line: &str) -> Result<Vec<Word>, String> {
    let mut bytes = line.as_bytes();
    let mut words = Vec::new();
    loop {
        bytes = bytes.trim_ascii_start();
        if bytes.is_empty() {
            return Ok(words);
        }
        let (word, rest) = take_word(bytes)?;
        words.push(word);
        bytes = rest;
    }
}

fn take_word(mut rest: &[u8]) -> Result<(Word, &[u8]), String> {
    let mut word = Word { bytes: Vec::new(), quoted: false };
    while let Some((&byte, behind)) = rest.split_first() {
        match byte {
            b'"' | b'\'' => {
                let text;
                (text, rest) = take_quoted(byte, behind)?;
                let times;
                (times, rest) = take_repetition(rest)?;
                word.bytes.extend_from_slice(&text.repeat(times));
                word.quoted = true;
                if rest.first().is_some_and(|next| !next.is_ascii_whitespace()) {
                    return Err("a closing quote must be followed by a space".to_owned());
                }
            }
            space if space.is_ascii_whitespace() => break,
            other => {
                word.bytes.push(other);
                rest = behind;
            }
        }
    }
    Ok((word, rest))
}

fn take_quoted(quote: u8, mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut text = Vec::new();
    loop {
        match rest {
            [] => return Err("a quote is not closed".to_owned()),
            [byte, behind @ ..] if *byte == quote => return Ok((text, behind)),
            [b'\\', b'x', high, low, behind @ ..]
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                text.push(hex(*high) * 16 + hex(*low));
                rest = behind;
            }
            [b'\\', escaped, behind @ ..] if quote == b'"' => {
                text.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = behind;
            }
            [b'\\', b'\'', behind @ ..] if quote == b'\'' => {
                text.push(b'\'');
                rest = behind;
            }
            [byte, behind @ ..] => {
                text.push(*byte);
                rest = behind;
            }
        }
    }
}

fn take_repetition(rest: &[u8]) -> Result<(usize, &[u8]), String> {
    let Some(behind) = rest.strip_prefix(b"*") else {
        return Ok((1, rest));
    };
    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit());
    let (number, rest) = behind.split_at(digits.count());
    let times = String::from_utf8_lossy(number).parse();
    let times = times.map_err(|_| "a number must follow \"text\"*")?;
    Ok((times, rest))
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<Vec<u8>> {
        let words = split(line).expect("a good line");
        words.into_iter().map(|word| word.bytes).collect()
    }

    #[test]
    fn splits_as_redis_cli_does() {
        assert_eq!(texts("SET  key value "), ["SET", "key", "value"].map(Vec::from));
        assert_eq!(texts(r#""a\r\n\x00\"" ''"#), [b"a\r\n\0\"".to_vec(), vec![]]);
        assert_eq!(texts(r"'it\'s \n'"), [br"it's \n".to_vec()]);
        assert_eq!(texts(r#""ab"*3 x"#), [b"ababab".to_vec(), b"x".to_vec()]);
    }

    #[test]
    fn refuses_broken_quotes() {
        for line in [r#""a"#, r#""a"b"#, "'a", r#""a"*x"#] {
            assert!(split(line).is_err(), "{line}");
        }
    }
}
