//! The files of a labelling: the labelled table, a table per slice, statistics, pictures.

use std::collections::BTreeSet;

use engine::labelling::slices::LabelSlices;
use engine::labelling::statistics::COLUMNS;
use engine::market::parse::rows::{Row, Rows, written};

use super::input::{Stoppable, name_of, open, refused};
use super::portfolio::Portfolio;
use super::staging::{MARKER, Staging, Writer};
use super::view::View;
use super::{Labelled, Results, Stop, picture};
use crate::error::CliError;
use crate::output::bytes_bar;

/// Columns that are added, and left out where the file has them from an earlier labelling.
const ADDED: [&str; 4] = ["pct_return", "key_indicator_filtered", "pct_return_filtered", "label"];

/// Writes everything and puts the directory in its place. Returns the files' names.
pub(super) fn write(
    mut staging: Staging,
    results: &Results,
    stop: &Stop,
) -> Result<Vec<String>, CliError> {
    let folders = folders(&results.tickers);
    table(&mut staging, results, &folders, stop)?;
    for (one, folder) in results.tickers.iter().zip(&folders) {
        stop.check()?;
        statistics(&mut staging, one, folder)?;
        let config = &results.input.config;
        for (kind, svg) in picture::pictures(one, &config.indicator, config.label_count) {
            let mut file =
                staging.create(&format!("{}_{kind}.svg", safe(&one.series.ticker, folder)))?;
            file.text(&svg)?;
            file.finish()?;
        }
    }
    if let Some(portfolio) = &results.portfolio {
        portfolio_table(&mut staging, portfolio, stop)?;
    }
    let mut file = staging.create(MARKER)?;
    file.json(&View { results, files: &[], rows: false })?;
    file.finish()?;
    stop.check()?;
    staging.publish()
}

/// Returns the folder of each ticker with a `/` at its end; empty where there is only one ticker.
fn folders(tickers: &[Labelled]) -> Vec<String> {
    if tickers.len() < 2 {
        return vec![String::new(); tickers.len()];
    }
    let mut taken = BTreeSet::new();
    tickers
        .iter()
        .enumerate()
        .map(|(number, one)| {
            let mut name = plain_name(&one.series.ticker);
            // Differences of case do not count on every file system.
            if !taken.insert(name.to_lowercase()) {
                name = format!("{name}_{number}");
                taken.insert(name.to_lowercase());
            }
            format!("{name}/")
        })
        .collect()
}

/// Returns the beginning of the names of a ticker's pictures.
fn safe(ticker: &str, folder: &str) -> String {
    if folder.is_empty() {
        plain_name(ticker)
    } else {
        format!("{folder}{}", folder.trim_end_matches('/'))
    }
}

/// Returns a ticker as the name of a file: other signs than letters, digits, `-` and `_` become `_`.
fn plain_name(ticker: &str) -> String {
    let name: String = ticker
        .chars()
        .take(64)
        .map(|sign| if sign.is_ascii_alphanumeric() || "-_".contains(sign) { sign } else { '_' })
        .collect();
    if name.is_empty() { "ticker".to_owned() } else { name }
}

/// How rows are copied: which cells stay, and where the index stands.
struct Layout {
    kept: Vec<usize>,
    /// Whether the first kept cell is a row index, which restarts in each slice.
    is_indexed: bool,
    names: String,
}

