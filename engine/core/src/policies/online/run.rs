//! A method over a whole table of relatives: wealth, weights, trading and figures, after proportional costs.
//!
//! r_t = (b_t·x_t)·(1 − c/2·Σ|b_t − b̂_t|), b̂_{t+1} = b_t∘x_t/r_t from b̂_1 = 0, wealth = Π r_t. Because the drifted
//! holdings are divided by the growth after costs, a portfolio that does not trade is charged c²/4 or less in the
//! period after one in which it did.

use serde::Serialize;

use super::{OnlineSelection, Period, Selection, bcrp, best_stock, refuse};
use crate::config::policy::{HindsightMethod, OnlineConfig};
use crate::error::EngineError;
use crate::metrics::calmar::{annual_return, calmar};
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::returns;
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::volatility::volatility;
use crate::policies::algebra::dot;
use crate::policies::relatives::Relatives;

/// What is run: something that could be live, or a comparison that knows the future.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Decides from the past.
    Online(OnlineConfig),
    /// Knows the future.
    Hindsight(HindsightMethod),
}

impl Method {
    /// Returns every method with its defaults, benchmarks first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let hindsight = HindsightMethod::ALL.into_iter().map(Self::Hindsight);
        hindsight.chain(OnlineConfig::all().into_iter().map(Self::Online)).collect()
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Online(config) => config.name(),
            Self::Hindsight(method) => method.name(),
        }
    }

    /// Returns one line for people.
    #[must_use]
    pub fn about(&self) -> &'static str {
        match self {
            Self::Online(config) => config.about(),
            Self::Hindsight(method) => method.about(),
        }
    }

    /// Whether it knows the future.
    #[must_use]
    pub fn is_hindsight(&self) -> bool {
        match self {
            Self::Online(_) => false,
            Self::Hindsight(_) => true,
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Name of the method.
    pub method: String,
    /// Whether it knew the future.
    pub hindsight: bool,
    /// Cost of trading, share of the value traded.
    pub cost: f64,
    /// Wealth after each period, `[T]`, in units of that at the beginning.
    pub wealth: Vec<f64>,
    /// Weights of each period, `[T][N]`.
    pub weights: Vec<Vec<f64>>,
    /// Weights that would be held next, `[N]`.
    pub next_weights: Vec<f64>,
    /// Half the sum of |b_t − b̂_t| of each period, `[T]`: what the cost is charged on. Buying in counts ½.
    pub turnover: Vec<f64>,
    /// Sum of the logarithms of growth.
    pub log_wealth: f64,
    /// Whether its decisions depend on costs.
    pub reads_net_growth: bool,
}

/// Figures of a run at a number of periods per year. Undefined is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Compound annual return.
    pub annual_return: Option<f64>,
    /// Annualised volatility.
    pub volatility: Option<f64>,
    /// Annualised Sharpe ratio, risk-free rate 0.
    pub sharpe: Option<f64>,
    /// Annualised Sortino ratio, target 0.
    pub sortino: Option<f64>,
    /// Deepest fall from the running peak, 0 to 1.
    pub max_drawdown: Option<f64>,
    /// Annual return / deepest fall.
    pub calmar: Option<f64>,
    /// Mean turnover per year.
    pub annual_turnover: Option<f64>,
}

impl Outcome {
    /// Returns wealth at the end.
    #[must_use]
    pub fn final_wealth(&self) -> f64 {
        self.wealth.last().copied().unwrap_or(1.0)
    }

    /// Returns the figures of the run.
    #[must_use]
    pub fn figures(&self, periods_per_year: f64) -> Figures {
        let equity: Vec<f64> = std::iter::once(1.0).chain(self.wealth.iter().copied()).collect();
        let per_period = returns(&equity);
        let of = |metric: fn(&[f64], f64) -> Option<f64>| {
            per_period.as_deref().and_then(|values| metric(values, periods_per_year))
        };
        let traded: f64 = self.turnover.iter().sum();
        let annual_turnover = traded / self.turnover.len().max(1) as f64 * periods_per_year;
        Figures {
            annual_return: annual_return(&equity, periods_per_year),
            volatility: of(volatility),
            sharpe: of(sharpe),
            sortino: of(sortino),
            max_drawdown: max_drawdown(&equity),
            calmar: calmar(&equity, periods_per_year),
            annual_turnover: annual_turnover.is_finite().then_some(annual_turnover),
        }
    }
}

