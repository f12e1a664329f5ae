//! What people write by hand and what programs hand over: formulas, policies of replays, configurations, model files.
//! Mutated ones give a value or an error that says something, never a panic. Time, seed and target: `fuzz/mod.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod fuzz;
mod support;

use engine::config::labelling::{read_json, read_toml};
use engine::config::validate::{session, session_toml, strategy, strategy_toml};
use engine::config::{StrategyConfig, Violation};
use engine::environment::faithful::{ReplayEnvironment, ReplayPolicy};
use engine::features::Normaliser;
use engine::features::expression::{PanelFormulas, Program};
use engine::market::synthetic;
use engine::policies::network::Mlp;
use fuzz::{Target, hunt};
use support::model_file;

/// Words that the readers look for.
const WORDS: [&str; 46] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "=",
    "\n",
    "$close",
    "$volume",
    "Ref(",
    "Mean(",
    "Rank(",
    "Corr(",
    "If(",
    "Log(",
    "-1",
    "0",
    "1e308",
    "1e-320",
    "NaN",
    "inf",
    "99999999999999999999",
    "1/0",
    "constant:",
    "cycle:",
    "order:",
    "@ask0",
    "@mid*",
    "ramp",
    "weights:",
    "logits:",
    "mod:",
    "null",
    "true",
    "kind",
    "agent",
    "algorithm",
    "data",
    "\u{0}",
    "\u{e9}",
    "F32",
    "data_offsets",
];

fn corpus() -> Vec<Vec<u8>> {
    let texts = [
        "Ref(Corr($close, Log($volume + 1), 20) * Rank($close, 60), 5)",
        "If($close > Mean($close, 20), ($high - $low) / $open, -Std($close, 5))",
        "constant:2",
        "cycle:2,1,0,1/3",
        "logits:1,-2.5,3e4",
        "weights:0.5,0.25,0.25",
        "order:1/599@ask0*1.0001",
        "order:-0.5@19000.5",
        r#"{"agent":{"algorithm":"dqn","gamma":0.5,"hidden_layers":[64,32]},"environment":{"task":"algorithmic_trading"}}"#,
        r#"{"kind":"evaluation","policy":{"source":"strategy"},"scheme":{"kind":"walk_forward","test_bars":20},"cost_multipliers":[0,1,2]}"#,
        r#"{"kind":"labelling","label_count":3,"min_length":12}"#,
        r#"{"data":"a.csv","indicator":"adjcp","label_count":3,"min_length":12,"max_length":120,"merge_threshold":0.03}"#,
        "[agent]\nalgorithm = \"dqn\"\ngamma = 0.5\n",
        "kind = \"training\"\nepochs = 3\n",
        "data = \"a.csv\"\nindicator = \"adjcp\"\nlabel_count = 3\nmin_length = 12\n",
    ];
    let mut corpus: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    corpus.push(serde_json::to_vec(&StrategyConfig::default()).unwrap());
    let normaliser = Normaliser { mean: vec![1.0, -2.5], deviation: vec![0.1, 3.0] };
    corpus.push(model_file(&[6, 5, 3], Some(&normaliser), 1));
    corpus.push(model_file(&[2, 2], None, 2));
    corpus
}

/// A refusal names a place, a code and what the code tells.
fn check<T>(result: Result<T, Vec<Violation>>) {
    if let Err(violations) = result {
        assert!(!violations.is_empty());
        for one in violations {
            assert_eq!(one.lacks(), None, "{one:?}");
            assert!(!one.detail.is_empty() && one.detail.len() < 4000, "{one:?}");
        }
    }
}

fn formula(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Program::new([text.as_ref()]) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(program) => {
            let mut formulas = PanelFormulas::new(program, 2);
            for bar in synthetic::generate(1, 8).bars() {
                formulas.update(&[Some(bar), None]);
                let value = formulas.value(0, 0);
                assert!(value.is_none_or(f64::is_finite), "{text}: {value:?}");
            }
        }
    }
}

const TARGETS: [(&str, Target); 6] = [
    ("formula", formula),
    ("replay policy", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(error) = text.parse::<ReplayPolicy>() {
            assert!(!error.to_string().is_empty());
        }
        drop(text.parse::<ReplayEnvironment>());
    }),
    ("labelling file", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        check(read_json(&text));
        check(read_toml(&text));
    }),
    ("strategy", |bytes| {
        check(strategy_toml(&String::from_utf8_lossy(bytes)));
        if let Ok(value) = serde_json::from_slice(bytes) {
            check(strategy(&value));
        }
    }),
    ("session", |bytes| {
        check(session_toml(&String::from_utf8_lossy(bytes)));
        if let Ok(value) = serde_json::from_slice(bytes) {
            check(session(&value));
        }
    }),
    ("model file", |bytes| match Mlp::from_safetensors(bytes) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(network) => assert!(0 < network.input_len() && 0 < network.output_len()),
    }),
];

#[test]
fn mutated_documents_give_a_value_or_an_error() {
    hunt(&corpus(), &WORDS, &TARGETS);
}
