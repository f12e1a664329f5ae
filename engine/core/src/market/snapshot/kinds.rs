//! Snapshots of every kind of market data: what each kind's columns are. Bars of one instrument keep the layout of
//! [`super::encode`]; the other kinds carry where they come from in their metadata.

use bytes::Bytes;

use super::table::{INSTRUMENTS, LoadedTable, Values, format_of, write};
use super::{FILE, FORMAT, broken, decode, encode};
use crate::market::bar::Bar;
use crate::market::book::{BookSeries, LEVELS_MAX};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::panel::{BarPanel, CELLS_MAX};
use crate::market::parse::parquet::guarded;
use crate::market::series::MarketSeries;
use crate::market::tick::{Aggressor, TradeSeries};
use crate::market::transformation::Provenance;

/// Layout of a panel. A change of layout is a new name.
pub(super) const PANEL: &str = "tm-panel-1";
/// Layout of trades.
pub(super) const TRADES: &str = "tm-trades-1";
/// Layout of order books.
pub(super) const BOOK: &str = "tm-book-1";
const PROVENANCE: &str = "provenance";
const INTERVAL: &str = "interval_seconds";

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The data.
    pub data: MarketSeries,
    /// `[T · N]` which cells of a panel were filled in by an alignment; absent where none was.
    pub filled: Option<Vec<bool>>,
    /// Where it comes from; absent in snapshots of one instrument's bars, whose bytes hold the bars alone.
    pub provenance: Option<Provenance>,
}

impl Stored {
    /// Returns data in which nothing was filled in.
    #[must_use]
    pub fn new(data: MarketSeries, provenance: Provenance) -> Self {
        Self { data, filled: None, provenance: Some(provenance) }
    }
}

/// Returns the data as Parquet. Equal data from equal sources give equal bytes; bars of one instrument give the bytes
/// of [`encode`] whatever their source.
///
/// # Errors
/// Refuses data that is not valid, and marks of filled cells that do not belong to it.
pub fn encode_any(stored: &Stored) -> Result<Vec<u8>, DataError> {
    stored.data.validate()?;
    let provenance = stored.provenance.clone().unwrap_or_default();
    let provenance = serde_json::to_string(&provenance).map_err(|error| unwritten(&error))?;
    match &stored.data {
        MarketSeries::Bars(bars) => encode(bars),
        MarketSeries::Panel(panel) => panel_bytes(panel, stored.filled.as_deref(), provenance),
        MarketSeries::Trades(trades) => trades_bytes(trades, provenance),
        MarketSeries::Book(book) => book_bytes(book, provenance),
    }
}

/// Returns what [`encode_any`] or [`encode`] wrote, checked again.
///
/// # Errors
/// Refuses bytes that are not such a snapshot.
pub fn decode_any(bytes: Bytes) -> Result<Stored, DataError> {
    guarded(FILE, || {
        let format = format_of(bytes.clone())?;
        let stored = match format.as_str() {
            FORMAT => {
                let data = MarketSeries::Bars(decode(bytes)?);
                return Ok(Stored { data, filled: None, provenance: None });
            }
            PANEL => panel(bytes)?,
            TRADES => trades(bytes)?,
            BOOK => book(bytes)?,
            other => {
                let wanted = format!("the format {FORMAT}, {PANEL}, {TRADES} or {BOOK}");
                let shown: String = other.chars().take(40).collect();
                return Err(broken(&wanted, &format!("'{shown}'")));
            }
        };
        stored.data.validate()?;
        Ok(stored)
    })
    .map_err(|error| DataError { kind: DataErrorKind::Snapshot, ..error })
}

/// Whether bytes say that they are a snapshot of this program.
#[must_use]
pub fn is_snapshot(bytes: Bytes) -> bool {
    guarded(FILE, || format_of(bytes))
        .is_ok_and(|format| [FORMAT, PANEL, TRADES, BOOK].contains(&format.as_str()))
}

fn unwritten(error: &dyn std::fmt::Display) -> DataError {
    let next = "This is a fault of the program; report it";
    let fault = Fault::new("to write the snapshot", error.to_string(), next);
    DataError::new(FILE, DataErrorKind::Snapshot, fault)
}

