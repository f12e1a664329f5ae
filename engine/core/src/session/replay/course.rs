//! One episode: who decides is asked step by step, and what happens is written down: rewards, account, fills. Beside
//! them [`Books`] are kept from the fills alone, so that the environment's account can be held against them.

use serde::Serialize;

use super::refused;
use crate::environment::{Action, Environment};
use crate::error::EngineError;
use crate::num::{Money, NumError, Price, Quantity};
use crate::orders::Fill;
use crate::portfolio::{IDENTITY_TOLERANCE, Ledger};

/// Rewards that are shown one by one.
const FIRST_REWARDS: usize = 3;

/// An action that owns its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Chosen {
    /// One of a list.
    Index(usize),
    /// A vector.
    Numbers(Vec<f64>),
}

/// What one episode brought. `rows`, `assets` and `position` have one entry more than there were steps.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// Rows of the data.
    pub(super) rows: Vec<usize>,
    /// Value of the account.
    pub(super) assets: Vec<f64>,
    /// Units held, 0 where there are several instruments.
    pub(super) position: Vec<f64>,
    /// Least cash of all steps.
    pub(super) cash_min: f64,
    /// Actions from a list, in order.
    pub(super) actions: Vec<usize>,
    pub(super) calls: usize,
    pub(super) reward_sum: f64,
    pub(super) first_rewards: Vec<f64>,
    /// Entry of `rows` in which it happened, instrument, fill.
    pub(super) fills: Vec<(usize, usize, Fill)>,
    pub(super) ledger: LedgerCheck,
}

/// The identity of the account: cash + positions = start + realised + unrealised + dividends − fees, both sides from
/// different sources: the left one is the environment's account, the right one is kept from the fills alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LedgerCheck {
    /// Value at the start, quote currency.
    pub start: f64,
    /// Cash at the end.
    pub cash: f64,
    /// What is held at the end.
    pub positions: f64,
    /// Profit of what was closed, before fees.
    pub realised: f64,
    /// Profit of what is held, before fees.
    pub unrealised: f64,
    /// Dividends paid in cash.
    pub dividends: f64,
    /// Fees paid.
    pub fees: f64,
    /// Largest difference of the two sides after any step, quote currency.
    pub residual: f64,
    /// The same as a share of the largest amount that entered the books.
    pub residual_relative: f64,
    /// Whether the books balance: the share is at most 1e-9.
    pub balances: bool,
}

/// Dividends that a row pays per unit, and whether they are paid before the fills of the step that reaches it.
pub(super) struct Payouts<'a> {
    pub(super) per_unit: &'a dyn Fn(usize) -> Option<Vec<f64>>,
    pub(super) before_fills: bool,
}

/// Books kept from fills alone.
struct Books {
    start: f64,
    ledgers: Vec<Ledger>,
    dividends: f64,
    scale: f64,
    residual: f64,
}

impl Books {
    /// Opens them with what the account holds at the start.
    fn open(environment: &dyn Environment) -> Result<Self, NumError> {
        let account = environment.snapshot();
        let mut ledgers = Vec::new();
        for holding in environment.holdings() {
            let mut ledger = Ledger::new(Money::ZERO);
            if holding.quantity != 0.0 {
                ledger.apply(&Fill {
                    quantity: Quantity::new(holding.quantity)?,
                    price: Price::new(holding.value / holding.quantity)?,
                    fee: Money::ZERO,
                    slippage: Money::ZERO,
                });
            }
            ledgers.push(ledger);
        }
        let start = account.equity;
        Ok(Self { start, ledgers, dividends: 0.0, scale: start.abs(), residual: 0.0 })
    }

    fn pay(&mut self, per_unit: Option<Vec<f64>>) {
        for (ledger, paid) in self.ledgers.iter().zip(per_unit.iter().flatten()) {
            self.dividends += ledger.position().quantity() * paid;
        }
    }

    fn book(&mut self, fills: &[(usize, Fill)]) {
        for (instrument, fill) in fills {
            if let Some(ledger) = self.ledgers.get_mut(*instrument) {
                ledger.apply(fill);
                self.scale = self.scale.max(fill.value());
            }
        }
    }

    /// Holds the account against the books.
    fn compare(&mut self, environment: &dyn Environment) -> Result<LedgerCheck, NumError> {
        let account = environment.snapshot();
        let (mut positions, mut unrealised) = (0.0, 0.0);
        for (ledger, holding) in self.ledgers.iter().zip(environment.holdings()) {
            positions += holding.value;
            // Units that differ are as wrong as money that differs.
            let units = holding.quantity - ledger.position().quantity();
            if holding.quantity != 0.0 {
                let price = Price::new(holding.value / holding.quantity)?;
                unrealised += ledger.position().unrealised(price);
                self.residual = self.residual.max((units * price.get()).abs());
            } else if units != 0.0 {
                let worth = units * ledger.position().average_price();
                self.residual = self.residual.max(worth.abs());
            }
        }
        let realised: f64 = self.ledgers.iter().map(Ledger::realised).sum();
        let fees: f64 = self.ledgers.iter().map(Ledger::fees).sum();
        let left = account.cash + positions;
        let right = self.start + realised + unrealised + self.dividends - fees;
        self.scale = self.scale.max(account.cash.abs()).max(positions.abs());
        let apart = (left - right).abs().max((account.equity - left).abs());
        self.residual = self.residual.max(apart);
        let residual_relative =
            if 0.0 < self.scale { self.residual / self.scale } else { self.residual };
        Ok(LedgerCheck {
            start: self.start,
            cash: account.cash,
            positions,
            realised,
            unrealised,
            dividends: self.dividends,
            fees,
            residual: self.residual,
            residual_relative,
            balances: residual_relative <= IDENTITY_TOLERANCE,
        })
    }
}

