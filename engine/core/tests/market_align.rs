//! Calendars against real trading days, gaps, and what alignment may and may not fill.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::market::align::{Missing, Scale, align};
use engine::market::calendar::civil::{DAY_MS, day_number, day_of};
use engine::market::calendar::{BarStamp, Calendar, CalendarName};
use engine::market::parse::{CsvMapping, csv};
use engine::market::{Bar, BarSeries, DataErrorKind, bar, synthetic};
use proptest::prelude::*;

fn data(path: &str) -> Option<BarSeries> {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not there; set TM_TEST_DATA", file.display());
        return None;
    }
    let opened = std::fs::File::open(file).unwrap();
    Some(csv::parse(opened, path, &CsvMapping::default()).unwrap())
}

fn at(year: i64, month: i64, day: i64, minute: i64) -> i64 {
    day_number(year, month, day) * DAY_MS + minute * 60_000
}

fn series(name: &str, times: &[i64]) -> BarSeries {
    let mut series =
        BarSeries { instrument: name.to_owned(), volume: Some(Vec::new()), ..BarSeries::default() };
    for (index, time) in times.iter().enumerate() {
        let price = 100.0 + index as f64;
        series.push(&Bar {
            time_ms: *time,
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price + 0.5,
            adjusted_close: price,
            volume: Some(7.0),
        });
    }
    series.interval_seconds = bar::interval_seconds(times);
    series
}

#[test]
fn the_rules_of_new_york_give_the_days_on_which_the_index_was_computed() {
    let Some(index) = data("portfolio_management/dj30/DJI.csv") else { return };
    let calendar = Calendar::of(CalendarName::UsEquities);
    let range = index.time_ms[0]..index.time_ms[index.len() - 1] + 1;
    let expected = calendar.expected_times(86_400, range, BarStamp::Start).unwrap();
    assert_eq!(expected, index.time_ms, "2000-01-03 to 2021-12-31");
    assert!(calendar.gaps(&index.time_ms, 86_400, BarStamp::Start).is_empty());
    let Some(stock) = data("raw/dj30/AAPL.csv") else { return };
    assert!(calendar.gaps(&stock.time_ms, 86_400, BarStamp::Start).is_empty());
    assert_eq!(calendar.outside(&stock.time_ms, 86_400, BarStamp::Start), 0);
    let Some(coin) = data("raw/crypto/coin_Bitcoin.csv") else { return };
    let always = Calendar::of(CalendarName::AlwaysOpen);
    assert!(always.gaps(&coin.time_ms, 86_400, BarStamp::Start).is_empty());
}

#[test]
fn sessions_follow_summer_time_and_half_days() {
    let calendar = Calendar::of(CalendarName::UsEquities);
    let sessions = |year, month, day| {
        calendar.sessions_of(day_number(year, month, day)).collect::<Vec<[i64; 2]>>()
    };
    assert_eq!(sessions(2021, 1, 4), [[at(2021, 1, 4, 870), at(2021, 1, 4, 1260)]]);
    assert_eq!(sessions(2021, 7, 6), [[at(2021, 7, 6, 810), at(2021, 7, 6, 1200)]]);
    assert_eq!(sessions(2021, 3, 12)[0][0] - sessions(2021, 3, 15)[0][0], -3 * DAY_MS + 3_600_000);
    assert_eq!(sessions(2021, 11, 26), [[at(2021, 11, 26, 870), at(2021, 11, 26, 1080)]], "half");
    assert!(sessions(2021, 12, 24).is_empty() && sessions(2021, 1, 2).is_empty());
    assert!(sessions(2022, 6, 20).is_empty() && !sessions(2021, 6, 18).is_empty(), "Juneteenth");
    let forex = Calendar::of(CalendarName::ForexWeek);
    let monday = forex.session_at(at(2021, 1, 3, 22 * 60)).unwrap();
    assert_eq!((monday.0, monday.1[0]), (day_number(2021, 1, 4), at(2021, 1, 3, 22 * 60)));
    assert_eq!(forex.session_at(at(2021, 1, 3, 22 * 60 - 1)), None);
    assert_eq!(forex.session_at(at(2021, 1, 8, 22 * 60)), None, "Friday evening");
    let china = Calendar::of(CalendarName::ChinaAShares).with_holidays(&[[2020, 1, 1]]);
    assert_eq!(china.sessions_of(day_number(2020, 1, 1)).count(), 0);
    let hours =
        china.expected_times(1800, at(2020, 1, 2, 0)..at(2020, 1, 3, 0), BarStamp::End).unwrap();
    assert_eq!((hours.len(), hours[0], hours[7]), (8, at(2020, 1, 2, 120), at(2020, 1, 2, 420)));
}

