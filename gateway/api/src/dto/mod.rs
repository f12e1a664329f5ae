//! Wire types that are not already views of `actors`: request bodies, lists, sign-in.

pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod data;
pub(crate) mod list;
pub(crate) mod sessions;
pub(crate) mod strategies;
pub(crate) mod system;
