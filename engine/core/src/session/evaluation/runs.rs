//! Runs of the policy under test: with another seed or model, at other costs, on other data. Counts progress over all of
//! them; judges nothing.

use std::ops::ControlFlow;

use super::EvaluationInput;
use crate::config::{
    AgentConfig, BacktestConfig, MatchingConfig, Segment, SplitConfig, StrategyConfig,
};
use crate::error::EngineError;
use crate::market::MarketSeries;
use crate::metrics::returns::total_return;
use crate::session::backtest::{
    BacktestInput, Model, OnProgress, Track, Tracks, agent_track, replayed_track, tracks,
};

/// Steps of progress that one run counts.
const STEPS: u64 = 1_000;
/// What the run beside all baselines counts in such runs.
pub(super) const EVERYONE: u64 = 8;
/// From here on fee and slippage take everything that is traded.
const COST_WHOLE: f64 = 0.99;
/// Basis points of a whole.
const WHOLE_BPS: f64 = 10_000.0;

/// Whose decisions a run follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// Seed of a rule.
    pub(super) seed: u32,
    /// The trained model, where it is one.
    pub(super) model: Option<Model<'a>>,
}

/// Where a run takes place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    /// The data, from its first row to the last that may be seen.
    pub(super) data: &'a MarketSeries,
    /// How it is cut.
    pub(super) split: &'a SplitConfig,
    /// What is run.
    pub(super) segment: Segment,
}

/// Runs policies and counts.
pub(super) struct Runs<'i, 'p, 'b> {
    input: &'i EvaluationInput<'i>,
    progress: &'p mut OnProgress<'b>,
    done: u64,
    of: u64,
}

impl<'i, 'p, 'b> Runs<'i, 'p, 'b> {
    /// Begins; `runs` are expected.
    pub(super) fn new(
        input: &'i EvaluationInput<'i>,
        runs: u64,
        progress: &'p mut OnProgress<'b>,
    ) -> Self {
        Self { input, progress, done: 0, of: runs * STEPS }
    }

