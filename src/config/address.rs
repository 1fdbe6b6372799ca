//! Where an upstream is.

use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, ParseError, Url};

/// The port of an URL that names none.
pub const DEFAULT_PORT: u16 = 6379;

/// Where an upstream is, and how to enter.
#[derive(Debug, Clone)]
pub struct Address {
    /// A name or an IP address (an IPv6 address without brackets).
    pub host: String,
    /// Its port; 6379 unless said.
    pub port: u16,
    /// The ACL user; none is the default user.
    pub username: Option<String>,
    /// What to `AUTH` with.
    pub password: Option<SecretString>,
    /// The database that clients start in.
    pub database: usize,
}

impl Address {
    /// Reads `redis://[[user]:password@]host[:port][/database]`. User and password may be percent-encoded, and an IPv6
    /// address stands in brackets.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        // Before anything else is judged: the hosts of a Sentinel URL are no host to the URL parser.
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(AddressError::NoScheme);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "redis" => {}
            "rediss" => return Err(AddressError::Later("TLS (rediss://)")),
            "redis+sentinel" | "redis-sentinel" | "rediss+sentinel" | "sentinel" => {
                return Err(AddressError::Later("Sentinel (redis+sentinel://)"));
            }
            "unix" | "redis+unix" | "redis+socket" | "redis-socket" => {
                return Err(AddressError::Later("Unix sockets (unix://)"));
            }
            _ => return Err(AddressError::Scheme),
        }
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::EmptyHost => AddressError::NoHost,
            ParseError::InvalidPort => AddressError::Port,
            _ => AddressError::Host,
        })?;
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Domain(_)) | None => return Err(AddressError::NoHost),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
        };
        let port = url.port().unwrap_or(DEFAULT_PORT);
        if port == 0 {
            return Err(AddressError::Port);
        }
        let decode = |part: &str, error| percent_decode_str(part).decode_utf8().map(String::from).map_err(|_| error);
        let username = decode(url.username(), AddressError::User)?;
        let password = match url.password() {
            Some(password) => Some(SecretString::from(decode(password, AddressError::Password)?)),
            // Redis has no way to enter as a user without a password: the URL means something else.
            None if !username.is_empty() => return Err(AddressError::UserWithoutPassword),
            None => None,
        };
        let database = match url.path().strip_prefix('/').unwrap_or_default() {
            "" => 0,
            // `parse` would also take "+1".
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| AddressError::Database)?
            }
            _ => return Err(AddressError::Database),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Trailing);
        }
        Ok(Address { host, port, username: (!username.is_empty()).then_some(username), password, database })
    }
}

/// The address without user and password: `redis://host:port/database`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "redis://{open}{}{close}:{}/{}", self.host, self.port, self.database)
    }
}

/// What is wrong with an URL. None of its text is repeated, since any part of a misread URL may be the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing stands there.
    Empty,
    /// There is no `://`.
    NoScheme,
    /// A scheme that respool will know later.
    Later(&'static str),
    /// A scheme of something else.
    Scheme,
    /// The host is missing.
    NoHost,
    /// The host is no name and no IP address.
    Host,
    /// The port is no port.
    Port,
    /// The user is not UTF-8 once it is percent-decoded.
    User,
    /// The password is not UTF-8 once it is percent-decoded.
    Password,
    /// A user without a password.
    UserWithoutPassword,
    /// What stands behind the `/` is no number.
    Database,
    /// `?` or `#` and what follows.
    Trailing,
}

