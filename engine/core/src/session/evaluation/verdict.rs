//! What may be said about a policy: every test against what was wanted, in closed codes. Pure; computes no statistic.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report::{
    CausalityOutcome, Check, CheckCode, CheckOutcome, FoldStudy, NamedInterval, Outcome, SeedStudy,
    SharpeEvidence, Snooping, Verdict,
};
use crate::config::ThresholdsConfig;
use crate::evaluation::overfitting::Overfitting;

/// Share of random draws that has to be below the agent.
const RANDOM_SHARE: f64 = 0.95;

/// Everything the verdict rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) causality: Option<&'a CausalityOutcome>,
    pub(super) sharpe: Option<&'a SharpeEvidence>,
    pub(super) interval: Option<&'a NamedInterval>,
    /// Growth at the wanted multiple of the costs.
    pub(super) at_costs: Option<f64>,
    /// Names and growth of the agent and of the baselines that do not know the future.
    pub(super) growth: (Option<f64>, &'a [(String, f64)]),
    pub(super) random_percentile: Option<f64>,
    pub(super) snooping: Option<&'a Snooping>,
    pub(super) overfitting: Option<&'a Overfitting>,
    pub(super) folds: Option<&'a FoldStudy>,
    pub(super) seeds: Option<&'a SeedStudy>,
}

/// Returns what may be said.
///
/// Shown: causality, deflated Sharpe ratio, costs and the interval of the Sharpe ratio are passed, and the probability of
/// overfitting where it is defined. Refuted: something knew the future, or the interval lies below 0. Not shown: anything
/// else.
pub(super) fn verdict(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Verdict {
    let checks = vec![
        causality(evidence),
        deflated(evidence, wanted),
        costs(evidence, wanted),
        interval(evidence),
        overfitting(evidence, wanted),
        probabilistic(evidence, wanted),
        track_record(evidence),
        baselines(evidence),
        random(evidence),
        superior(evidence, wanted),
        folds(evidence),
        seeds(evidence),
    ];
    let looks_ahead = evidence.causality.is_some_and(|found| !found.passed);
    let loses = evidence.interval.is_some_and(|found| found.high < 0.0);
    let holds = checks
        .iter()
        .filter(|check| check.required)
        .all(|check| check.outcome == CheckOutcome::Passed);
    let outcome = if looks_ahead || loses {
        Outcome::Refuted
    } else if holds {
        Outcome::Shown
    } else {
        Outcome::NotShown
    };
    Verdict { outcome, checks }
}

fn check<const N: usize>(
    (code, required): (CheckCode, bool),
    held: Option<bool>,
    params: [(&str, Value); N],
    detail: String,
) -> Check {
    let outcome = match held {
        Some(true) => CheckOutcome::Passed,
        Some(false) => CheckOutcome::Failed,
        None => CheckOutcome::Undefined,
    };
    let params: BTreeMap<String, Value> =
        params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Check { code, outcome, required, params, detail }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.4}"))
}

fn causality(evidence: &Evidence<'_>) -> Check {
    let found = evidence.causality;
    let detail =
        found.map_or_else(|| "The test was not made.".to_owned(), |outcome| outcome.detail.clone());
    let cuts = found.map_or(0, |outcome| outcome.cuts);
    let id = (CheckCode::Causality, true);
    check(id, found.map(|outcome| outcome.passed), [("cuts", json!(cuts))], detail)
}