impl Layout {
    fn of(names: &[String], added: &[&str]) -> Self {
        let kept: Vec<usize> =
            (0..names.len()).filter(|column| !added.contains(&names[*column].as_str())).collect();
        let first = kept.first().map(|column| names[*column].as_str());
        let is_indexed = first.is_some_and(|name| name.is_empty() || name.starts_with("Unnamed"));
        let all = kept.iter().map(|column| written(&names[*column]));
        let names = all.chain(added.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>();
        Self { kept, is_indexed, names: names.join(",") }
    }

    /// The header of a slice: an index first.
    fn slice_header(&self) -> String {
        if !self.is_indexed {
            return format!(",{}\n", self.names);
        }
        let rest = self.names.split_once(',').map_or("", |(_, rest)| rest);
        format!(",{rest}\n")
    }

    fn cells(&self, row: &Row, added: &str) -> String {
        let mut line = String::new();
        for cell in self.kept.iter().map(|column| row.cell(*column)) {
            line.push_str(&written(cell));
            line.push(',');
        }
        line.push_str(added);
        line.push('\n');
        line
    }

    fn slice_line(&self, line: &str, index: usize) -> String {
        if !self.is_indexed {
            return format!("{index},{line}");
        }
        let rest = line.split_once(',').map_or("", |(_, rest)| rest);
        format!("{index},{rest}")
    }
}

/// Writes the slices of one ticker while its rows come in order.
struct SliceWriter<'a> {
    folder: String,
    /// Start, end, folder and number of each slice, by start.
    slices: Vec<(usize, usize, u32, usize)>,
    next: usize,
    open: Option<Writer>,
    layout: &'a Layout,
}

impl<'a> SliceWriter<'a> {
    fn new(folder: &str, labels: &[LabelSlices], layout: &'a Layout) -> Self {
        let numbered = labels.iter().flat_map(|of_label| {
            let slices = of_label.slices.iter().enumerate();
            slices.map(|(number, slice)| (slice.start, slice.end, of_label.folder, number))
        });
        let mut slices: Vec<_> = numbered.collect();
        slices.sort_unstable();
        Self { folder: folder.to_owned(), slices, next: 0, open: None, layout }
    }

    /// Takes row or day `at`.
    fn take(&mut self, staging: &mut Staging, at: usize, line: &str) -> Result<(), CliError> {
        while self.slices.get(self.next).is_some_and(|(_, end, ..)| *end <= at) {
            self.close()?;
            self.next += 1;
        }
        let Some((start, _, label, number)) = self.slices.get(self.next).copied() else {
            return Ok(());
        };
        if at < start {
            return Ok(());
        }
        if self.open.is_none() {
            let path = format!("{}label_{label}/label_{label}_{number}.csv", self.folder);
            let mut file = staging.create(&path)?;
            file.text(&self.layout.slice_header())?;
            self.open = Some(file);
        }
        let text = self.layout.slice_line(line, at - start);
        self.open.as_mut().map_or(Ok(()), |file| file.text(&text))
    }

    fn close(&mut self) -> Result<(), CliError> {
        self.open.take().map_or(Ok(()), Writer::finish)
    }
}

/// Writes the labelled table and the slices of every ticker.
fn table(
    staging: &mut Staging,
    results: &Results,
    folders: &[String],
    stop: &Stop,
) -> Result<(), CliError> {
    let path = &results.input.data;
    let name = name_of(path);
    let (file, bytes) = open(path)?;
    let bar = bytes_bar("write", bytes);
    let reader = Stoppable { inner: bar.wrap_read(file), stop };
    let mut rows = Rows::open(reader, &name).map_err(|error| refused(&error))?;
    let layout = Layout::of(rows.names(), &ADDED);
    let mut whole = staging.create(&labelled_name(&name))?;
    whole.text(&format!("{}\n", layout.names))?;
    let mut slices: Vec<SliceWriter<'_>> = results
        .tickers
        .iter()
        .zip(folders)
        .map(|(one, folder)| SliceWriter::new(folder, &one.labelling.slices, &layout))
        .collect();
    let places = places(&results.tickers);
    let mut number = 0;
    while let Some(row) = rows.next_row().map_err(|error| refused(&error))? {
        let (ticker, at) = places.get(number).copied().unwrap_or((0, number));
        let found = results.tickers.get(ticker).zip(slices.get_mut(ticker));
        let Some((one, slices)) = found.filter(|(one, _)| at < one.labelling.row_count) else {
            return Err(changed(&name));
        };
        let found = &one.labelling;
        let added = format!(
            "{},{},{},{}",
            found.pct_return[at],
            found.filtered[at],
            found.pct_return_filtered[at],
            found.labels[at]
        );
        let line = layout.cells(&row, &added);
        whole.text(&line)?;
        slices.take(staging, at, &line)?;
        number += 1;
    }
    bar.finish_and_clear();
    stop.check()?;
    if number != results.tickers.iter().map(|one| one.labelling.row_count).sum::<usize>() {
        return Err(changed(&name));
    }
    for one in &mut slices {
        one.close()?;
    }
    whole.finish()
}