    /// Counts up to `runs`, whatever was needed for it.
    ///
    /// # Errors
    /// `Cancelled` when progress says so.
    pub(super) fn reach(&mut self, runs: u64) -> Result<(), EngineError> {
        self.done = self.done.max((runs * STEPS).min(self.of));
        match (self.progress)(self.done, self.of) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(EngineError::Cancelled),
        }
    }

    /// Asks whether to go on.
    pub(super) fn tick(&mut self) -> ControlFlow<()> {
        (self.progress)(self.done, self.of)
    }

    /// Returns the stretch of the headline figures.
    pub(super) fn headline(&self) -> Stretch<'i> {
        let session = self.input.session;
        Stretch { data: self.input.data, split: &session.split, segment: session.segment }
    }

    /// Runs the policy beside all baselines.
    ///
    /// # Errors
    /// As [`crate::session::backtest::run`].
    pub(super) fn everyone(&mut self, member: Member<'i>) -> Result<Tracks, EngineError> {
        let matching = &self.input.strategy.matching;
        let stretch = self.headline();
        self.counted(EVERYONE, (stretch, member), matching, |input, progress| {
            tracks(input, progress)
        })
    }

    /// Runs the policy alone.
    ///
    /// # Errors
    /// As [`crate::session::backtest::run`].
    pub(super) fn alone(
        &mut self,
        stretch: Stretch<'_>,
        member: Member<'_>,
    ) -> Result<Track, EngineError> {
        let matching = &self.input.strategy.matching;
        self.counted(1, (stretch, member), matching, |input, progress| agent_track(input, progress))
    }

    /// Returns the growth of the policy with all costs multiplied; a ruin is the loss of everything.
    ///
    /// # Errors
    /// As [`crate::session::backtest::run`].
    pub(super) fn growth_at(
        &mut self,
        multiplier: f64,
        member: Member<'i>,
        traded: bool,
    ) -> Result<Option<f64>, EngineError> {
        let Some(matching) = self.dearer(multiplier, traded) else { return Ok(Some(-1.0)) };
        let stretch = self.headline();
        let track = self.counted(1, (stretch, member), &matching, |input, progress| {
            agent_track(input, progress)
        })?;
        Ok(left(&track))
    }

    /// Returns the growth of the decisions of a run with all costs multiplied; a ruin is the loss of everything.
    ///
    /// # Errors
    /// As [`crate::session::backtest::run`].
    pub(super) fn growth_of(
        &mut self,
        multiplier: f64,
        decided: &Track,
    ) -> Result<Option<f64>, EngineError> {
        let Some(matching) = self.dearer(multiplier, decided.traded) else {
            return Ok(Some(-1.0));
        };
        let member = Member { seed: self.input.session.seed, model: None };
        let stretch = self.headline();
        let track = self.counted(1, (stretch, member), &matching, |input, progress| {
            replayed_track(input, &decided.decisions, progress)
        })?;
        Ok(left(&track))
    }

    /// Returns the costs multiplied; absent where they take everything that is traded.
    fn dearer(&self, multiplier: f64, traded: bool) -> Option<MatchingConfig> {
        let costs = &self.input.strategy.matching;
        let matching = MatchingConfig {
            fee_rate: costs.fee_rate * multiplier,
            slippage_bps: costs.slippage_bps * multiplier,
            ..costs.clone()
        };
        let whole =
            COST_WHOLE <= matching.fee_rate || COST_WHOLE * WHOLE_BPS <= matching.slippage_bps;
        (!(traded && whole)).then_some(matching)
    }

    /// Runs a rule in the policy's place, alone.
    ///
    /// # Errors
    /// As [`crate::session::backtest::run`].
    pub(super) fn instead(
        &mut self,
        stretch: Stretch<'_>,
        rule: &AgentConfig,
        seed: u32,
    ) -> Result<Track, EngineError> {
        let matching = &self.input.strategy.matching;
        let member = Member { seed, model: None };
        self.counted(1, (stretch, member), matching, |input, progress| {
            let strategy = StrategyConfig { agent: rule.clone(), ..input.strategy.clone() };
            agent_track(&BacktestInput { strategy: &strategy, ..*input }, progress)
        })
    }

    /// Runs something and counts it as `weight` runs.
    fn counted<T>(
        &mut self,
        weight: u64,
        (stretch, member): (Stretch<'_>, Member<'_>),
        matching: &MatchingConfig,
        run: impl Fn(&BacktestInput<'_>, &mut OnProgress<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let session = BacktestConfig {
            segment: stretch.segment,
            split: stretch.split.clone(),
            seed: member.seed,
            ..BacktestConfig::default()
        };
        let mut strategy = self.input.strategy.clone();
        strategy.matching = matching.clone();
        let input = BacktestInput {
            strategy: &strategy,
            session: &session,
            data: stretch.data,
            source: self.input.source,
            model: member.model,
            build: self.input.build,
        };
        let (begun, end) = (self.done, self.of);
        let span = weight * STEPS;
        let progress = &mut *self.progress;
        let ran = run(&input, &mut |done, of| {
            let within = (span * done).checked_div(of).unwrap_or(0).min(span);
            progress((begun + within).min(end), end)
        })?;
        self.done = (begun + span).min(end);
        Ok(ran)
    }
}

/// Returns the growth of a run; a ruin is the loss of everything.
fn left(track: &Track) -> Option<f64> {
    let ruined = track.ruined || track.equity.last().is_some_and(|last| *last <= 0.0);
    if ruined { Some(-1.0) } else { total_return(&track.equity) }
}

/// Returns the growth by which runs are ranked; what is not defined is the worst.
pub(super) fn growth(track: &Track) -> f64 {
    total_return(&track.equity).unwrap_or(f64::NEG_INFINITY)
}
