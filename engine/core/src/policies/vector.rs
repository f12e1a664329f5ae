//! Policies whose action is a vector: weights of a portfolio, or the share of an order. [`build_vector`] is the only match
//! over algorithms and rules for them.
//!
//! A [`VectorPolicy`] is given a [`VectorView`], in which nothing of the future exists: the observation, and what is known
//! of the past beside it.

use super::execution::{ExecutionSeat, ExecutionView, Idle, RandomOrders, Scheduled};
use super::rules::{
    self, Followed, HoldEqual, PortfolioView, RandomPortfolio, StayInCash, WeightPolicy,
};
use super::unfit_model;
use crate::config::agents::RuleConfig;
use crate::config::{AgentConfig, ExecutionConfig};
use crate::error::EngineError;

/// What a vector policy knows when it decides.
#[derive(Debug, Clone, Copy)]
pub struct VectorView<'a> {
    /// What the environment shows, `[observation_len]`; empty for policies that do not read it.
    pub observation: &'a [f32],
    /// What else is known, by task.
    pub past: Past<'a>,
}

/// What is known of the past and of the account, by task.
#[derive(Debug, Clone, Copy)]
pub enum Past<'a> {
    /// Many instruments by weights.
    Portfolio(PortfolioView<'a>),
    /// A given amount in a given time.
    Execution(ExecutionView<'a>),
}

/// Observation and past in, vector out.
pub trait VectorPolicy: Send {
    /// Returns its name, as in reports.
    fn name(&self) -> &str;

    /// Whether it looks at the observation; what is not read need not be written.
    fn reads_observation(&self) -> bool {
        true
    }

    /// Writes the action, of the space that the policy was built for.
    ///
    /// # Errors
    /// Refuses views of another task, and pasts from which no action follows.
    fn decide(&mut self, view: &VectorView<'_>, out: &mut [f64]) -> Result<(), EngineError>;
}

/// The environment a vector policy is built for.
#[derive(Debug, Clone, PartialEq)]
pub enum VectorSeat {
    /// Weights of instruments, cash first.
    Portfolio {
        /// Instruments, N.
        assets: usize,
        /// Bars that are over before the first decision. Rules look back on them; a method of online selection begins
        /// with equal weights at the first decision and counts from there.
        periods_before: usize,
        /// Seed of policies that draw.
        seed: u32,
    },
    /// Orders of an execution.
    Execution {
        /// The task.
        seat: ExecutionSeat,
        /// Seed of policies that draw.
        seed: u32,
    },
}

/// Builds the policy an agent's configuration names for a task whose actions are vectors.
///
/// # Errors
/// Refuses agents of other tasks, learning agents, models, and parameters that do not fit the seat.
pub fn build_vector(
    agent: &AgentConfig,
    seat: &VectorSeat,
    model: Option<&[u8]>,
) -> Result<Box<dyn VectorPolicy>, EngineError> {
    unfit_model(agent, model)?;
    match seat {
        VectorSeat::Portfolio { assets, periods_before, seed } => {
            let rule = portfolio(agent, *assets, *seed)?;
            let skipped = match agent {
                AgentConfig::OnlineSelection(_) => *periods_before,
                AgentConfig::Dqn(_)
                | AgentConfig::BuyAndHold(_)
                | AgentConfig::DoNothing(_)
                | AgentConfig::Random(_)
                | AgentConfig::PortfolioRule(_)
                | AgentConfig::ExecutionSchedule(_) => 0,
            };
            Ok(Box::new(Weighted { rule, skipped }))
        }
        VectorSeat::Execution { seat, seed } => execution(agent, seat, *seed),
    }
}

fn portfolio(
    agent: &AgentConfig,
    assets: usize,
    seed: u32,
) -> Result<Box<dyn WeightPolicy>, EngineError> {
    Ok(match agent {
        AgentConfig::BuyAndHold(_) => Box::new(HoldEqual),
        AgentConfig::DoNothing(_) => Box::new(StayInCash),
        AgentConfig::Random(_) => Box::new(RandomPortfolio::new(u64::from(seed))),
        AgentConfig::OnlineSelection(config) => Box::new(Followed::new(&config.method, assets)?),
        AgentConfig::PortfolioRule(config) => rules::build(&config.rule, assets)?,
        AgentConfig::Dqn(_) | AgentConfig::ExecutionSchedule(_) => {
            return Err(misfit(agent, "portfolio"));
        }
    })
}

fn execution(
    agent: &AgentConfig,
    seat: &ExecutionSeat,
    seed: u32,
) -> Result<Box<dyn VectorPolicy>, EngineError> {
    Ok(match agent {
        AgentConfig::BuyAndHold(_) => {
            Box::new(Scheduled::new(&ExecutionConfig::AtOnce(RuleConfig {}), seat)?)
        }
        AgentConfig::DoNothing(_) => Box::new(Idle),
        AgentConfig::Random(_) => Box::new(RandomOrders::new(seat, seed)),
        AgentConfig::ExecutionSchedule(config) => Box::new(Scheduled::new(&config.schedule, seat)?),
        AgentConfig::Dqn(_) | AgentConfig::OnlineSelection(_) | AgentConfig::PortfolioRule(_) => {
            return Err(misfit(agent, "order_execution"));
        }
    })
}

fn misfit(agent: &AgentConfig, task: &str) -> EngineError {
    EngineError::Refused {
        what: "policy",
        detail: format!(
            "{} cannot decide in the task {task}; choose an algorithm that can, or another task",
            agent.algorithm()
        ),
    }
}

/// A portfolio policy in a vector seat.
pub struct Weighted {
    rule: Box<dyn WeightPolicy>,
    skipped: usize,
}

impl Weighted {
    /// Seats a policy that sees every bar.
    #[must_use]
    pub fn new(rule: Box<dyn WeightPolicy>) -> Self {
        Self { rule, skipped: 0 }
    }
}

impl VectorPolicy for Weighted {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn reads_observation(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &VectorView<'_>, out: &mut [f64]) -> Result<(), EngineError> {
        let Past::Portfolio(seen) = view.past else {
            let detail = "wanted the past of a portfolio, found that of an execution".to_owned();
            return Err(EngineError::Refused { what: "portfolio rule", detail });
        };
        let weights =
            self.rule.decide(&PortfolioView { seen: seen.seen.from(self.skipped), ..seen })?;
        if weights.len() != out.len() {
            return Err(EngineError::Refused {
                what: "portfolio rule",
                detail: format!("wanted {} weights, found {}", out.len(), weights.len()),
            });
        }
        out.copy_from_slice(&weights);
        Ok(())
    }
}
