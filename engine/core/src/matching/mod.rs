//! Hop 7 in simulation: approved orders meet bars or an order book and become fills, never better than the market.

pub mod bars;
pub mod book;
pub mod fees;
pub mod queue;
pub mod slippage;

pub use bars::{BarExchange, market_fill};
