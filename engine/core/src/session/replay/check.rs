//! Tries an environment out on a file: the checks of [`check_environment`] and the causality test: nothing that is
//! observed, paid or valued up to a row may change when everything behind that row does.

use serde::Serialize;

use super::data::{Prepared, prepare};
use super::setup::setup;
use super::{CorrectedOptions, ReplayEnvironment, refused};
use crate::config::{EnvironmentConfig, Normalisation, Truth};
use crate::environment::{Action, ActionSpace, Environment, build, check_environment};
use crate::error::EngineError;
use crate::evaluation::causality::{CausalityPlan, causality};
use crate::market::MarketSeries;
use crate::market::part::times_of;
use crate::rng::{Stream, StreamId};

/// What is tried, and how hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckPlan {
    /// Whose environment. Of the reference's only algorithmic trading can be saved and reset as the checks need it.
    pub truth: Truth,
    /// Random rows behind which the future is exchanged.
    pub cuts: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// The environment.
    pub environment: ReplayEnvironment,
    /// Numbers of an observation.
    pub observation_len: usize,
    /// Which actions there are.
    pub actions: String,
    /// Steps of a whole episode.
    pub steps: usize,
    /// Rows behind which the future was exchanged.
    pub causality_cuts: u32,
    /// Everything that is wrong; nothing is best.
    pub findings: Vec<CheckFinding>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// Which check failed.
    pub check: String,
    /// What was wanted, what was found, and how to mend it.
    pub message: String,
}

/// Builds an environment on a file and tries it out.
///
/// # Errors
/// Refuses what [`replay`](super::replay) refuses, and the reference's environments but algorithmic trading.
///
/// # Panics
/// When the environment does: that is a finding of its own.
pub fn check(
    environment: ReplayEnvironment,
    data: &MarketSeries,
    options: &CorrectedOptions,
    plan: CheckPlan,
) -> Result<CheckReport, EngineError> {
    if plan.truth == Truth::Faithful && environment != ReplayEnvironment::AlgorithmicTrading {
        return Err(refused(format!(
            "of the reference's environments only algorithmic_trading can be saved and reset as the checks need it; {environment} \
             is checked in corrected mode only"
        )));
    }
    let (mut built, _) = begin(environment, data, options, plan.truth, Scaling::AsSet)?;
    let mut findings: Vec<CheckFinding> =
        check_environment(built.as_mut(), u64::from(options.seed))
            .into_iter()
            .map(|found| CheckFinding { check: found.check.to_owned(), message: found.message })
            .collect();
    findings.extend(foresight(environment, data, options, plan)?);
    Ok(CheckReport {
        environment,
        observation_len: built.observation_len(),
        actions: words(&built.action_space()),
        steps: built.steps_per_episode(),
        causality_cuts: plan.cuts,
        findings,
    })
}

/// Whether features are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scaling {
    /// As configured, fitted on the first part of the rows.
    AsSet,
    /// Not at all: what is fitted on the first part of the rows is the training's business, not the past's.
    None,
}

/// Builds the environment and returns it with what it runs on.
fn begin<'a>(
    environment: ReplayEnvironment,
    data: &'a MarketSeries,
    options: &CorrectedOptions,
    truth: Truth,
    scaling: Scaling,
) -> Result<(Box<dyn Environment>, Prepared<'a>), EngineError> {
    let mut setup = setup(environment, options, false)?;
    if scaling == Scaling::None {
        setup.strategy.features.normalisation = Normalisation::None;
    }
    let mut prepared = prepare(environment, setup, data, options)?;
    if let EnvironmentConfig::AlgorithmicTrading(config) = &mut prepared.strategy.environment {
        config.truth = truth;
    }
    let built = build(&prepared.strategy, prepared.data.clone())?;
    Ok((built, prepared))
}

fn words(space: &ActionSpace) -> String {
    match space {
        ActionSpace::Discrete(count) => format!("one of 0 to {}", count.saturating_sub(1)),
        ActionSpace::Simplex { assets } => {
            format!("{} weights, cash first, adding up to at most 1", assets + 1)
        }
        ActionSpace::Box { low, high } => {
            let bounds: Vec<String> =
                low.iter().zip(high).map(|(low, high)| format!("{low} to {high}")).collect();
            format!("numbers within {}", bounds.join(", "))
        }
    }
}

