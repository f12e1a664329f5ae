//! Data and steps in, changed data and a record of each step out: choose instruments, cut, adjust, resample, fill. Pure;
//! the work is the engine's.

use std::ops::Range;

use engine::market::adjust::{CorporateAction, adjust};
use engine::market::align::{Missing, align};
use engine::market::calendar::{BarStamp, Calendar, CalendarName};
use engine::market::parse::MarketSeries;
use engine::market::resample::{
    ShortBars, TimeBars, Unfinished, by_trades, of_bars, of_book, of_trades,
};
use engine::market::snapshot::Stored;
use engine::market::{BarPanel, BarSeries, DataError, DataErrorKind, Fault, Join, Transformation};

use super::plan::{Length, Program};

/// Does every step of a program, in its order.
///
/// # Errors
/// Refuses what the engine refuses, an instrument that is not there, and a step that this kind of data does not know.
pub(crate) fn apply(stored: Stored, program: &Program) -> Result<Stored, DataError> {
    let mut work = Work { data: stored.data, filled: stored.filled, done: Vec::new() };
    if !program.instruments.is_empty() {
        work.choose(&program.instruments)?;
    }
    if program.from_ms.is_some() || program.until_ms.is_some() {
        work.cut(program.from_ms.unwrap_or(i64::MIN)..program.until_ms.unwrap_or(i64::MAX))?;
    }
    if program.adjust.is_some() {
        work.adjust(program)?;
    }
    if let Some(length) = program.resample {
        work.resample(length, program.calendar.as_ref())?;
    }
    if let Some(missing) = program.missing {
        work.fill(missing, program.calendar.as_ref())?;
    }
    let mut provenance = stored.provenance.unwrap_or_default();
    provenance.transformations.append(&mut work.done);
    Ok(Stored { data: work.data, filled: work.filled, provenance: Some(provenance) })
}

struct Work {
    data: MarketSeries,
    filled: Option<Vec<bool>>,
    done: Vec<Transformation>,
}

impl Work {
    fn choose(&mut self, wanted: &[String]) -> Result<(), DataError> {
        let there = self.data.instruments();
        if let Some(absent) = wanted.iter().find(|name| !there.contains(name)) {
            let shown = there.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
            let more = if 20 < there.len() { ", …" } else { "" };
            return Err(refuse(
                DataErrorKind::Instrument,
                format!("the instrument '{absent}'"),
                format!("{shown}{more}"),
                "Name instruments that the data holds",
            ));
        }
        if let MarketSeries::Panel(panel) = &self.data {
            let columns: Vec<usize> = (0..panel.width())
                .filter(|column| wanted.contains(&panel.instruments[*column]))
                .collect();
            if columns.len() < panel.width() {
                let series: Vec<BarSeries> =
                    columns.iter().map(|column| panel.series(*column)).collect();
                let detail = format!("{} of {} instruments kept", columns.len(), panel.width());
                self.joined(series)?;
                self.done.push(Transformation::new("choose", detail));
            }
        }
        Ok(())
    }

    /// Puts series in the panel's place; marks of filled cells go with their cells.
    fn joined(&mut self, mut series: Vec<BarSeries>) -> Result<(), DataError> {
        series.retain(|one| !one.is_empty());
        if series.is_empty() {
            return Err(nothing_left());
        }
        let panel = BarPanel::join(&series, Join::Outer)?;
        if let (Some(filled), MarketSeries::Panel(before)) = (self.filled.take(), &self.data) {
            self.filled = Some(marks(&panel, before, &filled));
        }
        self.data = MarketSeries::Panel(panel);
        Ok(())
    }

