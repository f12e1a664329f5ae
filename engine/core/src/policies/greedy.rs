//! Takes the action with the highest value under a trained network.

use super::network::Mlp;
use super::{Policy, Seat, WeightsError};
use crate::error::EngineError;

/// Greedy in the action values of a network.
#[derive(Debug, Clone)]
pub struct Greedy {
    network: Mlp,
}

impl Greedy {
    /// Decides by a network.
    #[must_use]
    pub fn new(network: Mlp) -> Self {
        Self { network }
    }

    /// Reads a model file and checks that it fits an environment.
    ///
    /// # Errors
    /// Refuses damaged files and networks of other sizes.
    pub fn from_model(bytes: &[u8], seat: &Seat) -> Result<Self, EngineError> {
        let refuse = |detail: String| EngineError::Refused { what: "model", detail };
        let network = Mlp::from_safetensors(bytes)
            .map_err(|error: WeightsError| refuse(error.to_string()))?;
        let (wanted, found) = (
            (seat.observation_len, seat.action_count),
            (network.input_len(), network.output_len()),
        );
        if wanted == found {
            return Ok(Self { network });
        }
        Err(refuse(format!(
            "the environment has {} observations and {} actions, the model {} and {}; use the strategy version the \
             model was trained with",
            wanted.0, wanted.1, found.0, found.1
        )))
    }
}

/// Returns the index of the first largest number.
///
/// # Panics
/// When no number is given or all are NaN: nothing may be decided then.
#[must_use]
pub(crate) fn argmax(values: &[f32]) -> usize {
    let mut best: Option<(usize, f32)> = None;
    for (index, value) in values.iter().enumerate() {
        let better = best.is_none_or(|(_, top)| top < *value);
        if !value.is_nan() && better {
            best = Some((index, *value));
        }
    }
    assert!(best.is_some(), "no action value is a number: {values:?}");
    best.map_or(0, |(index, _)| index)
}

impl Policy for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn act(&mut self, observation: &[f32]) -> usize {
        argmax(self.network.forward(observation))
    }

    /// numpy and torch would take the first NaN for the largest value; an action that follows from no number is none
    /// we report a result about.
    fn decide(&mut self, observation: &[f32]) -> Result<usize, EngineError> {
        let values = self.network.forward(observation);
        if !values.iter().any(|value| value.is_nan()) {
            return Ok(argmax(values));
        }
        let cause = match observation.iter().position(|number| !number.is_finite()) {
            Some(index) => format!("number {index} of the observation is {}", observation[index]),
            None => "the network's sums leave single precision".to_owned(),
        };
        let detail = format!(
            "the values of the actions are not numbers, because {cause}; in faithful mode the reference's arithmetic can \
             come to that: use truth = \"corrected\", or another model"
        );
        Err(EngineError::Refused { what: "decision", detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_first_largest_and_never_what_is_not_a_number() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[f32::NAN, -3.0, -2.0]), 2);
        assert_eq!(argmax(&[f32::NEG_INFINITY]), 0);
    }

    #[test]
    fn refuses_to_decide_on_what_is_not_a_number() {
        let layer = super::super::network::Dense::new(
            super::super::network::Activation::None,
            &[1.0, 0.0, 0.0, 1.0],
            &[0.0, 0.0],
        );
        let mut greedy = Greedy::new(Mlp::from_layers(vec![layer.unwrap()]).unwrap());
        assert_eq!(greedy.decide(&[0.5, 2.0]).unwrap(), 1);
        let refused = greedy.decide(&[0.5, f32::NAN]).unwrap_err().to_string();
        assert!(refused.contains("number 1 of the observation is NaN"), "{refused}");
        // Infinity times nothing is not a number either.
        assert!(greedy.decide(&[f32::INFINITY, 0.0]).is_err());
    }
}
