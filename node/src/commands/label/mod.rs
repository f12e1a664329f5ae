//! `tm label`: market regimes of a series. `run` computes in this process, and no node need run; `start` is a session
//! (see `session`).

mod files;
mod input;
mod picture;
mod portfolio;
pub(crate) mod session;
mod staging;
mod view;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::config::Truth;
use engine::config::labelling::PRESETS;
use engine::error::EngineError;
use engine::labelling::{Labelling, Series, label_with};
use engine::market::parse::series::TickerSeries;
use serde_json::json;

use self::input::Input;
use self::portfolio::Portfolio;
use self::view::View;
use super::Context;
use crate::cli::{LabelArgs, LabelVerb};
use crate::error::CliError;
use crate::output::{Format, Output, Table, note, plain, progress_bar, sparkline};
use crate::signals::Ending;

/// Characters of a sparkline.
const SPARKS: usize = 24;

/// Runs one verb.
///
/// # Errors
/// What is wrong with configuration, data or directory; then nothing is written.
pub(crate) async fn run(
    verb: LabelVerb,
    out: Output,
    context: impl Fn() -> Result<Context, CliError>,
) -> Result<(), CliError> {
    match verb {
        LabelVerb::Run(args) => label(args, out).await,
        LabelVerb::Start(args) => session::start(args, &context()?).await,
        LabelVerb::Report { session } => session::report(&session, &context()?).await,
        LabelVerb::Presets => presets(out),
    }
}

/// Whether the user asked to stop.
#[derive(Debug, Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), CliError> {
        if self.is_asked() { Err(stopped()) } else { Ok(()) }
    }
}

fn stopped() -> CliError {
    CliError::Failed("stopped on request; nothing was written".to_owned())
}

async fn label(args: LabelArgs, out: Output) -> Result<(), CliError> {
    let mut ending = Ending::listen()?;
    let stop = Stop::default();
    let work = {
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || work(&args, out, &stop))
    };
    tokio::pin!(work);
    let ended = tokio::select! {
        ended = &mut work => ended,
        _ = ending.next() => {
            stop.0.store(true, Ordering::Relaxed);
            work.await
        }
    };
    ended.unwrap_or_else(|error| Err(CliError::Failed(format!("the labelling broke off: {error}"))))
}

/// One ticker's rows and labels.
struct Labelled {
    series: TickerSeries,
    labelling: Labelling,
}

/// Everything that one run gave.
struct Results {
    input: Input,
    tickers: Vec<Labelled>,
    portfolio: Option<Portfolio>,
    remarks: Vec<String>,
}

fn work(args: &LabelArgs, out: Output, stop: &Stop) -> Result<(), CliError> {
    let input = Input::of(args)?;
    // Refused before anything is computed.
    let staging =
        args.out.as_ref().map(|dir| staging::Staging::open(dir, args.force)).transpose()?;
    let series = input.series(stop)?;
    let mut tickers = Vec::with_capacity(series.len());
    for one in series {
        let labelling = labelled(&one, &input, stop)?;
        tickers.push(Labelled { series: one, labelling });
    }
    let portfolio = portfolio::of(&input, &tickers, stop)?;
    let remarks = remarks(&input, &tickers, portfolio.as_ref());
    let results = Results { input, tickers, portfolio, remarks };
    let written = match staging {
        Some(staging) => files::write(staging, &results, stop)?,
        None => Vec::new(),
    };
    for remark in &results.remarks {
        note(&format!("note: {remark}"));
    }
    match out.format {
        Format::Json => out.stream(&View { results: &results, files: &written, rows: true }),
        Format::Table => {
            out.line(&table(&results))?;
            match args.out.as_ref().filter(|_| !written.is_empty()) {
                Some(dir) => out.line(&format!("\n{} files in {}", written.len(), dir.display())),
                None => Ok(()),
            }
        }
    }
}

