//! Clients of a node, and where a login is kept.

pub(crate) mod credentials;
pub(crate) mod rest;
