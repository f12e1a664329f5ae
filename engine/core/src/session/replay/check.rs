//! Tries an environment out on a file: the checks of [`check_environment`], and on bars the causality test: nothing that
//! is observed, paid or valued up to a bar may change when everything behind that bar does.

use serde::Serialize;

use super::data::{Prepared, prepare};
use super::setup::setup;
use super::{CorrectedOptions, ReplayEnvironment, refused};
use crate::config::{EnvironmentConfig, FeaturesConfig, Normalisation, Truth};
use crate::environment::{Action, ActionSpace, Environment, TaskData, build, check_environment};
use crate::error::EngineError;
use crate::evaluation::causality::{CausalityPlan, causality};
use crate::market::{BarSeries, MarketSeries};
use crate::rng::{Stream, StreamId};

/// What is tried, and how hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckPlan {
    /// Whose environment. Of the reference's only algorithmic trading can be saved and reset as the checks need it.
    pub truth: Truth,
    /// Random bars behind which the future is exchanged.
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
    /// Whether bars were exchanged behind random cuts; absent where there are no bars of one instrument.
    pub causality_cuts: Option<u32>,
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
    let (mut built, _) = begin(environment, data, options, plan.truth)?;
    let mut findings: Vec<CheckFinding> =
        check_environment(built.as_mut(), u64::from(options.seed))
            .into_iter()
            .map(|found| CheckFinding { check: found.check.to_owned(), message: found.message })
            .collect();
    let causal = if let MarketSeries::Bars(bars) = data
        && matches!(
            environment,
            ReplayEnvironment::AlgorithmicTrading | ReplayEnvironment::ExecutionPd
        ) {
        findings.extend(foresight(environment, bars, options, plan)?);
        Some(plan.cuts)
    } else {
        None
    };
    Ok(CheckReport {
        environment,
        observation_len: built.observation_len(),
        actions: words(&built.action_space()),
        steps: built.steps_per_episode(),
        causality_cuts: causal,
        findings,
    })
}

/// Builds the environment and returns it with what it runs on.
fn begin<'a>(
    environment: ReplayEnvironment,
    data: &'a MarketSeries,
    options: &CorrectedOptions,
    truth: Truth,
) -> Result<(Box<dyn Environment>, Prepared<'a>), EngineError> {
    let setup = setup(environment, options, false)?;
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

/// Exchanges the future behind random bars and returns what knew it.
fn foresight(
    environment: ReplayEnvironment,
    bars: &BarSeries,
    options: &CorrectedOptions,
    plan: CheckPlan,
) -> Result<Option<CheckFinding>, EngineError> {
    // Features as computed: what is fitted on the first part of the rows is the training's business, not the past's.
    let features = options
        .features
        .clone()
        .map(|features| FeaturesConfig { normalisation: Normalisation::None, ..features });
    let options = CorrectedOptions { features, ..options.clone() };
    let decide = |series: &BarSeries| {
        let data = MarketSeries::Bars(series.clone());
        let (mut built, prepared) = begin(environment, &data, &options, plan.truth)?;
        let TaskData::Bars(market) = &prepared.data else {
            return Err(refused("bars are wanted".to_owned()));
        };
        let begins = market.time_ms().first().copied().unwrap_or(i64::MIN);
        let first = series.time_ms.partition_point(|time| *time < begins);
        Ok(rows(built.as_mut(), (first, series.len()), u64::from(options.seed)))
    };
    let seed = u64::from(options.seed);
    let plan = CausalityPlan { cuts: plan.cuts, focus: 0..0, shortened: Vec::new(), seed };
    let found = causality(bars, &decide, &plan)?;
    let Some(one) = found.violations.first() else { return Ok(None) };
    let (built, _) =
        begin(environment, &MarketSeries::Bars(bars.clone()), &options, Truth::Corrected)?;
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
            "wanted everything up to a bar to stay the same when another future follows it, found that {name} of bar {} \
             changes with what comes after bar {} ({} of {} cuts): compute it from bars that are over",
            one.bar,
            one.cut,
            found.violations.len(),
            found.cuts
        ),
    }))
}

/// Returns per bar what is observed, what the account is worth, and what was paid for reaching it, under actions that
/// depend on the number of the step alone.
fn rows(
    environment: &mut dyn Environment,
    (first, count): (usize, usize),
    seed: u64,
) -> Vec<Vec<Option<f64>>> {
    let mut rows = vec![Vec::new(); count];
    let mut stream = Stream::new(seed, StreamId::Exploration, 2);
    let mut seen = vec![0.0_f32; environment.observation_len()];
    let space = environment.action_space();
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
        let (index, numbers) = draw(&space, &mut stream);
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
fn draw(space: &ActionSpace, stream: &mut Stream) -> (Option<usize>, Vec<f64>) {
    match space {
        ActionSpace::Discrete(count) => {
            let count = u32::try_from(*count).unwrap_or(u32::MAX);
            (Some(stream.below(count) as usize), Vec::new())
        }
        ActionSpace::Simplex { assets } => (None, vec![1.0 / (assets + 1) as f64; assets + 1]),
        // A tenth at most, so that an execution lasts.
        ActionSpace::Box { low, high } => {
            let within = |(low, high): (&f64, &f64)| low + 0.1 * (high - low) * stream.uniform();
            (None, low.iter().zip(high).map(within).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::panel::Join;
    use crate::market::{BarPanel, synthetic};

    const PLAN: CheckPlan = CheckPlan { truth: Truth::Corrected, cuts: 6 };

    fn seeing() -> CorrectedOptions {
        let features = Some(FeaturesConfig::default());
        CorrectedOptions { features, ..CorrectedOptions::default() }
    }

    #[test]
    fn nothing_is_wrong_with_the_corrected_environments_on_bars_and_panels() {
        let bars = synthetic::generate(3, 90);
        let other = BarSeries { instrument: "OTHER".to_owned(), ..synthetic::generate(4, 90) };
        let panel = BarPanel::join(&[bars.clone(), other], Join::Inner).unwrap();
        let (bars, panel) = (MarketSeries::Bars(bars), MarketSeries::Panel(panel));
        for (environment, data, causal) in [
            (ReplayEnvironment::AlgorithmicTrading, &bars, Some(6)),
            (ReplayEnvironment::ExecutionPd, &bars, Some(6)),
            (ReplayEnvironment::PortfolioEiie, &panel, None),
        ] {
            for options in [seeing(), CorrectedOptions::default()] {
                let report = check(environment, data, &options, PLAN).unwrap();
                assert_eq!(report.findings, [], "{environment}");
                assert_eq!(report.causality_cuts, causal);
                assert!(0 < report.steps && 0 < report.observation_len);
            }
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
