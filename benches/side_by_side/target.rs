//! What is compared.

use clap::ValueEnum;

/// A way of reaching a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Target {
    /// redis-server itself: what the others are divided by.
    Direct,
    /// respool before a redis-server of its own.
    Respool,
    /// respool with its in-memory driver.
    Memory,
    /// twemproxy (`nutcracker`).
    Twemproxy,
    /// HAProxy in TCP mode.
    Haproxy,
    /// Envoy's Redis filter.
    Envoy,
}

impl Target {
    /// The name for `--targets` and the JSON file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Respool => "respool",
            Self::Memory => "memory",
            Self::Twemproxy => "twemproxy",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
        }
    }

    /// The name in the report.
    pub fn title(self) -> &'static str {
        match self {
            Self::Direct => "Redis directly",
            Self::Respool => "respool",
            Self::Memory => "respool in memory",
            Self::Twemproxy => "twemproxy",
            Self::Haproxy => "HAProxy (TCP)",
            Self::Envoy => "Envoy",
        }
    }

    /// True for the proxies that others wrote.
    pub fn is_peer(self) -> bool {
        matches!(self, Self::Twemproxy | Self::Haproxy | Self::Envoy)
    }

    /// True where a redis-server answers in the end.
    pub fn has_redis(self) -> bool {
        self != Self::Memory
    }

    /// True where a client costs the proxy two descriptors.
    pub fn pairs_connections(self) -> bool {
        self == Self::Haproxy
    }
}
