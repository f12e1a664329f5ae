//! The grammar of `tm label`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

const EXAMPLES: &str = "Examples:
  tm label run --preset btc --data btc.csv
  tm label run --config labelling.toml --out labels
  tm label run --config labelling.toml --mode faithful -o json | jq .turning_points
  tm label presets

A configuration in two lines:
  preset = \"btc\"
  data = \"btc.csv\"

The reference system's own field names (data_path, dynamic_number, labeling_method, …) are read as well.
Labels use hindsight: they tell regimes apart after the fact and are never an input of a strategy.";

const START_EXAMPLES: &str = "Examples:
  tm label start --data btc --preset btc --wait
  tm label start --data book --column midpoint --config labelling.toml
  tm label report ses_0190… -o json | jq '.items[0].turning_points'";

/// Verbs of `tm label`.
#[derive(Debug, Subcommand)]
pub(crate) enum LabelVerb {
    /// Label a series: computed here, no node is needed.
    #[command(after_help = EXAMPLES)]
    Run(LabelArgs),
    /// Label a data set of the platform in a session of its own; needs no strategy.
    #[command(after_help = START_EXAMPLES)]
    Start(LabelStartArgs),
    /// Print what a labelling session found.
    ///
    /// Example: tm label report ses_0190 -o json
    Report {
        /// Session, by identifier or its beginning.
        session: String,
    },
    /// List the shipped configurations.
    ///
    /// Example: tm label presets
    Presets,
}

/// Arguments of `tm label start`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LabelStartArgs {
    /// Data set, by name or identifier.
    #[arg(long)]
    pub(crate) data: String,
    /// TOML or JSON file with the fields of the labelling; what it says of files is left out.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// A shipped configuration instead of a file; see `tm label presets`.
    #[arg(long, conflicts_with = "config")]
    pub(crate) preset: Option<String>,
    /// Price column; the usual one of the data's kind by default.
    #[arg(long)]
    pub(crate) column: Option<String>,
    /// Name of the session.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Wait for the labels and print them.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Arguments of `tm label run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LabelArgs {
    /// TOML or JSON file with the fields of the labelling.
    #[arg(long, value_hint = ValueHint::FilePath, required_unless_present = "preset")]
    pub(crate) config: Option<PathBuf>,
    /// A shipped configuration instead of a file; see `tm label presets`.
    #[arg(long, conflicts_with = "config")]
    pub(crate) preset: Option<String>,
    /// CSV file that is labelled; the configuration's by default.
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub(crate) data: Option<PathBuf>,
    /// corrected or faithful; the configuration's by default.
    #[arg(long, value_enum)]
    pub(crate) mode: Option<LabelMode>,
    /// Write the labelled file, slices, statistics and pictures into this new directory.
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Replace the directory when an earlier `tm label run` wrote it.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// Which procedure is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelMode {
    /// Sound, with checks.
    Corrected,
    /// The reference system's to the digit, for verification.
    Faithful,
}
