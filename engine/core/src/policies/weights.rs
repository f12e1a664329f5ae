//! Model files: safetensors in the layout `tm-mlp-1`, read strictly.
//!
//! `layers.{i}.weight` F32 `[out, in]`, `layers.{i}.bias` F32 `[out]`; `normaliser.mean` and `normaliser.deviation`
//! F64 `[K]`, both or neither; metadata `format` and `activations` (one word per layer), others are kept unread.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::network::{Activation, Dense};
use crate::features::Normaliser;

/// Largest model file.
pub(crate) const FILE_BYTES_MAX: usize = 256 << 20;
/// Largest header: thousands of tensors would fit.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Most layers.
const LAYERS_MAX: usize = 64;
/// The layout's name.
const FORMAT: &str = "tm-mlp-1";

/// One way in which a file differs from its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A tensor that should be there is not.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor that should not be there is.
    Unexpected {
        /// Its name.
        name: String,
    },
    /// A tensor has other sizes.
    Shape {
        /// Its name.
        name: String,
        /// Wanted, in words.
        want: String,
        /// Found.
        got: Vec<usize>,
    },
    /// A tensor holds other numbers.
    Type {
        /// Its name.
        name: String,
        /// Wanted.
        want: String,
        /// Found.
        got: String,
    },
    /// A tensor holds NaN or an infinity.
    NotFinite {
        /// Its name.
        name: String,
    },
    /// A metadata entry is absent or wrong.
    Metadata {
        /// Its key.
        key: &'static str,
        /// Wanted, in words.
        want: String,
        /// Found.
        got: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name} is missing"),
            Self::Unexpected { name } => write!(f, "{name} is unexpected"),
            Self::Shape { name, want, got } => {
                write!(f, "{name} should have shape {want} but has {got:?}")
            }
            Self::Type { name, want, got } => {
                write!(f, "{name} should hold {want} but holds {got}")
            }
            Self::NotFinite { name } => write!(f, "{name} holds a number that is not finite"),
            Self::Metadata { key, want, got: Some(got) } => {
                write!(f, "metadata {key} should be {want} but is '{got}'")
            }
            Self::Metadata { key, want, got: None } => {
                write!(f, "metadata {key} is missing ({want})")
            }
        }
    }
}

/// Why a model file was not taken. Nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// Larger than allowed.
    #[error("the model file or its header has {bytes} bytes, at most {max} are read")]
    TooLarge {
        /// Found.
        bytes: u64,
        /// Allowed.
        max: u64,
    },
    /// No safetensors file.
    #[error("the file is not a whole safetensors file: {detail}; export the model again")]
    Damaged {
        /// What the reader said.
        detail: String,
    },
    /// Not the layout; every difference is listed.
    #[error("the model does not have the layout tm-mlp-1: {}", list(differences))]
    Layout {
        /// All of them.
        differences: Vec<Difference>,
    },
    /// Layers that do not fit each other: `(inputs, outputs)` of each.
    #[error("the layers' sizes do not follow from each other: {sizes:?} (inputs, outputs)")]
    Layers {
        /// The sizes.
        sizes: Vec<(usize, usize)>,
    },
    /// A weight is NaN or infinite.
    #[error("a weight is not finite")]
    NotFinite,
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(Difference::to_string).collect::<Vec<_>>().join("; ")
}

/// What a model file holds.
pub(super) struct Model {
    pub(super) layers: Vec<Dense>,
    pub(super) normaliser: Option<Normaliser>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads a model file.
pub(super) fn read(bytes: &[u8]) -> Result<Model, WeightsError> {
    check_sizes(bytes)?;
    let damaged =
        |error: safetensors::SafeTensorError| WeightsError::Damaged { detail: error.to_string() };
    let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let metadata: BTreeMap<String, String> =
        header.metadata().clone().unwrap_or_default().into_iter().collect();
    let mut reading = Reading { tensors: &tensors, wanted: Vec::new(), differences: Vec::new() };
    let layers = reading.layers(&metadata);
    let normaliser = reading.normaliser();
    reading.unexpected();
    if reading.differences.is_empty() {
        return Ok(Model { layers, normaliser, metadata });
    }
    Err(WeightsError::Layout { differences: reading.differences })
}

/// Limits file and header before anything is allocated for them.
fn check_sizes(bytes: &[u8]) -> Result<(), WeightsError> {
    if FILE_BYTES_MAX < bytes.len() {
        return Err(WeightsError::TooLarge {
            bytes: bytes.len() as u64,
            max: FILE_BYTES_MAX as u64,
        });
    }
    match bytes.first_chunk::<8>().map(|head| u64::from_le_bytes(*head)) {
        Some(header) if bytes.len() as u64 - 8 < header => Err(WeightsError::Damaged {
            detail: format!("its header claims {header} bytes, the file has {}", bytes.len()),
        }),
        Some(header) if HEADER_BYTES_MAX < header => {
            Err(WeightsError::TooLarge { bytes: header, max: HEADER_BYTES_MAX })
        }
        Some(_) | None => Ok(()),
    }
}

struct Reading<'a> {
    tensors: &'a SafeTensors<'a>,
    wanted: Vec<String>,
    differences: Vec<Difference>,
}