/// Exchanges the future behind random rows and returns what knew it.
fn foresight(
    environment: ReplayEnvironment,
    data: &MarketSeries,
    options: &CorrectedOptions,
    plan: CheckPlan,
) -> Result<Option<CheckFinding>, EngineError> {
    let decide = |data: &MarketSeries| {
        let (mut built, prepared) = begin(environment, data, options, plan.truth, Scaling::None)?;
        let begins = prepared.times().first().copied().unwrap_or(i64::MIN);
        let first = times_of(data).partition_point(|time| *time < begins);
        Ok(rows(built.as_mut(), (first, times_of(data).len()), u64::from(options.seed)))
    };
    let seed = u64::from(options.seed);
    let cuts = CausalityPlan { cuts: plan.cuts, focus: 0..0, shortened: Vec::new(), seed };
    let found = causality(data, &decide, &cuts)?;
    let Some(one) = found.violations.first() else { return Ok(None) };
    let (built, _) = begin(environment, data, options, plan.truth, Scaling::None)?;
    let names = built.observation_names();
    let column = one.column as usize;
    let name = match column.checked_sub(names.len()) {
        None => names.get(column).map_or("a number", String::as_str),
        Some(0) => "the account's value",
        Some(_) => "the reward",
    };
    Ok(Some(CheckFinding {
        check: "causality".to_owned(),
        message: format!(
            "wanted everything up to a row to stay the same when another future follows it, found that {name} of row {} \
             changes with what comes after row {} ({} of {} cuts): compute it from rows that are over",
            one.bar,
            one.cut,
            found.violations.len(),
            found.cuts
        ),
    }))
}

/// Returns per row what is observed, what the account is worth, and what was paid for reaching it, under actions that
/// depend on the number of the step alone.
fn rows(
    environment: &mut dyn Environment,
    (first, count): (usize, usize),
    seed: u64,
) -> Vec<Vec<Option<f64>>> {
    let mut rows = vec![Vec::new(); count];
    let mut stream = Stream::new(seed, StreamId::Exploration, 2);
    let mut seen = vec![0.0_f32; environment.observation_len()];
    let (space, steps) = (environment.action_space(), environment.steps_per_episode().max(1));
    environment.reset();
    let mut reward = None;
    loop {
        environment.observe(&mut seen);
        let account = environment.snapshot();
        let mut row: Vec<Option<f64>> = seen.iter().map(|value| Some(f64::from(*value))).collect();
        row.extend([Some(account.equity), reward]);
        let at = first + account.bar_index;
        if let Some(slot) = rows.get_mut(at) {
            *slot = row;
        }
        let (index, numbers) = draw(&space, steps, &mut stream);
        let action = match index {
            Some(index) => Action::Discrete(index),
            None => Action::Vector(&numbers),
        };
        let result = environment.step(action);
        if result.ended() {
            return rows;
        }
        reward = Some(result.reward);
    }
}

