//! Longer bars from trades, books and bars; adjusted prices; joins that know no future.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::float_cmp, reason = "exact numbers are compared exactly")]

use engine::market::adjust::{
    ActionKind, Adjustment, CorporateAction, Direction, adjust, suspected_splits,
};
use engine::market::calendar::civil::{DAY_MS, day_number};
use engine::market::calendar::{BarStamp, Calendar, CalendarName};
use engine::market::join::{AsOf, Observations, as_of};
use engine::market::resample::{
    ShortBars, Span, TimeBars, TradeBars, Unfinished, by_trades, of_bars, of_book, of_trades,
};
use engine::market::{
    Aggressor, Bar, BarSeries, BookSeries, DataErrorKind, TradeSeries, synthetic,
};
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;

const T0: i64 = 1_577_923_200_000;

/// Trades at seconds after [`T0`], with prices and quantities that add up exactly.
fn trades(rows: &[(i64, f64, f64)]) -> TradeSeries {
    TradeSeries {
        instrument: "X".to_owned(),
        time_us: rows.iter().map(|row| (T0 + row.0 * 1000) * 1000).collect(),
        price: rows.iter().map(|row| row.1).collect(),
        quantity: rows.iter().map(|row| row.2).collect(),
        aggressor: vec![Aggressor::Buyer; rows.len()],
    }
}

fn random_trades(seed: u64, count: u32) -> TradeSeries {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 0);
    let mut time = 0;
    let rows: Vec<(i64, f64, f64)> = (0..count)
        .map(|_| {
            // Bursts and pauses.
            let pause = if stream.below(10) == 0 { stream.below(2000) } else { stream.below(20) };
            time += i64::from(pause);
            (time, f64::from(64 + stream.below(64)), f64::from(1 + stream.below(8)) / 8.0)
        })
        .collect();
    trades(&rows)
}

fn seconds(seconds: u32) -> TimeBars {
    TimeBars::round_the_clock(Span::Seconds(seconds))
}

#[test]
fn trades_become_bars_and_the_unfinished_one_is_left_out() {
    let source = trades(&[
        (0, 10.0, 1.0),
        (30, 12.0, 2.0),
        (59, 9.0, 1.0),
        (60, 11.0, 1.0),
        (185, 8.0, 3.0),
    ]);
    let made = of_trades(&source, &seconds(60)).unwrap();
    made.bars.validate().unwrap();
    assert_eq!(made.bars.time_ms, [T0, T0 + 60_000]);
    let first = made.bars.bar(0).unwrap();
    assert_eq!((first.open, first.high, first.low, first.close), (10.0, 12.0, 9.0, 9.0));
    assert_eq!((first.volume, made.dropped_unfinished), (Some(4.0), true));
    assert_eq!(made.complete_until_ms, T0 + 185_000);
    let keep = TimeBars { unfinished: Unfinished::Keep, stamp: BarStamp::End, ..seconds(60) };
    let kept = of_trades(&source, &keep).unwrap();
    assert_eq!(kept.bars.time_ms, [T0 + 60_000, T0 + 120_000, T0 + 240_000]);
    assert!(!kept.dropped_unfinished);
    // The trade at the very end of a bar proves that the bar is over.
    let over = trades(&[(0, 10.0, 1.0), (60, 11.0, 1.0)]);
    assert_eq!(of_trades(&over, &seconds(60)).unwrap().bars.len(), 1);
    let nothing = of_trades(&trades(&[(0, 10.0, 1.0)]), &seconds(60)).unwrap_err();
    assert_eq!(nothing.kind, DataErrorKind::Empty);
    for span in [Span::Seconds(0), Span::Seconds(86_400)] {
        assert!(of_trades(&source, &TimeBars::round_the_clock(span)).is_err());
    }
}

