//! Model files are read strictly: every difference from the layout is named, nothing damaged is used.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use engine::features::Normaliser;
use engine::policies::network::Mlp;
use engine::policies::{Difference, WeightsError};
use proptest::prelude::*;
use safetensors::tensor::Dtype;
use support::{model_file, write_model};

type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn singles(name: &str, shape: &[usize], value: f32) -> Tensor {
    let count = shape.iter().product();
    (name.to_owned(), Dtype::F32, shape.to_vec(), value.to_le_bytes().repeat(count))
}

fn doubles(name: &str, shape: &[usize], value: f64) -> Tensor {
    let count = shape.iter().product();
    (name.to_owned(), Dtype::F64, shape.to_vec(), value.to_le_bytes().repeat(count))
}

const GOOD: [(&str, &str); 2] = [("format", "tm-mlp-1"), ("activations", "relu,none")];

fn good() -> Vec<Tensor> {
    vec![
        singles("layers.0.weight", &[4, 3], 0.5),
        singles("layers.0.bias", &[4], 0.0),
        singles("layers.1.weight", &[2, 4], 0.5),
        singles("layers.1.bias", &[2], 0.0),
    ]
}

fn differences(tensors: &[Tensor], metadata: &[(&str, &str)]) -> Vec<Difference> {
    match Mlp::from_safetensors(&write_model(tensors, metadata)) {
        Err(WeightsError::Layout { differences }) => differences,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_a_good_file_with_its_normaliser_and_metadata() {
    let normaliser = Normaliser { mean: vec![1.0, -2.5], deviation: vec![0.1, 3.0] };
    let network = Mlp::from_safetensors(&model_file(&[6, 5, 3], Some(&normaliser), 1)).unwrap();
    assert_eq!(network.normaliser(), Some(&normaliser));
    assert_eq!((network.input_len(), network.output_len()), (6, 3));
    assert_eq!(network.metadata()["activations"], "relu,none");
}

#[test]
fn names_every_difference_at_once() {
    let mut tensors = good();
    tensors.remove(3);
    tensors.push(singles("layers.2.weight", &[1], 0.0));
    tensors.push(doubles("normaliser.mean", &[3], 0.0));
    tensors[1] = doubles("layers.0.bias", &[4], 0.0);
    let found = differences(&tensors, &[("format", "tm-mlp-9"), ("activations", "relu,none")]);
    let text = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    for part in [
        "metadata format should be tm-mlp-1 but is 'tm-mlp-9'",
        "layers.0.bias should hold F32 but holds F64",
        "layers.1.bias is missing",
        "layers.2.weight is unexpected",
        "normaliser.deviation is missing",
    ] {
        assert!(text.contains(part), "{part} not in: {text}");
    }
}

#[test]
fn refuses_wrong_shapes_numbers_and_activations() {
    let shape = |index: usize, tensor: Tensor| {
        let mut tensors = good();
        tensors[index] = tensor;
        differences(&tensors, &GOOD)
    };
    assert!(matches!(
        shape(2, singles("layers.1.weight", &[2, 5], 0.5))[..],
        [Difference::Shape { .. }]
    ));
    assert!(matches!(
        shape(0, singles("layers.0.weight", &[12], 0.5))[..],
        [Difference::Shape { .. }]
    ));
    assert!(matches!(
        shape(3, singles("layers.1.bias", &[3], 0.5))[..],
        [Difference::Shape { .. }]
    ));
    assert!(matches!(
        shape(3, singles("layers.1.bias", &[2], f32::NAN))[..],
        [Difference::NotFinite { .. }]
    ));
    for words in ["relu", "relu,swish", "", "relu,none,none"] {
        let found = differences(&good(), &[("format", "tm-mlp-1"), ("activations", words)]);
        assert!(!found.is_empty(), "{words}");
    }
    assert!(!differences(&good(), &[]).is_empty());
    let mut tensors = good();
    tensors.push(doubles("normaliser.mean", &[3], 0.0));
    tensors.push(doubles("normaliser.deviation", &[3], 0.0));
    assert!(!differences(&tensors, &GOOD).is_empty(), "a deviation of zero divides by nothing");
}

#[test]
fn refuses_oversized_headers_before_reading_them() {
    let mut bytes = (2_u64 << 20).to_le_bytes().to_vec();
    bytes.resize((2 << 20) + 8, b' ');
    assert!(matches!(Mlp::from_safetensors(&bytes), Err(WeightsError::TooLarge { .. })));
    let lying = [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat();
    assert!(matches!(Mlp::from_safetensors(&lying), Err(WeightsError::Damaged { .. })));
    assert!(matches!(Mlp::from_safetensors(b""), Err(WeightsError::Damaged { .. })));
}

proptest! {
    #[test]
    fn no_damaged_file_panics(flips in prop::collection::vec((0..4096_usize, any::<u8>()), 1..8), cut in 0..4096_usize) {
        let mut bytes = model_file(&[5, 4, 3], None, 2);
        for (at, mask) in flips {
            let length = bytes.len();
            bytes[at % length] ^= mask;
        }
        bytes.truncate(bytes.len() - cut % bytes.len());
        if let Ok(mut network) = Mlp::from_safetensors(&bytes) {
            let input = vec![0.5; network.input_len()];
            prop_assert_eq!(network.forward(&input).len(), network.output_len());
        }
    }
}
