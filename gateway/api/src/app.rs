//! What every request shares: the platform's handles and this process's own bounded state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::{ActorsError, Platform};
use bytes::Bytes;

use crate::auth::cookie::RefreshCookie;
use crate::auth::lockout::Lockout;
use crate::auth::login::Logins;
use crate::auth::password::Passwords;
use crate::auth::ticket::Tickets;
use crate::auth::token::Tokens;
use crate::config::GatewayConfig;
use crate::cursor::Cursors;
use crate::idempotency::Answers;
use crate::openapi;
use crate::pages::Pages;
use crate::problem::Problem;
use crate::rate::Limiter;
use crate::routes;
use crate::shape::Shapes;
use crate::socket::registry::Sockets;
use crate::spec::RouteSpec;

/// State of one gateway.
pub(crate) struct App {
    /// How this gateway was configured.
    pub(crate) config: GatewayConfig,
    /// The doors to the actors.
    pub(crate) platform: Platform,
    /// The web UI.
    pub(crate) pages: Arc<dyn Pages>,
    /// Every route.
    pub(crate) table: Vec<RouteSpec>,
    /// Schemas of request bodies, checked before a handler sees them.
    pub(crate) shapes: Shapes,
    /// The served description.
    pub(crate) description: Bytes,
    /// Access tokens.
    pub(crate) tokens: Tokens,
    /// Passwords.
    pub(crate) passwords: Passwords,
    /// Logins by refresh token.
    pub(crate) logins: Logins,
    /// Failed sign-ins.
    pub(crate) lockout: Lockout,
    /// Tickets for the live stream.
    pub(crate) tickets: Tickets,
    /// Rates.
    pub(crate) limiter: Limiter,
    /// Answers of commands.
    pub(crate) answers: Answers,
    /// Page cursors.
    pub(crate) cursors: Cursors,
    /// Open sockets.
    pub(crate) sockets: Arc<Sockets>,
    /// Whether this gateway is going down.
    pub(crate) draining: AtomicBool,
}

impl App {
    /// Prepares everything that a request needs.
    ///
    /// # Errors
    /// Tells when the identity actor does not answer or the password cost is impossible.
    pub(crate) async fn new(
        config: GatewayConfig,
        platform: Platform,
        pages: Arc<dyn Pages>,
    ) -> Result<Self, Problem> {
        let cursor_key = cursor_key(&platform).await?;
        let table = routes::table();
        let shapes = Shapes::of(&table);
        let description = serde_json::to_vec(&openapi::document(&table)).unwrap_or_default();
        let passwords = Passwords::new(config.passwords)?;
        let tokens =
            Tokens::new(platform.identity.clone(), config.issuer.clone(), config.access_ttl);
        Ok(Self {
            tokens,
            passwords,
            logins: Logins::default(),
            lockout: Lockout::default(),
            tickets: Tickets::default(),
            limiter: Limiter::default(),
            answers: Answers::default(),
            cursors: Cursors::new(&cursor_key),
            sockets: Arc::new(Sockets::new()),
            draining: AtomicBool::new(false),
            description: Bytes::from(description),
            shapes,
            table,
            config,
            platform,
            pages,
        })
    }

    /// Returns milliseconds since 1970 UTC.
    pub(crate) fn now_ms(&self) -> i64 {
        self.config.clock.wall_ms()
    }

    /// Returns now as text.
    pub(crate) fn now_text(&self) -> String {
        actors::rfc3339(self.now_ms())
    }

    /// Returns how the refresh cookie looks here.
    pub(crate) fn cookie(&self) -> RefreshCookie {
        RefreshCookie { secure: self.config.tls }
    }

    /// Whether this gateway is going down.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// How often the key of page cursors is asked for while no majority is reached: it is made once for the whole cluster.
const KEY_TRIES: u32 = 30;
const KEY_PAUSE: Duration = Duration::from_secs(1);

/// Returns the key of page cursors, which all gateways of the cluster share.
async fn cursor_key(platform: &Platform) -> Result<[u8; 32], Problem> {
    for _ in 0..KEY_TRIES {
        match platform.identity.shared_key("cursor").await {
            Err(ActorsError::NoQuorum { .. } | ActorsError::Unanswered { .. }) => {
                tokio::time::sleep(KEY_PAUSE).await;
            }
            other => return Ok(other?),
        }
    }
    Ok(platform.identity.shared_key("cursor").await?)
}