    fn cut(&mut self, time: Range<i64>) -> Result<(), DataError> {
        let before = self.data.rows();
        let rows = |times: &[i64]| {
            times.partition_point(|at| *at < time.start)..times.partition_point(|at| *at < time.end)
        };
        match &self.data {
            MarketSeries::Bars(bars) => {
                self.data = MarketSeries::Bars(bars.slice(rows(&bars.time_ms)));
            }
            MarketSeries::Panel(panel) => {
                let series = (0..panel.width()).map(|column| panel.series(column));
                let series =
                    series.map(|one| one.slice(rows(&one.time_ms))).collect::<Vec<BarSeries>>();
                self.joined(series)?;
            }
            MarketSeries::Trades(trades) => {
                let at =
                    |bound: i64| trades.time_us.partition_point(|us| us.div_euclid(1000) < bound);
                self.data = MarketSeries::Trades(trades.slice(at(time.start)..at(time.end)));
            }
            MarketSeries::Book(book) => {
                self.data = MarketSeries::Book(book.slice(rows(&book.time_ms)));
            }
        }
        if self.data.rows() == 0 {
            return Err(nothing_left());
        }
        let detail = format!("{} of {before} rows kept by their times", self.data.rows());
        self.done.push(Transformation::new("cut", detail));
        Ok(())
    }

    fn adjust(&mut self, program: &Program) -> Result<(), DataError> {
        let Some((how, actions)) = &program.adjust else { return Ok(()) };
        let there = self.data.instruments();
        let lost = actions.iter().find(|action| match &action.instrument {
            Some(name) => !there.contains(name),
            None => 1 < there.len(),
        });
        if let Some(lost) = lost {
            let found =
                lost.instrument.clone().unwrap_or_else(|| "an action without one".to_owned());
            return Err(refuse(
                DataErrorKind::Instrument,
                "actions of instruments of the data, named where there are several".to_owned(),
                found,
                "Write the instrument before the day, as in AAPL@2020-08-31:split:4",
            ));
        }
        let of = |name: &str| -> Vec<CorporateAction> {
            let own = |action: &&super::plan::NamedAction| {
                action.instrument.as_deref().is_none_or(|own| own == name)
            };
            let mut found: Vec<CorporateAction> =
                actions.iter().filter(own).map(|action| action.action).collect();
            found.sort_by_key(|action| action.ex_ms);
            found
        };
        match &self.data {
            MarketSeries::Bars(bars) => {
                let adjusted = adjust(bars, &of(&bars.instrument), *how)?;
                self.done.push(adjusted.transformation);
                self.data = MarketSeries::Bars(adjusted.bars);
            }
            MarketSeries::Panel(panel) => {
                let mut series = Vec::new();
                for column in 0..panel.width() {
                    let one = panel.series(column);
                    let actions = of(&one.instrument);
                    if actions.is_empty() {
                        series.push(one);
                        continue;
                    }
                    let adjusted = adjust(&one, &actions, *how)?;
                    let Transformation { name, detail, looks_ahead } = adjusted.transformation;
                    let detail = format!("{}: {detail}", one.instrument);
                    self.done.push(Transformation { name, detail, looks_ahead });
                    series.push(adjusted.bars);
                }
                self.joined(series)?;
            }
            MarketSeries::Trades(_) | MarketSeries::Book(_) => {
                return Err(not_bars("adjusted", self.data.kind().name()));
            }
        }
        Ok(())
    }

    fn resample(&mut self, length: Length, calendar: Option<&Calendar>) -> Result<(), DataError> {
        let span = match length {
            Length::Time(span) => span,
            Length::Trades(mark) => {
                let MarketSeries::Trades(trades) = &self.data else {
                    return Err(refuse(
                        DataErrorKind::Columns,
                        "trades, for bars that end with activity".to_owned(),
                        self.data.kind().name().to_owned(),
                        "Name a length in time, such as 1h",
                    ));
                };
                let bars = by_trades(trades, mark, Unfinished::Drop)?;
                let detail = format!("trades to bars of {mark:?}; the unfinished one left out");
                self.done.push(Transformation::new("resample", detail));
                self.data = MarketSeries::Bars(bars);
                return Ok(());
            }
        };
        let to = TimeBars {
            calendar: calendar.cloned().unwrap_or_else(|| Calendar::of(CalendarName::AlwaysOpen)),
            ..TimeBars::round_the_clock(span)
        };
        let longer = |bars: &BarSeries| {
            let stamp = if bars.interval_seconds < 86_400.0 {
                to.calendar.stamp_of(&bars.time_ms)
            } else {
                BarStamp::Start
            };
            of_bars(&ShortBars { bars, stamp, complete_until_ms: None }, &to)
        };
        let made = match &self.data {
            MarketSeries::Bars(bars) => longer(bars)?,
            MarketSeries::Trades(trades) => of_trades(trades, &to)?,
            MarketSeries::Book(book) => of_book(book, &to)?,
            MarketSeries::Panel(panel) => {
                let mut series = Vec::new();
                let mut last = None;
                for column in 0..panel.width() {
                    let made = longer(&panel.series(column))?;
                    series.push(made.bars);
                    last = Some(made.transformation);
                }
                // What was filled is inside longer bars now; the record of the filling stays.
                self.filled = None;
                self.joined(series)?;
                self.done.extend(last);
                return Ok(());
            }
        };
        self.done.push(made.transformation);
        self.data = MarketSeries::Bars(made.bars);
        Ok(())
    }

