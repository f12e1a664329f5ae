//! What is said to a link's machine and what it says: states, events, steps, refusals, times.

use std::fmt;

/// Where a link is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No connection; the next attempt waits, or the peer is to dial.
    Down,
    /// A connection is being made.
    Dialing,
    /// Connected: both say who they are.
    Hello,
    /// Both are known: the stream is handed over and the routers find each other.
    Handover,
    /// Messages pass.
    Ready,
    /// The session is being ended.
    Closing,
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "down",
            Self::Dialing => "dialing",
            Self::Hello => "hello",
            Self::Handover => "handover",
            Self::Ready => "ready",
            Self::Closing => "closing",
        })
    }
}

/// Which process answers to a peer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Grows with every start of the node.
    pub incarnation: u64,
    /// Drawn at each start of the process.
    pub boot_id: u128,
}

/// Why a peer that said who it is was sent away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// A later start of the same node is known.
    #[error("incarnation {found} of it is over: {known} was seen here")]
    StaleIncarnation {
        /// The highest seen.
        known: u64,
        /// The one that came.
        found: u64,
    },
    /// A second process with the same name and incarnation.
    #[error(
        "another process already has its name and incarnation {incarnation}: is its data directory copied?"
    )]
    DuplicateNode {
        /// The incarnation.
        incarnation: u64,
    },
    /// It claimed another name inside the link; an operator must look.
    #[error("it is barred: {reason}")]
    Barred {
        /// What was seen.
        reason: String,
    },
    /// Its greeting took too long to tell anything about its clock.
    #[error("its greeting took {round_trip_ms} ms to go and come back")]
    SlowHello {
        /// How long, in ms.
        round_trip_ms: u64,
    },
}

/// How long each part may take, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTimes {
    /// Connecting, with the TLS handshake.
    pub dial_ms: u64,
    /// Saying who we are.
    pub hello_ms: u64,
    /// Handing over until both sides are synchronised, and again until the peer's router is found.
    pub handover_ms: u64,
    /// Waiting for an ended session to be gone.
    pub closing_ms: u64,
    /// First wait after a failure.
    pub backoff_ms: u64,
    /// Longest wait after failures.
    pub backoff_max_ms: u64,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self {
            dial_ms: 5_000,
            hello_ms: 3_500,
            handover_ms: 5_000,
            closing_ms: 3_000,
            backoff_ms: 250,
            backoff_max_ms: 5_000,
        }
    }
}

/// What happens to a link. `attempt` names a connection; what belongs to an earlier one is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// Time went by.
    Tick,
    /// The peer connected.
    Accepted,
    /// Our connection stands.
    Connected {
        /// Which.
        attempt: u64,
    },
    /// The peer said who it is.
    Greeted {
        /// Which.
        attempt: u64,
        /// Who it is.
        identity: Identity,
        /// How long the greeting took to go and come back, in ms.
        round_trip_ms: u64,
    },
    /// A connection failed before its session stood.
    Failed {
        /// Which.
        attempt: u64,
        /// Why.
        reason: String,
    },
    /// The library below knows the peer by this name.
    Authenticated {
        /// Which.
        attempt: u64,
        /// Whether it is the name that the connection proved.
        name_matches: bool,
    },
    /// Both sides have told each other their actors.
    Synchronised {
        /// Which.
        attempt: u64,
    },
    /// The peer's router is found.
    RouterFound {
        /// Which.
        attempt: u64,
    },
    /// The session cannot send although it stands.
    Broken {
        /// Which.
        attempt: u64,
    },
    /// Nothing of the session is left.
    Gone {
        /// Which.
        attempt: u64,
        /// Why.
        reason: String,
    },
    /// An operator has looked at a barred peer.
    Cleared,
    /// The peer is no member any more, or this node ends.
    Close,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkStep {
    /// Connect.
    Dial {
        /// Under this number.
        attempt: u64,
    },
    /// Say who we are and hear who they are.
    Greet {
        /// On this connection.
        attempt: u64,
    },
    /// Give the stream to the library below.
    HandOver {
        /// Which.
        attempt: u64,
    },
    /// Send the peer away with the reason and drop the connection.
    Refuse {
        /// Which.
        attempt: u64,
        /// Why.
        refusal: LinkRefusal,
    },
    /// Drop a connection that was not handed over, and whatever works on it.
    Drop {
        /// Which.
        attempt: u64,
    },
    /// Look for the peer's router.
    FindRouter {
        /// In this session.
        attempt: u64,
    },
    /// Messages pass from now on.
    Up {
        /// In this session.
        attempt: u64,
    },
    /// End a session that was handed over; it answers [`LinkEvent::Gone`].
    Stop {
        /// Which.
        attempt: u64,
        /// Why.
        reason: String,
    },
    /// Forget a session that was ended and never said that it is gone. Its stream is cut already.
    Abandon {
        /// Which.
        attempt: u64,
    },
}
