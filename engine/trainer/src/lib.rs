//! Package `trainer`.