impl Reading<'_> {
    fn layers(&mut self, metadata: &BTreeMap<String, String>) -> Vec<Dense> {
        let said = metadata.get("format").cloned();
        if said.as_deref() != Some(FORMAT) {
            self.differences.push(Difference::Metadata {
                key: "format",
                want: FORMAT.to_owned(),
                got: said,
            });
        }
        let words = metadata.get("activations").cloned();
        let activations: Option<Vec<Activation>> = words
            .as_ref()
            .and_then(|words| {
                words.split(',').map(Activation::from_word).collect::<Option<Vec<_>>>()
            })
            .filter(|activations| activations.len() <= LAYERS_MAX);
        let Some(activations) = activations else {
            let want =
                format!("at most {LAYERS_MAX} of relu, sigmoid, tanh, none, joined by commas");
            self.differences.push(Difference::Metadata { key: "activations", want, got: words });
            return Vec::new();
        };
        let (mut layers, mut inputs) = (Vec::new(), None);
        for (index, activation) in activations.into_iter().enumerate() {
            if let Some(layer) = self.layer(index, activation, inputs) {
                inputs = Some(layer.output_len());
                layers.push(layer);
            } else {
                inputs = None;
            }
        }
        layers
    }

    fn layer(
        &mut self,
        index: usize,
        activation: Activation,
        inputs: Option<usize>,
    ) -> Option<Dense> {
        let (weight_name, bias_name) =
            (format!("layers.{index}.weight"), format!("layers.{index}.bias"));
        let weight = self.singles(&weight_name);
        let bias = self.singles(&bias_name);
        let (weight_shape, weight) = weight?;
        let outputs = match weight_shape[..] {
            [outputs, found]
                if outputs > 0 && found > 0 && inputs.is_none_or(|wanted| wanted == found) =>
            {
                outputs
            }
            _ => {
                let want = inputs
                    .map_or_else(|| "[out, in]".to_owned(), |inputs| format!("[out, {inputs}]"));
                self.differences.push(Difference::Shape {
                    name: weight_name,
                    want,
                    got: weight_shape,
                });
                return None;
            }
        };
        let (bias_shape, bias) = bias?;
        if bias_shape != [outputs] {
            let want = format!("[{outputs}]");
            self.differences.push(Difference::Shape { name: bias_name, want, got: bias_shape });
            return None;
        }
        Dense::new(activation, &weight, &bias).ok()
    }

    fn normaliser(&mut self) -> Option<Normaliser> {
        let names = ["normaliser.mean", "normaliser.deviation"];
        if names.iter().all(|name| self.tensors.tensor(name).is_err()) {
            return None;
        }
        let [mean, deviation] = names.map(|name| self.doubles(name));
        let ((mean_shape, mean), (shape, deviation)) = (mean?, deviation?);
        let flat = |shape: &[usize]| shape.len() == 1;
        if !flat(&mean_shape) || shape != mean_shape {
            let want = format!("[{}]", mean.len());
            self.differences.push(Difference::Shape {
                name: names[1].to_owned(),
                want,
                got: shape,
            });
            return None;
        }
        if !deviation.iter().all(|value| *value > 0.0) {
            self.differences.push(Difference::NotFinite { name: names[1].to_owned() });
            return None;
        }
        Some(Normaliser { mean, deviation })
    }

    fn unexpected(&mut self) {
        let mut names = self.tensors.names();
        names.sort_unstable();
        for name in names {
            if !self.wanted.iter().any(|wanted| wanted == name) {
                self.differences.push(Difference::Unexpected { name: name.to_owned() });
            }
        }
    }

    /// Finds a tensor of a type and notes what is wrong otherwise.
    fn find(&mut self, name: &str, want: Dtype) -> Option<TensorView<'_>> {
        self.wanted.push(name.to_owned());
        let Ok(view) = self.tensors.tensor(name) else {
            self.differences.push(Difference::Missing { name: name.to_owned() });
            return None;
        };
        if view.dtype() == want {
            return Some(view);
        }
        let (want, got) = (format!("{want:?}"), format!("{:?}", view.dtype()));
        self.differences.push(Difference::Type { name: name.to_owned(), want, got });
        None
    }

    fn singles(&mut self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let view = self.find(name, Dtype::F32)?;
        let values: Vec<f32> =
            view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let shape = view.shape().to_vec();
        if values.iter().all(|value| value.is_finite()) {
            return Some((shape, values));
        }
        self.differences.push(Difference::NotFinite { name: name.to_owned() });
        None
    }

    fn doubles(&mut self, name: &str) -> Option<(Vec<usize>, Vec<f64>)> {
        let view = self.find(name, Dtype::F64)?;
        let values: Vec<f64> =
            view.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let shape = view.shape().to_vec();
        if values.iter().all(|value| value.is_finite()) {
            return Some((shape, values));
        }
        self.differences.push(Difference::NotFinite { name: name.to_owned() });
        None
    }
}