    fn fill(&mut self, missing: Missing, calendar: Option<&Calendar>) -> Result<(), DataError> {
        match &self.data {
            MarketSeries::Bars(bars) => {
                let aligned = align(std::slice::from_ref(bars), missing, calendar)?;
                let mut step = aligned.transformation;
                if calendar.is_none() {
                    step.detail.push_str("; one instrument without a calendar misses nothing");
                }
                self.data = MarketSeries::Bars(aligned.panel.series(0));
                self.done.push(step);
            }
            MarketSeries::Panel(panel) => {
                let series: Vec<BarSeries> =
                    (0..panel.width()).map(|column| panel.series(column)).collect();
                let before = self.filled.take().map(|filled| (panel.clone(), filled));
                let aligned = align(&series, missing, calendar)?;
                let mut filled = aligned.filled;
                if let Some((old, old_filled)) = before {
                    let kept = marks(&aligned.panel, &old, &old_filled);
                    filled.iter_mut().zip(kept).for_each(|(now, before)| *now |= before);
                }
                self.filled = filled.contains(&true).then_some(filled);
                self.data = MarketSeries::Panel(aligned.panel);
                self.done.push(aligned.transformation);
            }
            MarketSeries::Trades(_) | MarketSeries::Book(_) => {
                return Err(not_bars("filled", self.data.kind().name()));
            }
        }
        Ok(())
    }
}

/// Marks of filled cells of `old`, at the places of the same cells in `new`.
fn marks(new: &BarPanel, old: &BarPanel, filled: &[bool]) -> Vec<bool> {
    let columns: Vec<Option<usize>> = new
        .instruments
        .iter()
        .map(|name| old.instruments.iter().position(|other| other == name))
        .collect();
    let mut marks = vec![false; new.present.len()];
    for (row, time) in new.time_ms.iter().enumerate() {
        let Ok(old_row) = old.time_ms.binary_search(time) else { continue };
        for (column, old_column) in columns.iter().enumerate() {
            if let Some(old_column) = old_column {
                marks[row * new.width() + column] = filled[old_row * old.width() + old_column];
            }
        }
    }
    marks
}

pub(super) fn refuse(kind: DataErrorKind, wanted: String, found: String, next: &str) -> DataError {
    DataError::new("data", kind, Fault { wanted, found, next: next.to_owned() })
}

fn nothing_left() -> DataError {
    refuse(
        DataErrorKind::Empty,
        "rows between the first and the last time".to_owned(),
        "none".to_owned(),
        "Choose a span that the data covers",
    )
}

fn not_bars(what: &str, found: &str) -> DataError {
    refuse(
        DataErrorKind::Columns,
        format!("bars, for only they are {what}"),
        found.to_owned(),
        "Resample to bars first, or leave the step out",
    )
}

#[cfg(test)]
mod tests {
    use engine::market::{Provenance, TradeSeries, synthetic};

    use super::super::plan::Steps;
    use super::*;

    fn named(name: &str, seed: u64, rows: Range<usize>) -> BarSeries {
        let mut series = synthetic::generate(seed, 400).slice(rows);
        name.clone_into(&mut series.instrument);
        series
    }

    fn panel() -> Stored {
        let series = [named("A", 1, 0..300), named("B", 2, 0..300), named("C", 3, 10..290)];
        let panel = BarPanel::join(&series, Join::Outer).unwrap();
        Stored::new(MarketSeries::Panel(panel), Provenance::default())
    }

    fn done(stored: Stored, change: impl FnOnce(&mut Steps)) -> Result<Stored, DataError> {
        let mut steps = Steps::default();
        change(&mut steps);
        apply(stored, &steps.compile().unwrap())
    }

