//! A reply scanner that counts: it resumes at any byte and keeps no payload.

/// The most that is kept of an error's text.
const ERROR_TEXT: usize = 200;

/// Counts whole RESP2 replies in a stream cut anywhere.
pub struct Scanner {
    state: State,
    kind: u8,
    negative: bool,
    number: u64,
    /// Elements of the reply under way that have not ended, itself included.
    left: u64,
    error: Vec<u8>,
}

enum State {
    Kind,
    Line,
    Payload { left: u64 },
}

/// What the replies were, beside their number.
#[derive(Default)]
pub struct Tally {
    /// Error replies, at any depth.
    pub errors: u64,
    /// Null replies: no workload expects one.
    pub nulls: u64,
    /// The text of the first error.
    pub first_error: Option<String>,
}

impl Scanner {
    /// A scanner at the start of a reply.
    pub fn new() -> Self {
        Self { state: State::Kind, kind: 0, negative: false, number: 0, left: 1, error: Vec::new() }
    }

    /// Reads the next bytes and returns how many replies ended in them.
    pub fn scan(&mut self, mut bytes: &[u8], tally: &mut Tally) -> u32 {
        let mut replies = 0;
        while let Some(&byte) = bytes.first() {
            let ended = match self.state {
                State::Payload { left } => {
                    let taken = left.min(bytes.len() as u64);
                    bytes = &bytes[taken as usize..];
                    self.state = State::Payload { left: left - taken };
                    left == taken
                }
                State::Kind => {
                    bytes = &bytes[1..];
                    (self.kind, self.negative, self.number) = (byte, false, 0);
                    self.state = State::Line;
                    false
                }
                State::Line => {
                    bytes = &bytes[1..];
                    if byte == b'\n' { self.line_ended(tally) } else { self.line_byte(byte) }
                }
            };
            if ended {
                self.state = State::Kind;
                self.left -= 1;
                if self.left == 0 {
                    self.left = 1;
                    replies += 1;
                }
            }
        }
        replies
    }

    fn line_byte(&mut self, byte: u8) -> bool {
        match (self.kind, byte) {
            (b'$' | b'*', b'0'..=b'9') => {
                self.number = self.number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
            }
            (b'$' | b'*', b'-') => self.negative = true,
            (b'+' | b':' | b'$' | b'*', _) => {}
            // An error, or something that is no reply at all.
            _ if self.error.len() < ERROR_TEXT && byte != b'\r' => self.error.push(byte),
            _ => {}
        }
        false
    }

    /// Takes the end of a line; true where the element ends with it.
    fn line_ended(&mut self, tally: &mut Tally) -> bool {
        match self.kind {
            b'+' | b':' => true,
            b'$' | b'*' if self.negative => {
                tally.nulls += 1;
                true
            }
            b'$' => {
                self.state = State::Payload { left: self.number + 2 };
                false
            }
            b'*' => {
                self.left += self.number;
                true
            }
            kind => {
                tally.errors += 1;
                let text = format!("{}{}", kind as char, String::from_utf8_lossy(&self.error));
                tally.first_error.get_or_insert(text);
                self.error.clear();
                true
            }
        }
    }
}