#[test]
fn gaps_are_counted_against_the_calendar() {
    let calendar = Calendar::of(CalendarName::UsEquities);
    let range = at(2021, 11, 22, 0)..at(2021, 12, 4, 0);
    for stamp in [BarStamp::Start, BarStamp::End] {
        let mut times = calendar.expected_times(3600, range.clone(), stamp).unwrap();
        assert!(calendar.gaps(&times, 3600, stamp).is_empty());
        assert_eq!(calendar.outside(&times, 3600, stamp), 0);
        assert_eq!(calendar.stamp_of(&times), stamp);
        let cut: Vec<i64> = times.drain(5..20).collect();
        let gaps = calendar.gaps(&times, 3600, stamp);
        assert_eq!((gaps.len(), gaps[0].missing), (1, cut.len() as u64), "{stamp:?}");
        assert!(gaps[0].after_ms < cut[0] && cut[14] < gaps[0].before_ms);
    }
    assert_eq!(
        calendar.expected_times(1, 0..4_000_000_000_000, BarStamp::Start).unwrap_err().kind,
        DataErrorKind::TooLarge
    );
    assert!(calendar.expected_times(0, 0..1, BarStamp::Start).is_err());
}

#[test]
fn each_policy_does_what_it_says() {
    let all = [series("A", &[1, 2, 5, 6]), series("B", &[1, 2, 3, 4, 5, 6, 7])];
    let kept = align(&all, Missing::Keep, None).unwrap();
    assert_eq!((kept.panel.rows(), kept.filled_count, kept.panel.bar(2, 0)), (7, 0, None));
    let dropped = align(&all, Missing::Drop, None).unwrap();
    assert_eq!((dropped.panel.time_ms.as_slice(), dropped.dropped_times), (&[1, 2, 5, 6][..], 3));
    let forward = align(&all, Missing::ForwardFill { limit: 1 }, None).unwrap();
    let bar = forward.panel.bar(2, 0).unwrap();
    assert_eq!((bar.open, bar.high, bar.low, bar.close), (101.5, 101.5, 101.5, 101.5));
    assert_eq!((bar.volume, bar.adjusted_close), (Some(0.0), 101.0));
    assert_eq!((forward.panel.bar(3, 0), forward.filled_count), (None, 2), "a limit of one");
    assert!(forward.filled[2 * 2] && forward.filled[6 * 2] && !forward.transformation.looks_ahead);
    let how = Missing::Interpolate { scale: Scale::Linear, limit: 2, accept_look_ahead: true };
    let between = align(&all, how, None).unwrap();
    let close = between.panel.bar(2, 0).map(|bar| bar.close);
    assert_eq!(close, Some(101.5 + 1.0 / 3.0));
    assert_eq!((between.panel.bar(6, 0), between.filled_count), (None, 2), "inside gaps only");
    assert!(between.transformation.looks_ahead);
    let log = Missing::Interpolate { scale: Scale::Log, limit: 2, accept_look_ahead: true };
    let close = align(&all, log, None).unwrap().panel.bar(2, 0).unwrap().close;
    assert!((close - 101.5 * (102.5_f64 / 101.5).powf(1.0 / 3.0)).abs() < 1e-12);
    let short = Missing::Interpolate { scale: Scale::Linear, limit: 1, accept_look_ahead: true };
    assert_eq!(align(&all, short, None).unwrap().filled_count, 0);
    let hidden = Missing::Interpolate { scale: Scale::Linear, limit: 9, accept_look_ahead: false };
    assert!(align(&all, hidden, None).unwrap_err().to_string().contains("accept_look_ahead"));
    for aligned in [kept, dropped, forward, between] {
        aligned.panel.validate().unwrap();
    }
}

#[test]
fn a_calendar_adds_the_days_that_all_lack() {
    let days = [4, 5, 8, 11].map(|day| at(2021, 1, day, 0));
    let calendar = Calendar::of(CalendarName::UsEquities);
    let fill = Missing::ForwardFill { limit: 5 };
    let aligned = align(&[series("A", &days)], fill, Some(&calendar)).unwrap();
    assert_eq!(aligned.panel.time_ms, [4, 5, 6, 7, 8, 11].map(|day| at(2021, 1, day, 0)));
    assert_eq!(aligned.filled, [false, false, true, true, false, false]);
    let kept = align(&[series("A", &days)], Missing::Keep, Some(&calendar)).unwrap();
    assert_eq!((kept.panel.rows(), kept.dropped_times), (4, 2));
    let odd = [at(2021, 1, 4, 0), at(2021, 1, 5, 1), at(2021, 1, 6, 0)];
    assert_eq!(
        align(&[series("A", &odd)], fill, Some(&calendar)).unwrap_err().kind,
        DataErrorKind::Time
    );
}

