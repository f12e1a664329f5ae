//! The native runtime computes what libtorch computes, for every network we export.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use engine::features::Normaliser;
use engine::policies::network::Mlp;
use engine::rng::{Stream, StreamId};
use tch::{Tensor, no_grad_guard};
use trainer::model::{export, layers};
use trainer::nets::dense::Dense;

#[expect(clippy::cast_possible_truncation, reason = "inputs are single precision")]
fn draw(stream: &mut Stream, count: usize) -> Vec<f32> {
    (0..count).map(|_| (3.0 * stream.normal()) as f32).collect()
}

#[test]
fn a_thousand_random_inputs_give_equal_outputs_and_equal_actions() {
    let _guard = no_grad_guard();
    let mut stream = Stream::new(9, StreamId::Initialisation, 0);
    for sizes in
        [&[82, 64, 32, 3][..], &[82, 128, 128, 21], &[5, 1], &[1, 7, 2], &[33, 17, 9, 5, 3]]
    {
        let network = Dense::new(sizes, &mut stream).unwrap();
        // biases are zero at first: give them values, so that a lost bias shows
        let mut network = network;
        let values: Vec<f32> = network
            .values()
            .unwrap()
            .iter()
            .zip(draw(&mut stream, 100_000))
            .map(|(a, b)| a + 0.01 * b)
            .collect();
        network.set_values(&values).unwrap();
        let normaliser = Normaliser { mean: vec![0.25, -1.0], deviation: vec![1.0, 2.0] };
        let bytes = export(&layers(sizes, &values), &normaliser, "dqn");
        let mut native = Mlp::from_safetensors(&bytes).unwrap();
        assert_eq!(native.normaliser(), Some(&normaliser));
        assert_eq!(native.metadata().get("algorithm").map(String::as_str), Some("dqn"));
        for _ in 0..1_000 {
            let input = draw(&mut stream, sizes[0]);
            let theirs = network.forward(&Tensor::from_slice(&input).unsqueeze(0)).unwrap();
            let theirs = Vec::<f32>::try_from(theirs.view(-1)).unwrap();
            let ours = native.forward(&input);
            assert_eq!(ours.len(), theirs.len());
            for (a, b) in ours.iter().zip(&theirs) {
                assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{sizes:?}: {a} and {b}");
            }
            let best = |values: &[f32]| {
                (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap()
            };
            let mut sorted = theirs.clone();
            sorted.sort_by(f32::total_cmp);
            if sorted.len() > 1 && sorted[sorted.len() - 1] - sorted[sorted.len() - 2] > 1e-4 {
                assert_eq!(best(ours), best(&theirs));
            }
        }
        assert_eq!(
            export(&layers(sizes, &values), &normaliser, "dqn"),
            bytes,
            "equal models are equal bytes"
        );
    }
}
