//! What the account wants and what it got: intents and fills.
//!
//! Market and limit orders so far. The order state machine arrives together with venues that answer late.

mod fill;
mod intent;

pub use fill::Fill;
pub use intent::{OrderIntent, Side};
