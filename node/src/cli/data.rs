//! Verbs of market data.

use std::path::PathBuf;

use actors::{ImportPlan, Steps};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use engine::market::parse::ImportOptions;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pair;
use crate::error::CliError;

const IMPORT_EXAMPLES: &str = "Examples:
  tm data import btc.csv --name btc
  tm data import AAPL.csv --dialect yahoo --from 2012-01-01
  tm data import stocks/ --name stocks --missing forward_fill:5     one file per instrument
  tm data import trades.csv --kind trades --resample 1m
  tm data import es.txt --timezone America/New_York --dry-run
  tm data import --synthetic --seed 7 --rows 2000

What is done, in this order: instruments, from and to, adjust, resample, missing.";
const INSPECT_EXAMPLES: &str = "Examples:
  tm data inspect trades.csv
  tm data inspect stocks/ --missing drop
  tm data inspect book.csv -o json | jq '.data.levels'";
const QUALITY_EXAMPLES: &str = "Examples:
  tm data quality btc --split 0.7,0.15,30
  tm data quality AAPL.csv --calendar us_equities
  tm data quality stocks --split train:2012-01-01..2018-12-31,valid:2019-01-01..2019-12-31,test:2020-01-01..2020-12-31
  tm data quality btc -o json | jq '.findings[].code'";
const DERIVE_EXAMPLES: &str = "Examples:
  tm data derive btc-minutes --name btc-hours --resample 1h
  tm data derive stocks --name two --instruments AAPL,MSFT --from 2015-01-01
  tm data derive aapl-raw --name aapl --adjust backward_total --action 2020-08-31:split:4";
const REBUILD_EXAMPLES: &str = "Examples:
  tm data rebuild dow_30 --raw raw/dj30 --out out --compare portfolio_management/dj30
  tm data rebuild bitcoin --raw raw/crypto/coin_Bitcoin.csv --out out --faithful --compare algorithmic_trading/BTC
  tm data rebuild exchange_rates --raw fx.csv --out out --cut train=2000-01-01..2015-12-31 --cut test=2016-01-01..2019-12-31";

/// Verbs of `tm data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// Import a file of market data of any kind, a directory of files, or make a synthetic market.
    ///
    /// Which program wrote the file and what it holds (bars, several instruments, trades, order books) is found out;
    /// columns are found by their headings, others are named with --map. Nothing is stored unless the whole file is
    /// good.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<ImportArgs>),
    /// Show what an import would do. No node need run, nothing is stored.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect {
        /// The file, or a directory with one file per instrument.
        #[arg(value_hint = ValueHint::AnyPath)]
        file: PathBuf,
        #[command(flatten)]
        read: Box<ReadArgs>,
    },
    /// What to know about data before relying on it: gaps, jumps, stale prices, suspected splits, leaking segments.
    #[command(after_help = QUALITY_EXAMPLES)]
    Quality {
        /// A data set by name or identifier, or a file, for which no node need run.
        source: String,
        /// A split to check: shares and bars purged, or spans of days.
        #[arg(long)]
        split: Option<String>,
        #[command(flatten)]
        read: Box<ReadArgs>,
    },
    /// The first and the last rows of a data set.
    ///
    /// Example: tm data preview btc --rows 3
    Preview {
        /// Name or identifier.
        dataset: String,
        /// Rows of each end.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
        rows: u32,
    },
    /// Make a data set of another one.
    #[command(after_help = DERIVE_EXAMPLES)]
    Derive {
        /// The data set it is made of, by name or identifier.
        dataset: String,
        /// Name of the new data set.
        #[arg(long, required_unless_present = "dry_run")]
        name: Option<String>,
        /// Show what the new data set would hold; nothing is stored.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        steps: Box<StepArgs>,
    },
    /// Hash and decode the snapshot of a data set anew: is it still what was imported?
    ///
    /// Example: tm data verify btc
    Verify {
        /// Name or identifier.
        dataset: String,
    },
    /// Compute the reference system's published splits anew from raw files, with hashes. No node need run.
    #[command(after_help = REBUILD_EXAMPLES)]
    Rebuild(Box<RebuildArgs>),
    /// List data sets.
    ///
    /// Example: tm data ls
    Ls,
    /// One data set: span, columns, warnings, picture.
    ///
    /// Example: tm data show btc
    Show {
        /// Name or identifier.
        dataset: String,
    },
    /// Remove a data set that nothing refers to.
    ///
    /// Example: tm data rm btc-old
    Rm {
        /// Name or identifier.
        dataset: String,
    },
}

