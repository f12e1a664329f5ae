//! Verbs of online portfolio selection.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::pair;

const RUN_EXAMPLES: &str = "Examples:
  tm olps run --method olmar1 --data relatives.csv --cost 0.001
  tm olps run --method olmar1 --data relatives.csv --set window=10 --set epsilon=5
  tm olps run --method all --data prices.csv --relatives prices --cost 0.0005
  tm olps run --method pamr --data relatives.csv -o json | jq .cost_ladder

The data is a CSV: one line of asset names, then one row per period. A first column headed `date`, `index` or alike is
skipped. Figures without costs are curiosities: read the cost ladder that is always beside them.";

/// Verbs of `tm olps`.
#[derive(Debug, Subcommand)]
pub(crate) enum OlpsVerb {
    /// Run a method over a table of price relatives; no node need run.
    #[command(after_help = RUN_EXAMPLES)]
    Run(OlpsRunArgs),
    /// List the methods with their parameters.
    ///
    /// Example: tm olps ls
    Ls,
}

/// Arguments of `tm olps run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OlpsRunArgs {
    /// Name of a method as in `tm olps ls`, or `all` for a comparison.
    #[arg(long)]
    pub(crate) method: String,
    /// CSV file.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,
    /// What the numbers are.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) relatives: RelativesArg,
    /// Cost of trading as a share of the value traded: 0.001 is 0.1 %.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) cost: f64,
    /// Change one parameter of the method, repeatable: --set window=5
    #[arg(long, value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    /// Periods per year, for annualised figures.
    #[arg(long, default_value_t = 252.0)]
    pub(crate) periods_per_year: f64,
}

/// What the numbers of the file are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelativesArg {
    /// Growth since the beginning.
    #[default]
    Cumulative,
    /// Price now / price one period before.
    Simple,
    /// Prices.
    Prices,
}
