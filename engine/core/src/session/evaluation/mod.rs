//! Whether a result can be trusted: one policy, run many times and held against chance, costs, baselines and what was
//! tried before, as one report.
//!
//! Deterministic: equal inputs give equal bytes. Reports progress and can be stopped between two steps of a run. A part
//! that cannot be computed is absent, and the report says why; only what the headline figures need is refused.

mod causal;
mod folds;
mod parts;
mod report;
mod runs;
mod trials;
mod verdict;

use std::collections::BTreeMap;

pub use report::{
    CausalityOutcome, Check, CheckCode, CheckOutcome, EvaluationReport, FoldResult, FoldStudy,
    JudgedPolicy, MissingPart, NamedInterval, OracleBound, Outcome, PathFigures, ProfilePoint,
    RegimeStudy, SeedStudy, SharpeEvidence, Snooping, Verdict,
};
pub use trials::Trial;

use self::parts::Curves;
use self::runs::{EVERYONE, Member, Runs, growth};
use self::trials::Compared;
use self::verdict::Evidence;
use super::backtest::{Model, OnProgress, Source, Track, Tracks};
use crate::config::{
    EnvironmentConfig, EvaluationConfig, EvaluationPolicy, SessionConfig, StrategyConfig,
};
use crate::error::EngineError;
use crate::evaluation::bootstrap::Resampling;
use crate::evaluation::cost_ladder::{CostLadder, cost_ladder};
use crate::evaluation::seal::SealMark;
use crate::market::MarketSeries;
use crate::metrics::returns::{returns, total_return};

/// Layout of the report.
const FORMAT: u32 = 1;
/// Runs that a cost ladder is counted as: rungs and the search for the break-even.
const LADDER_RUNS: u64 = 32;
/// The baseline that a policy is held against.
const BASELINE: &str = "buy_and_hold";
/// Tells the tests apart that draw under one seed.
const SNOOPING_MEMBER: u32 = 1;
const SEEDS_MEMBER: u32 = 2;

/// Everything an evaluation depends on.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationInput<'a> {
    /// The strategy's version.
    pub strategy: &'a StrategyConfig,
    /// How it is judged.
    pub session: &'a EvaluationConfig,
    /// The whole data, of a kind that the strategy's task runs on; it is cut here.
    pub data: &'a MarketSeries,
    /// Where the data comes from.
    pub source: Source<'a>,
    /// The trained models, one per session of the policy and in that order; none for a rule.
    pub models: &'a [Model<'a>],
    /// Earlier results over the same data.
    pub trials: &'a [Trial],
    /// Earlier trials whose results are lost; they count, too.
    pub trials_lost: u32,
    /// Version of the program, for the report.
    pub build: &'a str,
}

impl EvaluationInput<'_> {
    /// Returns how a series of so many returns is resampled.
    fn resampling(&self, count: usize, member: u32) -> Resampling {
        let bootstrap = &self.session.bootstrap;
        let usual = Resampling::of(count, bootstrap.resamples, u64::from(self.session.seed));
        Resampling { block: bootstrap.block_bars.unwrap_or(usual.block), member, ..usual }
    }
}

