//! From file, variables and flags to one checked [`Config`].

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use secrecy::{ExposeSecret, SecretString};
use toml::de::{DeTable, DeValue};

use super::{Address, Config, size};

/// The variable of the password. It has no flag, since everybody on a machine can read the flags of its processes.
pub const PASSWORD_VARIABLE: &str = "RESPOOL_PASSWORD";
/// What `server.log` may be.
pub const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
/// Threads at most: far more than help anybody, and few enough to start.
pub const MAX_WORKERS: usize = 1024;
/// Databases of the in-memory driver at most: each costs memory even while it is empty.
pub const MAX_MEMORY_DATABASES: usize = 1024;
/// Databases of an upstream at most, as `redis.conf` has it.
const MAX_UPSTREAM_DATABASES: usize = i32::MAX as usize;
/// Bytes of a request at most: positions in it are kept in 32 bits.
const MAX_REQUEST_BYTES: usize = 2 << 30;

/// Not a comment of its field, where brackets would be links.
const UPSTREAM_HELP: &str = "The Redis behind respool, redis://[[user]:password@]host[:port][/database]; without one, \
                             data is kept in memory";

/// What stands in flags and `RESPOOL_*` variables, and overrules the file. Not parsed yet, so that a mistake in a
/// variable is told in the same way as one in the file. An empty text counts as absent, as an unset variable of a
/// container's manifest does.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// Configuration file (TOML); without one, the defaults hold
    #[arg(long, value_name = "FILE", env = "RESPOOL_CONFIG", hide_env_values = true, value_parser = path())]
    pub config: Option<PathBuf>,
    /// Where Redis clients connect [default: 127.0.0.1:6380]
    #[arg(long, value_name = "ADDR", env = "RESPOOL_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,
    /// Where /livez, /readyz and /metrics are [default: 127.0.0.1:6381]
    #[arg(long, value_name = "ADDR", env = "RESPOOL_HTTP", hide_env_values = true)]
    pub http: Option<String>,
    /// `upstream.url`
    #[arg(long, value_name = "URL", env = "RESPOOL_UPSTREAM", hide_env_values = true, help = UPSTREAM_HELP)]
    pub upstream: Option<SecretString>,
    /// Threads that serve clients; 0 is one a core
    #[arg(long, value_name = "N", env = "RESPOOL_WORKERS", hide_env_values = true)]
    pub workers: Option<String>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", env = "RESPOOL_LOG", hide_env_values = true)]
    pub log: Option<String>,
    /// What clients have to `AUTH` with; see [`PASSWORD_VARIABLE`].
    #[arg(skip)]
    pub password: Option<SecretString>,
}

/// Takes the empty path too, which clap's own parser does not.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

impl Overrides {
    /// Takes the password from its variable. One that can't be read is an error: without it respool would be open.
    pub fn take_password_variable(&mut self) -> Result<(), ConfigError> {
        match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) => self.password = Some(password.into()),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(ConfigError::value("server.password", "is not UTF-8").at(PASSWORD_VARIABLE));
            }
        }
        Ok(())
    }
}

/// The configuration: the file, overruled by `overrides`, and checked.
pub fn load(overrides: &Overrides) -> Result<Config, ConfigError> {
    let mut config = match overrides.config.as_deref().filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| ConfigError::Read { path: path.to_owned(), error })?;
            parse(&text).map_err(|error| error.in_file(path))?
        }
        None => Config::default(),
    };
    overrule(&mut config, overrides)?;
    check(&config)?;
    Ok(config)
}

/// Reads a file's text. What it says is not checked yet, and errors do not know the file's name.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    toml::from_str(text).map_err(|error| explain(text, &error))
}

