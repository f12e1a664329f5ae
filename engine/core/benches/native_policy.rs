//! Native inference: decisions per second at batch 1.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::policies::network::{Activation, Dense, Mlp};
use engine::policies::{Greedy, Policy};
use engine::rng::{Stream, StreamId};

fn network(sizes: &[usize], hidden: Activation) -> Mlp {
    let mut stream = Stream::new(1, StreamId::Initialisation, 0);
    let layers = sizes
        .windows(2)
        .enumerate()
        .map(|(index, pair)| {
            let last = index + 2 == sizes.len();
            let scale = 1.0 / (pair[0] as f64).sqrt();
            let mut draw = |count: usize| -> Vec<f32> {
                (0..count).map(|_| engine::num::narrow(stream.normal() * scale)).collect()
            };
            let (weight, bias) = (draw(pair[0] * pair[1]), draw(pair[1]));
            Dense::new(if last { Activation::None } else { hidden }, &weight, &bias)
                .expect("a layer")
        })
        .collect();
    Mlp::from_layers(layers).expect("layers that fit")
}

fn acts(c: &mut Criterion) {
    let mut group = c.benchmark_group("native_policy");
    group.throughput(Throughput::Elements(1));
    for (name, sizes, hidden) in [
        ("dqn_82_64_32_3_relu", &[82, 64, 32, 3][..], Activation::Relu),
        ("stored_82_256_256_3_sigmoid", &[82, 256, 256, 3][..], Activation::Sigmoid),
        ("ppo_160_128_128_3_tanh", &[160, 128, 128, 3][..], Activation::Tanh),
    ] {
        let mut policy = Greedy::new(network(sizes, hidden));
        let observation: Vec<f32> = (0..sizes[0]).map(|i| (i as f32 * 0.7).sin()).collect();
        group.bench_function(name, |b| b.iter(|| policy.act(black_box(&observation))));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(3));
    targets = acts
}
criterion_main!(benches);
