//! The trading domain, pure: bytes become bars, bars features, features observations, observations actions, actions
//! orders, orders fills, fills a portfolio, a portfolio metrics.
//!
//! No actors, no files, no clock, no logging, no threads. Time, randomness and data come in as arguments, so that
//! training, back-test, paper and live run the same functions and equal inputs give equal bytes.

pub mod config;
pub mod digest;
pub mod environment;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod ids;
pub mod labelling;
pub mod market;
pub mod matching;
pub mod metrics;
pub mod num;
pub mod orders;
pub mod policies;
pub mod portfolio;
pub mod risk;
pub mod rng;
pub mod session;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
