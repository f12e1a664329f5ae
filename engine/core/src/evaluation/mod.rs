//! Can the result be trusted? The back-test report as one value.

pub mod oracle;
pub mod report;
pub mod rule_hindsight;
pub mod thin;
