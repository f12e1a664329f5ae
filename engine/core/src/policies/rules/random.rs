//! Chance at equal turnover: trades as much at every bar as another policy did, towards portfolios drawn at random.
//! Whoever beats it has chosen well; whoever does not was carried by how much he traded.

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

    /// Draws a portfolio, uniform on the simplex.
    fn portfolio(&self, stream: &mut Stream, assets: usize) -> Vec<f64> {
        let mut parts: Vec<f64> = (0..=assets).map(|_| -(1.0 - stream.uniform()).ln()).collect();
        if !self.with_cash {
            parts[0] = 0.0;
        }
        let sum = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        parts.iter().map(|part| part / sum).collect()
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
        // Every bar has its own stretch of the stream: decisions do not depend on what was decided before.
        let block = u64::try_from(bar).unwrap_or(u64::MAX).wrapping_shl(32);
        let mut stream =
            Stream::at(self.seed, StreamId::Portfolios, self.draw.saturating_add(1), block);
        let mut target = self.corner(view.holdings);
        for _ in 0..DRAWS_MAX {
            let drawn = self.portfolio(&mut stream, view.seen.width());
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
