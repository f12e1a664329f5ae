//! Chance: portfolios drawn anew at every bar as an agent, and equal turnover as a baseline, which trades as much at every
//! bar as another policy did, towards portfolios drawn at random. Whoever beats the baseline has chosen well; whoever does
//! not was carried by how much he traded.

use super::{PortfolioView, WeightPolicy, check, turnover};
use crate::error::EngineError;
use crate::rng::{Stream, StreamId};

/// Portfolios drawn until one lies far enough away; after that the farthest corner is taken.
const DRAWS_MAX: u32 = 32;

/// Equal turnover. One draw number of a seed always decides the same.
#[derive(Debug, Clone)]
pub struct EqualTurnover {
    turnover: Vec<f64>,
    with_cash: bool,
    seed: u64,
    draw: u32,
}

impl EqualTurnover {
    /// Takes the turnover of each decision of another policy (`turnover[i]` of the one made after `i` bars were seen), half the sum of |target − holdings| with cash (see
    /// [`turnover`](fn@turnover)). `with_cash` says whether portfolios drawn may hold cash.
    #[must_use]
    pub fn new(turnover: Vec<f64>, with_cash: bool, seed: u64, draw: u32) -> Self {
        Self { turnover, with_cash, seed, draw }
    }

    /// The corner farthest from the holdings: all in what is held least.
    fn corner(&self, holdings: &[f64]) -> Vec<f64> {
        let first = usize::from(!self.with_cash);
        let least = (first..holdings.len()).min_by(|a, b| holdings[*a].total_cmp(&holdings[*b]));
        (0..holdings.len()).map(|place| f64::from(u8::from(Some(place) == least))).collect()
    }
}

impl WeightPolicy for EqualTurnover {
    fn name(&self) -> &'static str {
        "random"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        let bar = view.seen.periods();
        let wanted = self.turnover.get(bar).copied().unwrap_or(0.0);
        if wanted <= 0.0 || wanted.is_nan() {
            return Ok(view.holdings.to_vec());
        }
        let mut stream = stream_of(self.seed, self.draw.saturating_add(1), bar);
        let mut target = self.corner(view.holdings);
        for _ in 0..DRAWS_MAX {
            let drawn = portfolio(&mut stream, view.seen.width(), self.with_cash);
            if wanted <= turnover(&drawn, view.holdings) {
                target = drawn;
                break;
            }
        }
        let far = turnover(&target, view.holdings);
        let share = if far > 0.0 { (wanted / far).min(1.0) } else { 0.0 };
        let pairs = view.holdings.iter().zip(&target);
        Ok(pairs.map(|(held, to)| held + share * (to - held)).collect())
    }
}

/// A portfolio drawn anew at every bar, all equally likely, cash among them.
#[derive(Debug, Clone, Copy)]
pub struct RandomPortfolio {
    seed: u64,
}

impl RandomPortfolio {
    /// Draws from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl WeightPolicy for RandomPortfolio {
    fn name(&self) -> &'static str {
        "random"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        // Member 0 of the stream: the draws of equal turnover begin at 1.
        let mut stream = stream_of(self.seed, 0, view.seen.periods());
        Ok(portfolio(&mut stream, view.seen.width(), true))
    }
}

/// Every bar has its own stretch of the stream: decisions do not depend on what was decided before.
fn stream_of(seed: u64, member: u32, bar: usize) -> Stream {
    let block = u64::try_from(bar).unwrap_or(u64::MAX).wrapping_shl(32);
    Stream::at(seed, StreamId::Portfolios, member, block)
}

/// Draws a portfolio, uniform on the simplex.
fn portfolio(stream: &mut Stream, assets: usize, with_cash: bool) -> Vec<f64> {
    let mut parts: Vec<f64> = (0..=assets).map(|_| -(1.0 - stream.uniform()).ln()).collect();
    if !with_cash {
        parts[0] = 0.0;
    }
    let sum = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    parts.iter().map(|part| part / sum).collect()
}
