//! Package `actors`.
pub mod views;
