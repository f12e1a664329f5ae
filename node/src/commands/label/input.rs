//! What is to be labelled: configuration and data, from files and flags.

use std::fs::File;
use std::path::{Path, PathBuf};

use engine::config::labelling::{LabellingFile, LabellingPreset, PRESETS, read_json, read_toml};
use engine::config::{LabellingConfig, Truth, Violation};
use engine::market::DataError;
use engine::market::parse::series::{SeriesColumns, TickerSeries, parse};

use super::Stop;
use crate::cli::{LabelArgs, LabelMode};
use crate::error::CliError;
use crate::output::bytes_bar;

/// Largest configuration file that is read.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Configuration and data of one run.
pub(super) struct Input {
    /// As checked, with the flags' changes.
    pub(super) config: LabellingConfig,
    /// Whether the spelling of the file alone chose `faithful`.
    pub(super) faithful_by_spelling: bool,
    /// The file that is labelled.
    pub(super) data: PathBuf,
    /// The file that takes its labels by date.
    pub(super) portfolio: Option<PathBuf>,
}

impl Input {
    /// Reads the configuration and finds the files.
    pub(super) fn of(args: &LabelArgs) -> Result<Self, CliError> {
        let LabellingFile { mut config, mut faithful_by_spelling } = file(args)?;
        if let Some(mode) = args.mode {
            faithful_by_spelling = false;
            config.truth = match mode {
                LabelMode::Corrected => Truth::Corrected,
                LabelMode::Faithful => Truth::Faithful,
            };
            // What only one mode refuses is checked again.
            let value = serde_json::to_value(&config)
                .map_err(|error| CliError::Failed(error.to_string()))?;
            config = engine::config::validate::labelling(&value)
                .map_err(|found| problem("--mode", &found))?;
        }
        let beside = args.config.as_deref().and_then(Path::parent);
        let data = match (&args.data, &config.data) {
            (Some(data), _) => data.clone(),
            (None, Some(data)) => found(data, beside)?,
            (None, None) => {
                return Err(CliError::Usage(
                    "name the file to label: --data FILE, or data = \"FILE\" in the configuration"
                        .to_owned(),
                ));
            }
        };
        let portfolio = config.portfolio.as_ref().map(|path| found(path, beside)).transpose()?;
        Ok(Self { config, faithful_by_spelling, data, portfolio })
    }

    /// Reads the series of each ticker.
    pub(super) fn series(&self, stop: &Stop) -> Result<Vec<TickerSeries>, CliError> {
        let columns = SeriesColumns {
            indicator: &self.config.indicator,
            time: &self.config.time,
            ticker: &self.config.ticker,
        };
        let (file, bytes) = open(&self.data)?;
        let bar = bytes_bar("read", bytes);
        let found =
            parse(Stoppable { inner: bar.wrap_read(file), stop }, &name_of(&self.data), &columns);
        bar.finish_and_clear();
        stop.check()?;
        found.map_err(|error| refused(&error))
    }
}

/// A reader that fails once the user asked to stop.
pub(super) struct Stoppable<'a, R> {
    pub(super) inner: R,
    pub(super) stop: &'a Stop,
}

impl<R: std::io::Read> std::io::Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.is_asked() {
            return Err(std::io::Error::other("stopped on request"));
        }
        self.inner.read(buffer)
    }
}

/// Opens a data file and tells its size.
pub(super) fn open(path: &Path) -> Result<(File, u64), CliError> {
    let failed = |source| CliError::Io { what: format!("read {}", path.display()), source };
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_dir() {
        return Err(CliError::Usage(format!("{} is a directory; name a CSV file", path.display())));
    }
    Ok((file, facts.len()))
}

pub(super) fn refused(error: &DataError) -> CliError {
    CliError::Failed(error.to_string())
}

/// Returns the last part of a path, for messages and names.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn file(args: &LabelArgs) -> Result<LabellingFile, CliError> {
    read(args.preset.as_deref(), args.config.as_deref())
}

/// Reads a shipped configuration, or a file.
pub(super) fn read(preset: Option<&str>, config: Option<&Path>) -> Result<LabellingFile, CliError> {
    if let Some(name) = preset {
        let Some(preset) = LabellingPreset::of(name) else {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            return Err(CliError::Usage(format!(
                "wanted one of the presets {}; found '{name}'",
                names.join(", ")
            )));
        };
        return Ok(LabellingFile { config: preset.config(), faithful_by_spelling: false });
    }
    let Some(path) = config else {
        return Err(CliError::Usage(
            "name a configuration: --config FILE or --preset NAME".to_owned(),
        ));
    };
    let (_, bytes) = open(path)?;
    if CONFIG_BYTES_MAX < bytes {
        return Err(CliError::Usage(format!(
            "wanted a configuration of at most {CONFIG_BYTES_MAX} bytes; {} has {bytes}. Is it the data? Name that \
             with --data",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| CliError::Io { what: format!("read {}", path.display()), source })?;
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
        || text.trim_start().starts_with('{');
    let read = if is_json { read_json(&text) } else { read_toml(&text) };
    read.map_err(|found| problem(&path.display().to_string(), &found))
}

fn problem(what: &str, found: &[Violation]) -> CliError {
    CliError::Problem {
        status: 422,
        code: "validation_failed".to_owned(),
        detail: format!("{what}: {} of its fields cannot be used", found.len()),
        fields: found.iter().map(|one| (one.pointer.clone(), one.detail.clone())).collect(),
    }
}

/// Finds a file named in a configuration: from the working directory, else from beside the configuration.
fn found(path: &str, beside: Option<&Path>) -> Result<PathBuf, CliError> {
    let here = PathBuf::from(path);
    if here.exists() {
        return Ok(here);
    }
    let there = beside.unwrap_or(Path::new("")).join(path);
    if there.exists() {
        return Ok(there);
    }
    Err(CliError::NotFound(format!(
        "there is no file {} and none at {}; correct the configuration, or name the data with --data",
        here.display(),
        there.display()
    )))
}
