//! Optimisers whose state can be saved: tch's own cannot.

use tch::{TchError, Tensor, no_grad_guard};

/// Adam (Kingma and Ba 2015) on one flat tensor of parameters.
#[derive(Debug)]
pub struct Adam {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    step_count: u64,
    mean: Tensor,
    square: Tensor,
}

impl Adam {
    /// Returns an optimiser with the usual constants (0.9, 0.999, 1e-8) for parameters shaped like `parameters`.
    ///
    /// # Errors
    /// libtorch has no memory.
    pub fn new(parameters: &Tensor, learning_rate: f64) -> Result<Self, TchError> {
        let _guard = no_grad_guard();
        Ok(Self {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            step_count: 0,
            mean: parameters.f_zeros_like()?,
            square: parameters.f_zeros_like()?,
        })
    }

    /// Moves `parameters` one step down `gradient`.
    ///
    /// # Errors
    /// libtorch has no memory.
    pub fn step(&mut self, parameters: &mut Tensor, gradient: &Tensor) -> Result<(), TchError> {
        let _guard = no_grad_guard();
        self.step_count += 1;
        // `powi` of a count beyond i32 would be 0 in any case.
        let exponent = i32::try_from(self.step_count).unwrap_or(i32::MAX);
        let correction1 = 1.0 - self.beta1.powi(exponent);
        let correction2 = 1.0 - self.beta2.powi(exponent);
        drop(self.mean.f_lerp_(gradient, 1.0 - self.beta1)?);
        drop(self.square.f_lerp_(&gradient.f_square()?, 1.0 - self.beta2)?);
        let mut divisor = self.square.f_sqrt()?;
        let mut divisor =
            divisor.f_mul_scalar_(1.0 / correction2.sqrt())?.f_add_scalar_(self.epsilon)?;
        let divisor = divisor.f_mul_scalar_(-correction1 / self.learning_rate)?;
        parameters.f_addcdiv_(&self.mean, &divisor).map(drop)
    }

    /// Returns first moments, second moments and the count of steps.
    ///
    /// # Errors
    /// libtorch cannot copy.
    pub fn state(&self) -> Result<(Vec<f32>, Vec<f32>, u64), TchError> {
        let mut mean = vec![0.0; self.mean.numel()];
        let mut square = vec![0.0; self.square.numel()];
        self.mean.f_copy_data(&mut mean, self.mean.numel())?;
        self.square.f_copy_data(&mut square, self.square.numel())?;
        Ok((mean, square, self.step_count))
    }

    /// Takes over what [`state`](Self::state) returned.
    ///
    /// # Errors
    /// libtorch cannot copy.
    ///
    /// # Panics
    /// When the state is of other parameters.
    pub fn restore(
        &mut self,
        mean: &[f32],
        square: &[f32],
        step_count: u64,
    ) -> Result<(), TchError> {
        let _guard = no_grad_guard();
        assert!(
            mean.len() == self.mean.numel() && square.len() == mean.len(),
            "state of another network"
        );
        self.mean.f_copy_(&Tensor::f_from_slice(mean)?.f_view_as(&self.mean)?)?;
        self.square.f_copy_(&Tensor::f_from_slice(square)?.f_view_as(&self.square)?)?;
        self.step_count = step_count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use engine::rng::{Stream, StreamId};
    use tch::nn::OptimizerConfig;
    use tch::{Device, nn};

    use super::*;
    use crate::nets::kaiming_uniform;

    /// A pass of an 8-16-4 network whose parameters lie in one flat tensor, and its loss.
    fn loss(parameters: &Tensor, input: &Tensor, wanted: &Tensor) -> Tensor {
        let part = |from: i64, length: i64| parameters.narrow(0, from, length);
        let hidden = input.linear(&part(0, 128).view([16, 8]), Some(&part(128, 16))).tanh();
        let output = hidden.linear(&part(144, 64).view([4, 16]), Some(&part(208, 4)));
        (output - wanted).square().mean(tch::Kind::Float)
    }

    #[test]
    fn two_hundred_steps_on_a_random_network_equal_the_built_in_adam() {
        let mut stream = Stream::new(3, StreamId::Initialisation, 0);
        let mut draw = |count: usize| Tensor::from_slice(&kaiming_uniform(&mut stream, 8, count));
        let (start, input, wanted) =
            (draw(212), draw(32 * 8).view([32, 8]), draw(32 * 4).view([32, 4]));
        let store = nn::VarStore::new(Device::Cpu);
        let theirs = store.root().var_copy("p", &start);
        let mut built_in = nn::Adam::default().build(&store, 1e-3).unwrap();
        let mut ours = start.copy().set_requires_grad(true);
        let mut adam = Adam::new(&ours, 1e-3).unwrap();
        for _ in 0..200 {
            built_in.backward_step(&loss(&theirs, &input, &wanted));
            let gradients =
                Tensor::run_backward(&[&loss(&ours, &input, &wanted)], &[&ours], false, false);
            adam.step(&mut ours, &gradients[0]).unwrap();
        }
        let _guard = no_grad_guard();
        let difference = ((&ours - &theirs).norm() / theirs.norm()).double_value(&[]);
        assert!(difference < 1e-6, "{difference}");
        let moved = ((&ours - &start).norm() / start.norm()).double_value(&[]);
        assert!(moved > 0.05, "the steps must matter: {moved}");
    }

    #[test]
    fn a_restored_optimiser_goes_on_bit_by_bit() {
        let run = |cut: Option<usize>| {
            let mut parameters = Tensor::from_slice(&[1.0_f32, -2.0, 3.0]);
            let mut adam = Adam::new(&parameters, 1e-2).unwrap();
            for step in 0..20 {
                if cut == Some(step) {
                    let (mean, square, count) = adam.state().unwrap();
                    adam = Adam::new(&parameters, 1e-2).unwrap();
                    adam.restore(&mean, &square, count).unwrap();
                }
                let gradient = &parameters * 2.0;
                adam.step(&mut parameters, &gradient).unwrap();
            }
            Vec::<f32>::try_from(parameters).unwrap()
        };
        assert_eq!(run(None), run(Some(7)));
    }
}
