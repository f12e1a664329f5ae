//! Package `store`.