fn overrule(config: &mut Config, overrides: &Overrides) -> Result<(), ConfigError> {
    let given =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let address = |text: String, key: &'static str, place: &'static str| {
        text.parse::<SocketAddr>().map_err(|_| ConfigError::value(key, must_be(SOCKET_ADDRESS)).at(place))
    };
    if let Some(listen) = given(&overrides.listen) {
        config.server.listen = address(listen, "server.listen", "--listen or RESPOOL_LISTEN")?;
    }
    if let Some(http) = given(&overrides.http) {
        config.server.http = address(http, "server.http", "--http or RESPOOL_HTTP")?;
    }
    if let Some(workers) = given(&overrides.workers) {
        config.server.workers = workers
            .parse()
            .map_err(|_| ConfigError::value("server.workers", must_be("usize")).at("--workers or RESPOOL_WORKERS"))?;
    }
    if let Some(log) = given(&overrides.log) {
        config.server.log = log;
    }
    let secret = |secret: &Option<SecretString>| secret.clone().filter(|secret| !secret.expose_secret().is_empty());
    if let Some(upstream) = secret(&overrides.upstream) {
        config.upstream.url = Some(upstream);
    }
    if let Some(password) = secret(&overrides.password) {
        config.server.password = Some(password);
    }
    Ok(())
}

/// Checks what the types do not.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { server, upstream, pool, memory, limits } = config;

    let (listen, http) = (server.listen, server.http);
    let shared_host = listen.ip() == http.ip() || listen.ip().is_unspecified() || http.ip().is_unspecified();
    // Port 0 is a free one of the system's choice.
    ensure(listen.port() != http.port() || listen.port() == 0 || !shared_host, "server.http", || {
        format!("is {http}, where server.listen = {listen} already listens")
    })?;
    ensure(server.workers <= MAX_WORKERS, "server.workers", || {
        format!("is {}, more than {MAX_WORKERS}; 0 is one a core", server.workers)
    })?;
    // A level that is none is not repeated: who knows what was pasted there.
    ensure(LOG_LEVELS.contains(&server.log.as_str()), "server.log", || {
        format!("must be one of {}", LOG_LEVELS.join(", "))
    })?;
    if let Some(password) = &server.password {
        ensure(!password.expose_secret().is_empty(), "server.password", || {
            "is empty; leave it out if clients need no password".into()
        })?;
    }

    for (key, databases, max) in [
        ("upstream.databases", upstream.databases, MAX_UPSTREAM_DATABASES),
        ("memory.databases", memory.databases, MAX_MEMORY_DATABASES),
    ] {
        ensure((1..=max).contains(&databases), key, || format!("is {databases}, and must be from 1 to {max}"))?;
    }
    if let Some(url) = &upstream.url {
        let address = Address::parse(url.expose_secret())
            .map_err(|error| ConfigError::value("upstream.url", error.to_string()))?;
        ensure(address.database < upstream.databases, "upstream.url", || {
            format!("names database {}, but upstream.databases is {}", address.database, upstream.databases)
        })?;
    }

    for (key, duration) in [
        ("upstream.connect_timeout", upstream.connect_timeout),
        ("upstream.backoff_min", upstream.backoff_min),
        ("pool.acquire_timeout", pool.acquire_timeout),
        ("pool.idle_timeout", pool.idle_timeout),
    ] {
        ensure(duration > Duration::ZERO, key, || "must be longer than 0".into())?;
    }
    ensure(upstream.backoff_max >= upstream.backoff_min, "upstream.backoff_max", || {
        format!("is {:?}, less than upstream.backoff_min = {:?}", upstream.backoff_max, upstream.backoff_min)
    })?;
    ensure(pool.max == 0 || pool.min <= pool.max, "pool.min", || {
        format!("is {}, more than pool.max = {}", pool.min, pool.max)
    })?;

    let limits = [
        ("limits.clients", limits.clients, usize::MAX),
        ("limits.arguments", limits.arguments, i32::MAX as usize),
        ("limits.bulk_bytes", limits.bulk_bytes, MAX_REQUEST_BYTES),
        ("limits.inline_bytes", limits.inline_bytes, MAX_REQUEST_BYTES),
        ("limits.request_bytes", limits.request_bytes, MAX_REQUEST_BYTES),
        ("limits.transaction_bytes", limits.transaction_bytes, MAX_REQUEST_BYTES),
        ("limits.pipeline", limits.pipeline, usize::MAX),
        ("limits.client_output_bytes", limits.client_output_bytes, usize::MAX),
        ("limits.lane_bytes", limits.lane_bytes, usize::MAX),
    ];
    for (key, limit, max) in limits {
        ensure(limit > 0, key, || "must be more than 0".into())?;
        ensure(limit <= max, key, || format!("is {limit}, more than {max}"))?;
    }
    Ok(())
}

