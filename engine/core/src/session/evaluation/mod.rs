//! Whether a result can be trusted: one policy, run many times and held against chance, costs, baselines and what was
//! tried before, as one report.
//!
//! Deterministic: equal inputs give equal bytes. Reports progress and can be stopped between two steps of a run. A part
//! that cannot be computed is absent, and the report says why; only what the headline figures need is refused.

mod causal;
mod folds;
mod ladders;
mod parts;
mod prudex;
mod report;
mod rivals;
mod runs;
mod trials;
mod verdict;

pub use report::{
    CausalityOutcome, Check, CheckCode, CheckOutcome, EvaluationReport, FoldResult, FoldStudy,
    JudgedPolicy, MeasureLacks, MissingPart, NamedInterval, OracleBound, Outcome, PathFigures,
    ProfilePoint, PrudexMeasure, PrudexStudy, RegimeStudy, SeedStudy, SharpeEvidence, Snooping,
    Verdict, WarmUpDrift,
};
pub use trials::Trial;

use self::ladders::{Ladders, ladders};
use self::parts::Curves;
use self::runs::{EVERYONE, Member, Runs, growth};
use self::trials::Compared;
use self::verdict::Evidence;
use super::backtest::{Model, OnProgress, Source, Track, Tracks};
use crate::config::{
    BaselineName, EnvironmentConfig, EvaluationConfig, EvaluationPolicy, SessionConfig,
    StrategyConfig,
};
use crate::error::EngineError;
use crate::evaluation::bootstrap::Resampling;
use crate::evaluation::overfitting::Overfitting;
use crate::evaluation::seal::SealMark;
use crate::market::MarketSeries;
use crate::metrics::returns::{returns, total_return};

/// Layout of the report.
const FORMAT: u32 = 1;
/// Runs that two cost ladders are counted as: rungs and the search for the break-even.
const LADDER_RUNS: u64 = 64;
/// The name of the policy itself.
const AGENT: &str = "agent";
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
    let scales = prudex::SCALE_RUNS;
    let everyone = EVERYONE + rivals::count(input);
    let stages = [members.len() as u64, everyone, LADDER_RUNS, folds, cuts + 1, scales, 4];
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
    let mut tracks = runs.everyone(tried.headline)?;
    rivals::run(input, &mut tracks, &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let costs = ladders(input, tried.headline, &tracks.agent, &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let last_ms = tracks.agent.times_ms.last().copied().unwrap_or(i64::MAX);
    let seeds: Vec<u32> = tried.seeds();
    let folds = missing.unless("folds", folds::study(input, last_ms, &seeds, &mut runs))?.flatten();
    if folds.is_none() && !missing.has("folds") {
        missing.note("folds", "The scheme is the segment alone.");
    }
    reach(&mut runs)?;
    let causality = causality(input, (tried.headline, &tracks.agent), &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let curves = parts::policies(&tracks);
    let judged = (&tracks, curves.policies.as_slice());
    let prudex = prudex::study(input, judged, &tried.of_prudex(), &mut runs, &mut missing)?;
    reach(&mut runs)?;
    let study = missing.unless("seeds", parts::seed_study(input, &tried.names, &tried.scores))?;
    let studies = Studies { costs, folds, causality, seeds: study, prudex, curves };
    let report = assemble(input, &tracks, studies, (&mut runs, missing))?;
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
    /// Value of the account in each run.
    curves: Vec<Vec<f64>>,
}

impl<'a> Tried<'a> {
    fn seeds(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.seed).collect()
    }

    fn of_prudex(&self) -> prudex::Tried<'_, 'a> {
        prudex::Tried { headline: self.headline, scores: &self.scores, curves: &self.curves }
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
        curves: found.iter().map(|one| one.2.equity.clone()).collect(),
        scores: found.iter().map(|one| growth(&one.2)).filter(|value| value.is_finite()).collect(),
    })
}

fn causality<'a>(
    input: &EvaluationInput<'a>,
    (headline, judged): (Member<'a>, &Track),
    runs: &mut Runs<'a, '_, '_>,
    missing: &mut Missing,
) -> Result<Option<CausalityOutcome>, EngineError> {
    let session = input.session;
    if session.causality_cuts == 0 {
        missing.note("causality", "The session asks for no cuts.");
        return Ok(None);
    }
    let place = (&session.split, session.segment);
    let plan = (headline, session.causality_cuts);
    let found = causal::test(input.strategy, input.data, place, plan, (judged, runs));
    missing.unless("causality", found)
}

