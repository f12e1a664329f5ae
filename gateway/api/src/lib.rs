//! Package `gateway`.