fn ensure(good: bool, key: &'static str, problem: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if good { Ok(()) } else { Err(ConfigError::value(key, problem())) }
}

/// Why there is no configuration. Never repeats a value that may be a secret, and since a secret may stand in the
/// wrong place, no text from the file or from a variable but the names of keys.
#[derive(Debug)]
pub enum ConfigError {
    /// The file can't be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file is not TOML.
    Syntax {
        /// File and line.
        place: Place,
        /// What the parser says.
        problem: String,
    },
    /// A key that is none.
    UnknownKey {
        /// File and line.
        place: Place,
        /// With its sections, such as `pool.min`.
        key: String,
        /// Which keys there are.
        known: String,
    },
    /// A key has a value that it can't have.
    Value {
        /// Where the value comes from, if it is known.
        place: Place,
        /// With its sections, such as `pool.min`.
        key: String,
        /// What is wrong, as the rest of a sentence that begins with the key.
        problem: String,
    },
}

/// Where a mistake stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, if it is in one.
    pub path: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The flag and the variable, if it is in one of them.
    pub variable: Option<&'static str>,
}

impl ConfigError {
    fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        ConfigError::Value { place: Place::default(), key: key.into(), problem: problem.into() }
    }

    fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            ConfigError::Read { .. } => None,
            ConfigError::Syntax { place, .. }
            | ConfigError::UnknownKey { place, .. }
            | ConfigError::Value { place, .. } => Some(place),
        }
    }

    fn at(mut self, variable: &'static str) -> Self {
        if let Some(place) = self.place_mut() {
            place.variable = Some(variable);
        }
        self
    }

    fn in_file(mut self, path: &Path) -> Self {
        if let Some(place) = self.place_mut() {
            place.path = Some(path.to_owned());
        }
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Read { path, error } => write!(f, "{} can't be read: {error}", path.display()),
            ConfigError::Syntax { place, problem } => write!(f, "{place}not TOML: {problem}"),
            ConfigError::UnknownKey { place, key, known } => {
                write!(f, "{place}unknown key `{key}`; there are: {known}")
            }
            ConfigError::Value { place, key, problem } => write!(f, "{place}`{key}` {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Read` shows its cause already.
        None
    }
}

/// What a message begins with: `file, line 3: `, or nothing.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => write!(f, "{}, line {line}: ", path.display())?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        match self.variable {
            Some(variable) => write!(f, "{variable}: "),
            None => Ok(()),
        }
    }
}

/// Tells `error` anew: its own text repeats the line that it is about, where a password may stand.
fn explain(text: &str, error: &toml::de::Error) -> ConfigError {
    let place = Place { line: error.span().map(|span| line_of(text, span.start)), ..Place::default() };
    let Ok(document) = DeTable::parse(text) else {
        // The parser's own messages are made of the grammar's words only.
        return ConfigError::Syntax { place, problem: error.message().to_owned() };
    };
    let mut path = Vec::new();
    if let Some(span) = error.span() {
        find_key(document.get_ref(), span.start, &mut path);
    }
    let key = path.join(".");
    // serde's messages end in what it wanted; before that they show what was there instead.
    let (what, expected) = error.message().rsplit_once(", expected ").unwrap_or((error.message(), ""));
    if what.starts_with("unknown field ") {
        // Two keys are joined with "or", more follow "one of".
        let known = expected.trim_start_matches("one of ").replace("` or `", "`, `").replace('`', "");
        return ConfigError::UnknownKey { place, key, known };
    }
    let problem = if path.len() == 1 {
        // serde would also take a list, and so finds something deeper in `[[pool]]`.
        "must be a section".to_owned()
    } else if what == INVALID_SOCKET_ADDRESS {
        must_be(SOCKET_ADDRESS)
    } else {
        must_be(expected)
    };
    ConfigError::Value { place, key, problem }
}

/// serde's name of an address.
const SOCKET_ADDRESS: &str = "socket address";
/// The standard library's message, which serde passes on.
const INVALID_SOCKET_ADDRESS: &str = "invalid socket address syntax";