/// Names of a panel's columns.
pub(super) fn panel_columns(has_volume: bool, has_filled: bool) -> Vec<String> {
    ["time_ms", "instrument", "open", "high", "low", "close", "adjusted_close"]
        .into_iter()
        .chain(has_volume.then_some("volume"))
        .chain(has_filled.then_some("filled"))
        .map(str::to_owned)
        .collect()
}

fn panel_bytes(
    panel: &BarPanel,
    filled: Option<&[bool]>,
    provenance: String,
) -> Result<Vec<u8>, DataError> {
    if let Some(filled) = filled.filter(|filled| filled.len() != panel.present.len()) {
        let wanted = format!("{} marks of filled cells", panel.present.len());
        let fault = Fault::new(wanted, filled.len().to_string(), "Align the panel again");
        return Err(DataError::new("panel", DataErrorKind::Columns, fault));
    }
    let cells: Vec<usize> = (0..panel.present.len()).filter(|cell| panel.present[*cell]).collect();
    let times: Vec<i64> = cells.iter().map(|cell| panel.time_ms[cell / panel.width()]).collect();
    let names: Vec<usize> = cells.iter().map(|cell| cell % panel.width()).collect();
    let gather = |column: &[f64]| cells.iter().map(|cell| column[*cell]).collect::<Vec<f64>>();
    let prices = [&panel.open, &panel.high, &panel.low, &panel.close, &panel.adjusted_close]
        .map(|c| gather(c));
    let volume: Option<Vec<Option<f64>>> = panel.volume.as_ref().map(|volume| {
        gather(volume)
            .into_iter()
            .map(|value| Some(value).filter(|value| !value.is_nan()))
            .collect()
    });
    let marks: Option<Vec<bool>> =
        filled.map(|filled| cells.iter().map(|cell| filled[*cell]).collect());
    let mut values = vec![Values::TimesMs(&times), Values::Names(&names, &panel.instruments)];
    values.extend(prices.iter().map(|column| Values::Doubles(column)));
    values.extend(volume.as_deref().map(Values::Optional));
    values.extend(marks.as_deref().map(Values::Flags));
    let columns: Vec<(String, Values<'_>)> =
        panel_columns(volume.is_some(), marks.is_some()).into_iter().zip(values).collect();
    let list = serde_json::to_string(&panel.instruments).map_err(|error| unwritten(&error))?;
    let pairs = [
        (INSTRUMENTS, list),
        (INTERVAL, panel.interval_seconds.to_string()),
        (PROVENANCE, provenance),
    ];
    write(PANEL, &pairs, &columns).map_err(|error| unwritten(&error))
}

fn panel(bytes: Bytes) -> Result<Stored, DataError> {
    let mut table = LoadedTable::read(bytes, PANEL)?;
    let has = |name: &str| table.names.iter().any(|column| column == name);
    let (has_volume, has_filled) = (has("volume"), has("filled"));
    if table.names != panel_columns(has_volume, has_filled) {
        return Err(broken("the columns of a panel", &table.names.join(", ")));
    }
    let (times, names) = (table.wholes("time_ms")?, table.wholes("instrument")?);
    let open = table.doubles("open")?;
    let [high, low, close, adjusted] =
        ["high", "low", "close", "adjusted_close"].map(|name| table.doubles(name));
    let (high, low, close, adjusted) = (high?, low?, close?, adjusted?);
    let volume = has_volume.then(|| table.optional("volume")).transpose()?;
    let marks = has_filled.then(|| table.flags("filled")).transpose()?;
    let instruments: Vec<String> = list(&table)?;
    let mut time_ms = times.clone();
    time_ms.dedup();
    let cells = time_ms.len().saturating_mul(instruments.len());
    if cells == 0 || CELLS_MAX < cells {
        return Err(broken(&format!("1 to {CELLS_MAX} cells"), &cells.to_string()));
    }
    let interval_seconds = interval(&table)?;
    let nothing = || vec![f64::NAN; cells];
    let mut panel = BarPanel {
        interval_seconds,
        present: vec![false; cells],
        open: nothing(),
        high: nothing(),
        low: nothing(),
        close: nothing(),
        adjusted_close: nothing(),
        volume: has_volume.then(nothing),
        instruments,
        time_ms,
    };
    let mut filled = marks.as_ref().map(|_| vec![false; cells]);
    let (mut row, mut before) = (0, None);
    for (index, (time, name)) in times.iter().zip(&names).enumerate() {
        if panel.time_ms[row] != *time {
            (row, before) = (row + 1, None);
        }
        let column = usize::try_from(*name).ok().filter(|column| *column < panel.width());
        let Some(column) = column.filter(|column| before.is_none_or(|before| before < *column))
        else {
            return Err(broken("each instrument of the list once per time, in order", "another"));
        };
        before = Some(column);
        let bar = Bar {
            time_ms: *time,
            open: open[index],
            high: high[index],
            low: low[index],
            close: close[index],
            adjusted_close: adjusted[index],
            volume: volume.as_ref().and_then(|volume| volume[index]),
        };
        panel.put(row, column, &bar);
        if let (Some(filled), Some(marks)) = (&mut filled, &marks) {
            filled[row * panel.width() + column] = marks[index];
        }
    }
    let provenance = provenance(&table)?;
    Ok(Stored { data: MarketSeries::Panel(panel), filled, provenance })
}

fn list(table: &LoadedTable) -> Result<Vec<String>, DataError> {
    let text = table.pairs.get(INSTRUMENTS).map(String::as_str).unwrap_or_default();
    let names: Vec<String> = serde_json::from_str(text)
        .map_err(|error| broken("a list of instruments", &error.to_string()))?;
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(broken("each instrument once", "one twice"));
    }
    Ok(names)
}