fn deflated(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Check {
    let (value, limit) = (evidence.sharpe.and_then(|sharpe| sharpe.dsr), wanted.deflated_sharpe);
    let trials = evidence.sharpe.map_or(0, |sharpe| sharpe.trials);
    let detail = format!(
        "wanted a deflated Sharpe ratio of at least {limit} after {trials} trials, found {}",
        shown(value)
    );
    let params = [("wanted", json!(limit)), ("found", json!(value)), ("trials", json!(trials))];
    check((CheckCode::Dsr, true), value.map(|value| limit <= value), params, detail)
}

fn costs(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Check {
    let (value, multiplier) = (evidence.at_costs, wanted.cost_multiplier);
    let detail = format!(
        "wanted a profit at {multiplier} times the costs, found a total return of {}",
        shown(value)
    );
    let params = [("multiplier", json!(multiplier)), ("found", json!(value))];
    check((CheckCode::Costs, true), value.map(|value| 0.0 < value), params, detail)
}

fn interval(evidence: &Evidence<'_>) -> Check {
    let found = evidence.interval;
    let ends = [found.map(|one| one.low), found.map(|one| one.high)];
    let detail = format!(
        "wanted an interval of the Sharpe ratio above 0, found {} to {}",
        shown(ends[0]),
        shown(ends[1])
    );
    let params = [("low", json!(ends[0])), ("high", json!(ends[1]))];
    check((CheckCode::IntervalSharpe, true), ends[0].map(|low| 0.0 < low), params, detail)
}

fn overfitting(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Check {
    let (value, limit) = (evidence.overfitting.map(|found| found.probability), wanted.overfitting);
    let detail =
        format!("wanted a probability of overfitting of at most {limit}, found {}", shown(value));
    let params = [("wanted", json!(limit)), ("found", json!(value))];
    let id = (CheckCode::Pbo, value.is_some());
    check(id, value.map(|value| value <= limit), params, detail)
}

fn probabilistic(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Check {
    let (value, limit) = (evidence.sharpe.and_then(|sharpe| sharpe.psr), wanted.deflated_sharpe);
    let detail =
        format!("wanted a probabilistic Sharpe ratio of at least {limit}, found {}", shown(value));
    let params = [("wanted", json!(limit)), ("found", json!(value))];
    check((CheckCode::Psr, false), value.map(|value| limit <= value), params, detail)
}

/// Without a number of returns that would do, the run is too short whatever its length.
fn track_record(evidence: &Evidence<'_>) -> Check {
    let needed = evidence.sharpe.and_then(|sharpe| sharpe.track_record_min);
    let count = evidence.sharpe.map(|sharpe| sharpe.track_record);
    let held = count.map(|count| needed.is_some_and(|needed| needed <= count as f64));
    let detail = match needed {
        Some(needed) => {
            format!("wanted at least {needed:.0} returns, found {}", count.unwrap_or(0))
        }
        None => "no number of returns would do at this Sharpe ratio".to_owned(),
    };
    let params = [("wanted", json!(needed)), ("found", json!(count))];
    check((CheckCode::TrackRecord, false), held, params, detail)
}

fn baselines(evidence: &Evidence<'_>) -> Check {
    let (own, others) = evidence.growth;
    let best = others.iter().reduce(|best, one| if best.1 < one.1 { one } else { best });
    let held = own.zip(best).map(|(own, best)| best.1 < own);
    let (name, value) = best.map_or(("none", None), |(name, value)| (name.as_str(), Some(*value)));
    let detail = format!(
        "wanted a total return above the best baseline's ({name}: {}), found {}",
        shown(value),
        shown(own)
    );
    let params = [("baseline", json!(name)), ("wanted", json!(value)), ("found", json!(own))];
    check((CheckCode::Baselines, false), held, params, detail)
}

fn random(evidence: &Evidence<'_>) -> Check {
    let value = evidence.random_percentile;
    let detail = format!(
        "wanted at least {RANDOM_SHARE} of random policies of equal turnover below it, found {}",
        shown(value)
    );
    let params = [("wanted", json!(RANDOM_SHARE)), ("found", json!(value))];
    check((CheckCode::Random, false), value.map(|value| RANDOM_SHARE <= value), params, detail)
}

fn superior(evidence: &Evidence<'_>, wanted: &ThresholdsConfig) -> Check {
    let (value, limit) = (evidence.snooping.map(|found| found.p_consistent), wanted.p_value);
    let count = evidence.snooping.map_or(0, |found| found.candidates.len());
    let name = evidence.snooping.map_or("none", |found| found.benchmark.as_str());
    let detail = format!(
        "wanted the best of {count} to be better than {name} with a p-value of at most {limit}, found {}",
        shown(value)
    );
    let params = [
        ("wanted", json!(limit)),
        ("found", json!(value)),
        ("candidates", json!(count)),
        ("baseline", json!(name)),
    ];
    check((CheckCode::Spa, false), value.map(|value| value <= limit), params, detail)
}

fn folds(evidence: &Evidence<'_>) -> Check {
    let items = evidence.folds.map(|folds| folds.items.as_slice()).unwrap_or_default();
    let earned = items
        .iter()
        .filter(|fold| fold.figures.total_return.is_some_and(|value| 0.0 < value))
        .count();
    let held = evidence.folds.map(|_| items.len() < 2 * earned);
    let detail =
        format!("wanted a profit in more than half of {} stretches, found {earned}", items.len());
    let params = [("count", json!(items.len())), ("found", json!(earned))];
    check((CheckCode::Folds, false), held, params, detail)
}

fn seeds(evidence: &Evidence<'_>) -> Check {
    let low = evidence.seeds.map(|seeds| seeds.iqm.interval.low);
    let count = evidence.seeds.map_or(0, |seeds| seeds.count);
    let detail = format!(
        "wanted the interval of the interquartile mean over {count} runs above 0, found it from {}",
        shown(low)
    );
    let params = [("count", json!(count)), ("low", json!(low))];
    check((CheckCode::Seeds, false), low.map(|low| 0.0 < low), params, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed() -> (CausalityOutcome, SharpeEvidence, NamedInterval) {
        let causality = CausalityOutcome {
            passed: true,
            cuts: 16,
            violation: None,
            detail: String::new(),
            warm_up: Vec::new(),
        };
        let sharpe = SharpeEvidence {
            ratio: 2.0,
            psr: Some(0.99),
            dsr: Some(0.96),
            dsr_effective: Some(0.97),
            benchmark: Some(0.5),
            trials: 5,
            trials_effective: Some(3),
            trials_lost: 0,
            track_record_min: Some(200.0),
            track_record: 500,
        };
        let interval = NamedInterval { name: "sharpe".to_owned(), value: 2.0, low: 0.4, high: 3.5 };
        (causality, sharpe, interval)
    }

    fn judge(
        change: impl Fn(&mut CausalityOutcome, &mut SharpeEvidence, &mut NamedInterval),
        at_costs: Option<f64>,
        overfitting: Option<&Overfitting>,
    ) -> Verdict {
        let (mut causality, mut sharpe, mut interval) = passed();
        change(&mut causality, &mut sharpe, &mut interval);
        let evidence = Evidence {
            causality: Some(&causality),
            sharpe: Some(&sharpe),
            interval: Some(&interval),
            at_costs,
            growth: (Some(0.2), &[]),
            random_percentile: None,
            snooping: None,
            overfitting,
            folds: None,
            seeds: None,
        };
        verdict(&evidence, &ThresholdsConfig::default())
    }

    fn outcome(verdict: &Verdict, code: CheckCode) -> CheckOutcome {
        verdict.checks.iter().find(|check| check.code == code).unwrap().outcome
    }

    #[test]
    fn what_passes_everything_required_is_shown() {
        let found = judge(|_, _, _| {}, Some(0.1), None);
        assert_eq!(found.outcome, Outcome::Shown);
        assert_eq!(found.checks.len(), 12);
        assert_eq!(outcome(&found, CheckCode::Spa), CheckOutcome::Undefined);
        assert_eq!(outcome(&found, CheckCode::TrackRecord), CheckOutcome::Passed);
    }

    #[test]
    fn one_required_test_that_fails_or_is_undefined_is_enough_to_show_nothing() {
        for (verdict, code, wanted) in [
            (
                judge(|_, sharpe, _| sharpe.dsr = Some(0.94), Some(0.1), None),
                CheckCode::Dsr,
                CheckOutcome::Failed,
            ),
            (
                judge(|_, sharpe, _| sharpe.dsr = None, Some(0.1), None),
                CheckCode::Dsr,
                CheckOutcome::Undefined,
            ),
            (judge(|_, _, _| {}, Some(0.0), None), CheckCode::Costs, CheckOutcome::Failed),
            (judge(|_, _, _| {}, None, None), CheckCode::Costs, CheckOutcome::Undefined),
            (
                judge(|_, _, range| range.low = -0.1, Some(0.1), None),
                CheckCode::IntervalSharpe,
                CheckOutcome::Failed,
            ),
        ] {
            assert_eq!(outcome(&verdict, code), wanted);
            assert_eq!(verdict.outcome, Outcome::NotShown, "{code:?}");
        }
    }

    #[test]
    fn overfitting_counts_where_it_is_known() {
        let overfitting = |probability| Overfitting {
            probability,
            splits: 252,
            rows: 500,
            slope: None,
            loss_share: 0.5,
            logits: Vec::new(),
            chosen: Vec::new(),
        };
        let bad = judge(|_, _, _| {}, Some(0.1), Some(&overfitting(0.5)));
        assert_eq!(bad.outcome, Outcome::NotShown);
        let good = judge(|_, _, _| {}, Some(0.1), Some(&overfitting(0.1)));
        assert_eq!(good.outcome, Outcome::Shown);
    }

    #[test]
    fn foresight_and_losses_beyond_chance_refute() {
        let ahead = judge(|causality, _, _| causality.passed = false, Some(0.1), None);
        assert_eq!(ahead.outcome, Outcome::Refuted);
        let loss = judge(|_, _, range| (range.low, range.high) = (-3.0, -0.1), Some(-0.1), None);
        assert_eq!(loss.outcome, Outcome::Refuted);
    }

    #[test]
    fn a_number_that_is_none_passes_nothing() {
        let found = judge(|_, sharpe, _| sharpe.dsr = Some(f64::NAN), Some(f64::NAN), None);
        assert_eq!(found.outcome, Outcome::NotShown);
    }
}
