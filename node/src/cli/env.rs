//! Verbs of `tm env`: replays of fixed policies in the reference system's environments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

const EXAMPLES: &str = "Examples:
  tm env replay --env algorithmic_trading --data btc.csv --policy constant:2
  tm env replay --env portfolio --data dj30.csv --policy logits:ramp -o json | jq .final_assets
  tm env replay --env portfolio_eiie --data dj30.csv --policy uniform --cost-rate 0.0001
  tm env replay --env execution_eteo --data book.csv --policy 'order:1/599@ask0*1.0001'
  tm env replay --env hft --data book.csv --policy oracle

Policies: constant:A  cycle:A,B,…  mod:N  logits:A  logits:ramp  logits:A,B,…  weights:A,B,…
  uniform  average_holding  nothing  blind_bid  twap  at_once  oracle
  order:VOLUME@PRICE, where PRICE is a number, ask0 … ask14, bid0 … bid14 or mid, each with an optional *FACTOR.
Numbers may be fractions such as 1/600. `tm env ls` shows which environment takes which, docs/guide/replay.md the rest.";

/// Verbs of `tm env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvVerb {
    /// Run a fixed policy through an environment and print the reference's figures.
    ///
    /// Computes here, from one CSV file in the reference's layout; no node need run.
    #[command(after_help = EXAMPLES)]
    Replay(Box<ReplayArgs>),
    /// List the environments with their policies, columns and options.
    ///
    /// Example: tm env ls
    Ls,
}

/// Whose rules an environment follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// The reference's, errors and look-ahead included.
    Faithful,
    /// Sound accounting. Not for replays: a back-test session runs it.
    Corrected,
}

/// Arguments of `tm env replay`. What is left out is as the reference has it.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Which environment; `tm env ls` lists them.
    #[arg(long)]
    pub(crate) env: String,
    /// Whose rules it follows.
    #[arg(long, value_enum, default_value = "faithful")]
    pub(crate) mode: Mode,
    /// CSV file with a header; columns are found by name.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,
    /// What is done in every step, for example constant:2, logits:ramp or uniform.
    #[arg(long)]
    pub(crate) policy: String,
    /// Columns of the observation: classic_11, classic_16, none, or names separated by commas.
    #[arg(long)]
    pub(crate) features: Option<String>,
    /// Amount or cash at the start.
    #[arg(long, alias = "initial_amount")]
    pub(crate) initial_amount: Option<f64>,
    /// Cost rate c.
    #[arg(long, visible_alias = "transaction-cost-pct", alias = "transaction_cost_pct")]
    pub(crate) cost_rate: Option<f64>,
    /// Rows looked back on: B (algorithmic_trading), L (portfolio_sarl, execution_pd), T (portfolio_eiie,
    /// portfolio_deeptrader) or the stack (hft).
    #[arg(long, visible_aliases = ["length-day", "time-steps", "stack"])]
    pub(crate) window: Option<u32>,
    /// Rows the reward of algorithmic_trading looks ahead, F.
    #[arg(long)]
    pub(crate) forward: Option<u32>,
    /// Most units per order of algorithmic_trading, V.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_volume: Option<u32>,
    /// The asset curve of the earlier release of algorithmic_trading, which no fee reaches.
    #[arg(long)]
    pub(crate) earlier_release: bool,
    /// First row of a training episode of hft.
    #[arg(long)]
    pub(crate) start: Option<u32>,
    /// Rows of a training episode of hft; the reference has 14400.
    #[arg(long)]
    pub(crate) episode_length: Option<u32>,
}
