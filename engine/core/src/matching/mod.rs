//! Hop 7 in simulation: approved orders meet bars and become fills, never better than the market.

pub mod bars;
pub mod fees;
pub mod slippage;

pub use bars::{BarExchange, market_fill};
