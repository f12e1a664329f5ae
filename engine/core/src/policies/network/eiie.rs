//! The EIIE actor of the reference's earlier release: one score per ticker from its own window, a softmax over all.
//!
//! Source: Jiang et al. 2017 (arXiv 1706.10059) for the idea, spec/trademaster.md section 4.5 for this form. The cash
//! score is the last one; environments that take cash first get the weights as they come. Inference only.

use crate::policies::weights::WeightsError;

/// A convolution along time, `[outputs, inputs, kernel]`, no padding, no flip.
#[derive(Debug, Clone)]
pub struct Conv1d {
    inputs: usize,
    kernel: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv1d {
    /// Takes `weight` `[outputs, inputs, kernel]` row by row and `bias` `[outputs]`.
    ///
    /// # Errors
    /// Refuses sizes that do not fit and numbers that are not finite.
    pub fn new(inputs: usize, weight: &[f32], bias: &[f32]) -> Result<Self, WeightsError> {
        let kernel = weight.len().checked_div(inputs * bias.len()).unwrap_or(0);
        if kernel == 0 || kernel * inputs * bias.len() != weight.len() {
            return Err(WeightsError::Layers { sizes: vec![(weight.len(), bias.len())] });
        }
        if !weight.iter().chain(bias).all(|number| number.is_finite()) {
            return Err(WeightsError::NotFinite);
        }
        Ok(Self { inputs, kernel, weight: weight.to_vec(), bias: bias.to_vec() })
    }

    /// Returns `[outputs, length − kernel + 1]` for `[inputs, length]`.
    fn forward(&self, input: &[f32], length: usize) -> Vec<f32> {
        let places = length + 1 - self.kernel;
        let mut out = Vec::with_capacity(self.bias.len() * places);
        for (weight, bias) in self.weight.chunks_exact(self.inputs * self.kernel).zip(&self.bias) {
            for place in 0..places {
                let mut sum = *bias;
                for (channel, taps) in weight.chunks_exact(self.kernel).enumerate() {
                    let seen = &input[channel * length + place..][..self.kernel];
                    sum += taps.iter().zip(seen).map(|(tap, value)| tap * value).sum::<f32>();
                }
                out.push(sum);
            }
        }
        out
    }
}

/// Three convolutions shared by all tickers, and the score of cash.
#[derive(Debug, Clone)]
pub struct EiieActor {
    layers: [Conv1d; 3],
    cash_score: f32,
}

impl EiieActor {
    /// Joins the layers; `cash_score` is the parameter appended behind the scores of the tickers.
    ///
    /// # Errors
    /// Refuses layers whose channels do not follow from each other, and more than one score per ticker.
    pub fn new(layers: [Conv1d; 3], cash_score: f32) -> Result<Self, WeightsError> {
        let fits = layers.windows(2).all(|pair| pair[0].bias.len() == pair[1].inputs);
        if !fits || layers[2].bias.len() != 1 {
            let sizes = layers.iter().map(|layer| (layer.inputs, layer.bias.len())).collect();
            return Err(WeightsError::Layers { sizes });
        }
        if !cash_score.is_finite() {
            return Err(WeightsError::NotFinite);
        }
        Ok(Self { layers, cash_score })
    }

    /// Returns how many days a window has, so that one score comes out.
    #[must_use]
    pub fn window(&self) -> usize {
        self.layers.iter().map(|layer| layer.kernel - 1).sum::<usize>() + 1
    }

    /// Returns how many features a day has.
    #[must_use]
    pub fn features(&self) -> usize {
        self.layers[0].inputs
    }

    /// Returns the weights of the tickers, then of cash, for windows `[tickers, days, features]`, oldest day first.
    ///
    /// # Panics
    /// When `windows` is no whole number of windows.
    #[must_use]
    pub fn forward(&self, windows: &[f32]) -> Vec<f32> {
        let (days, features) = (self.window(), self.features());
        assert_eq!(windows.len() % (days * features), 0, "the windows have the wrong length");
        let mut scores: Vec<f32> = windows
            .chunks_exact(days * features)
            .map(|window| self.score(&by_channel(window, features), days))
            .collect();
        scores.push(self.cash_score);
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let grown: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f32 = grown.iter().sum();
        grown.iter().map(|value| value / sum).collect()
    }

    fn score(&self, window: &[f32], days: usize) -> f32 {
        let [first, second, third] = &self.layers;
        let mut length = days;
        let mut hidden = window.to_vec();
        for layer in [first, second] {
            hidden = layer.forward(&hidden, length);
            hidden.iter_mut().for_each(|value| *value = value.max(0.0));
            length = length + 1 - layer.kernel;
        }
        third.forward(&hidden, length)[0]
    }
}

/// Returns `[features, days]` of `[days, features]`.
fn by_channel(window: &[f32], features: usize) -> Vec<f32> {
    (0..features)
        .flat_map(|feature| window.iter().skip(feature).step_by(features).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(inputs: usize, weight: &[f32], bias: &[f32]) -> Conv1d {
        Conv1d::new(inputs, weight, bias).unwrap()
    }

    #[test]
    fn computes_what_was_computed_by_hand() {
        // Two features, three days: difference of neighbours of feature 0 plus feature 1; then the sum; then twice it.
        let actor = EiieActor::new(
            [
                conv(2, &[-1.0, 1.0, 0.0, 1.0], &[0.0]),
                conv(1, &[1.0, 1.0], &[0.5]),
                conv(1, &[2.0], &[-1.0]),
            ],
            0.0,
        )
        .unwrap();
        assert_eq!((actor.window(), actor.features()), (3, 2));
        // Days (1, 0), (3, 1), (2, -4): 2 + 1 = 3 and -1 - 4 = -5, cut to 0; 3.5; 6.
        let rising = [1.0, 0.0, 3.0, 1.0, 2.0, -4.0];
        // All zero: 0, 0; 0.5; 0.
        let still = [0.0; 6];
        let weights = actor.forward(&[rising, still].concat());
        let sum = 6.0_f32.exp() + 2.0;
        for (found, wanted) in weights.iter().zip([6.0_f32.exp() / sum, 1.0 / sum, 1.0 / sum]) {
            assert!((found - wanted).abs() < 1e-6, "{weights:?}");
        }
    }

    #[test]
    fn refuses_layers_that_do_not_fit() {
        assert!(Conv1d::new(2, &[1.0; 5], &[0.0]).is_err());
        assert!(Conv1d::new(0, &[1.0], &[0.0]).is_err());
        assert!(Conv1d::new(1, &[f32::NAN], &[0.0]).is_err());
        let one = || conv(1, &[1.0], &[0.0]);
        assert!(EiieActor::new([one(), conv(2, &[1.0, 1.0], &[0.0]), one()], 0.0).is_err());
        assert!(EiieActor::new([one(), one(), conv(1, &[1.0, 1.0], &[0.0, 0.0])], 0.0).is_err());
        assert!(EiieActor::new([one(), one(), one()], f32::INFINITY).is_err());
    }
}
