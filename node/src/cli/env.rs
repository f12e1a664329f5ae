//! Verbs of `tm env`: fixed policies and rules in the reference system's environments and in the corrected ones, and
//! the checker.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

const EXAMPLES: &str = "Examples:
  tm env replay --env algorithmic_trading --data btc.csv --policy constant:2
  tm env replay --env algorithmic_trading --mode both --data btc.csv --policy cycle:2,1,0
  tm env replay --env portfolio --mode corrected --data dj30.csv --policy rule:momentum,window=20 --cost-rate 0.0005
  tm env replay --env portfolio --data dj30.csv --policy logits:ramp -o json | jq .final_assets
  tm env replay --env execution_eteo --data book.csv --policy 'order:1/599@ask0*1.0001'
  tm env replay --env execution_pd --mode corrected --data btc.csv --policy rule:twap,slices=5 --slippage-bps 2
  tm env replay --env hft --mode both --data book.csv --policy oracle

Policies: constant:A  cycle:A,B,…  mod:N  logits:A  logits:ramp  logits:A,B,…  weights:A,B,…
  uniform  average_holding  nothing  blind_bid  twap  at_once  oracle
  order:VOLUME@PRICE, where PRICE is a number, ask0 … ask14, bid0 … bid14 or mid, each with an optional *FACTOR.
  rule:NAME or rule:NAME,parameter=value,… in corrected mode: buy_and_hold, momentum, olmar1, twap and many more.
Numbers may be fractions such as 1/600. `tm env ls` shows which environment takes which, docs/guide/replay.md the rest.";

const CHECK_EXAMPLES: &str = "Examples:
  tm env check --env algorithmic_trading --data btc.csv
  tm env check --env portfolio_eiie --data dj30.csv --features classic_11
  tm env check --env algorithmic_trading --mode faithful --data btc.csv    finds the reference's foresight

Exit code 1 when anything was found.";

/// Verbs of `tm env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvVerb {
    /// Run a fixed policy or a rule through an environment and print the figures.
    ///
    /// Computes here, from one file; no node need run. `--mode faithful` follows the reference to the digit,
    /// `--mode corrected` keeps sound books and never looks ahead, `--mode both` shows one beside the other.
    #[command(after_help = EXAMPLES)]
    Replay(Box<ReplayArgs>),
    /// Try an environment out on a file: shapes, resets, determinism, books, and whether anything knows the future.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckArgs>),
    /// List the environments with their policies, columns and options in each mode.
    ///
    /// Example: tm env ls
    Ls,
}

/// Whose rules an environment follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// The reference's, errors and look-ahead included.
    Faithful,
    /// Sound accounting, no look-ahead.
    Corrected,
    /// One beside the other.
    Both,
}

/// Whose rules are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckMode {
    /// Sound accounting, no look-ahead.
    Corrected,
    /// The reference's; `algorithmic_trading` only.
    Faithful,
}

/// When an order is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Fill {
    /// At the next open, or on the next book.
    NextOpen,
    /// At what was just observed; nobody can do that.
    SameClose,
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
    /// File with a header; columns are found by name.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,
    /// What is done in every step, for example constant:2, logits:ramp or rule:momentum.
    #[arg(long)]
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) sizes: SizeArgs,
    /// The asset curve of the earlier release of algorithmic_trading, which no fee reaches; faithful only.
    #[arg(long)]
    pub(crate) earlier_release: bool,
    #[command(flatten)]
    pub(crate) sound: SoundArgs,
}

/// Sizes and rates that both modes have.
#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// What is observed. Faithful: classic_11, classic_16, none, or names of columns; corrected: none (default),
    /// classic_11, classic_16, alpha158, alpha158_price, or depth for books. Fixed policies do not look at it.
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
    /// Rows the reward of algorithmic_trading looks ahead, F; corrected mode looks at none and leaves them out.
    #[arg(long)]
    pub(crate) forward: Option<u32>,
    /// Most units per order of algorithmic_trading, V.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_volume: Option<u32>,
    /// First row. Faithful: of a training episode of hft.
    #[arg(long)]
    pub(crate) start: Option<u32>,
    /// Most rows. Faithful: of a training episode of hft; the reference has 14400.
    #[arg(long)]
    pub(crate) episode_length: Option<u32>,
}

/// What only corrected environments have.
#[derive(Debug, Args)]
pub(crate) struct SoundArgs {
    /// Corrected mode: slippage in basis points, always against us; bars only.
    #[arg(long)]
    pub(crate) slippage_bps: Option<f64>,
    /// Corrected mode: when orders are filled.
    #[arg(long, value_enum)]
    pub(crate) fill: Option<Fill>,
    /// Corrected mode: whether positions below zero are allowed (algorithmic_trading: true, hft: false).
    #[arg(long)]
    pub(crate) allow_short: Option<bool>,
    /// Corrected mode: seed of policies that draw.
    #[arg(long)]
    pub(crate) seed: Option<u32>,
    /// Corrected mode: JSON or TOML with environment, matching, risk and features as in a strategy, or an environment alone.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Corrected mode: change one value of it, repeatable: --set environment.lot_share=0.05
    #[arg(long, value_parser = super::pair)]
    pub(crate) set: Vec<(String, String)>,
}

/// Arguments of `tm env check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Which environment; `tm env ls` lists them.
    #[arg(long)]
    pub(crate) env: String,
    /// Whose rules it follows.
    #[arg(long, value_enum, default_value = "corrected")]
    pub(crate) mode: CheckMode,
    /// File with a header; columns are found by name.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,
    /// Random rows behind which the future is exchanged.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) cuts: u32,
    #[command(flatten)]
    pub(crate) sizes: SizeArgs,
    #[command(flatten)]
    pub(crate) sound: SoundArgs,
}