#[test]
fn bars_end_after_ticks_units_or_money() {
    let source = trades(&[
        (0, 10.0, 1.0),
        (1, 10.0, 3.0),
        (2, 10.0, 1.0),
        (3, 20.0, 1.0),
        (3, 20.0, 5.0),
        (4, 5.0, 1.0),
    ]);
    let times =
        |bars: &BarSeries| bars.time_ms.iter().map(|time| (time - T0) / 1000).collect::<Vec<i64>>();
    let ticks = by_trades(&source, TradeBars::Ticks(2), Unfinished::Drop).unwrap();
    assert_eq!((times(&ticks), ticks.volume.clone()), (vec![1, 3, 4], Some(vec![4.0, 2.0, 6.0])));
    let units = by_trades(&source, TradeBars::Volume(4.0), Unfinished::Drop).unwrap();
    assert_eq!((times(&units), units.volume.clone()), (vec![1, 3], Some(vec![4.0, 7.0])));
    let money = by_trades(&source, TradeBars::Dollars(50.0), Unfinished::Keep).unwrap();
    assert_eq!(times(&money), [2, 3, 4]);
    for bars in [ticks, units, money] {
        bars.validate().unwrap();
    }
    // Two marks within one millisecond cannot be two bars.
    let burst = trades(&[(0, 10.0, 9.0), (0, 11.0, 9.0), (0, 12.0, 9.0), (1, 13.0, 9.0)]);
    let bars = by_trades(&burst, TradeBars::Ticks(1), Unfinished::Drop).unwrap();
    assert_eq!((times(&bars), bars.high.clone()), (vec![0, 1], vec![10.0, 13.0]));
    for mark in [0.0, -1.0, f64::NAN] {
        assert!(by_trades(&source, TradeBars::Volume(mark), Unfinished::Drop).is_err());
    }
}

#[test]
fn bars_do_not_cross_sessions() {
    let calendar = Calendar::of(CalendarName::UsEquities);
    let day = day_number(2021, 1, 4) * DAY_MS;
    let range = day..day + 2 * DAY_MS;
    let times = calendar.expected_times(1800, range.clone(), BarStamp::Start).unwrap();
    let mut bars = synthetic::generate(1, times.len());
    bars.time_ms = times;
    bars.interval_seconds = 1800.0;
    let short = ShortBars { bars: &bars, stamp: BarStamp::Start, complete_until_ms: None };
    let to = |span| TimeBars { calendar: calendar.clone(), ..TimeBars::round_the_clock(span) };
    let hours = of_bars(&short, &to(Span::Seconds(3600))).unwrap();
    assert_eq!(hours.bars.time_ms, calendar.expected_times(3600, range, BarStamp::Start).unwrap());
    assert_eq!(hours.bars.len(), 14, "the last bar of each day is half an hour");
    let days = of_bars(&short, &to(Span::TradingDay)).unwrap();
    assert_eq!(days.bars.time_ms, [day, day + DAY_MS]);
    assert_eq!((days.bars.open[1], days.bars.close[1]), (bars.open[13], bars.close[25]));
    let early = ShortBars { complete_until_ms: Some(days.complete_until_ms - 1), ..short };
    assert_eq!(of_bars(&early, &to(Span::TradingDay)).unwrap().bars.len(), 1);
    assert!(of_bars(&short, &to(Span::Seconds(2700))).is_err(), "no multiple");
    // At night there is no session.
    let mut night = bars.clone();
    night.time_ms.iter_mut().for_each(|time| *time -= 12 * 3_600_000);
    let night = ShortBars { bars: &night, ..short };
    assert_eq!(of_bars(&night, &to(Span::Seconds(3600))).unwrap_err().kind, DataErrorKind::Empty);
}

#[test]
fn daily_bars_become_weeks_and_months() {
    let mut bars = synthetic::generate(3, 60);
    // Monday 2021-02-01.
    let first = day_number(2021, 2, 1) * DAY_MS;
    bars.time_ms = (0..60).map(|day| first + day * DAY_MS).collect();
    let short = ShortBars { bars: &bars, stamp: BarStamp::Start, complete_until_ms: None };
    let weeks = of_bars(&short, &TimeBars::round_the_clock(Span::Week)).unwrap();
    assert_eq!((weeks.bars.len(), weeks.bars.time_ms[1] - first), (8, 7 * DAY_MS));
    assert_eq!(weeks.bars.close[0], bars.close[6]);
    assert!(weeks.dropped_unfinished, "60 days are 8 weeks and a half");
    let months = of_bars(&short, &TimeBars::round_the_clock(Span::Month)).unwrap();
    assert_eq!(months.bars.time_ms, [first, day_number(2021, 3, 1) * DAY_MS]);
    assert_eq!((months.bars.close[0], months.bars.close[1]), (bars.close[27], bars.close[58]));
    let end = TimeBars { stamp: BarStamp::End, ..TimeBars::round_the_clock(Span::Month) };
    assert_eq!(of_bars(&short, &end).unwrap().bars.time_ms[0], day_number(2021, 3, 1) * DAY_MS);
}

