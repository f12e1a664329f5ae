//! Package `cluster`: who is there, who may act, what was agreed. It knows no trading.
//!
//! What is a hint and what is authority: the control state, as applied from the durable log, decides; everything a
//! node reports about itself is a hint.
//!
//! Modules in reading order: [`control`] (commands, the pure state machine, the door), [`net`] (how bytes reach a peer),
//! [`transport`] (the public port), [`ctl`] (questions and answers between nodes), [`lease`] (who may act until when),
//! [`membership`] (who belongs here, who votes), [`version`] (who understands what), [`link`] (one session per peer),
//! [`router`] (messages between nodes), [`peer`] (all of these, joined
//! and started), [`supervision`] (restart, back-off, escalate), [`error`].

pub mod control;
pub mod ctl;
pub mod error;
pub mod lease;
pub mod link;
pub mod membership;
pub mod net;
pub mod peer;
pub mod router;
pub mod supervision;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod transport;
pub mod version;
