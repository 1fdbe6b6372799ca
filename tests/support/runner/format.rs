//! Reads case files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::compare::Compare;
use super::words::{self, Word};

/// Whom a conversation is held with, besides the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A second `redis-server`: checks the cases themselves.
    Redis,
    /// respool before a `redis-server`.
    Upstream,
    /// respool with its in-memory driver.
    Memory,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 3] = [Target::Redis, Target::Upstream, Target::Memory];

    /// Reads a list such as `upstream,memory`.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        text.split(',')
            .map(|name| {
                let mut all = Self::ALL.into_iter();
                all.find(|target| target.to_string() == name)
                    .ok_or_else(|| format!("{name:?} is none of redis, upstream, memory"))
            })
            .collect()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Redis => "redis",
            Target::Upstream => "upstream",
            Target::Memory => "memory",
        })
    }
}

/// The protocol in which a conversation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// As every connection begins.
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Resp2 => "RESP2",
            Protocol::Resp3 => "RESP3",
        })
    }
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file it stands in.
    pub file: PathBuf,
    /// The line of its header.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Whom it is held with.
    pub targets: Vec<Target>,
    /// The protocols it is held in.
    pub protocols: Vec<Protocol>,
    /// Why a target is left out.
    pub differs: Option<String>,
    /// What is said.
    pub steps: Vec<Step>,
}

/// One line of a conversation.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub line: usize,
    /// As it was written.
    pub text: String,
    /// How its reply is compared.
    pub compare: Compare,
    /// `~after 80ms`: the reply must not come sooner after the connection's last command.
    pub after: Option<Duration>,
    /// `~save name`: the variable that keeps the reply's text.
    pub save: Option<String>,
    /// What is done.
    pub action: Action,
}

/// What a line does. `client` is a connection's name.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `b> GET key`: sends a command and reads one reply.
    Call { client: String, args: Vec<Arg> },
    /// `b& BLPOP key 0`: sends a command.
    Send { client: String, args: Vec<Arg> },
    /// `!raw b "PING\r\n"`: sends bytes.
    Raw { client: String, bytes: Vec<u8> },
    /// `b?3`: reads replies.
    Read { client: String, count: usize },
    /// `b?none`: nothing arrives for a moment.
    Silence { client: String },
    /// `!blocked b c`: waits until they are blocked.
    Blocked { clients: Vec<String> },
    /// `!sleep 20ms`
    Sleep(Duration),
    /// `!closed b`: the server closes the connection.
    Closed { client: String },
    /// `!close b`: the client closes the connection.
    Close { client: String },
    /// `!scanall SCAN MATCH x`: a whole iteration, compared as a set.
    ScanAll { client: String, args: Vec<Arg> },
}

/// One argument of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// As written.
    Bytes(Vec<u8>),
    /// `$name`: what `~save name` kept.
    Saved(String),
    /// `$b.id`: the id of a connection.
    Id(String),
    /// `$b.addr`: the client's address of a connection.
    Address(String),
}

impl Case {
    /// Whether the text is part of its place or name.
    pub fn matches(&self, text: &str) -> bool {
        format!("{}:{} {}", self.file.display(), self.line, self.name).contains(text)
    }

    /// Whether a command needs the id of this connection.
    pub fn asks_id_of(&self, name: &str) -> bool {
        self.steps.iter().any(|step| match &step.action {
            Action::Call { args, .. } | Action::Send { args, .. } => {
                args.iter().any(|arg| matches!(arg, Arg::Id(asked) if asked == name))
            }
            _ => false,
        })
    }
}

/// Reads one file's text; an error names file and line.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let at = |error: String| format!("{}:{number}: {error}", file.display());
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix("== ") {
            cases.push(parse_header(file, number, header).map_err(at)?);
        } else if let Some(case) = cases.last_mut() {
            case.steps.push(parse_step(number, line).map_err(at)?);
        } else {
            return Err(at("a command before the first case (== name)".to_owned()));
        }
    }
    match cases.iter().find(|case| case.steps.is_empty()) {
        Some(case) => Err(format!("{}:{}: an empty case", file.display(), case.line)),
        None => Ok(cases),
    }
}

fn parse_header(file: &Path, line: usize, header: &str) -> Result<Case, String> {
    let (name, options) = match header.strip_suffix(']').and_then(|text| text.rsplit_once(" [")) {
        Some((name, options)) => (name, options),
        None => (header, ""),
    };
    let mut case = Case {
        file: file.to_owned(),
        line,
        name: name.trim().to_owned(),
        targets: Target::ALL.to_vec(),
        protocols: vec![Protocol::Resp2, Protocol::Resp3],
        differs: None,
        steps: Vec::new(),
    };
    for option in words::split(options)? {
        let option = text(option)?;
        match option.split_once('=') {
            Some(("only", names)) => case.targets = Target::list(names)?,
            Some(("resp", "2")) => case.protocols = vec![Protocol::Resp2],
            Some(("resp", "3")) => case.protocols = vec![Protocol::Resp3],
            Some(("differs", reason)) if !reason.is_empty() => {
                case.differs = Some(reason.to_owned());
            }
            _ => return Err(format!("unknown option {option:?}")),
        }
    }
    if case.targets.len() < Target::ALL.len() && case.differs.is_none() {
        return Err("only=... needs differs=\"the reason\"".to_owned());
    }
    Ok(case)
}

