//! Hop 8: fills become cash and positions, and the books always balance.

mod ledger;
mod position;

pub use ledger::{IDENTITY_TOLERANCE, Ledger, LedgerState};
pub use position::Position;
