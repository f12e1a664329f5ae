//! Policies of tasks whose actions are target holdings: each action names what to hold, not what to trade.

use super::greedy::Greedy;
use super::{Policy, Seat, Uniform, not_from_a_list, unfit_model};
use crate::config::AgentConfig;
use crate::error::EngineError;

/// The environment a policy of target holdings is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldingSeat {
    /// Numbers of an observation; the last `action_count` of them say which action can be carried out.
    pub observation_len: usize,
    /// Actions, the lowest holding first.
    pub action_count: usize,
    /// The action that holds nothing.
    pub flat: usize,
    /// Seed of policies that draw.
    pub seed: u32,
}

/// Builds the policy an agent's configuration names for target holdings; `model` is a model file where the agent learns.
///
/// # Errors
/// As [`build`](super::build).
pub fn build_holding(
    agent: &AgentConfig,
    seat: &HoldingSeat,
    model: Option<&[u8]>,
) -> Result<Box<dyn Policy>, EngineError> {
    unfit_model(agent, model)?;
    let HoldingSeat { observation_len, action_count, seed, .. } = *seat;
    let plain = Seat { observation_len, action_count, seed };
    Ok(match agent {
        AgentConfig::Dqn(_) => Box::new(Greedy::from_model(model.unwrap_or_default(), &plain)?),
        AgentConfig::BuyAndHold(_) => Box::new(HighestReachable::new(seat)),
        AgentConfig::DoNothing(_) => Box::new(Flat::new(seat)),
        AgentConfig::Random(_) => Box::new(Uniform::new(&plain)),
        AgentConfig::OnlineSelection(_)
        | AgentConfig::PortfolioRule(_)
        | AgentConfig::ExecutionSchedule(_) => return Err(not_from_a_list(agent)),
    })
}

/// Holds nothing.
#[derive(Debug, Clone, Copy)]
pub struct Flat {
    action: usize,
}

impl Flat {
    /// Takes the action that holds nothing.
    #[must_use]
    pub fn new(seat: &HoldingSeat) -> Self {
        Self { action: seat.flat }
    }
}

impl Policy for Flat {
    fn name(&self) -> &'static str {
        "do_nothing"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        self.action
    }
}

/// Holds as much as can be reached and never less than before.
#[derive(Debug, Clone, Copy)]
pub struct HighestReachable {
    action_count: usize,
    held: usize,
}

impl HighestReachable {
    /// Begins with nothing held.
    #[must_use]
    pub fn new(seat: &HoldingSeat) -> Self {
        Self { action_count: seat.action_count, held: seat.flat }
    }
}

impl Policy for HighestReachable {
    fn name(&self) -> &'static str {
        "buy_and_hold"
    }

    fn act(&mut self, observation: &[f32]) -> usize {
        let from = observation.len().saturating_sub(self.action_count);
        let reachable = observation.get(from..).unwrap_or_default();
        let highest = reachable.iter().rposition(|reachable| 0.5 < *reachable);
        self.held = self.held.max(highest.unwrap_or(self.held));
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::agents::RuleConfig;

    const SEAT: HoldingSeat = HoldingSeat { observation_len: 4, action_count: 3, flat: 1, seed: 1 };

    #[test]
    fn doing_nothing_holds_nothing_where_shorts_lie_below() {
        let mut policy =
            build_holding(&AgentConfig::DoNothing(RuleConfig {}), &SEAT, None).unwrap();
        assert_eq!(policy.act(&[9.0, 1.0, 1.0, 1.0]), 1);
    }

    #[test]
    fn buying_and_holding_takes_the_highest_that_can_be_reached_and_gives_nothing_back() {
        let mut policy =
            build_holding(&AgentConfig::BuyAndHold(RuleConfig {}), &SEAT, None).unwrap();
        assert_eq!(policy.act(&[9.0, 1.0, 1.0, 0.0]), 1);
        assert_eq!(policy.act(&[9.0, 1.0, 1.0, 1.0]), 2);
        assert_eq!(policy.act(&[9.0, 1.0, 0.0, 0.0]), 2);
    }

    #[test]
    fn refuses_agents_that_decide_by_vectors() {
        for algorithm in ["online_selection", "portfolio_rule", "execution_schedule"] {
            let agent = AgentConfig::of(algorithm).unwrap();
            assert!(build_holding(&agent, &SEAT, None).is_err());
        }
    }
}
