//! Native inference: what a decision needs, without libtorch. Buffers are made once; a decision allocates nothing.

mod dense;
mod eiie;

pub use dense::{Activation, Dense};
pub use eiie::{Conv1d, EiieActor};

use std::collections::BTreeMap;

use super::weights::{self, WeightsError};
use crate::features::Normaliser;

/// A multi-layer perceptron in single precision.
#[derive(Debug, Clone)]
pub struct Mlp {
    layers: Vec<Dense>,
    normaliser: Option<Normaliser>,
    metadata: BTreeMap<String, String>,
    buffers: [Vec<f32>; 2],
}

impl Mlp {
    /// Joins layers.
    ///
    /// # Errors
    /// Refuses no layers, and layers whose sizes do not follow from each other.
    pub fn from_layers(layers: Vec<Dense>) -> Result<Self, WeightsError> {
        let fits = layers.windows(2).all(|pair| pair[0].output_len() == pair[1].input_len());
        if layers.is_empty() || !fits {
            let sizes = layers
                .iter()
                .map(|layer| (layer.input_len(), layer.output_len()))
                .collect::<Vec<_>>();
            return Err(WeightsError::Layers { sizes });
        }
        let widest = layers.iter().map(Dense::padded_len).max().unwrap_or(0);
        Ok(Self {
            layers,
            normaliser: None,
            metadata: BTreeMap::new(),
            buffers: [vec![0.0; widest], vec![0.0; widest]],
        })
    }

    /// Reads a model file in the layout `tm-mlp-1`.
    ///
    /// # Errors
    /// Refuses files that are too large, damaged, or in any name, shape, type or number other than the layout; all
    /// differences are named at once.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let model = weights::read(bytes)?;
        let mut network = Self::from_layers(model.layers)?;
        network.normaliser = model.normaliser;
        network.metadata = model.metadata;
        Ok(network)
    }

    /// Returns the normaliser the network was trained with.
    #[must_use]
    pub fn normaliser(&self) -> Option<&Normaliser> {
        self.normaliser.as_ref()
    }

    /// Returns what the file says about itself.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Returns how many numbers go in.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.layers.first().map_or(0, Dense::input_len)
    }

    /// Returns how many numbers come out.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.layers.last().map_or(0, Dense::output_len)
    }

    /// Returns the outputs for one input.
    ///
    /// # Panics
    /// When the input has not [`input_len`](Self::input_len) numbers.
    pub fn forward(&mut self, input: &[f32]) -> &[f32] {
        assert_eq!(input.len(), self.input_len(), "the network's input has the wrong length");
        let outputs = self.output_len();
        let [front, back] = &mut self.buffers;
        let (mut from, mut to) = (front, back);
        for (index, layer) in self.layers.iter().enumerate() {
            let seen = if index == 0 { input } else { &from[..layer.input_len()] };
            layer.forward(seen, to);
            std::mem::swap(&mut from, &mut to);
        }
        &from[..outputs]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(activation: Activation, rows: &[&[f32]], bias: &[f32]) -> Dense {
        let weight: Vec<f32> = rows.iter().flat_map(|row| row.iter().copied()).collect();
        Dense::new(activation, &weight, bias).unwrap()
    }

    #[test]
    fn computes_what_was_computed_by_hand() {
        let mut network = Mlp::from_layers(vec![
            layer(Activation::Relu, &[&[1.0, -1.0], &[2.0, 0.5], &[-1.0, -1.0]], &[0.0, 1.0, 0.5]),
            layer(Activation::None, &[&[1.0, 2.0, 4.0]], &[-1.0]),
        ])
        .unwrap();
        // relu(3 − 2, 6 + 1 + 1, −3 − 2 + 0.5) = (1, 8, 0); 1 + 16 − 1 = 16
        assert_eq!(network.forward(&[3.0, 2.0]), [16.0]);
        assert_eq!((network.input_len(), network.output_len()), (2, 1));
    }

    #[test]
    fn refuses_layers_that_do_not_fit() {
        let wide = layer(Activation::None, &[&[1.0, 1.0]], &[0.0]);
        assert!(Mlp::from_layers(vec![wide.clone(), wide]).is_err());
        assert!(Mlp::from_layers(Vec::new()).is_err());
    }

    #[test]
    fn equals_the_plain_sum_for_odd_sizes() {
        let (inputs, outputs) = (83, 37);
        let weight: Vec<f32> =
            (0..inputs * outputs).map(|i| ((i * 37 % 101) as f32 - 50.0) / 100.0).collect();
        let bias: Vec<f32> = (0..outputs).map(|i| i as f32 / 10.0).collect();
        let input: Vec<f32> = (0..inputs).map(|i| (i as f32).sin()).collect();
        let mut network =
            Mlp::from_layers(vec![Dense::new(Activation::Tanh, &weight, &bias).unwrap()]).unwrap();
        let found = network.forward(&input).to_vec();
        for (row, value) in found.iter().enumerate() {
            let sum: f64 = (0..inputs)
                .map(|i| f64::from(weight[row * inputs + i]) * f64::from(input[i]))
                .sum::<f64>()
                + f64::from(bias[row]);
            assert!((f64::from(*value) - sum.tanh()).abs() < 1e-5, "row {row}");
        }
    }
}