/// Arguments of `tm data import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, or a directory with one file per instrument. Its ending tells Parquet from text.
    #[arg(value_hint = ValueHint::AnyPath, required_unless_present = "synthetic")]
    pub(crate) file: Option<PathBuf>,
    /// Name of the data set; the file's by default.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Only show what would be imported.
    #[arg(long, conflicts_with = "synthetic")]
    pub(crate) dry_run: bool,
    /// Make a synthetic market instead of reading a file.
    #[arg(long, conflicts_with = "file")]
    pub(crate) synthetic: bool,
    /// Seed of the synthetic market.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Bars of the synthetic market.
    #[arg(long, default_value_t = 2000)]
    pub(crate) rows: u32,
}

/// How a file is read, and what is done to it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReadArgs {
    /// Which program wrote the file (yahoo, binance_klines, stooq, meta_trader, …); found out by default.
    #[arg(long)]
    pub(crate) dialect: Option<String>,
    /// What it must hold.
    #[arg(long, value_parser = ["bars", "panel", "trades", "book"])]
    pub(crate) kind: Option<String>,
    /// What stands between two cells; found out by default.
    #[arg(long, value_parser = ["comma", "semicolon", "tab", "bar"])]
    pub(crate) separator: Option<String>,
    /// Whether 1,5 is a number: true or false.
    #[arg(long)]
    pub(crate) decimal_comma: Option<bool>,
    /// Whether rows without any price are passed over: true or false.
    #[arg(long)]
    pub(crate) skip_empty_rows: Option<bool>,
    /// Times of a panel: those of any instrument, or of all.
    #[arg(long, value_parser = ["outer", "inner"])]
    pub(crate) join: Option<String>,
    /// Of times written without one: an IANA name such as Europe/Berlin, UTC or +05:30.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) timezone: Option<String>,
    /// Which reading of a local time that a change of the clock lets happen twice or never; refused by default.
    #[arg(long, value_parser = actors::CLOCK_CHANGES)]
    pub(crate) clock_change: Option<String>,
    /// Which instrument, when the file holds several; its name, when the file has none.
    #[arg(long)]
    pub(crate) instrument: Option<String>,
    /// Column mapping, repeatable: --map close=Last --map time=Timestamp
    #[arg(long, value_parser = pair)]
    pub(crate) map: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) steps: StepArgs,
}

/// What is done to data before it is stored.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StepArgs {
    /// Instruments to keep, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) instruments: Vec<String>,
    /// First day or time to keep.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Last day or time to keep.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Which end keeps its prices when they are adjusted; total: for dividends too.
    #[arg(long, value_parser = ["backward", "forward", "backward_total", "forward_total"])]
    pub(crate) adjust: Option<String>,
    /// A split or dividend, repeatable: --action AAPL@2020-08-31:split:4
    #[arg(long = "action")]
    pub(crate) actions: Vec<String>,
    /// Length of the bars: 5m, 1h, 1d, 1w, 1mo; of trades also ticks:1000, volume:10, dollars:1e6.
    #[arg(long)]
    pub(crate) resample: Option<String>,
    /// Where an instrument has no bar: keep, drop, forward_fill:5, interpolate:5, interpolate_log:5.
    #[arg(long)]
    pub(crate) missing: Option<String>,
    /// Calendar of resampling, filling and the quality report.
    #[arg(long, value_parser = ["always_open", "us_equities", "forex_week", "china_a_shares"])]
    pub(crate) calendar: Option<String>,
    /// Interpolated bars know the next true one: that is known and wanted.
    #[arg(long)]
    pub(crate) accept_look_ahead: bool,
}

/// What is rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum RebuildTarget {
    /// 29 stocks of the Dow Jones index, of one file each.
    #[value(name = "dow_30")]
    Dow30,
    /// Bitcoin, daily.
    Bitcoin,
    /// Exchange rates, daily; needs --cut.
    ExchangeRates,
    /// Stocks with several bars a day.
    #[value(name = "intraday_50")]
    Intraday50,
}