fn parse_step(line: usize, written: &str) -> Result<Step, String> {
    let mut step = Step {
        line,
        text: written.to_owned(),
        compare: Compare::Exact,
        after: None,
        save: None,
        action: Action::Sleep(Duration::ZERO),
    };
    let mut rest = written;
    while let Some(behind) = rest.strip_prefix('~') {
        rest = parse_marker(&mut step, behind)?;
    }
    step.action =
        if let Some(directive) = rest.strip_prefix('!') { parse_directive(directive)? } else { parse_talk(rest)? };
    let read = matches!(step.action, Action::Call { .. } | Action::Read { .. });
    if rest != written && !read {
        return Err("a marker needs a command with a reply behind it".to_owned());
    }
    Ok(step)
}

/// Reads one marker and returns what stands behind it.
fn parse_marker<'a>(step: &mut Step, marked: &'a str) -> Result<&'a str, String> {
    let (name, rest) = first_word(marked);
    let (compare, rest) = match name {
        "any" => (Compare::Any, rest),
        "kind" => (Compare::Kind, rest),
        "shape" => (Compare::Shape, rest),
        "error" => (Compare::Error, rest),
        "unordered" => (Compare::Unordered, rest),
        "pairs" => (Compare::Pairs, rest),
        "sorted2" => (Compare::CursorAndElements, rest),
        "fields" => (Compare::Fields, rest),
        "within" => {
            let (number, rest) = first_word(rest);
            let distance = number.parse();
            let distance = distance.map_err(|_| "~within needs a number".to_owned())?;
            (Compare::Within(distance), rest)
        }
        "mask" => {
            let (names, rest) = first_word(rest);
            let names = names.split(',').map(Vec::from).collect();
            (Compare::Mask(names), rest)
        }
        "has" => {
            let (needle, rest) = first_word(rest);
            if needle.is_empty() || needle.starts_with('"') {
                return Err("~has needs a text without quotes and spaces".to_owned());
            }
            (Compare::Has(needle.into()), rest)
        }
        "after" => {
            let (time, rest) = first_word(rest);
            step.after = Some(duration(time)?);
            return Ok(rest);
        }
        "save" => {
            let (name, rest) = first_word(rest);
            step.save = Some(name.to_owned());
            (Compare::Kind, rest)
        }
        other => return Err(format!("unknown marker ~{other}")),
    };
    if step.compare != Compare::Exact {
        return Err("only one marker can say how replies are compared".to_owned());
    }
    step.compare = compare;
    Ok(rest)
}

fn parse_directive(directive: &str) -> Result<Action, String> {
    let (name, rest) = first_word(directive);
    match name {
        "sleep" => Ok(Action::Sleep(duration(rest)?)),
        "closed" => Ok(Action::Closed { client: client_name(rest)? }),
        "close" => Ok(Action::Close { client: client_name(rest)? }),
        "blocked" => {
            let clients: Result<Vec<_>, _> = rest.split_whitespace().map(client_name).collect();
            match clients? {
                clients if clients.is_empty() => Err("!blocked needs a connection".to_owned()),
                clients => Ok(Action::Blocked { clients }),
            }
        }
        "raw" => {
            let (client, bytes) = first_word(rest);
            let words = words::split(bytes)?;
            Ok(Action::Raw {
                client: client_name(client)?,
                bytes: words.into_iter().flat_map(|word| word.bytes).collect(),
            })
        }
        "scanall" => match parse_talk(rest)? {
            Action::Call { client, args } => Ok(Action::ScanAll { client, args }),
            _ => Err("!scanall needs a command".to_owned()),
        },
        other => Err(format!("unknown directive !{other}")),
    }
}

/// `GET key`, `b> GET key`, `b& GET key`, `b?`, `b?3` or `b?none`.
fn parse_talk(line: &str) -> Result<Action, String> {
    let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let Ok(client) = client_name(name) else {
        return call("a", line);
    };
    if let Some(command) = rest.strip_prefix('>') {
        return call(&client, command);
    }
    if let Some(command) = rest.strip_prefix('&') {
        let args = args(command)?;
        return Ok(Action::Send { client, args });
    }
    if let Some(count) = rest.strip_prefix('?') {
        return match count {
            "" => Ok(Action::Read { client, count: 1 }),
            "none" => Ok(Action::Silence { client }),
            number => match number.parse() {
                Ok(count) if count > 0 => Ok(Action::Read { client, count }),
                _ => Err(format!("?{number} is no number of replies")),
            },
        };
    }
    call("a", line)
}