fn labelled(series: &TickerSeries, input: &Input, stop: &Stop) -> Result<Labelling, CliError> {
    let bar = progress_bar(&format!("label {}", series.ticker));
    let what =
        Series { ticker: &series.ticker, values: &series.values, order: series.order.as_deref() };
    let found = label_with(&what, &input.config, &mut |progress| {
        bar.set_length(u64::try_from(progress.segments).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(progress.segments_done).unwrap_or(u64::MAX));
        bar.set_message(format!("merge round {}", progress.round));
        if stop.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    found.map_err(|error| match error {
        EngineError::Cancelled => stopped(),
        EngineError::Refused { .. } | EngineError::State { .. } | EngineError::Invariant { .. } => {
            CliError::Failed(format!("{}: {error}", input.data.display()))
        }
    })
}

/// What belongs beside every label.
fn remarks(input: &Input, tickers: &[Labelled], portfolio: Option<&Portfolio>) -> Vec<String> {
    let mut remarks =
        vec!["labels use hindsight: for evaluation only, never an input of a strategy".to_owned()];
    if input.config.truth == Truth::Faithful {
        let why = if input.faithful_by_spelling {
            ", chosen because the configuration is in the reference system's spelling (truth = \"corrected\" or --mode \
             corrected changes that)"
        } else {
            ""
        };
        remarks.push(format!("faithful mode{why}: for verification, its errors are kept"));
    } else if let Some(one) = tickers.iter().find(|one| one.series.order.is_none()) {
        remarks.push(format!(
            "the times of {} (first: '{}') are not dates or whole numbers: their order was not checked",
            one.series.ticker,
            one.series.times.get(0)
        ));
    }
    if let Some(portfolio) = portfolio.filter(|portfolio| portfolio.unlabelled_rows > 0) {
        remarks.push(format!(
            "{} rows of the portfolio have a date that the index does not have; they are left out",
            portfolio.unlabelled_rows
        ));
    }
    remarks
}

/// Per label: rows, slices, mean slope and length, and the filtered course of the longest slice.
fn table(results: &Results) -> String {
    let several = results.tickers.len() > 1;
    let mut headings = vec![
        ">label",
        ">rows",
        ">slices",
        ">mean slope % per row",
        ">mean length",
        "longest slice, filtered",
    ];
    if several {
        headings.insert(0, "ticker");
    }
    let mut table = Table::new(&headings);
    for one in &results.tickers {
        for (of_label, metrics) in one.labelling.slices.iter().zip(&one.labelling.metrics) {
            let longest = of_label.slices.iter().max_by_key(|slice| slice.len());
            let course = longest
                .and_then(|slice| one.labelling.filtered.get(slice.start..slice.end))
                .unwrap_or_default();
            let [slope, _, length, ..] = metrics.values;
            let mut cells = vec![
                of_label.label.to_string(),
                of_label.row_count.to_string(),
                of_label.slices.len().to_string(),
                plain(slope.map(|slope| slope * 100.0)),
                plain(length),
                sparkline(&sampled(course)),
            ];
            if several {
                cells.insert(0, one.series.ticker.clone());
            }
            table.row(cells);
        }
    }
    table.render()
}

/// Returns at most [`SPARKS`] values at equal distances.
fn sampled(values: &[f64]) -> Vec<Option<f64>> {
    let count = values.len().min(SPARKS);
    let at = |place: usize| place * values.len().saturating_sub(1) / count.saturating_sub(1).max(1);
    (0..count).map(|place| values.get(at(place)).copied()).collect()
}

fn presets(out: Output) -> Result<(), CliError> {
    let rows: Vec<_> = PRESETS
        .iter()
        .map(|preset| {
            json!({"name": preset.name, "description": preset.description, "config": preset.config()})
        })
        .collect();
    out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&[
            "name",
            "column",
            ">labels",
            ">min length",
            ">max length",
            ">merge below",
            "for",
        ]);
        for preset in &PRESETS {
            let config = preset.config();
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
            table.row([
                preset.name.to_owned(),
                config.indicator,
                config.label_count.to_string(),
                or_none(config.min_length.map(|rows| rows.to_string())),
                config.max_length.to_string(),
                or_none(config.merge_threshold.map(|threshold| threshold.to_string())),
                preset.description.to_owned(),
            ]);
        }
        table.render()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_sampled_with_both_ends() {
        let values: Vec<f64> = (0..100_u8).map(f64::from).collect();
        let found = sampled(&values);
        assert_eq!((found.len(), found[0], found[SPARKS - 1]), (SPARKS, Some(0.0), Some(99.0)));
        assert_eq!(sampled(&values[..1]), [Some(0.0)]);
        assert!(sampled(&[]).is_empty());
    }
}