/// The most frequent reason why a URL falls apart in the wrong place.
const ENCODE: &str = "(in a password, the characters / ? # @ : % must be percent-encoded)";

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Empty => f.write_str("is empty"),
            AddressError::NoScheme => f.write_str("does not begin with redis://"),
            AddressError::Later(what) => write!(f, "names {what}, which comes later; only redis:// is there yet"),
            AddressError::Scheme => f.write_str("has a scheme other than redis://"),
            AddressError::NoHost => write!(f, "has no host {ENCODE}"),
            AddressError::Host => write!(f, "has a host that is neither a name nor an IP address {ENCODE}"),
            AddressError::Port => write!(f, "has a port that is not a number from 1 to 65535 {ENCODE}"),
            AddressError::User => f.write_str("has a user name that is not UTF-8 after percent-decoding"),
            AddressError::Password => f.write_str("has a password that is not UTF-8 after percent-decoding"),
            AddressError::UserWithoutPassword => {
                f.write_str("has a user without a password (a password alone is written redis://:password@host)")
            }
            AddressError::Database => write!(f, "has a database (behind the /) that is not a number {ENCODE}"),
            AddressError::Trailing => write!(f, "has a ? or # part, which respool does not know {ENCODE}"),
        }
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// Host, port, user, password, database.
    type Parts<'a> = (&'a str, u16, Option<&'a str>, Option<&'a str>, usize);

    fn check(url: &str, expected: Parts<'_>) {
        let address = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let password = address.password.as_ref().map(|password| password.expose_secret());
        assert_eq!(
            (address.host.as_str(), address.port, address.username.as_deref(), password, address.database),
            expected,
            "{url}"
        );
    }

    #[test]
    fn urls() {
        check("redis://localhost", ("localhost", 6379, None, None, 0));
        check("redis://localhost/", ("localhost", 6379, None, None, 0));
        check("REDIS://localhost", ("localhost", 6379, None, None, 0));
        check("  redis://localhost:6390\n", ("localhost", 6390, None, None, 0));
        check("redis://cache-1.example.com:65535/15", ("cache-1.example.com", 65535, None, None, 15));
        check("redis://my_redis/007", ("my_redis", 6379, None, None, 7));
        check("redis://127.0.0.1:1/0", ("127.0.0.1", 1, None, None, 0));
        check("redis://[::1]", ("::1", 6379, None, None, 0));
        check("redis://[2001:db8::7]:7000/2", ("2001:db8::7", 7000, None, None, 2));
        check("redis://:secret@host", ("host", 6379, None, Some("secret"), 0));
        check("redis://user:secret@host:1234/3", ("host", 1234, Some("user"), Some("secret"), 3));
        check("redis://default:a:b@host", ("host", 6379, Some("default"), Some("a:b"), 0));
        check("redis://u%40x:p%2F%3A%40%23%3F%25@host", ("host", 6379, Some("u@x"), Some("p/:@#?%"), 0));
        check("redis://:p%C3%A4ss@host", ("host", 6379, None, Some("p\u{e4}ss"), 0));
        check("redis://:p\u{e4}ss@host", ("host", 6379, None, Some("p\u{e4}ss"), 0));
        check("redis://:a@b@host", ("host", 6379, None, Some("a@b"), 0));
        check("redis://:a+b=c&d!e$f@host", ("host", 6379, None, Some("a+b=c&d!e$f"), 0));
        check("redis://:%zz@host", ("host", 6379, None, Some("%zz"), 0));
        check("redis://:s@[::1]:6380/1", ("::1", 6380, None, Some("s"), 1));
    }

    #[test]
    fn errors_name_the_part_and_keep_the_secret() {
        use AddressError::*;
        for (url, expected) in [
            ("", Empty),
            ("  ", Empty),
            ("localhost:6379", NoScheme),
            ("hunter2", NoScheme),
            ("redis:localhost", NoScheme),
            ("redis:/hunter2@localhost", NoScheme),
            ("http://:hunter2@localhost", Scheme),
            ("hunter2://localhost", Scheme),
            ("rediss://:hunter2@localhost", Later("TLS (rediss://)")),
            ("redis+sentinel://a:26379,b:26379/hunter2/5", Later("Sentinel (redis+sentinel://)")),
            ("unix:///run/hunter2.sock", Later("Unix sockets (unix://)")),
            ("redis://", NoHost),
            ("redis:///5", NoHost),
            ("redis://:6379", NoHost),
            ("redis://:hunter2@", NoHost),
            ("redis://:hunter2@:6379", NoHost),
            ("redis://host:0", Port),
            ("redis://host:65536", Port),
            ("redis://host:port", Port),
            ("redis://a:1,b:2", Port),
            ("redis://user:hunter/2@host", Port),
            ("redis://user:12/hunter@host", Database),
            ("redis://user:12#hunter@host", Trailing),
            ("redis://:hunter/2@host", NoHost),
            ("redis://:hunter#2@host", NoHost),
            ("redis://:hunter?2@host", NoHost),
            ("redis://ho st", Host),
            ("redis://[::1", Host),
            ("redis://[hunter2]", Host),
            ("redis://:hunter2@[::g]:6379", Host),
            ("redis://user@host", UserWithoutPassword),
            ("redis://hunter2@host", UserWithoutPassword),
            ("redis://%ff:hunter2@host", User),
            ("redis://:hunter2%ff@host", Password),
            ("redis://:hunter2@host/x", Database),
            ("redis://:hunter2@host/-1", Database),
            ("redis://:hunter2@host/+1", Database),
            ("redis://:hunter2@host/1/2", Database),
            ("redis://:hunter2@host/99999999999999999999999", Database),
            ("redis://:hunter2@host/1?db=2", Trailing),
            ("redis://:hunter2@host#1", Trailing),
        ] {
            let error = Address::parse(url).map(|address| address.to_string()).expect_err(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter"), "{url}: {error}");
        }
    }

    #[test]
    fn shown_without_secrets() {
        for (url, shown) in [
            ("redis://user:hunter2@host", "redis://host:6379/0"),
            ("redis://:hunter2@[::1]:7000/4", "redis://[::1]:7000/4"),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("hunter2"));
            check(shown, (&address.host, address.port, None, None, address.database));
        }
    }
}
