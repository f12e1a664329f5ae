//! Package `cluster`.