/// Arguments of `tm data rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// What is rebuilt.
    pub(crate) target: RebuildTarget,
    /// The raw file, or the directory with the raw files.
    #[arg(long, value_hint = ValueHint::AnyPath)]
    pub(crate) raw: PathBuf,
    /// Directory for the tables and their hashes; made where it is missing.
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// Directory with the published files, to compare with.
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub(crate) compare: Option<PathBuf>,
    /// Fill rows without a full window as the reference does. It leaks; for comparison only.
    #[arg(long)]
    pub(crate) faithful: bool,
    /// A segment of the exchange rates, repeatable: --cut train=2000-01-01..2015-12-31
    #[arg(long, value_parser = pair)]
    pub(crate) cut: Vec<(String, String)>,
}

impl StepArgs {
    /// Returns the steps.
    pub(crate) fn steps(&self) -> Steps {
        let Self {
            instruments,
            from,
            to,
            adjust,
            actions,
            resample,
            missing,
            calendar,
            accept_look_ahead,
        } = self.clone();
        Steps {
            instruments,
            from,
            to,
            adjust,
            actions,
            resample,
            missing,
            calendar,
            accept_look_ahead,
        }
    }

    /// Returns the steps as parameters of the import's query.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let list = |list: &[String]| Some(list.join(",")).filter(|text| !text.is_empty());
        let pairs = [
            ("instruments", list(&self.instruments)),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("adjust", self.adjust.clone()),
            ("actions", list(&self.actions)),
            ("resample", self.resample.clone()),
            ("missing", self.missing.clone()),
            ("calendar", self.calendar.clone()),
            ("accept_look_ahead", self.accept_look_ahead.then(|| "true".to_owned())),
        ];
        present(pairs)
    }
}

impl ReadArgs {
    /// Returns how a file is read and what is done to it.
    ///
    /// # Errors
    /// Names every wrong word.
    pub(crate) fn plan(&self) -> Result<ImportPlan, CliError> {
        let usage = |flag: &str, detail: &str| CliError::Usage(format!("--{flag}: {detail}"));
        let named = self.instrument.as_deref().map(|name| ("instrument", name));
        let pairs = self.map.iter().map(|(part, column)| (part.as_str(), column.as_str()));
        let (mapping, trades) =
            actors::mappings(pairs.chain(named)).map_err(|wrong| usage("map", &wrong.detail))?;
        let zone = self.timezone.as_deref().map(actors::zone).transpose();
        let zone = zone.map_err(|wrong| usage("timezone", &wrong.detail))?;
        let options = ImportOptions {
            dialect: word("dialect", self.dialect.as_deref())?,
            separator: word("separator", self.separator.as_deref())?,
            decimal_comma: self.decimal_comma,
            skip_empty_rows: self.skip_empty_rows,
            mapping,
            trades,
            join: word("join", self.join.as_deref())?.unwrap_or_default(),
            zone,
            clock_change: word("clock-change", self.clock_change.as_deref())?,
        };
        let steps = self.steps.steps();
        steps.check().map_err(|wrong| {
            let told = wrong.iter().map(|one| {
                format!(
                    "--{}: {}",
                    one.pointer.trim_start_matches('/').replace('_', "-"),
                    one.detail
                )
            });
            CliError::Usage(told.collect::<Vec<_>>().join("\n"))
        })?;
        Ok(ImportPlan { options, kind: word("kind", self.kind.as_deref())?, steps })
    }

    /// Returns how a file is read and what is done to it, as parameters of the import's query.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let flag = |flag: Option<bool>| flag.map(|is| is.to_string());
        let pairs = [
            ("dialect", self.dialect.clone()),
            ("kind", self.kind.clone()),
            ("separator", self.separator.clone()),
            ("decimal_comma", flag(self.decimal_comma)),
            ("skip_empty_rows", flag(self.skip_empty_rows)),
            ("join", self.join.clone()),
            ("timezone", self.timezone.clone()),
            ("clock_change", self.clock_change.clone()),
            ("instrument", self.instrument.clone()),
        ];
        let mut query = present(pairs);
        query.extend(self.map.iter().map(|(part, column)| (format!("map.{part}"), column.clone())));
        query.extend(self.steps.query());
        query
    }
}

fn present<const N: usize>(pairs: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// Returns a word as the engine's value.
fn word<T: DeserializeOwned>(flag: &str, text: Option<&str>) -> Result<Option<T>, CliError> {
    let Some(text) = text else { return Ok(None) };
    let read = serde_json::from_value(Value::from(text));
    read.map(Some).map_err(|error| CliError::Usage(format!("--{flag}: {error}")))
}
