//! The reference system's splits from raw files: reads, computes, writes tables with their hashes, compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::digest::sha256;
use engine::features::rebuild::{
    Cut, Hashed, RawFile, Rebuilt, RebuiltTable, WarmUp, bitcoin, dow_30, exchange_rates,
    intraday_50,
};
use engine::market::calendar::civil::{civil, day_number};
use engine::market::parse::reference;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{RebuildArgs, RebuildTarget};
use crate::error::CliError;
use crate::output::{Output, Table, spinner};

/// What was made of what.
#[derive(Debug, Serialize)]
struct Record {
    target: String,
    warm_up: WarmUp,
    instruments: Vec<String>,
    left_out: Vec<(String, String)>,
    inputs: Vec<Hashed>,
    outputs: Vec<Hashed>,
    comparisons: Vec<Comparison>,
}

/// One table beside the published one.
#[derive(Debug, Serialize)]
struct Comparison {
    table: String,
    rows: u64,
    rows_published: u64,
    sha256: String,
    sha256_published: String,
    /// Largest distance of any column from the published one; absent where the rows differ.
    distance: Option<f64>,
    /// The column that is farthest.
    farthest: Option<String>,
    /// Largest distance of each column that both have.
    distances: BTreeMap<String, f64>,
    /// Cells that are empty here and not there.
    empty: u64,
}

/// Rebuilds a target.
///
/// # Errors
/// Files that cannot be read or written, and what the computation refuses.
pub(super) fn run(args: &RebuildArgs, out: Output) -> Result<(), CliError> {
    let cuts = args.cut.iter().map(cut).collect::<Result<Vec<Cut>, CliError>>()?;
    if args.target == RebuildTarget::ExchangeRates && cuts.is_empty() {
        let detail = "exchange_rates needs its segments: --cut train=2000-01-01..2015-12-31";
        return Err(CliError::Usage(detail.to_owned()));
    }
    if args.target != RebuildTarget::ExchangeRates && !cuts.is_empty() {
        let detail = "--cut belongs to exchange_rates; the other targets have published segments";
        return Err(CliError::Usage(detail.to_owned()));
    }
    let files = raw_files(args)?;
    let files: Vec<RawFile<'_>> =
        files.iter().map(|(name, bytes)| RawFile { name, bytes }).collect();
    let warm_up = if args.faithful { WarmUp::Faithful } else { WarmUp::Undefined };
    let sign = spinner("computing the features");
    let rebuilt = match (args.target, files.as_slice()) {
        (RebuildTarget::Dow30, files) => dow_30(files, warm_up),
        (RebuildTarget::Bitcoin, [file, ..]) => bitcoin(*file, warm_up),
        (RebuildTarget::ExchangeRates, [file, ..]) => exchange_rates(*file, &cuts, warm_up),
        (RebuildTarget::Intraday50, [file, ..]) => intraday_50(*file, warm_up),
        (RebuildTarget::Bitcoin | RebuildTarget::ExchangeRates | RebuildTarget::Intraday50, []) => {
            sign.finish_and_clear();
            return Err(none_there(&args.raw));
        }
    };
    sign.finish_and_clear();
    let rebuilt = rebuilt.map_err(|error| CliError::Failed(error.to_string()))?;
    let comparisons = match &args.compare {
        Some(folder) => compare(folder, &rebuilt)?,
        None => Vec::new(),
    };
    let record = Record {
        target: word(args.target).to_owned(),
        warm_up,
        instruments: rebuilt.instruments.clone(),
        left_out: rebuilt.left_out.clone(),
        inputs: rebuilt.inputs.clone(),
        outputs: rebuilt.outputs.clone(),
        comparisons,
    };
    let value = serde_json::to_value(&record)
        .map_err(|error| CliError::Failed(format!("the record cannot be written: {error}")))?;
    write(&args.out, &rebuilt, &value)?;
    out.value(&value, |_| shown(&record, &args.out))
}

fn word(target: RebuildTarget) -> &'static str {
    match target {
        RebuildTarget::Dow30 => "dow_30",
        RebuildTarget::Bitcoin => "bitcoin",
        RebuildTarget::ExchangeRates => "exchange_rates",
        RebuildTarget::Intraday50 => "intraday_50",
    }
}

/// Reads the raw files: all of a directory for the stocks, one for the other targets.
fn raw_files(args: &RebuildArgs) -> Result<Vec<(String, Vec<u8>)>, CliError> {
    let io =
        |path: &Path, source| CliError::Io { what: format!("read {}", path.display()), source };
    let mut paths = if args.raw.is_dir() {
        let entries = std::fs::read_dir(&args.raw).map_err(|error| io(&args.raw, error))?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| io(&args.raw, error))?.path();
            if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
                paths.push(path);
            }
        }
        paths
    } else {
        vec![args.raw.clone()]
    };
    paths.sort();
    if paths.is_empty() {
        return Err(none_there(&args.raw));
    }
    let is_many = args.target == RebuildTarget::Dow30;
    if !is_many && 1 < paths.len() {
        let detail = format!(
            "{} holds {} files and {} is made of one: name the file",
            args.raw.display(),
            paths.len(),
            word(args.target)
        );
        return Err(CliError::Usage(detail));
    }
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, std::fs::read(&path).map_err(|error| io(&path, error))?));
    }
    Ok(files)
}

fn none_there(path: &Path) -> CliError {
    CliError::NotFound(format!(
        "{} holds no CSV file; name the raw files with --raw",
        path.display()
    ))
}