/// Plays the episode that has been begun to its end.
///
/// # Errors
/// Refuses actions that the environment does not have, and passes on what the policy refuses.
pub(super) fn play(
    environment: &mut dyn Environment,
    payouts: &Payouts<'_>,
    decide: &mut dyn FnMut(&dyn Environment, usize) -> Result<Chosen, EngineError>,
) -> Result<Course, EngineError> {
    let no_number = |error: NumError| EngineError::Invariant {
        what: "replay",
        detail: format!("the account left the finite numbers: {error}"),
    };
    let space = environment.action_space();
    let account = environment.snapshot();
    let mut books = Books::open(environment).map_err(no_number)?;
    let mut course = Course {
        rows: vec![account.bar_index],
        assets: vec![account.equity],
        position: vec![account.position],
        cash_min: account.cash,
        actions: Vec::new(),
        calls: 0,
        reward_sum: 0.0,
        first_rewards: Vec::new(),
        fills: Vec::new(),
        ledger: books.compare(environment).map_err(no_number)?,
    };
    loop {
        let chosen = decide(environment, course.calls)?;
        let action = match &chosen {
            Chosen::Index(index) => Action::Discrete(*index),
            Chosen::Numbers(numbers) => Action::Vector(numbers),
        };
        space.check(action).map_err(|error| {
            refused(format!("call {}: the policy does what cannot be done: {error}", course.calls))
        })?;
        let result = environment.step(action);
        if let Chosen::Index(index) = chosen {
            course.actions.push(index);
        }
        let (account, fills) = (environment.snapshot(), environment.last_fills());
        if payouts.before_fills {
            books.pay((payouts.per_unit)(account.bar_index));
        }
        books.book(&fills);
        if !payouts.before_fills {
            books.pay((payouts.per_unit)(account.bar_index));
        }
        course.ledger = books.compare(environment).map_err(no_number)?;
        course.calls += 1;
        course.reward_sum += result.reward;
        if course.first_rewards.len() < FIRST_REWARDS {
            course.first_rewards.push(result.reward);
        }
        course.rows.push(account.bar_index);
        course.assets.push(account.equity);
        course.position.push(account.position);
        course.cash_min = course.cash_min.min(account.cash);
        let at = course.rows.len() - 1;
        course.fills.extend(fills.into_iter().map(|(instrument, fill)| (at, instrument, fill)));
        if result.ended() {
            return Ok(course);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{AgentConfig, StrategyConfig, agents::RuleConfig};
    use crate::environment::{AccountSnapshot, ActionSpace, MarketData, StepResult, build};
    use crate::features::FeatureFrame;
    use crate::testkit::bars_from_closes;

    /// An environment that forgets a fee after its second step.
    struct Forgetful {
        inner: Box<dyn Environment>,
        steps: usize,
    }

    impl Environment for Forgetful {
        fn observation_names(&self) -> &[String] {
            self.inner.observation_names()
        }
        fn action_space(&self) -> ActionSpace {
            self.inner.action_space()
        }
        fn steps_per_episode(&self) -> usize {
            self.inner.steps_per_episode()
        }
        fn reset(&mut self) {
            self.inner.reset();
        }
        fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
            self.inner.reset_at(offset)
        }
        fn observe(&self, out: &mut [f32]) {
            self.inner.observe(out);
        }
        fn step(&mut self, action: Action<'_>) -> StepResult {
            self.steps += 1;
            self.inner.step(action)
        }
        fn equity(&self) -> f64 {
            self.snapshot().equity
        }
        fn snapshot(&self) -> AccountSnapshot {
            let account = self.inner.snapshot();
            let forgotten = if 1 < self.steps { 0.1 } else { 0.0 };
            AccountSnapshot {
                equity: account.equity + forgotten,
                cash: account.cash + forgotten,
                ..account
            }
        }
        fn save(&self) -> Vec<u8> {
            self.inner.save()
        }
        fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
            self.inner.load(bytes)
        }
    }

    #[test]
    fn an_account_that_disagrees_with_its_fills_is_found_out() {
        let bars = bars_from_closes(&[100.0; 9]);
        let frame = FeatureFrame {
            names: Vec::new(),
            width: 0,
            rows: bars.len(),
            warmup_rows: 0,
            values: Vec::new(),
        };
        let market = Arc::new(MarketData::new(&bars, &frame, 0..bars.len()).unwrap());
        let strategy = StrategyConfig {
            agent: AgentConfig::DoNothing(RuleConfig {}),
            ..StrategyConfig::default()
        };
        let payouts = Payouts { per_unit: &|_| None, before_fills: true };
        let run = |environment: &mut dyn Environment| {
            play(environment, &payouts, &mut |_, _| Ok(Chosen::Index(2))).unwrap().ledger
        };
        let mut honest = build(&strategy, Arc::clone(&market)).unwrap();
        let ledger = run(honest.as_mut());
        assert!(ledger.balances && ledger.residual < 1e-6, "{ledger:?}");
        let inner = build(&strategy, market).unwrap();
        let ledger = run(&mut Forgetful { inner, steps: 0 });
        assert!(!ledger.balances, "{ledger:?}");
        assert!((ledger.residual - 0.1).abs() < 1e-6, "{ledger:?}");
    }
}