#[test]
fn a_book_becomes_bars_of_its_middle() {
    let book = BookSeries {
        instrument: "X".to_owned(),
        levels: 1,
        time_ms: vec![T0, T0 + 30_000, T0 + 60_000],
        bid_price: vec![99.0, 101.0, 99.0],
        bid_size: vec![1.0; 3],
        ask_price: vec![101.0, 103.0, 101.0],
        ask_size: vec![1.0; 3],
        bought: Some(vec![1.0; 3]),
        sold: Some(vec![2.0; 3]),
    };
    let made = of_book(&book, &seconds(60)).unwrap();
    let bar = made.bars.bar(0).unwrap();
    assert_eq!((bar.open, bar.high, bar.low, bar.close), (100.0, 102.0, 100.0, 102.0));
    assert_eq!((made.bars.len(), bar.volume), (1, Some(6.0)));
}

fn as_traded() -> BarSeries {
    // 100, then 2 for 1, then a dividend of 1 on 50.
    let closes = [100.0, 50.0, 50.0, 49.0, 49.0];
    let mut bars =
        BarSeries { instrument: "X".to_owned(), volume: Some(Vec::new()), ..BarSeries::default() };
    for (day, close) in (0_i64..).zip(closes) {
        let bar = Bar {
            time_ms: T0 + day * DAY_MS,
            open: close,
            high: close,
            low: close,
            close,
            adjusted_close: close,
            volume: Some(if day == 0 { 10.0 } else { 20.0 }),
        };
        bars.push(&bar);
    }
    bars
}

fn actions() -> [CorporateAction; 2] {
    [
        CorporateAction { ex_ms: T0 + DAY_MS, kind: ActionKind::Split(2.0) },
        CorporateAction { ex_ms: T0 + 3 * DAY_MS, kind: ActionKind::Dividend(1.0) },
    ]
}

#[test]
fn prices_are_adjusted_backwards_and_forwards() {
    let both = Adjustment { direction: Direction::Backward, dividends: true };
    let back = adjust(&as_traded(), &actions(), both).unwrap();
    for close in &back.bars.close {
        assert!((close - 49.0).abs() < 1e-12, "nothing was won or lost: {close}");
    }
    assert_eq!(back.bars.volume, Some(vec![20.0; 5]));
    assert!(back.total_return.iter().all(|growth| (growth - 1.0).abs() < 1e-12));
    let splits = Adjustment { direction: Direction::Backward, dividends: false };
    let only = adjust(&as_traded(), &actions(), splits).unwrap();
    assert_eq!(only.bars.close, [50.0, 50.0, 50.0, 49.0, 49.0]);
    assert!((only.bars.adjusted_close[0] - 49.0).abs() < 1e-12);
    let forward = Adjustment { direction: Direction::Forward, dividends: true };
    let forth = adjust(&as_traded(), &actions(), forward).unwrap();
    assert!(forth.bars.close.iter().all(|close| (close - 100.0).abs() < 1e-12));
    assert_eq!(forth.bars.volume, Some(vec![10.0; 5]));
}

#[test]
fn actions_that_cannot_be_are_refused_and_late_ones_told() {
    let how = Adjustment { direction: Direction::Backward, dividends: true };
    let at = |day: i64, kind| [CorporateAction { ex_ms: T0 + day * DAY_MS, kind }];
    for kind in [
        ActionKind::Split(0.0),
        ActionKind::Split(f64::NAN),
        ActionKind::Dividend(-1.0),
        ActionKind::Dividend(60.0),
    ] {
        assert!(adjust(&as_traded(), &at(2, kind), how).is_err(), "{kind:?}");
    }
    let far = adjust(&as_traded(), &at(99, ActionKind::Split(2.0)), how).unwrap();
    assert_eq!((far.without_effect, far.bars), (1, as_traded()));
}

