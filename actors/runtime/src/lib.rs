//! Who runs what, where, and what happens when it dies.
//!
//! ```text
//! Platform (handles) ──► directory ──► actor ──► pure core ──► store, control state, topics
//!                                        ▲
//!                    root supervisor ────┘  restarts within a budget, else the process ends
//! ```
//!
//! Read in this order: [`views`] (what the world is shown), [`messages`] (what can be asked), [`boot`] (how a node
//! starts and ends), `tree` (who supervises whom), then one folder per actor: a thin shell around pure functions.

pub mod clock;
pub mod directory;
pub mod error;
pub mod messages;
pub mod views;

mod topics;

pub use clock::{Clock, SystemClock};
pub use directory::Directory;
pub use error::ActorsError;
pub use messages::{Command, CommandId};