/// Bars of two instruments with random holes.
fn holey(seed: u64, holes: &[usize]) -> [BarSeries; 2] {
    let mut both = [synthetic::generate(seed, 60), synthetic::generate(seed + 1, 60)];
    for (one, name) in both.iter_mut().zip(["A", "B"]) {
        one.instrument = name.to_owned();
    }
    both.map(|one| {
        let mut kept = BarSeries {
            volume: Some(Vec::new()),
            instrument: one.instrument.clone(),
            ..BarSeries::default()
        };
        for (index, bar) in one.bars().enumerate() {
            if !holes.contains(&(index * 2 + usize::from(one.instrument == "A"))) || index == 0 {
                kept.push(&bar);
            }
        }
        kept.interval_seconds = one.interval_seconds;
        kept
    })
}

proptest! {
    #[test]
    fn carrying_forward_never_looks_ahead(
        seed in 0_u64..1000,
        holes in proptest::collection::vec(0_usize..120, 0..60),
        cut in 2_usize..59,
        limit in 0_u32..5,
    ) {
        let both = holey(seed, &holes);
        let whole = align(&both, Missing::ForwardFill { limit }, None).unwrap();
        whole.panel.validate().unwrap();
        let last = synthetic::generate(seed, 60).time_ms[cut];
        let known = both.clone().map(|one| {
            let count = one.time_ms.iter().filter(|time| **time <= last).count();
            one.slice(0..count)
        });
        let early = align(&known, Missing::ForwardFill { limit }, None).unwrap();
        for row in 0..early.panel.rows() {
            prop_assert_eq!(early.panel.time_ms[row], whole.panel.time_ms[row]);
            for column in 0..2 {
                prop_assert_eq!(early.panel.bar(row, column), whole.panel.bar(row, column));
            }
        }
    }

    #[test]
    fn what_was_there_stays_and_what_is_new_is_marked(
        seed in 0_u64..1000,
        holes in proptest::collection::vec(0_usize..120, 0..60),
        log: bool,
    ) {
        let both = holey(seed, &holes);
        let scale = if log { Scale::Log } else { Scale::Linear };
        let policies = [
            Missing::ForwardFill { limit: 3 },
            Missing::Interpolate { scale, limit: 3, accept_look_ahead: true },
        ];
        for policy in policies {
            let aligned = align(&both, policy, None).unwrap();
            aligned.panel.validate().unwrap();
            for (column, one) in both.iter().enumerate() {
                let source: Vec<Bar> = one.bars().collect();
                let kept: Vec<Bar> = (0..aligned.panel.rows())
                    .filter(|row| !aligned.filled[row * 2 + column])
                    .filter_map(|row| aligned.panel.bar(row, column))
                    .collect();
                prop_assert_eq!(kept, source);
            }
        }
    }

    #[test]
    fn a_calendar_finds_exactly_what_was_taken_out(
        first in 0_i64..8000,
        taken in proptest::collection::btree_set(1_usize..60, 0..30),
        name in 0_usize..4,
    ) {
        let name = [
            CalendarName::AlwaysOpen,
            CalendarName::UsEquities,
            CalendarName::ForexWeek,
            CalendarName::ChinaAShares,
        ][name];
        let calendar = Calendar::of(name);
        let start = day_number(2001, 1, 1) + first;
        let range = start * DAY_MS..(start + 20) * DAY_MS;
        for (interval, stamp) in
            [(86_400, BarStamp::Start), (3600, BarStamp::Start), (3600, BarStamp::End), (420, BarStamp::Start)]
        {
            let all = calendar.expected_times(interval, range.clone(), stamp).unwrap();
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            let left: Vec<i64> = all
                .iter()
                .enumerate()
                .filter(|(index, _)| !taken.contains(index) || *index + 1 == all.len())
                .map(|(_, time)| *time)
                .collect();
            let missing: u64 = calendar.gaps(&left, interval, stamp).iter().map(|gap| gap.missing).sum();
            prop_assert_eq!(missing, (all.len() - left.len()) as u64);
            prop_assert!(all.iter().all(|time| (day_of(*time) - start).abs() < 21));
        }
    }
}