fn interval(table: &LoadedTable) -> Result<f64, DataError> {
    let text = table.pairs.get(INTERVAL).map(String::as_str).unwrap_or_default();
    let seconds = text.parse::<f64>().ok();
    seconds
        .filter(|seconds| seconds.is_finite() && 0.0 <= *seconds)
        .ok_or_else(|| broken("an interval of 0 s or more", text))
}

fn provenance(table: &LoadedTable) -> Result<Option<Provenance>, DataError> {
    let read = |text: &String| serde_json::from_str(text);
    table
        .pairs
        .get(PROVENANCE)
        .map(read)
        .transpose()
        .map_err(|error| broken("where the data comes from", &error.to_string()))
}

/// Names of the columns of trades.
pub(super) fn trade_columns() -> Vec<String> {
    ["time_us", "price", "quantity", "aggressor"].map(str::to_owned).into()
}

fn trades_bytes(trades: &TradeSeries, provenance: String) -> Result<Vec<u8>, DataError> {
    let sides: Vec<i32> = trades
        .aggressor
        .iter()
        .map(|side| match side {
            Aggressor::Buyer => 1,
            Aggressor::Seller => -1,
            Aggressor::Unknown => 0,
        })
        .collect();
    let values = [
        Values::TimesUs(&trades.time_us),
        Values::Doubles(&trades.price),
        Values::Doubles(&trades.quantity),
        Values::Small(&sides),
    ];
    let columns: Vec<(String, Values<'_>)> = trade_columns().into_iter().zip(values).collect();
    let pairs = [("instrument", trades.instrument.clone()), (PROVENANCE, provenance)];
    write(TRADES, &pairs, &columns).map_err(|error| unwritten(&error))
}

fn trades(bytes: Bytes) -> Result<Stored, DataError> {
    let mut table = LoadedTable::read(bytes, TRADES)?;
    if table.names != trade_columns() {
        return Err(broken("the columns of trades", &table.names.join(", ")));
    }
    let side = |number: i64| match number {
        1 => Ok(Aggressor::Buyer),
        -1 => Ok(Aggressor::Seller),
        0 => Ok(Aggressor::Unknown),
        other => Err(broken("1, -1 or 0 for who crossed the spread", &other.to_string())),
    };
    let series = TradeSeries {
        instrument: table.pairs.get("instrument").cloned().unwrap_or_default(),
        time_us: table.wholes("time_us")?,
        price: table.doubles("price")?,
        quantity: table.doubles("quantity")?,
        aggressor: table.wholes("aggressor")?.into_iter().map(side).collect::<Result<_, _>>()?,
    };
    let provenance = provenance(&table)?;
    Ok(Stored { data: MarketSeries::Trades(series), filled: None, provenance })
}

/// Names of the columns of a book.
pub(super) fn book_columns(levels: usize, has_flow: [bool; 2]) -> Vec<String> {
    let level = |level: usize| {
        ["bid", "ask"]
            .into_iter()
            .flat_map(move |side| ["price", "size"].map(|what| format!("{side}{level}_{what}")))
    };
    let flow = ["bought", "sold"].into_iter().zip(has_flow).filter(|(_, has)| *has);
    std::iter::once("time_ms".to_owned())
        .chain((1..=levels).flat_map(level))
        .chain(flow.map(|(name, _)| name.to_owned()))
        .collect()
}

fn book_bytes(book: &BookSeries, provenance: String) -> Result<Vec<u8>, DataError> {
    let levels = book.levels;
    let of_level = |column: &[f64], level: usize| {
        column.iter().skip(level).step_by(levels).copied().collect::<Vec<f64>>()
    };
    let sides = [&book.bid_price, &book.bid_size, &book.ask_price, &book.ask_size];
    let by_level: Vec<Vec<f64>> =
        (0..levels).flat_map(|level| sides.map(|column| of_level(column, level))).collect();
    let values = std::iter::once(Values::TimesMs(&book.time_ms))
        .chain(by_level.iter().map(|column| Values::Doubles(column)))
        .chain(book.bought.as_deref().map(Values::Doubles))
        .chain(book.sold.as_deref().map(Values::Doubles));
    let names = book_columns(levels, [book.bought.is_some(), book.sold.is_some()]);
    let columns: Vec<(String, Values<'_>)> = names.into_iter().zip(values).collect();
    let pairs = [
        ("instrument", book.instrument.clone()),
        ("levels", levels.to_string()),
        (PROVENANCE, provenance),
    ];
    write(BOOK, &pairs, &columns).map_err(|error| unwritten(&error))
}

fn book(bytes: Bytes) -> Result<Stored, DataError> {
    let mut table = LoadedTable::read(bytes, BOOK)?;
    let stated = table.pairs.get("levels").and_then(|text| text.parse::<usize>().ok());
    let Some(levels) = stated.filter(|levels| (1..=LEVELS_MAX).contains(levels)) else {
        return Err(broken(&format!("1 to {LEVELS_MAX} levels"), "another number"));
    };
    let has = |name: &str| table.names.iter().any(|column| column == name);
    let flow = [has("bought"), has("sold")];
    if table.names != book_columns(levels, flow) {
        return Err(broken("the columns of a book", &format!("{} others", table.names.len())));
    }
    let time_ms = table.wholes("time_ms")?;
    let rows = time_ms.len();
    let mut sides: [Vec<f64>; 4] = std::array::from_fn(|_| vec![f64::NAN; rows * levels]);
    for level in 0..levels {
        let names = ["bid", "ask"]
            .into_iter()
            .flat_map(|side| ["price", "size"].map(|what| format!("{side}{}_{what}", level + 1)));
        for (side, name) in sides.iter_mut().zip(names) {
            let column = table.doubles(&name)?;
            if column.len() != rows {
                return Err(broken("columns of one length", &name));
            }
            for (row, value) in column.into_iter().enumerate() {
                side[row * levels + level] = value;
            }
        }
    }
    let [bid_price, bid_size, ask_price, ask_size] = sides;
    let series = BookSeries {
        instrument: table.pairs.get("instrument").cloned().unwrap_or_default(),
        levels,
        time_ms,
        bid_price,
        bid_size,
        ask_price,
        ask_size,
        bought: flow[0].then(|| table.doubles("bought")).transpose()?,
        sold: flow[1].then(|| table.doubles("sold")).transpose()?,
    };
    let provenance = provenance(&table)?;
    Ok(Stored { data: MarketSeries::Book(series), filled: None, provenance })
}
