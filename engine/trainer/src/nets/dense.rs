//! Layers of `x·Wᵀ + b` with ReLU between them, all parameters in one flat tensor.
//!
//! The optimiser, the target update and the copies in and out then cost one operation each instead of one per layer.
//! The layers' tensors are leaves that share the flat tensor's memory: what is written to it is seen by the next pass.

use engine::rng::Stream;
use tch::{Kind, TchError, Tensor, no_grad_guard};

use super::kaiming_uniform;

/// A multilayer perceptron.
#[derive(Debug)]
pub struct Dense {
    sizes: Vec<i64>,
    flat: Tensor,
    leaves: Vec<Tensor>,
}

impl Dense {
    /// Returns a network of the given layer sizes (input first, output last) with fresh weights and zero biases.
    ///
    /// # Errors
    /// libtorch has no memory.
    pub fn new(sizes: &[usize], stream: &mut Stream) -> Result<Self, TchError> {
        let mut values = Vec::with_capacity(parameter_count(sizes));
        for pair in sizes.windows(2) {
            values.extend(kaiming_uniform(stream, pair[0], pair[0] * pair[1]));
            values.resize(values.len() + pair[1], 0.0);
        }
        Self::with_values(sizes, &values)
    }

    /// Returns a network with given parameters: per layer the weights `[out, in]` row by row, then the biases.
    ///
    /// # Errors
    /// libtorch has no memory.
    ///
    /// # Panics
    /// When the count of values is another.
    pub fn with_values(sizes: &[usize], values: &[f32]) -> Result<Self, TchError> {
        assert_eq!(values.len(), parameter_count(sizes), "parameters of another network");
        let _guard = no_grad_guard();
        let sizes: Vec<i64> =
            sizes.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect();
        let flat = Tensor::f_from_slice(values)?;
        let mut leaves = Vec::with_capacity(2 * sizes.len());
        let mut offset = 0;
        for pair in sizes.windows(2) {
            for shape in [&[pair[1], pair[0]][..], &[pair[1]][..]] {
                let length: i64 = shape.iter().product();
                let leaf = flat.f_narrow(0, offset, length)?.f_view(shape)?.f_detach()?;
                leaves.push(leaf.f_set_requires_grad(true)?);
                offset += length;
            }
        }
        Ok(Self { sizes, flat, leaves })
    }

    /// Maps `[batch, in]` to `[batch, out]`.
    ///
    /// # Errors
    /// The input has another width, or libtorch has no memory.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let layer_count = self.leaves.len() / 2;
        let mut values = input.shallow_clone();
        for (layer, pair) in self.leaves.chunks_exact(2).enumerate() {
            values = values.f_linear(&pair[0], Some(&pair[1]))?;
            if layer + 1 < layer_count {
                values = values.f_relu_()?;
            }
        }
        Ok(values)
    }

    /// Returns the parameters as leaves of the gradient graph, layer by layer: weight, bias.
    pub fn leaves(&self) -> &[Tensor] {
        &self.leaves
    }

    /// Returns the flat tensor of all parameters. Changing it changes the network.
    pub fn flat(&mut self) -> &mut Tensor {
        &mut self.flat
    }

    /// Returns all parameters, in the order of [`with_values`](Self::with_values).
    ///
    /// # Errors
    /// libtorch cannot copy.
    pub fn values(&self) -> Result<Vec<f32>, TchError> {
        let mut values = vec![0.0; self.flat.numel()];
        self.flat.f_copy_data(&mut values, self.flat.numel())?;
        Ok(values)
    }

    /// Replaces all parameters.
    ///
    /// # Errors
    /// libtorch cannot copy.
    ///
    /// # Panics
    /// When the count of values is another.
    pub fn set_values(&mut self, values: &[f32]) -> Result<(), TchError> {
        assert_eq!(values.len(), self.flat.numel(), "parameters of another network");
        let _guard = no_grad_guard();
        self.flat.f_copy_(&Tensor::f_from_slice(values)?)
    }

    /// Moves every parameter the share `tau` of the way towards `other`.
    ///
    /// # Errors
    /// libtorch has no memory.
    pub fn approach(&mut self, other: &Self, tau: f64) -> Result<(), TchError> {
        let _guard = no_grad_guard();
        self.flat.f_lerp_(&other.flat, tau).map(drop)
    }

    /// Whether every parameter is finite.
    ///
    /// # Errors
    /// libtorch cannot copy.
    pub fn is_finite(&self) -> Result<bool, TchError> {
        Ok(self.flat.f_sum(Kind::Float)?.f_double_value(&[])?.is_finite())
    }

    /// Returns the layers' sizes, input first.
    pub fn sizes(&self) -> impl Iterator<Item = usize> + '_ {
        self.sizes.iter().map(|size| usize::try_from(*size).unwrap_or(0))
    }
}

/// Returns how many parameters a network of these layer sizes has.
#[must_use]
pub fn parameter_count(sizes: &[usize]) -> usize {
    sizes.windows(2).map(|pair| pair[0] * pair[1] + pair[1]).sum()
}

#[cfg(test)]
mod tests {
    use engine::rng::StreamId;

    use super::*;

    #[test]
    fn a_pass_equals_the_arithmetic_done_by_hand() {
        let values = [1.0, -1.0, 0.5, 2.0, 0.1, -0.2, 3.0, -4.0, 0.25];
        let net = Dense::with_values(&[2, 2, 1], &values).unwrap();
        let out = net.forward(&Tensor::from_slice(&[2.0_f32, 1.0]).view([1, 2])).unwrap();
        // hidden: 2 − 1 + 0.1 = 1.1 and 1 + 2 − 0.2 = 2.8, both positive; out: 3.3 − 11.2 + 0.25
        assert!((out.double_value(&[0, 0]) + 7.65).abs() < 1e-5);
    }

    #[test]
    fn writing_to_the_flat_tensor_changes_the_next_pass_and_gradients_still_flow() {
        let mut net =
            Dense::new(&[3, 4, 2], &mut Stream::new(1, StreamId::Initialisation, 0)).unwrap();
        let input = Tensor::from_slice(&[1.0_f32, 2.0, 3.0]).view([1, 3]);
        let zeros = vec![0.0; parameter_count(&[3, 4, 2])];
        net.set_values(&zeros).unwrap();
        assert!(net.forward(&input).unwrap().abs().sum(Kind::Float).double_value(&[]) < 1e-12);
        let loss = net.forward(&input).unwrap().sum(Kind::Float);
        let gradients = Tensor::run_backward(&[&loss], net.leaves(), false, false);
        assert!((gradients[3].double_value(&[0]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn approaching_by_one_is_a_copy() {
        let mut stream = Stream::new(2, StreamId::Initialisation, 0);
        let (a, mut b) =
            (Dense::new(&[2, 2], &mut stream).unwrap(), Dense::new(&[2, 2], &mut stream).unwrap());
        assert_ne!(a.values().unwrap(), b.values().unwrap());
        b.approach(&a, 1.0).unwrap();
        assert_eq!(a.values().unwrap(), b.values().unwrap());
    }
}
