//! DQN speed and sanity: environment steps per second of the whole loop (act, step, store, one update per step), and
//! one training session with the default strategy, seed by seed.
//!
//! `cargo bench -p trainer` (or `--profile dev`, which builds faster and is nearly as fast: libtorch does the work).
//! Bars come from `$TM_TEST_DATA/algorithmic_trading/BTC/data.csv` where present, else from the synthetic market.
//! `TM_BENCH_SEEDS` (default 1) and `TM_BENCH_EPOCHS` (default 20) set the length.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench talks to its terminal")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use engine::config::agents::RuleConfig;
use engine::config::{AgentConfig, SplitConfig, StrategyConfig, TrainingConfig};
use engine::environment::{Action, build, prepare};
use engine::market::BarSeries;
use engine::market::parse::csv::{CsvMapping, parse};
use engine::policies::{self, Seat};
use engine::session::protocol::{CheckpointWritten, MetricPoint, Progress};
use trainer::TrainerError;
use trainer::checkpoint::Identity;
use trainer::data::BarLens;
use trainer::train::{Host, Order, Task, Training};

#[derive(Default)]
struct Recorder {
    points: Vec<MetricPoint>,
    step: u64,
}

impl Host for Recorder {
    fn order(&mut self) -> Result<Order, TrainerError> {
        Ok(Order::Continue)
    }

    fn metrics(&mut self, points: Vec<MetricPoint>) -> Result<(), TrainerError> {
        self.points.extend(points);
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        self.step = progress.step;
    }

    fn written(&mut self, _: CheckpointWritten) {}
}

fn bars() -> BarSeries {
    let root = std::env::var("TM_TEST_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let file = std::env::var("TM_BENCH_FILE")
        .unwrap_or_else(|_| "algorithmic_trading/BTC/data.csv".to_owned());
    match std::fs::File::open(root.join(&file)) {
        Ok(opened) => {
            println!("data: {file}");
            parse(opened, &file, &CsvMapping::default()).unwrap()
        }
        Err(_) => {
            println!("data: synthetic, 2 500 bars");
            engine::market::synthetic::generate(7, 2_500)
        }
    }
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn series<'a>(recorder: &'a Recorder, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    recorder.points.iter().filter(move |point| point.name == name).filter_map(|point| point.value)
}

/// Total returns over the validation segment of 100 random policies, ascending, and of buying and holding.
fn baselines(strategy: &StrategyConfig, bars: &BarSeries) -> (Vec<f64>, f64) {
    let market = prepare(strategy, bars, &SplitConfig::default(), None).unwrap().valid;
    let run = |agent: &AgentConfig, seed: u32| {
        let mut environment = build(strategy, Arc::clone(&market)).unwrap();
        let (observation_len, action_count) =
            (environment.observation_len(), environment.action_count());
        let mut policy =
            policies::build(agent, &Seat { observation_len, action_count, seed }, None).unwrap();
        let mut observation = vec![0.0; observation_len];
        let start = environment.equity();
        loop {
            environment.observe(&mut observation);
            if environment.step(Action::Discrete(policy.act(&observation))).ended() {
                return environment.equity() / start - 1.0;
            }
        }
    };
    let mut random: Vec<f64> =
        (0..100).map(|seed| run(&AgentConfig::Random(RuleConfig {}), seed)).collect();
    random.sort_by(f64::total_cmp);
    (random, run(&AgentConfig::BuyAndHold(RuleConfig {}), 0))
}

fn main() {
    trainer::device::prepare();
    let bars = bars();
    let strategy: StrategyConfig = std::env::var("TM_BENCH_STRATEGY")
        .map_or_else(|_| StrategyConfig::default(), |text| serde_json::from_str(&text).unwrap());
    let (random, hold) = baselines(&strategy, &bars);
    println!(
        "validation: random 5 % {:.2}, median {:.2}, 95 % {:.2}; buy and hold {hold:.2}",
        random[5], random[50], random[95]
    );
    for seed in 0..number("TM_BENCH_SEEDS", 1) {
        let training = TrainingConfig {
            seed,
            epochs: number("TM_BENCH_EPOCHS", 20),
            ..TrainingConfig::default()
        };
        let prepared = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap();
        let directory = std::env::temp_dir().join(format!("tm-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let periods_per_year = prepared.valid.periods_per_year();
        let mut session = Training::new(Task {
            lens: Arc::new(BarLens::new(&strategy, Arc::clone(&prepared.train)).unwrap()),
            train: build(&strategy, Arc::clone(&prepared.train)).unwrap(),
            valid: build(&strategy, Arc::clone(&prepared.valid)).unwrap(),
            normaliser: prepared.normaliser,
            periods_per_year,
            agent: strategy.agent.clone(),
            identity: Identity {
                config_hash: String::new(),
                dataset_sha256: String::new(),
                seed,
                split: training.split.clone(),
            },
            training,
            work_dir: directory.clone(),
        })
        .unwrap();
        let mut recorder = Recorder::default();
        let started = Instant::now();
        let result = session.run(&mut recorder).unwrap();
        let seconds = started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand steps")]
        let rate = recorder.step as f64 / seconds;
        println!(
            "seed {seed}: {} steps in {seconds:.1} s, {rate:.0} steps/s, {result:?}",
            recorder.step
        );
        for name in ["loss", "q_mean", "gradient_norm"] {
            let values: Vec<f64> = series(&recorder, name).collect();
            let step = (values.len() / 12).max(1);
            let shown: Vec<String> =
                values.iter().step_by(step).map(|value| format!("{value:.3}")).collect();
            println!("  {name}: {}", shown.join(" "));
        }
        let beaten =
            series(&recorder, "valid_total_return").filter(|value| *value > random[50]).count();
        println!("  epochs above the random median: {beaten}");
        for name in ["episode_return", "valid_total_return", "valid_sharpe"] {
            let shown: Vec<String> =
                series(&recorder, name).map(|value| format!("{value:.2}")).collect();
            println!("  {name}: {}", shown.join(" "));
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