#[test]
fn a_split_nobody_told_is_suspected_and_a_crash_is_not() {
    let mut bars = synthetic::generate(5, 300);
    assert!(suspected_splits(&bars).is_empty());
    let split = |bars: &mut BarSeries, with_volume: bool| {
        for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            column[200..].iter_mut().for_each(|price| *price /= 4.0);
        }
        if let Some(volume) = bars.volume.as_mut().filter(|_| with_volume) {
            volume[200..].iter_mut().for_each(|units| *units *= 4.0);
        }
    };
    let mut crash = bars.clone();
    split(&mut crash, false);
    assert!(suspected_splits(&crash).is_empty(), "no more shares than before");
    split(&mut bars, true);
    let found = suspected_splits(&bars);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].row, found[0].new_shares, found[0].old_shares), (200, 4, 1));
    assert_eq!(found[0].volume_agrees, Some(true));
}

fn figures() -> Observations {
    Observations {
        name: "earnings".to_owned(),
        about_ms: vec![0, 100, 0, 200],
        published_ms: vec![50, 150, 160, 260],
        value: vec![1.0, 2.0, 1.5, 3.0],
    }
}

#[test]
fn a_join_takes_what_was_known() {
    let times = [0, 49, 50, 149, 150, 160, 259, 260, 500];
    let joined = as_of(&times, &figures(), AsOf::default()).unwrap();
    let wanted =
        [None, None, Some(1.0), Some(1.0), Some(2.0), Some(2.0), Some(2.0), Some(3.0), Some(3.0)];
    assert_eq!(joined, wanted, "the late revision of an old figure does not replace the newer one");
    let later = as_of(&times, &figures(), AsOf { delay_ms: 10, age_max_ms: Some(150) }).unwrap();
    let wanted = [None, None, None, Some(1.0), Some(1.0), Some(2.0), None, None, None];
    assert_eq!(later, wanted);
    let broken: [fn(&mut Observations); 4] = [
        |figures| figures.published_ms[1] = 20,
        |figures| figures.published_ms[3] = 199,
        |figures| figures.value[0] = f64::NAN,
        |figures| figures.about_ms.truncate(2),
    ];
    for change in broken {
        let mut figures = figures();
        change(&mut figures);
        assert!(as_of(&times, &figures, AsOf::default()).is_err());
    }
    assert!(as_of(&times, &figures(), AsOf { delay_ms: -1, age_max_ms: None }).is_err());
    assert!(as_of(&[2, 1], &figures(), AsOf::default()).is_err());
}

