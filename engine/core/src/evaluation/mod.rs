//! Can the result be trusted? The back-test report as one value, and performance by market regime.

pub mod dynamics;
pub mod oracle;
pub mod report;
pub mod rule_hindsight;
pub mod thin;