/// Judges the policy.
///
/// # Errors
/// Refuses order execution, whose account does not grow, models that do not fit the policy, and what a back-test of the
/// segment refuses; ends with `Cancelled` when progress says so.
pub fn run(
    input: &EvaluationInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<EvaluationReport, EngineError> {
    check(input)?;
    let members = members(input);
    let (cuts, folds) = (u64::from(input.session.causality_cuts), folds::runs_of(input));
    let stages = [members.len() as u64, EVERYONE, LADDER_RUNS, folds, cuts + 1, 4];
    let mut runs = Runs::new(input, stages.iter().sum(), progress);
    let mut reached = 0;
    let mut stage = stages.into_iter().map(|count| {
        reached += count;
        reached
    });
    let mut reach = |runs: &mut Runs<'_, '_, '_>| runs.reach(stage.next().unwrap_or(u64::MAX));
    let mut missing = Missing::default();

    let tried = tried(&members, &mut runs)?;
    reach(&mut runs)?;
    let tracks = runs.everyone(tried.headline)?;
    reach(&mut runs)?;
    let costs = costs(input, &tried, &tracks, &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let last_ms = tracks.agent.times_ms.last().copied().unwrap_or(i64::MAX);
    let seeds: Vec<u32> = tried.seeds();
    let folds = missing.unless("folds", folds::study(input, last_ms, &seeds, &mut runs))?.flatten();
    if folds.is_none() && !missing.has("folds") {
        missing.note("folds", "The scheme is the segment alone.");
    }
    reach(&mut runs)?;
    let causality = causality(input, tried.headline, &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let study = missing.unless("seeds", parts::seed_study(input, &tried.names, &tried.scores))?;
    let report = assemble(input, &tracks, (costs, folds, causality, study), (&mut runs, missing))?;
    reach(&mut runs)?;
    Ok(report)
}

/// Refuses what cannot be judged.
fn check(input: &EvaluationInput<'_>) -> Result<(), EngineError> {
    let refused = |detail: String| Err(EngineError::Refused { what: "evaluation", detail });
    if matches!(input.strategy.environment, EnvironmentConfig::OrderExecution(_)) {
        return refused(
            "wanted a task whose account grows, found order execution: its cost against the arrival price stands in each \
             back-test's report"
                .to_owned(),
        );
    }
    let wanted = match &input.session.policy {
        EvaluationPolicy::Strategy => 0,
        EvaluationPolicy::Sessions { session_ids } => session_ids.len(),
    };
    if input.models.len() != wanted {
        return refused(format!(
            "wanted {wanted} trained models, one per training session of the policy, found {}",
            input.models.len()
        ));
    }
    if wanted == 0 && input.strategy.agent.learns() {
        return refused(format!(
            "wanted the training sessions whose models are judged, because '{}' learns; name them in policy.session_ids",
            input.strategy.agent.algorithm()
        ));
    }
    Ok(())
}

/// Returns the runs of the policy that differ by their seed alone, and their names.
fn members<'a>(input: &EvaluationInput<'a>) -> Vec<(String, Member<'a>)> {
    match &input.session.policy {
        EvaluationPolicy::Sessions { session_ids } => session_ids
            .iter()
            .zip(input.models)
            .map(|(id, model)| {
                (id.to_string(), Member { seed: input.session.seed, model: Some(*model) })
            })
            .collect(),
        EvaluationPolicy::Strategy => (0..input.session.seeds.max(1))
            .map(|place| {
                let seed = input.session.seed.wrapping_add(place);
                (format!("seed {seed}"), Member { seed, model: None })
            })
            .collect(),
    }
}

/// What the members did.
struct Tried<'a> {
    /// The median one by growth: never the best.
    headline: Member<'a>,
    members: Vec<Member<'a>>,
    names: Vec<String>,
    scores: Vec<f64>,
}

impl Tried<'_> {
    fn seeds(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.seed).collect()
    }
}

/// Runs every member, and chooses the median one. A rule that does the same with another seed draws nothing: it is run
/// no further.
fn tried<'a>(
    members: &[(String, Member<'a>)],
    runs: &mut Runs<'a, '_, '_>,
) -> Result<Tried<'a>, EngineError> {
    let mut found: Vec<(String, Member<'a>, Track)> = Vec::new();
    for (name, member) in members {
        let track = runs.alone(runs.headline(), *member)?;
        let same = found.first().is_some_and(|first| {
            member.model.is_none()
                && first.2.equity == track.equity
                && first.2.position == track.position
        });
        if same && found.len() == 1 {
            break;
        }
        found.push((name.clone(), *member, track));
    }
    let mut order: Vec<(f64, usize)> =
        found.iter().enumerate().map(|(place, one)| (growth(&one.2), place)).collect();
    order.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let median = order.get(order.len().saturating_sub(1) / 2).map_or(0, |one| one.1);
    let Some((_, headline, _)) = found.get(median) else {
        return Err(EngineError::Invariant {
            what: "evaluation",
            detail: "there is no run of the policy".to_owned(),
        });
    };
    Ok(Tried {
        headline: *headline,
        members: found.iter().map(|one| one.1).collect(),
        names: found.iter().map(|one| one.0.clone()).collect(),
        scores: found.iter().map(|one| growth(&one.2)).filter(|value| value.is_finite()).collect(),
    })
}

/// What is left at higher costs: the ladder, and the growth at the multiple that is wanted.
fn costs<'a>(
    input: &EvaluationInput<'a>,
    tried: &Tried<'a>,
    tracks: &Tracks,
    runs: &mut Runs<'a, '_, '_>,
    missing: &mut Missing,
) -> Result<(Option<CostLadder>, Option<f64>), EngineError> {
    let matching = &input.strategy.matching;
    let book = matches!(input.data, MarketSeries::Book(_));
    if matching.fee_rate <= 0.0 && (book || matching.slippage_bps <= 0.0) {
        missing.note(
            "costs",
            "The strategy charges neither fees nor slippage: nothing can be multiplied.",
        );
        return Ok((None, None));
    }
    let traded = tracks.agent.traded;
    let mut known: BTreeMap<u64, Option<f64>> = BTreeMap::new();
    let mut growth_at = |multiplier: f64| {
        if let Some(found) = known.get(&multiplier.to_bits()) {
            return Ok(*found);
        }
        let found = runs.growth_at(multiplier, tried.headline, traded)?;
        known.insert(multiplier.to_bits(), found);
        Ok(found)
    };
    let ladder =
        missing.unless("costs", cost_ladder(&input.session.cost_multipliers, &mut growth_at))?;
    let wanted = match ladder {
        Some(_) => growth_at(input.session.thresholds.cost_multiplier)?,
        None => None,
    };
    Ok((ladder, wanted))
}

