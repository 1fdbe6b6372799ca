//! Where an upstream is.

use secrecy::SecretString;

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

/// Why a URL is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError(String);

impl std::fmt::Display for AddressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Address {
    /// Parses a URL.
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        let url = url::Url::parse(url).map_err(|error| AddressError(error.to_string()))?;
        Ok(Address {
            host: url.host_str().unwrap_or("127.0.0.1").to_owned(),
            port: url.port().unwrap_or(6379),
            username: None,
            password: None,
            database: url.path().trim_start_matches('/').parse().unwrap_or(0),
        })
    }
}