/// What serde expected, in words for people. What is not listed here is not shown.
fn must_be(expected: &str) -> String {
    let expected = match expected {
        SOCKET_ADDRESS => "must be an IP address and a port, such as \"127.0.0.1:6380\" or \"[::1]:6380\"",
        "a duration" => "must be a duration in quotes, such as \"250ms\", \"5s\" or \"10m\"",
        size::EXPECTED => "must be a size: bytes, or text such as \"64kb\", \"512mb\" or \"2gb\"",
        "usize" | "u64" | "u32" => "must be a whole number, 0 or more, that is not too big",
        "a string" => "must be text in quotes",
        _ => "has a value of the wrong kind",
    };
    expected.to_owned()
}

/// The names on the way to the key or value that stands at `position`.
fn find_key(table: &DeTable<'_>, position: usize, path: &mut Vec<String>) {
    for (name, value) in table.iter() {
        if name.span().contains(&position) {
            path.push(name.get_ref().to_string());
            return;
        }
        let DeValue::Table(inner) = value.get_ref() else {
            if value.span().contains(&position) {
                path.push(name.get_ref().to_string());
                return;
            }
            continue;
        };
        // A section's span covers its header only, so its keys are looked through wherever they stand.
        path.push(name.get_ref().to_string());
        let depth = path.len();
        find_key(inner, position, path);
        if path.len() > depth || value.span().contains(&position) {
            return;
        }
        path.pop();
    }
}

