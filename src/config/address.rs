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