/// What further runs told.
struct Studies {
    costs: Ladders,
    folds: Option<FoldStudy>,
    causality: Option<CausalityOutcome>,
    seeds: Option<SeedStudy>,
    prudex: Option<PrudexStudy>,
    curves: Curves,
}

/// Computes what follows from the runs and writes everything down.
fn assemble(
    input: &EvaluationInput<'_>,
    tracks: &Tracks,
    studies: Studies,
    (runs, mut missing): (&mut Runs<'_, '_, '_>, Missing),
) -> Result<EvaluationReport, EngineError> {
    let session = input.session;
    let agent = &tracks.agent;
    let baseline = tracks.baselines.iter().find(|track| track.name == BASELINE);
    let per_bar = returns(&agent.equity).unwrap_or_default();
    let compared = Compared::new((agent, baseline), input.trials, input.trials_lost);
    let luck = luck(input, &compared, (&per_bar, agent.periods_per_year), &mut missing)?;
    let Luck { sharpe, overfitting, snooping } = luck;
    runs.reach(0)?;
    let intervals = parts::intervals(input, agent, &per_bar, &mut missing)?;
    runs.reach(0)?;
    let regimes = parts::regimes(input, agent, baseline, runs, &mut missing)?;
    let Studies { costs, folds, causality, seeds, prudex, curves } = studies;
    let Curves { times_ms, mut policies } = curves;
    let radar = parts::radar(&policies);
    policies.retain(|policy| policy.name == AGENT || session.wants(&policy.name));
    let growth = parts::baselines(input, tracks);
    note_unknown_baselines(session, &policies, &mut missing);
    let evidence = Evidence {
        causality: causality.as_ref(),
        sharpe: sharpe.as_ref(),
        interval: intervals.iter().find(|one| one.name == "sharpe"),
        at_costs: costs.at_wanted,
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
        verdict: verdict::verdict(&evidence, &session.thresholds),
        times_ms,
        radar,
        policies,
        confidence: session.bootstrap.confidence,
        intervals,
        random_percentile: tracks.random_percentile,
        sharpe,
        overfitting,
        snooping,
        seeds,
        costs: costs.anew,
        costs_fixed: costs.fixed,
        folds,
        regimes,
        oracle: parts::oracle(input, agent, &mut missing)?,
        prudex,
        causality,
        missing: missing.parts,
    })
}

/// What is left of the result beside everything that was tried.
struct Luck {
    sharpe: Option<SharpeEvidence>,
    overfitting: Option<Overfitting>,
    snooping: Option<Snooping>,
}

/// Holds the run's returns against chance and against earlier trials.
fn luck(
    input: &EvaluationInput<'_>,
    compared: &Compared,
    (per_bar, year): (&[f64], f64),
    missing: &mut Missing,
) -> Result<Luck, EngineError> {
    let wanted = &input.session.thresholds;
    let sharpe = compared.evidence(per_bar, year, wanted.deflated_sharpe);
    if sharpe.is_none() {
        missing
            .note("sharpe", "The account does not vary, or the run has fewer than three returns.");
    }
    let overfitting = missing.unless("overfitting", compared.overfitting())?;
    let plan = in_cells(
        &input.resampling(compared.cells(), SNOOPING_MEMBER),
        (input.session.bootstrap.block_bars.is_some(), compared.cells(), per_bar.len()),
    );
    let snooping =
        missing.unless("snooping", compared.snooping(&plan, wanted.p_value, BASELINE))?;
    Ok(Luck { sharpe, overfitting, snooping })
}

/// Returns a plan for returns over cells of several bars; a length of blocks that was told counts bars.
fn in_cells(plan: &Resampling, (told, cells, bars): (bool, usize, usize)) -> Resampling {
    if !told || bars == 0 {
        return *plan;
    }
    Resampling { block: (plan.block * cells as f64 / bars as f64).max(1.0), ..*plan }
}

/// Notes the baselines that were asked for and are none of this task's.
fn note_unknown_baselines(
    session: &EvaluationConfig,
    policies: &[JudgedPolicy],
    missing: &mut Missing,
) {
    let there = |wanted: &BaselineName| policies.iter().any(|one| one.name == wanted.as_str());
    for wanted in session.baselines.iter().filter(|wanted| !there(wanted)) {
        let part = format!("baselines/{}", wanted.as_str());
        missing.note(&part, "The task has no such baseline, or it could not be computed.");
    }
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
