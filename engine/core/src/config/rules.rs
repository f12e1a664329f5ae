//! Rules across fields, and what is allowed but worth a warning.

use serde_json::{Value, json};

use super::agents::fitting;
use super::validate::Violation;
use super::{
    AgentConfig, FeatureItem, FillRule, SessionConfig, SplitConfig, StrategyConfig, Truth,
    evaluation, labelling,
};

/// A rule that did not hold, with every field that takes part in it.
pub(super) struct Broken {
    /// The violation, at the field that is easiest to change.
    pub(super) violation: Violation,
    /// Pointers of all fields of the rule.
    pub(super) fields: [&'static str; 2],
}

/// Returns the rules that `strategy` breaks.
pub(super) fn strategy(strategy: &StrategyConfig) -> Vec<Broken> {
    let mut broken = Vec::new();
    match &strategy.agent {
        AgentConfig::Dqn(dqn) => {
            if dqn.replay_capacity < dqn.batch_size {
                broken.push(at_most(
                    ["/agent/batch_size", "/agent/replay_capacity"],
                    [json!(dqn.batch_size), json!(dqn.replay_capacity)],
                    "a batch is drawn from the replay memory",
                ));
            }
            if dqn.warmup_steps < dqn.batch_size {
                broken.push(at_least(
                    ["/agent/warmup_steps", "/agent/batch_size"],
                    [json!(dqn.warmup_steps), json!(dqn.batch_size)],
                    "the first update needs a full batch",
                ));
            }
            if dqn.epsilon.start < dqn.epsilon.end {
                broken.push(at_most(
                    ["/agent/epsilon/end", "/agent/epsilon/start"],
                    [json!(dqn.epsilon.end), json!(dqn.epsilon.start)],
                    "exploration decreases",
                ));
            }
        }
        AgentConfig::BuyAndHold(_)
        | AgentConfig::DoNothing(_)
        | AgentConfig::Random(_)
        | AgentConfig::OnlineSelection(_)
        | AgentConfig::PortfolioRule(_)
        | AgentConfig::ExecutionSchedule(_) => {}
    }
    broken.extend(unfit(strategy));
    broken
}

/// Whoever decides can do so in the task.
fn unfit(strategy: &StrategyConfig) -> Option<Broken> {
    let (agent, environment) = (&strategy.agent, &strategy.environment);
    if agent.fits(environment) {
        return None;
    }
    let (allowed, algorithm) = (fitting(environment), agent.algorithm());
    let detail = format!(
        "wanted an algorithm that can decide in the task {}: {}; found '{algorithm}'. Choose one of them, or another task",
        environment.task(),
        allowed.join(", ")
    );
    let params = [
        ("allowed", json!(allowed)),
        ("got", json!(algorithm)),
        ("task", json!(environment.task())),
    ];
    Some(Broken {
        violation: broken("/agent/algorithm", "not_allowed", &params, detail),
        fields: ["/agent/algorithm", "/environment/task"],
    })
}

/// Returns the rules that `session` breaks.
pub(super) fn session(session: &SessionConfig) -> Vec<Broken> {
    let mut broken: Vec<Broken> = session.split().and_then(shares).into_iter().collect();
    if let SessionConfig::Labelling(labelling) = session {
        broken.extend(labelling::rules(labelling));
        broken.extend(labelling::file_only(labelling));
    }
    if let SessionConfig::Evaluation(config) = session {
        broken.extend(evaluation::rules(config));
    }
    broken
}

/// Training and validation leave something for the test segment.
fn shares(split: &SplitConfig) -> Option<Broken> {
    // 0.6 + 0.4 may fall short of 1 by rounding alone.
    let sum = split.train + split.valid;
    if sum < 1.0 - 1e-9 {
        return None;
    }
    let detail = format!(
        "wanted train + valid below 1, because what remains is the test segment; found {} + {}. Lower one of them",
        split.train, split.valid
    );
    let params = [("train", json!(split.train)), ("valid", json!(split.valid))];
    Some(Broken {
        violation: broken("/split/valid", "shares", &params, detail),
        fields: ["/split/train", "/split/valid"],
    })
}

fn at_most(fields: [&'static str; 2], values: [Value; 2], why: &str) -> Broken {
    compared(fields, values, ("not_at_most", "at most"), why)
}

fn at_least(fields: [&'static str; 2], values: [Value; 2], why: &str) -> Broken {
    compared(fields, values, ("not_at_least", "at least"), why)
}

fn compared(
    fields: [&'static str; 2],
    values: [Value; 2],
    (code, how): (&str, &str),
    why: &str,
) -> Broken {
    let [value, limit] = values;
    let other = fields[1].rsplit('/').next().unwrap_or_default();
    let detail = format!(
        "wanted {how} {other} ({limit}), because {why}; found {value}. Change one of the two"
    );
    let params = [("field", json!(fields[1])), ("limit", limit), ("got", value)];
    Broken { violation: broken(fields[0], code, &params, detail), fields }
}

fn broken(pointer: &str, code: &str, params: &[(&str, Value)], detail: String) -> Violation {
    let plain = Violation::new(pointer, code, detail);
    params.iter().fold(plain, |violation, (name, value)| violation.with(name, value.clone()))
}

/// Returns what is allowed but should be known: codes `verification_only`, `optimistic_fill`, `no_costs`.
#[must_use]
pub fn warnings(strategy: &StrategyConfig) -> Vec<Violation> {
    let warning = |pointer: &str, code: &str, detail: &str| Violation::new(pointer, code, detail);
    let mut warnings = Vec::new();
    if strategy.environment.truth() == Truth::Faithful {
        warnings.push(warning(
            "/environment/truth",
            "verification_only",
            "faithful mode repeats the reference system's errors and its look-ahead: use it to verify, not to judge",
        ));
    }
    let looks_ahead = |item: &FeatureItem| matches!(item, FeatureItem::Alpha158(set) if set.truth == Truth::Faithful);
    if let Some(place) = strategy.features.list.iter().position(looks_ahead) {
        warnings.push(warning(
            &format!("/features/list/{place}/truth"),
            "verification_only",
            "the faithful Alpha158 set computes RSQR from the end of the series: use it to verify, not to judge",
        ));
    }
    if strategy.matching.fill == FillRule::SameClose {
        warnings.push(warning(
            "/matching/fill",
            "optimistic_fill",
            "fills at the close just observed cannot be had in a market: reports are marked",
        ));
    }
    if strategy.matching.fee_rate <= 0.0 && strategy.matching.slippage_bps <= 0.0 {
        warnings.push(warning(
            "/matching/fee_rate",
            "no_costs",
            "without fee and slippage every figure is flattered",
        ));
    }
    warnings
}
