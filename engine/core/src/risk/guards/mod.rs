//! One guard per file.

mod max_notional;
mod max_position;

pub(super) use max_notional::MaxNotional;
pub(super) use max_position::MaxPosition;