fn cut((name, span): &(String, String)) -> Result<Cut, CliError> {
    let day = |text: &str| -> Option<[i64; 3]> {
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let date = [parts.next()??, parts.next()??, parts.next()??];
        let [year, month, day] = date;
        let is_whole = parts.next().is_none()
            && [(year, 9999), (month, 12), (day, 31)]
                .iter()
                .all(|(part, most)| (1..=*most).contains(part));
        (is_whole && civil(day_number(year, month, day)) == date).then_some(date)
    };
    let plain = name.chars().all(|sign| sign.is_ascii_alphanumeric() || "_-".contains(sign));
    let days = span.split_once("..").and_then(|(from, to)| Some((day(from)?, day(to)?)));
    match days.filter(|_| plain) {
        Some((first, last)) => Ok(Cut::new(name, first, last)),
        None => Err(CliError::Usage(format!(
            "--cut {name}={span}: wanted a name and two days, such as train=2000-01-01..2015-12-31"
        ))),
    }
}

fn compare(folder: &Path, rebuilt: &Rebuilt) -> Result<Vec<Comparison>, CliError> {
    let mut found = Vec::new();
    for (table, output) in rebuilt.tables.iter().zip(&rebuilt.outputs) {
        let path = folder.join(format!("{}.csv", table.name));
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path)
            .map_err(|source| CliError::Io { what: format!("read {}", path.display()), source })?;
        let name = path.to_string_lossy();
        let theirs = reference::parse(bytes.as_slice(), &name)
            .map_err(|error| CliError::Failed(error.to_string()))?;
        let (distances, empty) = distances(table, &theirs);
        let largest = distances.iter().max_by(|one, other| one.1.total_cmp(other.1));
        found.push(Comparison {
            table: table.name.clone(),
            rows: output.rows,
            rows_published: u64::try_from(theirs.len()).unwrap_or(u64::MAX),
            sha256: output.sha256.clone(),
            sha256_published: sha256(&bytes),
            distance: largest.map(|(_, distance)| *distance),
            farthest: largest.map(|(name, _)| name.clone()),
            distances,
            empty,
        });
    }
    if found.is_empty() {
        let names: Vec<String> =
            rebuilt.tables.iter().map(|table| format!("{}.csv", table.name)).collect();
        let detail = format!("{} holds none of {}", folder.display(), names.join(", "));
        return Err(CliError::NotFound(detail));
    }
    Ok(found)
}

/// Returns the largest distance of each column, and the cells that are empty here and not there. Nothing where the
/// rows differ.
fn distances(
    ours: &RebuiltTable,
    theirs: &reference::ReferenceTable,
) -> (BTreeMap<String, f64>, u64) {
    let (mut found, mut empty) = (BTreeMap::new(), 0);
    if ours.len() != theirs.len() {
        return (found, empty);
    }
    for name in &ours.columns {
        let (Some(our), Ok(their)) = (ours.column(name), theirs.column(name)) else { continue };
        let mut largest = 0.0_f64;
        for (our, their) in our.iter().zip(their) {
            match our {
                Some(our) => largest = largest.max((our - their).abs()),
                None => empty += u64::from(their.is_finite()),
            }
        }
        found.insert(name.clone(), largest);
    }
    (found, empty)
}

/// Writes the tables and the record, each whole or not at all.
fn write(folder: &Path, rebuilt: &Rebuilt, record: &Value) -> Result<(), CliError> {
    let io =
        |path: &Path, source| CliError::Io { what: format!("write {}", path.display()), source };
    std::fs::create_dir_all(folder).map_err(|error| io(folder, error))?;
    let put = |name: String, bytes: &[u8]| {
        let (path, part) = (folder.join(&name), folder.join(format!("{name}.part")));
        std::fs::write(&part, bytes).map_err(|error| io(&part, error))?;
        std::fs::rename(&part, &path).map_err(|error| io(&path, error))
    };
    for table in &rebuilt.tables {
        put(format!("{}.csv", table.name), table.to_csv().as_bytes())?;
    }
    let text = serde_json::to_string_pretty(record).unwrap_or_default();
    put("manifest.json".to_owned(), format!("{text}\n").as_bytes())
}

fn shown(record: &Record, folder: &Path) -> String {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    let mut table = Table::new(&["table", ">rows", "sha256"]);
    for output in &record.outputs {
        table.row([output.name.clone(), output.rows.to_string(), short(&output.sha256)]);
    }
    let mut text = table.render();
    if !record.comparisons.is_empty() {
        let headings = [
            "table",
            ">published",
            ">rebuilt",
            "sha256 published",
            "rebuilt",
            ">largest distance",
            "column",
            ">empty",
        ];
        let mut table = Table::new(&headings);
        for one in &record.comparisons {
            table.row([
                one.table.clone(),
                one.rows_published.to_string(),
                one.rows.to_string(),
                short(&one.sha256_published),
                short(&one.sha256),
                one.distance.map_or_else(|| "rows differ".to_owned(), |far| format!("{far:.2e}")),
                one.farthest.clone().unwrap_or_default(),
                one.empty.to_string(),
            ]);
        }
        text.push_str(&format!("\n\n{}", table.render()));
    }
    for (name, reason) in &record.left_out {
        text.push_str(&format!("\nleft out: {name} ({reason})"));
    }
    text.push_str(&format!(
        "\n{} instruments of {} files; written to {}",
        record.instruments.len(),
        record.inputs.len(),
        folder.display()
    ));
    text
}