fn causality<'a>(
    input: &EvaluationInput<'a>,
    headline: Member<'a>,
    runs: &mut Runs<'a, '_, '_>,
    missing: &mut Missing,
) -> Result<Option<CausalityOutcome>, EngineError> {
    let session = input.session;
    if session.causality_cuts == 0 {
        missing.note("causality", "The session asks for no cuts.");
        return Ok(None);
    }
    let MarketSeries::Bars(bars) = input.data else {
        missing.note(
            "causality",
            "The test runs on bars of one instrument; this data is of another kind.",
        );
        return Ok(None);
    };
    let place = (&session.split, session.segment);
    let plan = (headline, session.causality_cuts);
    missing.unless("causality", causal::test(input.strategy, bars, place, plan, runs))
}

type Studies = (
    (Option<CostLadder>, Option<f64>),
    Option<FoldStudy>,
    Option<CausalityOutcome>,
    Option<SeedStudy>,
);

/// Computes what follows from the runs and writes everything down.
fn assemble(
    input: &EvaluationInput<'_>,
    tracks: &Tracks,
    ((costs, at_costs), folds, causality, seeds): Studies,
    (runs, mut missing): (&mut Runs<'_, '_, '_>, Missing),
) -> Result<EvaluationReport, EngineError> {
    let session = input.session;
    let agent = &tracks.agent;
    let baseline = tracks.baselines.iter().find(|track| track.name == BASELINE);
    let per_bar = returns(&agent.equity).unwrap_or_default();
    let compared = Compared::new((agent, baseline), input.trials, input.trials_lost);
    let wanted = &session.thresholds;
    let sharpe = compared.evidence(&per_bar, agent.periods_per_year, wanted.deflated_sharpe);
    if sharpe.is_none() {
        missing
            .note("sharpe", "The account does not vary, or the run has fewer than three returns.");
    }
    let overfitting = missing.unless("overfitting", compared.overfitting())?;
    let plan = input.resampling(per_bar.len(), SNOOPING_MEMBER);
    let snooping =
        missing.unless("snooping", compared.snooping(&plan, wanted.p_value, BASELINE))?;
    runs.reach(0)?;
    let intervals = parts::intervals(input, agent, &per_bar, &mut missing)?;
    runs.reach(0)?;
    let regimes = parts::regimes(input, agent, baseline, runs, &mut missing)?;
    let Curves { times_ms, policies } = parts::policies(tracks);
    let growth = parts::baselines(tracks);
    let evidence = Evidence {
        causality: causality.as_ref(),
        sharpe: sharpe.as_ref(),
        interval: intervals.iter().find(|one| one.name == "sharpe"),
        at_costs,
        growth: (total_return(&agent.equity), &growth),
        random_percentile: tracks.random_percentile,
        snooping: snooping.as_ref(),
        overfitting: overfitting.as_ref(),
        folds: folds.as_ref(),
        seeds: seeds.as_ref(),
    };
    Ok(EvaluationReport {
        format: FORMAT,
        task: input.strategy.environment.task().to_owned(),
        dataset: input.source.name.to_owned(),
        dataset_sha256: input.source.sha256.to_owned(),
        synthetic: input.source.synthetic,
        instruments: tracks.instruments.clone(),
        truth: input.strategy.environment.truth(),
        segment: session.segment,
        // Whoever knows the lineage says otherwise.
        seal: SealMark::None,
        from: tracks.span[0].clone(),
        to: tracks.span[1].clone(),
        bar_count: agent.equity.len(),
        periods_per_year: agent.periods_per_year,
        remarks: parts::remarks(input, tracks, &compared),
        build: input.build.to_owned(),
        strategy: input.strategy.clone(),
        session: SessionConfig::Evaluation(session.clone()),
        model_sha256: input.models.iter().map(|model| model.sha256.to_owned()).collect(),
        verdict: verdict::verdict(&evidence, wanted),
        times_ms,
        radar: parts::radar(&policies),
        policies,
        confidence: session.bootstrap.confidence,
        intervals,
        random_percentile: tracks.random_percentile,
        sharpe,
        overfitting,
        snooping,
        seeds,
        costs,
        folds,
        regimes,
        oracle: parts::oracle(input, agent, &mut missing)?,
        causality,
        missing: missing.parts,
    })
}

/// Parts that are not there, and why.
#[derive(Debug, Default)]
struct Missing {
    parts: Vec<MissingPart>,
}

impl Missing {
    fn note(&mut self, part: &str, reason: &str) {
        self.parts.push(MissingPart { part: part.to_owned(), reason: reason.to_owned() });
    }

    fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|one| one.part == part)
    }

    /// Returns the part, or notes why it was refused.
    ///
    /// # Errors
    /// Everything but a refusal: a request to stop, and our own faults.
    fn unless<T>(
        &mut self,
        part: &str,
        found: Result<T, EngineError>,
    ) -> Result<Option<T>, EngineError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error @ EngineError::Refused { .. }) => {
                self.note(part, &error.to_string());
                Ok(None)
            }
            Err(
                error @ (EngineError::State { .. }
                | EngineError::Cancelled
                | EngineError::Invariant { .. }),
            ) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
