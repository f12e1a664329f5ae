//! Further baselines of a portfolio: rules that look back and know nothing else. Each is run over the same bars with the
//! same costs as the policy, with the rule's defaults.
//!
//! Source: learning.md section 10.7.

use super::runs::Runs;
use super::{EvaluationInput, Missing};
use crate::config::agents::PortfolioAgentConfig;
use crate::config::{AgentConfig, BaselineName, EnvironmentConfig, PortfolioRuleConfig};
use crate::error::EngineError;
use crate::session::backtest::Tracks;

/// The rules, by the names of the baselines.
const RULES: [BaselineName; 4] = [
    BaselineName::Momentum,
    BaselineName::MeanReversion,
    BaselineName::MinVariance,
    BaselineName::RiskParity,
];

/// Returns how many runs there will be.
pub(super) fn count(input: &EvaluationInput<'_>) -> u64 {
    wanted(input).count() as u64
}

/// Runs the rules that are wanted and fit the task, and puts them behind the other baselines. One that is refused (too
/// short a past, say) is noted.
///
/// # Errors
/// `Cancelled` when progress says so, and our own faults.
pub(super) fn run(
    input: &EvaluationInput<'_>,
    tracks: &mut Tracks,
    runs: &mut Runs<'_, '_, '_>,
    missing: &mut Missing,
) -> Result<(), EngineError> {
    for name in wanted(input) {
        let rules = PortfolioRuleConfig::all();
        let Some(rule) = rules.into_iter().find(|rule| rule.name() == name.as_str()) else {
            continue;
        };
        let agent = AgentConfig::PortfolioRule(PortfolioAgentConfig { rule });
        let stretch = runs.headline();
        let ran = runs.instead(stretch, &agent, input.session.seed);
        let part = format!("baselines/{}", name.as_str());
        if let Some(mut track) = missing.unless(&part, ran)? {
            name.as_str().clone_into(&mut track.name);
            // After a ruin nothing moves any more.
            let rows = tracks.agent.equity.len();
            let last = track.equity.last().copied().unwrap_or(0.0);
            track.equity.resize(rows, last);
            track.position.resize(rows, 0.0);
            track.times_ms.clone_from(&tracks.agent.times_ms);
            track.prices.clone_from(&tracks.agent.prices);
            tracks.baselines.push(track);
        }
    }
    Ok(())
}

fn wanted(input: &EvaluationInput<'_>) -> impl Iterator<Item = BaselineName> {
    let fits = matches!(input.strategy.environment, EnvironmentConfig::Portfolio(_));
    let session = input.session;
    RULES.into_iter().filter(move |name| fits && session.wants(name.as_str()))
}
