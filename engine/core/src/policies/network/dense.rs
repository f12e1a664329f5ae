//! A fully connected layer and its activation.
//!
//! Weights are stored in blocks of outputs, block by block and input by input within a block, so that the compiler
//! keeps a whole block of sums in vector registers.

use crate::policies::weights::WeightsError;

/// Outputs summed at once in wide layers.
const WIDE: usize = 32;
/// Outputs summed at once in narrow layers.
const NARROW: usize = 8;

/// What is applied to each sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// 1 / (1 + e^−x).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// x.
    None,
}

impl Activation {
    /// Reads the word used in model files.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "relu" => Some(Self::Relu),
            "sigmoid" => Some(Self::Sigmoid),
            "tanh" => Some(Self::Tanh),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// Returns the word used in model files.
    #[must_use]
    pub fn as_word(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::None => "none",
        }
    }

    /// NaN stays NaN.
    fn apply(self, values: &mut [f32]) {
        match self {
            Self::Relu => values.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Self::Sigmoid => values.iter_mut().for_each(|x| *x = 1.0 / (1.0 + (-*x).exp())),
            Self::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
            Self::None => {}
        }
    }
}

/// One layer: activation(W·x + b).
#[derive(Debug, Clone)]
pub struct Dense {
    activation: Activation,
    inputs: usize,
    outputs: usize,
    block: usize,
    /// `[blocks, inputs, block]`, zero where a block reaches beyond the outputs.
    weight: Vec<f32>,
    /// `[blocks · block]`.
    bias: Vec<f32>,
}

impl Dense {
    /// Takes `weight` `[outputs, inputs]` row by row and `bias` `[outputs]`.
    ///
    /// # Errors
    /// Refuses sizes that do not fit and numbers that are not finite.
    pub fn new(activation: Activation, weight: &[f32], bias: &[f32]) -> Result<Self, WeightsError> {
        let outputs = bias.len();
        let inputs = weight.len().checked_div(outputs).unwrap_or(0);
        if inputs == 0 || inputs * outputs != weight.len() {
            return Err(WeightsError::Layers { sizes: vec![(weight.len(), outputs)] });
        }
        if !weight.iter().chain(bias).all(|number| number.is_finite()) {
            return Err(WeightsError::NotFinite);
        }
        let block = if outputs <= NARROW { NARROW } else { WIDE };
        let blocks = outputs.div_ceil(block);
        let mut stored = vec![0.0; blocks * inputs * block];
        for (output, row) in weight.chunks_exact(inputs).enumerate() {
            let (chosen, lane) = (output / block, output % block);
            for (input, value) in row.iter().enumerate() {
                stored[(chosen * inputs + input) * block + lane] = *value;
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(blocks * block, 0.0);
        Ok(Self { activation, inputs, outputs, block, weight: stored, bias: padded })
    }

    /// Returns how many numbers go in.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.inputs
    }

    /// Returns how many numbers come out.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.outputs
    }

    /// Returns how long an output buffer must be.
    pub(super) fn padded_len(&self) -> usize {
        self.bias.len()
    }

    /// Writes the layer's outputs to the front of `out`.
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        if self.block == WIDE {
            self.sums::<WIDE>(input, out);
        } else {
            self.sums::<NARROW>(input, out);
        }
        self.activation.apply(&mut out[..self.outputs]);
    }

    fn sums<const BLOCK: usize>(&self, input: &[f32], out: &mut [f32]) {
        let blocks = self.weight.chunks_exact(self.inputs * BLOCK);
        let places = out.chunks_exact_mut(BLOCK).zip(self.bias.chunks_exact(BLOCK));
        for (weight, (place, bias)) in blocks.zip(places) {
            let mut sums = [0.0_f32; BLOCK];
            sums.copy_from_slice(bias);
            for (row, value) in weight.chunks_exact(BLOCK).zip(input) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += weight * value;
                }
            }
            place.copy_from_slice(&sums);
        }
    }
}