fn changed(name: &str) -> CliError {
    CliError::Failed(format!(
        "{name} changed while it was labelled; nothing was written. Try again"
    ))
}

/// Returns ticker and place within it of each row of the file; nothing where there is one ticker.
fn places(tickers: &[Labelled]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (ticker, one) in tickers.iter().enumerate() {
        let Some(file_rows) = &one.series.file_rows else { continue };
        for (at, row) in file_rows.iter().enumerate() {
            if places.len() <= *row {
                places.resize(row + 1, (0, 0));
            }
            places[*row] = (ticker, at);
        }
    }
    places
}

/// Writes the portfolio with its labels, and its slices in days.
fn portfolio_table(
    staging: &mut Staging,
    portfolio: &Portfolio,
    stop: &Stop,
) -> Result<(), CliError> {
    let name = name_of(&portfolio.path);
    let (file, _) = open(&portfolio.path)?;
    let mut rows =
        Rows::open(Stoppable { inner: file, stop }, &name).map_err(|error| refused(&error))?;
    let layout = Layout::of(rows.names(), &["label"]);
    let mut whole = staging.create(&format!("portfolio/{}", labelled_name(&name)))?;
    whole.text(&format!("{}\n", layout.names))?;
    let mut slices = SliceWriter::new("portfolio/", &portfolio.slices, &layout);
    for day in &portfolio.day_of_row {
        let Some(row) = rows.next_row().map_err(|error| refused(&error))? else {
            return Err(changed(&name));
        };
        let Some(day) = *day else { continue };
        let line = layout.cells(&row, &portfolio.labels[day].to_string());
        whole.text(&line)?;
        slices.take(staging, day, &line)?;
    }
    stop.check()?;
    slices.close()?;
    whole.finish()
}

fn labelled_name(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    format!("{stem}_labelled.csv")
}

/// Writes the statistics of a ticker's labels.
fn statistics(staging: &mut Staging, one: &Labelled, folder: &str) -> Result<(), CliError> {
    let mut file = staging.create(&format!("{folder}dynamics_metrics.csv"))?;
    file.text(&format!(",{}\n", COLUMNS.join(",")))?;
    for of_label in &one.labelling.metrics {
        let values: Vec<String> = of_label
            .values
            .iter()
            .map(|value| value.map(|value| value.to_string()).unwrap_or_default())
            .collect();
        file.text(&format!("{},{}\n", of_label.folder, values.join(",")))?;
    }
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_cannot_lead_elsewhere() {
        assert_eq!(plain_name("BRK.B"), "BRK_B");
        assert_eq!(plain_name("../../etc"), "______etc");
        assert_eq!(plain_name(""), "ticker");
        assert_eq!(labelled_name("test.csv"), "test_labelled.csv");
        assert_eq!(labelled_name("test"), "test_labelled.csv");
    }

    #[test]
    fn a_slice_has_an_index_of_its_own() {
        let names = ["Unnamed: 0", "date", "label"].map(str::to_owned);
        let layout = Layout::of(&names, &ADDED);
        assert_eq!(
            layout.names,
            "Unnamed: 0,date,pct_return,key_indicator_filtered,pct_return_filtered,label"
        );
        assert!(layout.slice_header().starts_with(",date,"));
        assert_eq!(layout.slice_line("7,2020,1\n", 0), "0,2020,1\n");
        let plain = Layout::of(&names[1..], &["label"]);
        assert_eq!(plain.slice_header(), ",date,label\n");
        assert_eq!(plain.slice_line("2020,1\n", 3), "3,2020,1\n");
    }
}
