//! The grammar of `tm evaluate`.

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "Examples:
  tm evaluate my-rule --data btc --wait
  tm evaluate my-rule --data btc --scheme walk-forward --train-bars 500 --test-bars 125 --wait
  tm evaluate my-rule --data btc --costs 0,1,2,5,10 --seeds 20 --wait -o json | jq .verdict
  tm evaluate my-dqn --sessions ses_0190…,ses_0191… --wait
  tm evaluate my-portfolio --data dj30 --baselines uniform,momentum,risk_parity --wait
  tm session report ses_0192… --compass compass.json

The verdict says which tests the result passes. It is no promise: what was tried elsewhere is not known here.";

/// Arguments of `tm evaluate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// Strategy whose rule is judged, or whose trained models are.
    pub(crate) strategy: String,
    /// Data set; the first training session's by default.
    #[arg(long, required_unless_present = "sessions")]
    pub(crate) data: Option<String>,
    /// Training sessions of the strategy whose best models are judged, separated by commas, each a seed of its own.
    #[arg(long, value_delimiter = ',')]
    pub(crate) sessions: Vec<String>,
    /// train, valid, test, whole (all that is not sealed), or sealed once the strategy's seal is open.
    #[arg(long, default_value = "test")]
    pub(crate) segment: String,
    /// Further stretches of the data on which a rule is run anew.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) scheme: Scheme,
    /// Bars before the first block of a walk forward.
    #[arg(long)]
    pub(crate) train_bars: Option<u32>,
    /// Bars of a block of a walk forward.
    #[arg(long)]
    pub(crate) test_bars: Option<u32>,
    /// Groups of a combinatorial scheme.
    #[arg(long)]
    pub(crate) groups: Option<u32>,
    /// Factors on all costs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) costs: Vec<f64>,
    /// Runs of a rule that draws, each with a seed of its own.
    #[arg(long)]
    pub(crate) seeds: Option<u32>,
    /// Baselines to hold the policy against, separated by commas; all that fit the task by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) baselines: Vec<String>,
    /// How well the policy can be understood, 1 to 100: your judgement.
    #[arg(long)]
    pub(crate) explainability: Option<f64>,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u32,
    /// Wait for the report and print it.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Further stretches of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scheme {
    /// The segment alone.
    #[default]
    Segment,
    /// Blocks one behind the other.
    #[value(alias = "walk_forward")]
    WalkForward,
    /// Groups joined to several paths.
    Combinatorial,
}

impl Scheme {
    /// Returns the name that the session's configuration uses.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::WalkForward => "walk_forward",
            Self::Combinatorial => "combinatorial",
        }
    }
}