    #[test]
    fn no_steps_change_nothing() {
        let before = panel();
        let bytes = |stored: &Stored| engine::market::snapshot::encode_any(stored).unwrap();
        let after = done(before.clone(), |_| {}).unwrap();
        assert!(bytes(&after) == bytes(&before));
    }

    #[test]
    fn each_step_is_recorded_in_order_and_marks_of_filled_cells_stay_with_their_cells() {
        let filled =
            done(panel(), |steps| steps.missing = Some("forward_fill:3".to_owned())).unwrap();
        let marks = filled.filled.as_ref().unwrap();
        assert_eq!(
            marks.iter().filter(|mark| **mark).count(),
            3,
            "C has three days after its last"
        );
        let cut = done(filled.clone(), |steps| {
            steps.instruments = vec!["B".to_owned(), "C".to_owned()];
            let MarketSeries::Panel(panel) = &filled.data else { panic!() };
            let time = jiff::Timestamp::from_millisecond(panel.time_ms[291]).unwrap();
            steps.to = Some(time.to_string());
        })
        .unwrap();
        let MarketSeries::Panel(panel) = &cut.data else { panic!() };
        assert_eq!((panel.rows(), panel.width()), (292, 2));
        let at: Vec<usize> = (0..cut.filled.as_ref().unwrap().len())
            .filter(|cell| cut.filled.as_ref().unwrap()[*cell])
            .collect();
        assert_eq!(at, [290 * 2 + 1, 291 * 2 + 1]);
        let names: Vec<String> =
            cut.provenance.unwrap().transformations.into_iter().map(|step| step.name).collect();
        assert_eq!(names, ["align", "choose", "cut"]);
    }

    #[test]
    fn a_split_lowers_what_lies_before_it_and_only_of_its_instrument() {
        let before = panel();
        let MarketSeries::Panel(old) = &before.data else { panic!() };
        let day = jiff::Timestamp::from_millisecond(old.time_ms[100]).unwrap();
        let after = done(before.clone(), |steps| {
            steps.adjust = Some("backward".to_owned());
            steps.actions = vec![format!("B@{day}:split:2")];
        })
        .unwrap();
        let MarketSeries::Panel(new) = &after.data else { panic!() };
        let close = |panel: &BarPanel, row, column| panel.bar(row, column).unwrap().close;
        assert_eq!(close(new, 99, 1).to_bits(), (close(old, 99, 1) * 0.5).to_bits());
        assert_eq!(close(new, 100, 1).to_bits(), close(old, 100, 1).to_bits());
        assert_eq!(close(new, 50, 0).to_bits(), close(old, 50, 0).to_bits());
    }

    #[test]
    fn refuses_instruments_that_are_not_there_spans_without_rows_and_steps_of_other_kinds() {
        let absent = done(panel(), |steps| steps.instruments = vec!["Z".to_owned()]).unwrap_err();
        assert_eq!(absent.kind, DataErrorKind::Instrument);
        assert!(absent.to_string().contains("A, B, C"), "{absent}");
        let empty = done(panel(), |steps| steps.to = Some("1970-01-01".to_owned())).unwrap_err();
        assert_eq!(empty.kind, DataErrorKind::Empty);
        let trades = TradeSeries {
            instrument: "T".to_owned(),
            time_us: vec![0, 1_000_000, 70_000_000],
            price: vec![1.0, 2.0, 3.0],
            quantity: vec![1.0; 3],
            aggressor: vec![engine::market::Aggressor::Unknown; 3],
        };
        let trades = Stored::new(MarketSeries::Trades(trades), Provenance::default());
        let fill = |steps: &mut Steps| steps.missing = Some("drop".to_owned());
        assert!(done(trades.clone(), fill).is_err());
        let bars = done(trades, |steps| steps.resample = Some("1m".to_owned())).unwrap();
        let MarketSeries::Bars(bars) = bars.data else { panic!() };
        assert_eq!((bars.close, bars.volume), (vec![2.0], Some(vec![2.0])));
        let activity = done(panel(), |steps| steps.resample = Some("ticks:5".to_owned()));
        assert!(activity.unwrap_err().to_string().contains("trades"));
    }
}