fn line_of(text: &str, position: usize) -> usize {
    text.as_bytes().iter().take(position).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message of what is wrong with a file.
    fn problem(text: &str) -> String {
        match parse(text).and_then(|config| check(&config)) {
            Ok(()) => panic!("nothing is wrong with {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_defaults_are_good() {
        check(&Config::default()).expect("good defaults");
        parse("").and_then(|config| check(&config)).expect("an empty file is good");
    }

    #[test]
    fn sizes_and_durations() {
        let config = parse(
            "memory.max_memory = \"512mb\"\n[limits]\nbulk_bytes = 1024\nrequest_bytes = \"1gb\"\n\
             [pool]\nacquire_timeout = \"250ms\"\n",
        )
        .expect("a good file");
        assert_eq!(config.memory.max_memory, 512 << 20);
        assert_eq!((config.limits.bulk_bytes, config.limits.request_bytes), (1024, 1 << 30));
        assert_eq!(config.pool.acquire_timeout, Duration::from_millis(250));
    }

    #[test]
    fn mistakes_name_line_and_key() {
        for (text, expected) in [
            ("\n[pool]\nmin = \"many\"", "line 3: `pool.min` must be a whole number, 0 or more, that is not too big"),
            ("[pool]\nmin = -1", "line 2: `pool.min` must be a whole number, 0 or more, that is not too big"),
            ("pool.max = 5000000000", "line 1: `pool.max` must be a whole number, 0 or more, that is not too big"),
            ("pool = { min = 1.5 }", "line 1: `pool.min` must be a whole number, 0 or more, that is not too big"),
            ("pool = 3", "line 1: `pool` must be a section"),
            ("[[pool]]\nmin = 1", "line 1: `pool` must be a section"),
            (
                "[server]\nlog = \"info\"\nlisten = \"6380\"",
                "line 3: `server.listen` must be an IP address and a port, such as \"127.0.0.1:6380\" or \"[::1]:6380\"",
            ),
            (
                "[server]\nlisten = 6380",
                "line 2: `server.listen` must be an IP address and a port, such as \"127.0.0.1:6380\" or \"[::1]:6380\"",
            ),
            ("[server]\nlog = 3", "line 2: `server.log` must be text in quotes"),
            ("[server]\npassword = 3", "line 2: `server.password` must be text in quotes"),
            (
                "[server]\ndrain_timeout = 10",
                "line 2: `server.drain_timeout` must be a duration in quotes, such as \"250ms\", \"5s\" or \"10m\"",
            ),
            (
                "[memory]\nmax_memory = \"much\"",
                "line 2: `memory.max_memory` must be a size: bytes, or text such as \"64kb\", \"512mb\" or \"2gb\"",
            ),
            (
                "[memory]\nmax_memory = -1",
                "line 2: `memory.max_memory` must be a size: bytes, or text such as \"64kb\", \"512mb\" or \"2gb\"",
            ),
            (
                "[pool]\nmin = 1\nmaximum = 2",
                "line 3: unknown key `pool.maximum`; there are: min, max, acquire_timeout, idle_timeout",
            ),
            ("\n[poll]\nmin = 1", "line 2: unknown key `poll`; there are: server, upstream, pool, memory, limits"),
            ("memory.maximum = 1", "line 1: unknown key `memory.maximum`; there are: databases, max_memory"),
            ("server.lisen = 1", "line 1: unknown key `server.lisen`; there are: "),
        ] {
            let told = problem(text);
            assert!(told.starts_with(expected), "{text}\n{told}");
        }
    }

    #[test]
    fn mistakes_in_toml_name_the_line() {
        for text in ["[pool\nmin = 1", "[pool]\n\nmin == 1", "[pool]\nmin = 1\nmin = 2", "server.log = info"] {
            let told = problem(text);
            assert!(told.starts_with("line ") && told.contains(": not TOML: "), "{text}\n{told}");
        }
    }

    #[test]
    fn values_that_can_not_be() {
        for (text, expected) in [
            (
                "server.listen = \"127.0.0.1:6381\"",
                "`server.http` is 127.0.0.1:6381, where server.listen = 127.0.0.1:6381",
            ),
            ("server.listen = \"0.0.0.0:6381\"", "`server.http` is 127.0.0.1:6381, where"),
            ("server.workers = 1025", "`server.workers` is 1025, more than 1024"),
            ("server.log = \"loud\"", "`server.log` must be one of error, warn, info, debug, trace"),
            ("server.password = \"\"", "`server.password` is empty"),
            ("upstream.databases = 0", "`upstream.databases` is 0, and must be from 1"),
            ("memory.databases = 0", "`memory.databases` is 0, and must be from 1 to 1024"),
            ("memory.databases = 1025", "`memory.databases` is 1025, and must be from 1 to 1024"),
            ("upstream.url = \"\"", "`upstream.url` is empty"),
            ("upstream.url = \"redis://host:x\"", "`upstream.url` has a port that is not"),
            ("upstream.url = \"redis://host/16\"", "`upstream.url` names database 16, but upstream.databases is 16"),
            ("upstream.connect_timeout = \"0s\"", "`upstream.connect_timeout` must be longer than 0"),
            ("upstream.backoff_min = \"0s\"", "`upstream.backoff_min` must be longer than 0"),
            ("upstream.backoff_max = \"1ms\"", "`upstream.backoff_max` is 1ms, less than upstream.backoff_min = 20ms"),
            ("pool.acquire_timeout = \"0s\"", "`pool.acquire_timeout` must be longer than 0"),
            ("pool.idle_timeout = \"0s\"", "`pool.idle_timeout` must be longer than 0"),
            ("pool.min = 1001", "`pool.min` is 1001, more than pool.max = 1000"),
            ("limits.clients = 0", "`limits.clients` must be more than 0"),
            ("limits.arguments = 0", "`limits.arguments` must be more than 0"),
            ("limits.bulk_bytes = 0", "`limits.bulk_bytes` must be more than 0"),
            ("limits.inline_bytes = 0", "`limits.inline_bytes` must be more than 0"),
            ("limits.request_bytes = \"5gb\"", "`limits.request_bytes` is 5368709120, more than 2147483648"),
            ("limits.transaction_bytes = 0", "`limits.transaction_bytes` must be more than 0"),
            ("limits.pipeline = 0", "`limits.pipeline` must be more than 0"),
            ("limits.client_output_bytes = 0", "`limits.client_output_bytes` must be more than 0"),
            ("limits.lane_bytes = 0", "`limits.lane_bytes` must be more than 0"),
        ] {
            let told = problem(text);
            assert!(told.starts_with(expected), "{text}\n{told}");
        }
    }

    #[test]
    fn values_at_the_edge() {
        for text in [
            "pool = { min = 5, max = 0 }",
            "pool = { min = 7, max = 7 }",
            "server.workers = 1024",
            "server.drain_timeout = \"0s\"",
            "server = { listen = \"127.0.0.1:0\", http = \"127.0.0.1:0\" }",
            "server = { listen = \"127.0.0.1:7000\", http = \"127.0.0.2:7000\" }",
            "memory.databases = 1024",
            "upstream = { url = \"redis://host/16\", databases = 17 }",
        ] {
            parse(text).and_then(|config| check(&config)).expect(text);
        }
    }

    #[test]
    fn no_value_is_repeated() {
        for text in [
            "[server]\npassword = hunter2",
            "[server]\npassword = \"hunter2",
            "[server]\npassword = 'hunter2\n",
            "[server]\npassword = \"hunter2\" x",
            "[server]\npassword = \"\\hunter2\"",
            "[server]\npassword = [\"hunter2\"]",
            "[server]\npassword = { value = \"hunter2\" }",
            "[server]\npasswort = \"hunter2\"",
            "[server]\npassword = \"a\"\npassword = \"hunter2\"",
            "server = \"hunter2\"",
            "pool = \", expected hunter2\"",
            "[server]\nlisten = \"redis://:hunter2@host\"",
            "[server]\ndrain_timeout = \"hunter2\"",
            "[server]\nworkers = \"hunter2\"",
            "[server]\nlog = \"hunter2\"",
            "[memory]\nmax_memory = \"hunter2\"",
            "[upstream]\nurl = redis://:hunter2@host",
            "[upstream]\nurl = \"redis://:hunter2@host:port\"",
            "[upstream]\nurl = \"hunter2\"",
            "upstream = \"redis://:hunter2@host\"",
            "redis://:hunter2@host",
        ] {
            let error = parse(text).and_then(|config| check(&config)).expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{text}\n{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{text}\n{error:?}");
        }
    }

    #[test]
    fn overrides() {
        let text = |text: &str| Some(text.to_owned());
        let config = load(&Overrides {
            config: Some(PathBuf::new()),
            listen: text("[::1]:7000"),
            http: text(" 127.0.0.1:7001 "),
            upstream: Some("redis://:hunter2@host/3".into()),
            workers: text("3"),
            log: text("debug"),
            password: Some("hunter2".into()),
        })
        .expect("good overrides");
        assert_eq!(config.server.listen, SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 7000)));
        assert_eq!(config.server.http, SocketAddr::from(([127, 0, 0, 1], 7001)));
        assert_eq!((config.server.workers, config.server.log.as_str()), (3, "debug"));
        assert_eq!(config.server.password.expect("a password").expose_secret(), "hunter2");
        assert_eq!(config.upstream.url.expect("a URL").expose_secret(), "redis://:hunter2@host/3");

        let empty = Overrides {
            listen: text(""),
            http: text(""),
            upstream: Some("".into()),
            workers: text(""),
            log: text(""),
            password: Some("".into()),
            ..Overrides::default()
        };
        let config = load(&empty).expect("empty texts count as absent");
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn overrides_with_mistakes() {
        let text = |text: &str| Some(text.to_owned());
        for (overrides, expected) in [
            (
                Overrides { listen: text("hunter2"), ..Overrides::default() },
                "--listen or RESPOOL_LISTEN: `server.listen` must be an IP address and a port",
            ),
            (
                Overrides { http: text("hunter2:1"), ..Overrides::default() },
                "--http or RESPOOL_HTTP: `server.http` must be an IP address and a port",
            ),
            (
                Overrides { workers: text("hunter2"), ..Overrides::default() },
                "--workers or RESPOOL_WORKERS: `server.workers` must be a whole number",
            ),
            (Overrides { log: text("hunter2"), ..Overrides::default() }, "`server.log` must be one of"),
            (Overrides { upstream: Some("hunter2".into()), ..Overrides::default() }, "`upstream.url` does not begin"),
            (
                Overrides { config: Some("/nowhere/respool.toml".into()), ..Overrides::default() },
                "/nowhere/respool.toml can't be read: No such file",
            ),
        ] {
            let told = load(&overrides).expect_err(expected).to_string();
            assert!(told.starts_with(expected), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
