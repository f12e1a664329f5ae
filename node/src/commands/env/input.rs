//! What was typed becomes files read and options of the engine.

use std::path::Path;

use bytes::Bytes;
use engine::config::{FeatureSet, FeaturesConfig, FillRule};
use engine::environment::faithful::{ReplayEnvironment, ReplayOptions};
use engine::error::EngineError;
use engine::features;
use engine::market::MarketSeries;
use engine::market::parse::import::{ImportOptions, import, import_parquet};
use engine::market::parse::reference::{self, ReferenceTable};
use engine::session::replay::{CorrectedOptions, lacking};
use serde_json::{Value, json};

use crate::cli::{Fill, ReplayArgs, SizeArgs, SoundArgs};
use crate::commands::strategy::set;
use crate::error::CliError;

/// How Parquet begins.
const PARQUET: &[u8] = b"PAR1";

/// A file of this machine.
pub(super) struct File {
    pub(super) name: String,
    bytes: Bytes,
}

impl File {
    /// Reads it whole.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|source| CliError::Io { what: format!("read {name}"), source })?;
        Ok(Self { name, bytes: bytes.into() })
    }

    /// Returns the table as the reference reads it.
    pub(super) fn table(&self) -> Result<ReferenceTable, CliError> {
        reference::parse(&*self.bytes, &self.name)
            .map_err(|error| CliError::Failed(error.to_string()))
    }

    /// Returns the market data, whatever dialect it is written in. A file that only the reference can trade is refused
    /// with what it lacks.
    pub(super) fn market(&self, environment: ReplayEnvironment) -> Result<MarketSeries, CliError> {
        let options = ImportOptions::default();
        let read = if self.bytes.starts_with(PARQUET) {
            import_parquet(self.bytes.clone(), &self.name, &options)
        } else {
            import(&*self.bytes, &self.name, &options)
        };
        let error = match read {
            Ok(imported) => return Ok(imported.data),
            Err(error) => error,
        };
        let lacks = match reference::parse(&*self.bytes, &self.name) {
            Ok(table) => {
                let names: Vec<String> =
                    table.columns.keys().chain(table.text.keys()).cloned().collect();
                lacking(environment, &names)
            }
            Err(_) => Vec::new(),
        };
        if lacks.is_empty() {
            return Err(CliError::Failed(error.to_string()));
        }
        Err(CliError::Failed(format!(
            "{}: the corrected {environment} needs columns that are not there: {}. Add them, or use --mode faithful, which \
             trades as the reference does. ({error})",
            self.name,
            lacks.join("; ")
        )))
    }
}

fn size(value: Option<u32>) -> Result<Option<usize>, CliError> {
    value.map(usize::try_from).transpose().map_err(|error| CliError::Usage(error.to_string()))
}

/// Returns the options of a faithful replay.
pub(super) fn faithful(args: &ReplayArgs) -> Result<ReplayOptions, CliError> {
    let sizes = &args.sizes;
    let features = sizes.features.as_deref().map(|text| match text {
        "classic_11" => features::names(FeatureSet::Classic11),
        "classic_16" => features::names(FeatureSet::Classic16),
        "none" => Vec::new(),
        names => names.split(',').map(|name| name.trim().to_owned()).collect(),
    });
    Ok(ReplayOptions {
        features,
        initial_amount: sizes.initial_amount,
        cost_rate: sizes.cost_rate,
        window: size(sizes.window)?,
        forward: size(sizes.forward)?,
        max_volume: sizes.max_volume,
        earlier_release: args.earlier_release,
        start: size(sizes.start)?,
        episode_length: size(sizes.episode_length)?,
    })
}

/// Returns the options of a corrected environment.
pub(super) fn corrected(sizes: &SizeArgs, sound: &SoundArgs) -> Result<CorrectedOptions, CliError> {
    let features = match sizes.features.as_deref() {
        None => None,
        Some(text) => observed(text)?,
    };
    Ok(CorrectedOptions {
        features,
        initial_amount: sizes.initial_amount,
        cost_rate: sizes.cost_rate,
        slippage_bps: sound.slippage_bps,
        fill: sound.fill.map(|fill| match fill {
            Fill::NextOpen => FillRule::NextOpen,
            Fill::SameClose => FillRule::SameClose,
        }),
        window: size(sizes.window)?,
        forward: size(sizes.forward)?,
        max_volume: sizes.max_volume,
        allow_short: sound.allow_short,
        start: size(sizes.start)?,
        episode_length: size(sizes.episode_length)?,
        seed: sound.seed.unwrap_or(0),
        config: config(sound)?,
    })
}

/// Returns which features are computed; absent for none.
fn observed(text: &str) -> Result<Option<FeaturesConfig>, CliError> {
    // What a book shows has no choice: any set stands for it.
    let word = if text == "depth" { "classic_16" } else { text };
    if word == "none" {
        return Ok(None);
    }
    let set: FeatureSet = serde_json::from_value(json!(word)).map_err(|_| {
        CliError::Usage(format!(
            "--features {text}: corrected environments compute features themselves; use none, classic_11, classic_16, \
             alpha158, alpha158_price, or depth for books"
        ))
    })?;
    Ok(Some(FeaturesConfig { set, ..FeaturesConfig::default() }))
}

/// Returns the configuration of a file with single values changed.
fn config(sound: &SoundArgs) -> Result<Option<Value>, CliError> {
    let mut config = match &sound.config {
        Some(path) => document(path)?,
        None if sound.set.is_empty() => return Ok(None),
        None => json!({}),
    };
    if config.get("task").is_some() && !sound.set.is_empty() {
        config = json!({ "environment": config });
    }
    for (path, text) in &sound.set {
        set(&mut config, path, text)?;
    }
    Ok(Some(config))
}

/// Reads JSON, or TOML where it is none.
fn document(path: &Path) -> Result<Value, CliError> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|source| CliError::Io { what: format!("read {name}"), source })?;
    let json_error = match serde_json::from_str(&text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    toml::from_str(&text).map_err(|error| {
        CliError::Usage(format!("{name}: neither JSON ({json_error}) nor TOML ({error})"))
    })
}

/// Refuses options that only corrected environments have.
pub(super) fn refuse_sound(sound: &SoundArgs) -> Result<(), CliError> {
    let all = [
        (sound.slippage_bps.is_some(), "--slippage-bps"),
        (sound.fill.is_some(), "--fill"),
        (sound.allow_short.is_some(), "--allow-short"),
        (sound.seed.is_some(), "--seed"),
        (sound.config.is_some(), "--config"),
        (!sound.set.is_empty(), "--set"),
    ];
    let given: Vec<&str> =
        all.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "the reference has no {}; use --mode corrected, or --mode both to see both",
        given.join(", ")
    )))
}

/// Turns what was typed wrongly into a usage error.
pub(super) fn usage(error: EngineError) -> CliError {
    CliError::Usage(error.to_string())
}
