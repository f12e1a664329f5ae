//! Package `ui`.
