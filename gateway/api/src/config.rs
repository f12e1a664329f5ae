//! How a gateway is set up. Read from files by `node`; here everything has its default.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::{Clock, SystemClock};

pub use crate::auth::password::PasswordCost;
pub use crate::rate::{Rate, Rates};

/// Settings of one gateway.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Where to listen; only loopback until TLS is there. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether TLS stands in front: cookies become `Secure`, HSTS is sent.
    pub tls: bool,
    /// Who issues access tokens.
    pub issuer: String,
    /// Version shown by `/about`.
    pub version: String,
    /// Environment badge shown by `/about`: `sim`, `paper` or `live`.
    pub mode: String,
    /// Origins besides our own whose pages may open the live stream.
    pub origins: Vec<String>,
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Life of a login, however often it is refreshed.
    pub refresh_ttl: Duration,
    /// What one password hash costs.
    pub passwords: PasswordCost,
    /// Calls per second by class.
    pub rates: Rates,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Limits and times of the live stream.
    pub socket: SocketLimits,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl GatewayConfig {
    /// Returns the defaults for an address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: false,
            issuer: "tm".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: "sim".to_owned(),
            origins: Vec::new(),
            access_ttl: Duration::from_secs(600),
            refresh_ttl: Duration::from_secs(7 * 24 * 3600),
            passwords: PasswordCost::default(),
            rates: Rates::default(),
            connections: ConnectionLimits::default(),
            socket: SocketLimits::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// What the accept loop holds connections to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once.
    pub total: usize,
    /// Connections at once of one address.
    pub per_address: usize,
    /// From the first byte of a request to the end of its head; also from connecting to the first byte.
    pub head: Duration,
    /// Largest head.
    pub head_bytes: usize,
    /// Between two requests.
    pub idle: Duration,
    /// From the head to the end of the body.
    pub body: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 4096,
            per_address: 256,
            head: Duration::from_secs(5),
            head_bytes: 16 * 1024,
            idle: Duration::from_secs(75),
            body: Duration::from_secs(30),
        }
    }
}

/// What one socket of the live stream is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// From the upgrade to `hello`.
    pub hello: Duration,
    /// Between two pings.
    pub heartbeat: Duration,
    /// Longest silence after a ping.
    pub pong: Duration,
    /// Longest time a byte may wait to be written.
    pub oldest: Duration,
    /// Largest inbound frame.
    pub inbound_bytes: usize,
    /// Inbound frames per second.
    pub inbound_per_second: u32,
    /// Subscriptions of one connection.
    pub subscriptions: usize,
    /// Connections of one user.
    pub per_user: usize,
    /// Sockets that have not said `hello`, in all.
    pub strangers: usize,
    /// Sockets that have not said `hello`, of one address.
    pub strangers_per_address: usize,
    /// Bytes waiting above which updates are held back and merged.
    pub high_water_bytes: usize,
    /// Bytes waiting above which the socket is closed.
    pub waiting_bytes_max: usize,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            heartbeat: Duration::from_secs(10),
            pong: Duration::from_secs(20),
            oldest: Duration::from_secs(5),
            inbound_bytes: 64 * 1024,
            inbound_per_second: 20,
            subscriptions: 200,
            per_user: 10,
            strangers: 200,
            strangers_per_address: 10,
            high_water_bytes: 256 * 1024,
            waiting_bytes_max: 1024 * 1024,
        }
    }
}
