//! The model file: what the native runtime (`engine::policies`) reads.
//!
//! Safetensors, format `tm-mlp-1`: F32 `layers.{i}.weight` `[out, in]` and `layers.{i}.bias` `[out]`, F64
//! `normaliser.mean` and `normaliser.deviation` of the features, metadata beside them.

use engine::features::normalise::Normaliser;

use crate::weights::Container;

/// Weights `[output, input]` row by row, and biases.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Numbers in.
    pub input: usize,
    /// Numbers out.
    pub output: usize,
    /// `output × input` weights.
    pub weight: Vec<f32>,
    /// `output` biases.
    pub bias: Vec<f32>,
}

/// Cuts flat parameters (per layer weights, then biases) into layers.
#[must_use]
pub fn layers(sizes: &[usize], parameters: &[f32]) -> Vec<Layer> {
    let mut rest = parameters;
    sizes
        .windows(2)
        .map(|pair| {
            let (weight, after) = rest.split_at(pair[0] * pair[1]);
            let (bias, after) = after.split_at(pair[1]);
            rest = after;
            Layer { input: pair[0], output: pair[1], weight: weight.to_vec(), bias: bias.to_vec() }
        })
        .collect()
}

/// Returns the bytes of a model file: ReLU between the layers, none after the last.
#[must_use]
pub fn export(layers: &[Layer], normaliser: &Normaliser, algorithm: &str) -> Vec<u8> {
    let mut container = Container::default();
    for (index, layer) in layers.iter().enumerate() {
        container.put_f32(
            &format!("layers.{index}.weight"),
            &[layer.output, layer.input],
            &layer.weight,
        );
        container.put_f32(&format!("layers.{index}.bias"), &[layer.output], &layer.bias);
    }
    container.put_f64("normaliser.mean", &normaliser.mean);
    container.put_f64("normaliser.deviation", &normaliser.deviation);
    let mut activations = vec!["relu"; layers.len().saturating_sub(1)];
    activations.push("none");
    let text = |value: usize| value.to_string();
    for (key, value) in [
        ("format", "tm-mlp-1".to_owned()),
        ("activations", activations.join(",")),
        ("algorithm", algorithm.to_owned()),
        ("observation", layers.first().map_or_else(String::new, |layer| text(layer.input))),
        ("actions", layers.last().map_or_else(String::new, |layer| text(layer.output))),
    ] {
        container.metadata.insert(key.to_owned(), value);
    }
    container.encode()
}