fn call(client: &str, command: &str) -> Result<Action, String> {
    Ok(Action::Call { client: client.to_owned(), args: args(command)? })
}

fn args(command: &str) -> Result<Vec<Arg>, String> {
    let words = words::split(command)?;
    if words.is_empty() {
        return Err("a command is missing".to_owned());
    }
    Ok(words.into_iter().map(arg).collect())
}

fn arg(word: Word) -> Arg {
    let variable = match std::str::from_utf8(&word.bytes) {
        Ok(text) if !word.quoted => text.strip_prefix('$'),
        _ => None,
    };
    match variable.map(|text| text.split_once('.').unwrap_or((text, ""))) {
        Some((name, "id")) => Arg::Id(name.to_owned()),
        Some((name, "addr")) => Arg::Address(name.to_owned()),
        Some((name, "")) if !name.is_empty() => Arg::Saved(name.to_owned()),
        _ => Arg::Bytes(word.bytes),
    }
}

/// A connection's name is in small letters and digits.
fn client_name(text: &str) -> Result<String, String> {
    let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(good) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a connection"))
    }
}

fn first_word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix("ms").and_then(|text| text.parse().ok());
    number.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is no time such as 20ms"))
}

fn text(word: Word) -> Result<String, String> {
    String::from_utf8(word.bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(line: &str) -> Action {
        parse_step(1, line).expect("a good line").action
    }

    fn bytes(texts: &[&str]) -> Vec<Arg> {
        let texts = texts.iter().map(|text| Arg::Bytes(text.as_bytes().to_vec()));
        texts.collect()
    }

    #[test]
    fn a_plain_line_is_a_command_of_connection_a() {
        let client = "a".to_owned();
        let args = bytes(&["set", "key", "a>b", "$"]);
        assert_eq!(action("set key a>b $"), Action::Call { client, args });
    }

    #[test]
    fn other_connections_have_names() {
        let client = "b2".to_owned();
        let args = bytes(&["GET", "k"]);
        assert_eq!(action("b2& GET k"), Action::Send { client: client.clone(), args });
        assert_eq!(action("b2?3"), Action::Read { client: client.clone(), count: 3 });
        assert_eq!(action("b2?none"), Action::Silence { client });
    }

    #[test]
    fn variables_are_whole_unquoted_words() {
        let Action::Call { args, .. } = action("X $b.id $b.addr $v \"$v\" x$v") else {
            panic!("a call");
        };
        let expected = [
            Arg::Bytes(b"X".to_vec()),
            Arg::Id("b".to_owned()),
            Arg::Address("b".to_owned()),
            Arg::Saved("v".to_owned()),
            Arg::Bytes(b"$v".to_vec()),
            Arg::Bytes(b"x$v".to_vec()),
        ];
        assert_eq!(args, expected);
    }

    #[test]
    fn markers_stand_in_front() {
        let step = parse_step(1, "~after 80ms ~within 10 b> TTL k").expect("a good line");
        assert_eq!(step.after, Some(Duration::from_millis(80)));
        assert_eq!(step.compare, Compare::Within(10.0));
        let masked = parse_step(1, "~mask id,version HELLO").expect("a good line");
        let names = vec![b"id".to_vec(), b"version".to_vec()];
        assert_eq!(masked.compare, Compare::Mask(names));
    }

    #[test]
    fn a_header_may_narrow_the_case() {
        let text = "== GET [x] [only=redis,memory resp=3 differs=\"not there yet\"]\nGET k";
        let cases = parse(Path::new("f"), text).expect("a good file");
        assert_eq!(cases[0].name, "GET [x]");
        assert_eq!(cases[0].targets, [Target::Redis, Target::Memory]);
        assert_eq!(cases[0].protocols, [Protocol::Resp3]);
        assert_eq!(cases[0].differs.as_deref(), Some("not there yet"));
    }

    #[test]
    fn mistakes_name_their_line() {
        for text in [
            "GET k",
            "== empty",
            "== x\n\n~what GET k",
            "== x\n\n!what",
            "== x\n\nGET \"k",
            "== x\n\nb?x",
            "== x\n\n~kind !sleep 5ms",
            "== x\n\n~kind ~any GET k",
            "\n\n== x [only=memory]\nGET k",
            "\n\n== x [what=5]\nGET k",
        ] {
            let error = parse(Path::new("f"), text).expect_err(text);
            let line = text.lines().position(|line| !line.is_empty() && line != "== x");
            let place = format!("f:{}: ", line.map_or(1, |line| line + 1));
            assert!(error.starts_with(&place), "{text:?}: {error}");
        }
    }
}
