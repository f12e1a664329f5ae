//! One public port: TLS 1.3 with certificates on both sides, the plane told by ALPN, limits for everybody who knocks.
//!
//! Route: socket → [`listen`] (hello, certificate, caps) → plane's queue of [`crate::net::Incoming`]; and the other way
//! round [`dial`], which is the [`crate::net::Net`] of a node. Nothing here decides who is a member: a certificate of the
//! cluster's CA gets a stream, what it may ask is for those who read it.
//!
//! Modules in reading order: [`certs`] (files), [`tls`] (who is who), [`listen`], [`gate`] (limits; no sockets), [`dial`],
//! `socket` (options of a TCP socket), [`hello`] (which incarnation, which protocol), [`watchdog`] (silence is an
//! error), [`blob`] (files between nodes); with feature `testkit` also `faults` (broken networks for tests).

pub mod blob;
pub mod certs;
pub mod dial;
#[cfg(feature = "testkit")]
pub mod faults;
pub mod gate;
pub mod hello;
pub mod listen;
mod socket;
pub mod tls;
pub mod watchdog;

use std::path::{Path, PathBuf};

pub use dial::{DialLimits, Dialer};
pub use gate::Limits;
pub use listen::{ListenStats, Listener, Planes, Refusal};
pub use tls::{Tls, TlsFiles};

/// First byte from the acceptor, inside TLS and before anything of the plane's own: the stream is yours.
///
/// In TLS 1.3 a client that finished its handshake does not know yet whether its certificate was believed (RFC 8446
/// 4.4.2.4 and 6.2); with this byte a dialer knows, and why not.
const WELCOME: u8 = 1;
/// The peer has as many connections on this plane as it may.
const TOO_MANY: u8 = 2;
/// Nobody serves this plane here at this moment.
const NOT_SERVED: u8 = 3;

/// Certificates or the port could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// A file could not be read or written.
    #[error("{}: {reason}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file is already there and nobody said that it may be replaced; nothing was written.
    #[error("{} exists already: rotate it, or move it away first", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A name cannot stand in a certificate.
    #[error("{what}: wanted {wanted}, found {found:?}")]
    Name {
        /// Which name.
        what: &'static str,
        /// What it may look like.
        wanted: &'static str,
        /// What was found.
        found: String,
    },
    /// A certificate or key is not what it should be; what was loaded before stays in force.
    #[error("{}: {reason}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The port could not be opened.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address wanted.
        address: String,
        /// What the system said.
        reason: String,
    },
}

impl TransportError {
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason: error.to_string() }
    }

    pub(crate) fn certificate(path: &Path, reason: impl ToString) -> Self {
        Self::Certificate { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Says whether `text` is a DNS label in lower case, as node and cluster names must be: certificates carry them.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// Returns the name that a node's certificate carries.
#[must_use]
pub fn certificate_name(node: &str, cluster: &str) -> String {
    format!("{node}.{cluster}.tm")
}

/// Checks a name before it goes anywhere.
pub(crate) fn label<'a>(what: &'static str, text: &'a str) -> Result<&'a str, TransportError> {
    if is_label(text) {
        return Ok(text);
    }
    Err(TransportError::Name {
        what,
        wanted: "a DNS label: 1 to 63 of a-z, 0-9 and -, not at an end",
        found: text.chars().take(80).collect(),
    })
}