/// Draws an action of a list or of a box.
fn draw(space: &ActionSpace, steps: usize, stream: &mut Stream) -> (Option<usize>, Vec<f64>) {
    match space {
        ActionSpace::Discrete(count) => {
            let count = u32::try_from(*count).unwrap_or(u32::MAX);
            (Some(stream.below(count) as usize), Vec::new())
        }
        ActionSpace::Simplex { assets } => (None, vec![1.0 / (assets + 1) as f64; assets + 1]),
        // The first number of an execution is a share of its amount: small enough that the amount lasts to the end.
        ActionSpace::Box { low, high } => {
            let of = |place: usize| if place == 0 { 1.0 / steps as f64 } else { 1.0 };
            let within = |(place, (low, high)): (usize, (&f64, &f64))| {
                low + of(place) * (high - low) * stream.uniform()
            };
            (None, low.iter().zip(high).enumerate().map(within).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FeaturesConfig;
    use crate::environment::faithful::ReplayTask;
    use crate::market::panel::Join;
    use crate::market::{BarPanel, BarSeries, BookSeries, synthetic};

    const PLAN: CheckPlan = CheckPlan { truth: Truth::Corrected, cuts: 6 };

    fn seeing() -> CorrectedOptions {
        let features = Some(FeaturesConfig::default());
        CorrectedOptions { features, ..CorrectedOptions::default() }
    }

    /// A bar series, a panel of two and an order book of two levels.
    fn markets() -> [MarketSeries; 3] {
        let bars = synthetic::generate(3, 90);
        let other = BarSeries { instrument: "OTHER".to_owned(), ..synthetic::generate(4, 90) };
        let panel = BarPanel::join(&[bars.clone(), other], Join::Inner).unwrap();
        let side = |shares: [f64; 2]| {
            bars.close.iter().flat_map(|close| shares.map(|share| close * share)).collect()
        };
        let book = BookSeries {
            instrument: "BOOK".to_owned(),
            levels: 2,
            time_ms: bars.time_ms.clone(),
            bid_price: side([0.9995, 0.999]),
            bid_size: side([0.001, 0.002]),
            ask_price: side([1.0005, 1.001]),
            ask_size: side([0.002, 0.001]),
            bought: None,
            sold: None,
        };
        [MarketSeries::Bars(bars), MarketSeries::Panel(panel), MarketSeries::Book(book)]
    }

    fn of(
        environment: ReplayEnvironment,
        [bars, panel, book]: &[MarketSeries; 3],
    ) -> &MarketSeries {
        match environment.task() {
            ReplayTask::Trading => bars,
            ReplayTask::Portfolio => panel,
            ReplayTask::HighFrequency => book,
            ReplayTask::Execution if environment == ReplayEnvironment::ExecutionPd => bars,
            ReplayTask::Execution => book,
        }
    }

    #[test]
    fn nothing_is_wrong_with_any_corrected_environment() {
        let markets = markets();
        for environment in ReplayEnvironment::ALL {
            for options in [seeing(), CorrectedOptions::default()] {
                let report = check(environment, of(environment, &markets), &options, PLAN).unwrap();
                assert_eq!(report.findings, [], "{environment}");
                assert_eq!(report.causality_cuts, 6);
                assert!(0 < report.steps && 0 < report.observation_len);
            }
        }
    }

    #[test]
    fn the_causality_test_looks_at_every_row_that_is_played() {
        let markets = markets();
        for environment in ReplayEnvironment::ALL {
            let data = of(environment, &markets);
            let (mut built, prepared) =
                begin(environment, data, &seeing(), Truth::Corrected, Scaling::None).unwrap();
            let played = prepared.times().len();
            let rows = rows(built.as_mut(), (90 - played, 90), 1);
            assert_eq!(rows.len(), 90);
            let seen: Vec<_> = rows.iter().filter(|row| !row.is_empty()).collect();
            assert!(40 < seen.len() && seen.len() <= played, "{environment}: {}", seen.len());
            assert!(seen.iter().all(|row| row.len() == built.observation_len() + 2));
            assert!(seen.iter().skip(1).all(|row| row.last().unwrap().is_some()), "{environment}");
        }
    }

    #[test]
    fn the_references_foresight_is_found() {
        let data = MarketSeries::Bars(synthetic::generate(3, 90));
        let plan = CheckPlan { truth: Truth::Faithful, ..PLAN };
        let environment = ReplayEnvironment::AlgorithmicTrading;
        let report = check(environment, &data, &seeing(), plan).unwrap();
        let found = report.findings.iter().find(|found| found.check == "causality").unwrap();
        assert!(found.message.contains("the reward"), "{}", found.message);
    }

    #[test]
    fn refuses_the_references_other_environments() {
        let data = MarketSeries::Bars(synthetic::generate(3, 90));
        let plan = CheckPlan { truth: Truth::Faithful, ..PLAN };
        let found = check(ReplayEnvironment::ExecutionPd, &data, &seeing(), plan).unwrap_err();
        assert!(found.to_string().contains("corrected mode only"), "{found}");
    }
}
