//! The fixed policies of replays and their grammar: `constant:2`, `logits:ramp`, `order:1/600@ask0*1.0001`.
//!
//! Which of them an environment takes, and what numbers they become there, is decided in `replay`.

use std::str::FromStr;

use super::eteo_book::{LEVELS, Side};
use crate::error::EngineError;

/// Most numbers in one policy.
const NUMBERS_MAX: usize = 100_000;

/// The numbers of a vector.
#[derive(Debug, Clone, PartialEq)]
pub enum Spread {
    /// The same everywhere.
    Same(f64),
    /// From −1 to 1 in equal steps.
    Ramp,
    /// These.
    Each(Vec<f64>),
}

/// At what price an order is placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderPrice {
    /// This one.
    Fixed(f64),
    /// `factor` times the price of a level of the present row.
    Level {
        /// Side of the book.
        side: Side,
        /// 0 is the best.
        level: usize,
        /// What it is multiplied by.
        factor: f64,
    },
    /// `factor` times the midpoint of the present row.
    Midpoint {
        /// What it is multiplied by.
        factor: f64,
    },
}

/// A policy that looks at nothing but the number of the call (and, where it says so, at the present row).
#[derive(Debug, Clone, PartialEq)]
pub enum ReplayPolicy {
    /// `constant:A`: always A.
    Constant(f64),
    /// `cycle:A,B,…`: in turn.
    Cycle(Vec<f64>),
    /// `mod:N`: number of the call modulo N.
    Modulo(usize),
    /// `logits:0`, `logits:ramp`, `logits:A,B,…`: weights by softmax.
    Logits(Spread),
    /// `weights:A,B,…`: these weights, as they are.
    Weights(Vec<f64>),
    /// `order:VOLUME@PRICE`: this limit order in every step.
    Order {
        /// Above 0 buys, below 0 sells.
        volume: f64,
        /// At what price.
        price: OrderPrice,
    },
    /// `uniform`: equal weights.
    Uniform,
    /// `average_holding`: equal weights of the tickers at first, nothing is traded afterwards.
    AverageHolding,
    /// `nothing`: no position, no order, all in cash.
    Nothing,
    /// `blind_bid`: buys as much as an action can.
    BlindBid,
    /// `twap`: equal parts.
    Twap,
    /// `at_once`: everything in the first step.
    AtOnce,
    /// `oracle`: the best actions in hindsight.
    Oracle,
}

/// The grammar, for messages.
pub const POLICY_GRAMMAR: &str = "constant:A, cycle:A,B,…, mod:N, logits:A, logits:ramp, logits:A,B,…, weights:A,B,…, \
     order:VOLUME@PRICE, uniform, average_holding, nothing, blind_bid, twap, at_once or oracle";

impl FromStr for ReplayPolicy {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let refuse = |fault: &str| EngineError::Refused {
            what: "replay policy",
            detail: format!(
                "'{}' {fault}; use {POLICY_GRAMMAR}, with decimal numbers or fractions such as 1/600",
                text.chars().take(80).collect::<String>()
            ),
        };
        let Some((name, rest)) = text.split_once(':') else {
            return match text {
                "uniform" => Ok(Self::Uniform),
                "average_holding" => Ok(Self::AverageHolding),
                "nothing" => Ok(Self::Nothing),
                "blind_bid" => Ok(Self::BlindBid),
                "twap" => Ok(Self::Twap),
                "at_once" => Ok(Self::AtOnce),
                "oracle" => Ok(Self::Oracle),
                _ => Err(refuse("is not a policy")),
            };
        };
        let single = || number(rest).ok_or_else(|| refuse("needs a number behind the colon"));
        let several = || {
            let list: Option<Vec<f64>> = rest.split(',').take(NUMBERS_MAX).map(number).collect();
            list.ok_or_else(|| refuse("needs numbers separated by commas"))
        };
        match name {
            "constant" => Ok(Self::Constant(single()?)),
            "cycle" => Ok(Self::Cycle(several()?)),
            "mod" => match rest.parse::<usize>() {
                Ok(count) if count > 0 => Ok(Self::Modulo(count)),
                Ok(_) | Err(_) => Err(refuse("needs a whole number from 1")),
            },
            "logits" if rest == "ramp" => Ok(Self::Logits(Spread::Ramp)),
            "logits" => {
                let list = several()?;
                let spread =
                    if let [same] = list[..] { Spread::Same(same) } else { Spread::Each(list) };
                Ok(Self::Logits(spread))
            }
            "weights" => Ok(Self::Weights(several()?)),
            "order" => {
                let (volume, price) = rest.split_once('@').unwrap_or((rest, ""));
                match (number(volume), order_price(price)) {
                    (Some(volume), Some(price)) => Ok(Self::Order { volume, price }),
                    _ => Err(refuse("needs VOLUME@PRICE, for example 1/600@ask0*1.0001")),
                }
            }
            _ => Err(refuse("is not a policy")),
        }
    }
}

