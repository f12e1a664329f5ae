//! Can the result be trusted? The back-test report as one value.

pub mod report;
pub mod thin;