proptest! {
    #[test]
    fn two_steps_give_what_one_gives(seed: u64, count in 2_u32..400, keep: bool, end: bool) {
        let source = random_trades(seed, count);
        let unfinished = if keep { Unfinished::Keep } else { Unfinished::Drop };
        let stamp = if end { BarStamp::End } else { BarStamp::Start };
        let to = |span| TimeBars { unfinished, stamp, ..TimeBars::round_the_clock(span) };
        for span in [Span::Seconds(300), Span::Seconds(3600), Span::TradingDay] {
            let direct = of_trades(&source, &to(span));
            let Ok(first) = of_trades(&source, &to(Span::Seconds(60))) else {
                prop_assert!(direct.is_err());
                continue;
            };
            // Whether steps were long enough for their median to be a minute is chance.
            let mut bars = first.bars.clone();
            bars.interval_seconds = 60.0;
            let short = ShortBars { bars: &bars, stamp, complete_until_ms: Some(first.complete_until_ms) };
            match (of_bars(&short, &to(span)), direct) {
                (Ok(second), Ok(direct)) => prop_assert_eq!(second.bars, direct.bars),
                (Err(_), Err(_)) => {}
                (second, direct) => prop_assert!(false, "{second:?} {direct:?}"),
            }
        }
    }

    #[test]
    fn finished_bars_never_change(seed: u64, count in 3_u32..200, cut in 2_usize..199) {
        let whole = random_trades(seed, count);
        let cut = cut.min(whole.len() - 1);
        let known = TradeSeries {
            instrument: whole.instrument.clone(),
            time_us: whole.time_us[..cut].to_vec(),
            price: whole.price[..cut].to_vec(),
            quantity: whole.quantity[..cut].to_vec(),
            aggressor: whole.aggressor[..cut].to_vec(),
        };
        if let Ok(early) = of_trades(&known, &seconds(60)) {
            let late = of_trades(&whole, &seconds(60)).unwrap();
            prop_assert_eq!(&late.bars.slice(0..early.bars.len()).close, &early.bars.close);
            prop_assert_eq!(late.bars.slice(0..early.bars.len()).volume, early.bars.volume);
        }
        for ends in [TradeBars::Ticks(5), TradeBars::Volume(2.0), TradeBars::Dollars(200.0)] {
            if let Ok(early) = by_trades(&known, ends, Unfinished::Drop) {
                early.validate().unwrap();
                let late = by_trades(&whole, ends, Unfinished::Drop).unwrap();
                prop_assert_eq!(&late.close[..early.len()], &early.close[..]);
            }
        }
    }

    #[test]
    fn nothing_is_traded_that_was_not(seed: u64, count in 2_u32..300) {
        let source = random_trades(seed, count);
        let keep = TimeBars { unfinished: Unfinished::Keep, ..seconds(300) };
        let bars = of_trades(&source, &keep).unwrap().bars;
        bars.validate().unwrap();
        let volume: f64 = bars.volume.unwrap().iter().sum();
        prop_assert_eq!(volume, source.quantity.iter().sum::<f64>());
        let highest = source.price.iter().copied().fold(f64::MIN, f64::max);
        prop_assert_eq!(bars.high.iter().copied().fold(f64::MIN, f64::max), highest);
    }

    #[test]
    fn adjusting_keeps_the_growth_of_a_holding(
        seed: u64,
        events in proptest::collection::vec((1_i64..100, 0.1..5.0_f64, any::<bool>()), 0..6),
    ) {
        let mut bars = synthetic::generate(seed, 100);
        bars.time_ms = (0..100).map(|day| day * DAY_MS).collect();
        let actions: Vec<CorporateAction> = events
            .iter()
            .map(|(day, size, split)| CorporateAction {
                ex_ms: day * DAY_MS,
                kind: if *split { ActionKind::Split(*size) } else { ActionKind::Dividend(*size / 10.0) },
            })
            .collect();
        for direction in [Direction::Backward, Direction::Forward] {
            if let Ok(adjusted) = adjust(&bars, &actions, Adjustment { direction, dividends: true }) {
                let close = &adjusted.bars.close;
                for row in 1..100 {
                    let growth = close[row] / close[row - 1];
                    let wanted = adjusted.total_return[row] / adjusted.total_return[row - 1];
                    prop_assert!((growth / wanted - 1.0).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_join_never_knows_the_future(
        published in proptest::collection::vec(0_i64..1000, 0..40),
        age in 0_i64..200,
        delay_ms in 0_i64..50,
        cut in 0_i64..1000,
    ) {
        let mut published_ms = published;
        published_ms.sort_unstable();
        let observations = Observations {
            name: String::new(),
            about_ms: published_ms.iter().map(|time| time - age).collect(),
            value: (0..published_ms.len()).map(|index| index as f64).collect(),
            published_ms,
        };
        let times: Vec<i64> = (0..1000).step_by(7).collect();
        let how = AsOf { delay_ms, age_max_ms: None };
        let joined = as_of(&times, &observations, how).unwrap();
        let mut changed = observations.clone();
        for (value, published) in changed.value.iter_mut().zip(&changed.published_ms) {
            if cut < published + delay_ms {
                *value = -1.0;
            }
        }
        let other = as_of(&times, &changed, how).unwrap();
        for ((time, one), two) in times.iter().zip(&joined).zip(&other) {
            if *time <= cut {
                prop_assert_eq!(one, two);
            }
            // The newest that was published at least the delay before.
            let known = observations.published_ms.iter().rposition(|at| at + delay_ms <= *time);
            prop_assert_eq!(*one, known.map(|index| index as f64));
        }
    }
}