/// The account between two periods.
struct Book {
    cost: f64,
    /// b̂.
    drifted: Vec<f64>,
    wealth: f64,
    log_wealth: f64,
}

/// One period's account.
struct Entry {
    growth_net: f64,
    turnover: f64,
}

impl Book {
    fn new(cost: f64, width: usize) -> Result<Self, EngineError> {
        if (0.0..1.0).contains(&cost) {
            return Ok(Self { cost, drifted: vec![0.0; width], wealth: 1.0, log_wealth: 0.0 });
        }
        Err(refuse(format!(
            "wanted a cost of at least 0 and below 1 (0.001 is 0.1 %), found {cost}; write it as a share"
        )))
    }

    fn settle(&mut self, weights: &[f64], relatives: &[f64]) -> Result<Entry, EngineError> {
        let turnover = crate::policies::algebra::distance(weights, &self.drifted) / 2.0;
        let growth_net = dot(weights, relatives) * (1.0 - self.cost * turnover);
        if !(growth_net.is_finite() && growth_net > 0.0) {
            return Err(refuse(format!(
                "wanted a growth above 0 after costs, found {growth_net} at a cost of {}; lower the cost",
                self.cost
            )));
        }
        for ((held, weight), relative) in self.drifted.iter_mut().zip(weights).zip(relatives) {
            *held = weight * relative / growth_net;
        }
        self.wealth *= growth_net;
        self.log_wealth += growth_net.ln();
        Ok(Entry { growth_net, turnover })
    }
}

/// Runs a method over every period at a cost `0 ≤ cost < 1` per value traded.
///
/// # Errors
/// Refuses costs out of range, methods that do not fit the assets, and ruin.
pub fn run(method: &Method, relatives: &Relatives, cost: f64) -> Result<Outcome, EngineError> {
    let config = match method {
        Method::Online(config) => config,
        Method::Hindsight(hindsight) => {
            let weights = match hindsight {
                HindsightMethod::BestStock => best_stock::weights(relatives),
                HindsightMethod::Bcrp => bcrp::weights(relatives)?,
            };
            let all = vec![weights.clone(); relatives.periods()];
            let mut outcome = replay(&all, relatives, cost)?;
            outcome.method = method.name().to_owned();
            outcome.hindsight = true;
            outcome.next_weights = weights;
            return Ok(outcome);
        }
    };
    let mut selection = Selection::new(config, relatives.width())?;
    let mut outcome = empty(config.name(), cost);
    outcome.reads_net_growth = selection.reads_net_growth();
    let mut book = Book::new(cost, relatives.width())?;
    for row in relatives.rows() {
        let weights = selection.weights().to_vec();
        let entry = book.settle(&weights, row)?;
        outcome.wealth.push(book.wealth);
        outcome.turnover.push(entry.turnover);
        outcome.weights.push(weights);
        selection.observe(&Period { relatives: row, growth_net: entry.growth_net })?;
    }
    outcome.next_weights = selection.weights().to_vec();
    outcome.log_wealth = book.log_wealth;
    Ok(outcome)
}

/// Runs given weights, one vector per period, at another cost: what the same decisions would have come to.
///
/// # Errors
/// Refuses weights of other sizes, costs out of range, and ruin.
pub fn replay(
    weights: &[Vec<f64>],
    relatives: &Relatives,
    cost: f64,
) -> Result<Outcome, EngineError> {
    let fits = weights.len() == relatives.periods()
        && weights.iter().all(|row| row.len() == relatives.width());
    if !fits {
        return Err(refuse(format!(
            "wanted weights of {} periods of {} assets, found {} periods; replay them over their own table",
            relatives.periods(),
            relatives.width(),
            weights.len()
        )));
    }
    let mut outcome = empty("replay", cost);
    let mut book = Book::new(cost, relatives.width())?;
    for (row, weights) in relatives.rows().zip(weights) {
        let entry = book.settle(weights, row)?;
        outcome.wealth.push(book.wealth);
        outcome.turnover.push(entry.turnover);
    }
    outcome.next_weights = weights.last().cloned().unwrap_or_default();
    outcome.weights = weights.to_vec();
    outcome.log_wealth = book.log_wealth;
    Ok(outcome)
}

fn empty(method: &str, cost: f64) -> Outcome {
    Outcome {
        method: method.to_owned(),
        hindsight: false,
        cost,
        wealth: Vec::new(),
        weights: Vec::new(),
        next_weights: Vec::new(),
        turnover: Vec::new(),
        log_wealth: 0.0,
        reads_net_growth: false,
    }
}
