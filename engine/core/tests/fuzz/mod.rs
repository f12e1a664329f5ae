//! The loop of the fuzz tests: mutates a corpus, runs targets, prints what repeats a failure.
//!
//! `TM_FUZZ_SECONDS` says for how long (5 by default), `TM_FUZZ_SEED` where to begin, `TM_FUZZ_TARGET` which target alone; a
//! failure prints target, seed and the mutated bytes.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the loop runs for a stated time and tells how far it came"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use engine::rng::{Stream, StreamId};

/// Reads bytes; panics where something is wrong.
pub(crate) type Target = fn(&[u8]);

fn below(stream: &mut Stream, limit: usize) -> usize {
    stream.below(u32::try_from(limit).unwrap()) as usize
}

/// Changes a file in one to eight places: flipped bytes, words, cuts, repeats and pieces of another file.
fn mutate(stream: &mut Stream, corpus: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = corpus[below(stream, corpus.len())].clone();
    for _ in 0..1 + below(stream, 8) {
        let at = below(stream, bytes.len() + 1);
        let end = (at + below(stream, 24)).min(bytes.len());
        match stream.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << stream.below(8),
            1 if at < bytes.len() => bytes[at] = stream.below(256).to_le_bytes()[0],
            2 => drop(bytes.splice(at..end, words[below(stream, words.len())].bytes())),
            3 => drop(bytes.splice(at..at, words[below(stream, words.len())].bytes())),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + below(stream, 6);
                drop(bytes.splice(at..at, piece.repeat(times)));
            }
            6 => {
                let other = &corpus[below(stream, corpus.len())];
                let from = below(stream, other.len());
                let to = (from + below(stream, 200)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ if stream.below(4) == 0 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs every target on the corpus as it is, then on mutations of it until the time is over.
pub(crate) fn hunt(corpus: &[Vec<u8>], words: &[&str], targets: &[(&'static str, Target)]) {
    let only = std::env::var("TM_FUZZ_TARGET").ok();
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let chosen: Vec<(&str, Target)> = targets
        .iter()
        .copied()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
        .collect();
    assert!(!chosen.is_empty(), "wanted as TM_FUZZ_TARGET one of {names:?}, found {only:?}");
    for (_, target) in &chosen {
        // Unchanged first: its panics need no seed to be repeated.
        corpus.iter().for_each(|bytes| target(bytes));
    }
    let length = Duration::from_secs(number("TM_FUZZ_SECONDS", 5));
    let first = number("TM_FUZZ_SEED", 1);
    let (begin, mut seed) = (Instant::now(), first);
    let mut counts = vec![0_u64; chosen.len()];
    // The parsers of Parquet panic inside and are caught; their messages would bury ours.
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let failure = loop {
        if length <= begin.elapsed() {
            break None;
        }
        let mut stream = Stream::new(seed, StreamId::Synthesis, 7);
        let bytes = mutate(&mut stream, corpus, words);
        let failed = chosen.iter().enumerate().find(|(index, (_, target))| {
            counts[*index] += 1;
            catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err()
        });
        if let Some((_, (name, _))) = failed {
            break Some((*name, seed, bytes));
        }
        seed += 1;
    };
    std::panic::set_hook(quiet);
    let total: u64 = counts.iter().sum();
    eprintln!(
        "{} files from seed {first}, {total} executions of targets: {}, in {:?}",
        seed - first,
        only.unwrap_or_else(|| "all".to_owned()),
        begin.elapsed()
    );
    if let Some((name, seed, bytes)) = failure {
        eprintln!("target '{name}', TM_FUZZ_SEED={seed}: {:?}", String::from_utf8_lossy(&bytes));
        // Once more, with the panic shown.
        let (_, target) = chosen.iter().find(|(other, _)| *other == name).unwrap();
        target(&bytes);
        panic!("target '{name}' failed once and not again: seed {seed}");
    }
    assert!(counts.iter().all(|count| 0 < *count));
}
