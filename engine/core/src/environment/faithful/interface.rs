//! What the reference's environments share: numbers in, numbers out, and lists by name. Not the `Environment` trait of
//! discrete actions: weights, orders and amounts are actions here, and nothing is saved or restored.

use std::collections::BTreeMap;

use crate::error::EngineError;

/// The reference's `info` of the present state: lists of numbers by their names there.
pub type Info = BTreeMap<&'static str, Vec<f64>>;

/// What a step brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The reference's reward; its unit is the environment's.
    pub reward: f64,
    /// Whether the episode is over.
    pub done: bool,
}

/// An environment of the reference. Observation and info belong to the state after the last `reset` or `step`.
pub trait FaithfulEnvironment {
    /// Returns the shape of the observation, slowest index first.
    fn observation_shape(&self) -> Vec<usize>;

    /// Returns a name for each number of the observation, in its order.
    fn observation_names(&self) -> Vec<String>;

    /// Begins an episode at the start.
    fn reset(&mut self);

    /// Returns what the agent sees now, flat.
    fn observe(&self) -> Vec<f64>;

    /// Takes an action.
    ///
    /// # Errors
    /// Refuses actions of the wrong length and numbers that are not finite; nothing is changed then. Other errors are
    /// the environment's own and end the episode.
    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError>;

    /// Returns the recorded assets, the initial amount first.
    fn assets(&self) -> Vec<f64>;

    /// Returns the recorded returns as the reference records them, 0 first.
    fn returns(&self) -> Vec<f64>;

    /// Returns the reference's `info`.
    fn info(&self) -> Info;
}

/// Refuses an action that has not `len` finite numbers.
///
/// # Errors
/// See above.
pub(super) fn check_action(
    what: &'static str,
    action: &[f64],
    len: usize,
) -> Result<(), EngineError> {
    if action.len() != len {
        let detail = format!("an action has {len} numbers here, found {}", action.len());
        return Err(EngineError::Refused { what, detail });
    }
    match action.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(position) => Err(EngineError::Refused {
            what,
            detail: format!(
                "number {position} of the action must be finite, found {}",
                action[position]
            ),
        }),
    }
}

/// Returns the choice that an action of one number names.
///
/// # Errors
/// Refuses what is no whole number from 0 to `count` − 1.
pub(super) fn choice(
    what: &'static str,
    action: &[f64],
    count: usize,
) -> Result<usize, EngineError> {
    check_action(what, action, 1)?;
    (0..count).find(|index| (*index as f64).total_cmp(&action[0]).is_eq()).ok_or_else(|| {
        EngineError::Refused {
            what,
            detail: format!("there is no action {}; there are 0 to {}", action[0], count - 1),
        }
    })
}

/// Returns the softmax as the reference writes it: without subtracting the largest, so large logits overflow.
#[must_use]
pub(super) fn softmax(logits: &[f64]) -> Vec<f64> {
    let grown: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
    let sum: f64 = grown.iter().sum();
    grown.iter().map(|value| value / sum).collect()
}