/// Reads a finite decimal number or a fraction.
fn number(text: &str) -> Option<f64> {
    let decimal = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    match text.split_once('/') {
        None => decimal(text),
        Some((above, below)) => {
            let below = decimal(below).filter(|value| value.abs() > 0.0)?;
            decimal(above).map(|above| above / below).filter(|value| value.is_finite())
        }
    }
}

/// Reads `61000`, `ask0`, `bid3*0.999` or `mid*1.001`.
fn order_price(text: &str) -> Option<OrderPrice> {
    let (base, factor) = match text.split_once('*') {
        Some((base, factor)) => (base.trim(), number(factor).filter(|factor| *factor > 0.0)?),
        None => (text.trim(), 1.0),
    };
    if base == "mid" {
        return Some(OrderPrice::Midpoint { factor });
    }
    for (prefix, side) in [("ask", Side::Asks), ("bid", Side::Bids)] {
        if let Some(level) = base.strip_prefix(prefix) {
            let level = level.parse().ok().filter(|level| *level < LEVELS)?;
            return Some(OrderPrice::Level { side, level, factor });
        }
    }
    number(base).map(|price| price * factor).filter(|price| *price > 0.0).map(OrderPrice::Fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_whole_grammar() {
        let ask = |factor| OrderPrice::Level { side: Side::Asks, level: 0, factor };
        let cases = [
            ("constant:2", ReplayPolicy::Constant(2.0)),
            ("constant:0.01", ReplayPolicy::Constant(0.01)),
            ("constant:1/4", ReplayPolicy::Constant(0.25)),
            ("cycle:2,1,0", ReplayPolicy::Cycle(vec![2.0, 1.0, 0.0])),
            ("mod:11", ReplayPolicy::Modulo(11)),
            ("logits:0", ReplayPolicy::Logits(Spread::Same(0.0))),
            ("logits:ramp", ReplayPolicy::Logits(Spread::Ramp)),
            ("logits:1,-2", ReplayPolicy::Logits(Spread::Each(vec![1.0, -2.0]))),
            ("weights:0.5,1/2", ReplayPolicy::Weights(vec![0.5, 0.5])),
            ("uniform", ReplayPolicy::Uniform),
            ("average_holding", ReplayPolicy::AverageHolding),
            ("nothing", ReplayPolicy::Nothing),
            ("blind_bid", ReplayPolicy::BlindBid),
            ("twap", ReplayPolicy::Twap),
            ("at_once", ReplayPolicy::AtOnce),
            ("oracle", ReplayPolicy::Oracle),
            ("order:1/4@1", ReplayPolicy::Order { volume: 0.25, price: OrderPrice::Fixed(1.0) }),
            ("order:-0.5@ask0", ReplayPolicy::Order { volume: -0.5, price: ask(1.0) }),
            ("order:1@ask0*1.0001", ReplayPolicy::Order { volume: 1.0, price: ask(1.0001) }),
            (
                "order:1@mid*0.5",
                ReplayPolicy::Order { volume: 1.0, price: OrderPrice::Midpoint { factor: 0.5 } },
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse::<ReplayPolicy>().unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "",
            "constant",
            "constant:",
            "constant:nan",
            "constant:1/0",
            "constant:1e999",
            "cycle:",
            "cycle:1,,2",
            "mod:0",
            "mod:-1",
            "mod:1.5",
            "logits:",
            "logits:up",
            "weights:",
            "order:",
            "order:1",
            "order:1@",
            "order:1@ask15",
            "order:1@ask-1",
            "order:1@low3",
            "order:1@-5",
            "order:1@ask0*0",
            "order:1@ask0*nan",
            "twap:3",
            "Uniform",
        ] {
            let refusal = text.parse::<ReplayPolicy>().unwrap_err().to_string();
            assert!(refusal.contains("use constant:A"), "{text}: {refusal}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics_on_garbage(text in ".{0,60}") {
            drop(text.parse::<ReplayPolicy>());
        }
    }
}
