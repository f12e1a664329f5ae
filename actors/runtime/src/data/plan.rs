//! How a file becomes a data set, in the words that people write: query parameters, command line, JSON. Words in, the
//! engine's values out; every wrong word is named at once. Pure; does nothing to data.

use engine::config::Violation;
use engine::market::adjust::{ActionKind, Adjustment, CorporateAction, Direction};
use engine::market::align::{Missing, Scale};
use engine::market::calendar::{Calendar, CalendarName};
use engine::market::parse::{DataKind, ImportOptions};
use engine::market::resample::{Span, TradeBars};
use engine::market::zone::{ClockChange, NamedZone};
use serde::Serialize;

use super::times::{first_ms, until_ms};

/// How many times in a row are filled where nobody says.
const FILL_LIMIT: u32 = 5;
/// Most corporate actions of one plan.
const ACTIONS_MAX: usize = 10_000;
/// Names of the calendars.
pub const CALENDARS: [&str; 4] = ["always_open", "us_equities", "forex_week", "china_a_shares"];
/// Ways to adjust.
pub const ADJUSTMENTS: [&str; 4] = ["backward", "forward", "backward_total", "forward_total"];
/// Forms of the words that are no fixed list.
const RESAMPLE_WORDS: [&str; 9] =
    ["1s to 86399s", "5m", "1h", "1d", "1w", "1mo", "ticks:1000", "volume:10", "dollars:1e6"];
const MISSING_WORDS: [&str; 5] =
    ["keep", "drop", "forward_fill:LIMIT", "interpolate:LIMIT", "interpolate_log:LIMIT"];
const ACTION_WORDS: [&str; 2] =
    ["INSTRUMENT@2020-08-31:split:4", "INSTRUMENT@2020-08-07:dividend:0.82"];
const TIME_WORDS: [&str; 2] = ["2019-12-31", "2019-12-31T16:00:00Z"];
/// Readings of local times that happen twice or never.
pub const CLOCK_CHANGES: [&str; 2] = ["earlier", "later"];
/// Longest part of a wrong word that is shown.
const WORD_CHARS_MAX: usize = 60;

/// How a file becomes a data set: what is known about it, and what is done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportPlan {
    /// What is known about the file.
    pub options: ImportOptions,
    /// What it must hold; absent: whatever it holds.
    pub kind: Option<DataKind>,
    /// What is done to the data after it was read.
    pub steps: Steps,
}

/// What is done to data before it is stored, in this order: choose instruments, cut, adjust, resample, fill.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// The instruments to keep; all where there is none.
    pub instruments: Vec<String>,
    /// First day or time to keep.
    pub from: Option<String>,
    /// Last day or time to keep.
    pub to: Option<String>,
    /// How prices are adjusted for `actions`: one of [`ADJUSTMENTS`].
    pub adjust: Option<String>,
    /// Corporate actions: `AAPL@2020-08-31:split:4`.
    pub actions: Vec<String>,
    /// How long bars are made: `1h`, `1d`, `ticks:1000`.
    pub resample: Option<String>,
    /// What is done where an instrument has no bar: `forward_fill:5`.
    pub missing: Option<String>,
    /// The calendar of resampling and filling: one of [`CALENDARS`].
    pub calendar: Option<String>,
    /// That interpolated bars know the future is known and wanted.
    pub accept_look_ahead: bool,
}

/// Steps as the engine takes them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Program {
    pub(crate) instruments: Vec<String>,
    pub(crate) from_ms: Option<i64>,
    /// First time that is not kept.
    pub(crate) until_ms: Option<i64>,
    pub(crate) adjust: Option<(Adjustment, Vec<NamedAction>)>,
    pub(crate) resample: Option<Length>,
    pub(crate) missing: Option<Missing>,
    pub(crate) calendar: Option<Calendar>,
}

/// A corporate action and whose it is; absent where there is one instrument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedAction {
    pub(crate) instrument: Option<String>,
    pub(crate) action: CorporateAction,
}

/// What ends a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Length {
    /// Time.
    Time(Span),
    /// Activity.
    Trades(TradeBars),
}

impl Steps {
    /// Whether nothing is done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks every word; the pointers are `/resample` and so on.
    ///
    /// # Errors
    /// Returns every violation.
    pub fn check(&self) -> Result<(), Vec<Violation>> {
        self.compile().map(drop)
    }

    /// Returns the steps as the engine takes them.
    ///
    /// # Errors
    /// Returns every violation.
    pub(crate) fn compile(&self) -> Result<Program, Vec<Violation>> {
        let mut found = Vec::new();
        let mut take = |result: Option<Violation>| found.extend(result);
        let mut program = Program { instruments: self.instruments.clone(), ..Program::default() };
        if let Some(text) = &self.from {
            program.from_ms = first_ms(text);
            take(program.from_ms.is_none().then(|| word("/from", &TIME_WORDS, text)));
        }
        if let Some(text) = &self.to {
            program.until_ms = until_ms(text);
            take(program.until_ms.is_none().then(|| word("/to", &TIME_WORDS, text)));
        }
        if let (Some(from), Some(until)) = (program.from_ms, program.until_ms)
            && until <= from
        {
            let found = Violation::new("/to", "out_of_range", "must not lie before `from`");
            take(Some(found.with("min", self.from.clone())));
        }
        if let Some(text) = &self.calendar {
            program.calendar = calendar(text);
            take(program.calendar.is_none().then(|| word("/calendar", &CALENDARS, text)));
        }
        if let Some(text) = &self.resample {
            program.resample = length(text);
            take(program.resample.is_none().then(|| word("/resample", &RESAMPLE_WORDS, text)));
        }
        if let Some(text) = &self.missing {
            program.missing = missing(text, self.accept_look_ahead);
            take(program.missing.is_none().then(|| word("/missing", &MISSING_WORDS, text)));
        }
        if let Some(Missing::Interpolate { accept_look_ahead: false, .. }) = program.missing {
            let detail = "interpolated bars know the next true one: set accept_look_ahead, or use forward_fill";
            take(Some(Violation::new("/accept_look_ahead", "required", detail)));
        }
        if self.calendar.is_some() && self.resample.is_none() && self.missing.is_none() {
            let detail =
                "a calendar belongs to `missing` or `resample`; name one of them, or no calendar";
            take(Some(Violation::new("/missing", "missing_field", detail)));
        }
        found.extend(self.adjustment(&mut program));
        if found.is_empty() { Ok(program) } else { Err(found) }
    }

    fn adjustment(&self, program: &mut Program) -> Vec<Violation> {
        let Some(text) = &self.adjust else {
            let detail = "actions change nothing without `adjust`; say how prices are adjusted";
            let lost = || vec![Violation::new("/adjust", "missing_field", detail)];
            return if self.actions.is_empty() { Vec::new() } else { lost() };
        };
        let Some(how) = adjustment(text) else {
            return vec![word("/adjust", &ADJUSTMENTS, text)];
        };
        if self.actions.is_empty() {
            let words = ACTION_WORDS.join(" or ");
            let detail = format!("wanted the splits and dividends to adjust for, as {words}");
            return vec![Violation::new("/actions", "missing_field", detail)];
        }
        if ACTIONS_MAX < self.actions.len() {
            let detail = format!("at most {ACTIONS_MAX} actions, found {}", self.actions.len());
            let found = Violation::new("/actions", "out_of_range", detail);
            return vec![found.with("max", ACTIONS_MAX)];
        }
        let (mut actions, mut found) = (Vec::new(), Vec::new());
        for (index, text) in self.actions.iter().enumerate() {
            match action(text) {
                Some(action) => actions.push(action),
                None => found.push(word(&format!("/actions/{index}"), &ACTION_WORDS, text)),
            }
        }
        program.adjust = Some((how, actions));
        found
    }
}

/// Returns the calendar of that name.
#[must_use]
pub(crate) fn calendar(text: &str) -> Option<Calendar> {
    let name = match text {
        "always_open" => CalendarName::AlwaysOpen,
        "us_equities" => CalendarName::UsEquities,
        "forex_week" => CalendarName::ForexWeek,
        "china_a_shares" => CalendarName::ChinaAShares,
        _ => return None,
    };
    Some(Calendar::of(name))
}

/// Returns a time zone by its name or its distance from UTC.
///
/// # Errors
/// Returns a violation of `/timezone`, with the names that look like an unknown one.
pub fn zone(text: &str) -> Result<NamedZone, Violation> {
    NamedZone::parse(text.trim()).map_err(|unknown| {
        let shown: String = text.chars().take(WORD_CHARS_MAX).collect();
        let near = if unknown.near.is_empty() {
            "wanted a name of the IANA database such as Europe/Berlin, UTC, or a distance such as +05:30".to_owned()
        } else {
            format!("did you mean {}?", unknown.near.join(" or "))
        };
        let detail = format!("there is no time zone '{shown}'; {near}");
        let found = Violation::new("/timezone", "unknown_zone", detail);
        found.with("near", unknown.near).with("got", shown)
    })
}

/// Returns which reading is meant of a local time that happens twice or never.
///
/// # Errors
/// Returns a violation of `/clock_change`.
pub fn clock_change(text: &str) -> Result<ClockChange, Violation> {
    match text {
        "earlier" => Ok(ClockChange::Earlier),
        "later" => Ok(ClockChange::Later),
        _ => Err(word("/clock_change", &CLOCK_CHANGES, text)),
    }
}

fn length(text: &str) -> Option<Length> {
    match text {
        "1d" => return Some(Length::Time(Span::TradingDay)),
        "1w" => return Some(Length::Time(Span::Week)),
        "1mo" => return Some(Length::Time(Span::Month)),
        _ => {}
    }
    if let Some((what, mark)) = text.split_once(':') {
        let positive = || mark.parse::<f64>().ok().filter(|mark| mark.is_finite() && 0.0 < *mark);
        return match what {
            "ticks" => {
                let count = mark.parse().ok().filter(|count: &u32| 0 < *count)?;
                Some(Length::Trades(TradeBars::Ticks(count)))
            }
            "volume" => positive().map(|units| Length::Trades(TradeBars::Volume(units))),
            "dollars" => positive().map(|money| Length::Trades(TradeBars::Dollars(money))),
            _ => None,
        };
    }
    let digits = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "s" => 1_u32,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = digits.parse::<u32>().ok()?.checked_mul(unit)?;
    (1..86_400).contains(&seconds).then_some(Length::Time(Span::Seconds(seconds)))
}

fn missing(text: &str, accept_look_ahead: bool) -> Option<Missing> {
    let (policy, limit) = match text.split_once(':') {
        Some((policy, limit)) => {
            (policy, Some(limit.parse::<u32>().ok().filter(|limit| 0 < *limit)?))
        }
        None => (text, None),
    };
    let limited = limit.unwrap_or(FILL_LIMIT);
    match (policy, limit) {
        ("keep", None) => Some(Missing::Keep),
        ("drop", None) => Some(Missing::Drop),
        ("forward_fill", _) => Some(Missing::ForwardFill { limit: limited }),
        ("interpolate", _) => {
            Some(Missing::Interpolate { scale: Scale::Linear, limit: limited, accept_look_ahead })
        }
        ("interpolate_log", _) => {
            Some(Missing::Interpolate { scale: Scale::Log, limit: limited, accept_look_ahead })
        }
        _ => None,
    }
}

fn adjustment(text: &str) -> Option<Adjustment> {
    let (direction, dividends) = match text {
        "backward" => (Direction::Backward, false),
        "forward" => (Direction::Forward, false),
        "backward_total" => (Direction::Backward, true),
        "forward_total" => (Direction::Forward, true),
        _ => return None,
    };
    Some(Adjustment { direction, dividends })
}

fn action(text: &str) -> Option<NamedAction> {
    let (instrument, rest) = match text.rsplit_once('@') {
        Some((name, rest)) if !name.trim().is_empty() => (Some(name.trim().to_owned()), rest),
        Some(_) => return None,
        None => (None, text),
    };
    let mut parts = rest.rsplitn(3, ':');
    let number = parts.next()?.trim().parse::<f64>().ok()?;
    let what = parts.next()?.trim();
    let ex_ms = first_ms(parts.next()?.trim())?;
    if !(number.is_finite() && 0.0 < number) {
        return None;
    }
    let kind = match what {
        "split" => ActionKind::Split(number),
        "dividend" => ActionKind::Dividend(number),
        _ => return None,
    };
    Some(NamedAction { instrument, action: CorporateAction { ex_ms, kind } })
}

fn word(pointer: &str, allowed: &[&str], got: &str) -> Violation {
    let shown: String = got.chars().take(WORD_CHARS_MAX).collect();
    let detail = format!("wanted one of {}; found '{shown}'", allowed.join(", "));
    Violation::new(pointer, "not_allowed", detail)
        .with("allowed", allowed.to_vec())
        .with("got", shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(change: impl FnOnce(&mut Steps)) -> Result<Program, Vec<Violation>> {
        let mut steps = Steps::default();
        change(&mut steps);
        steps.compile()
    }

    #[test]
    fn words_become_the_engines_values() {
        let program = steps(|steps| {
            steps.from = Some("2020-01-01".to_owned());
            steps.to = Some("2020-12-31".to_owned());
            steps.resample = Some("5m".to_owned());
            steps.missing = Some("forward_fill:3".to_owned());
            steps.calendar = Some("us_equities".to_owned());
            steps.adjust = Some("backward_total".to_owned());
            steps.actions = vec!["AAPL@2020-08-31:split:4".to_owned()];
        })
        .unwrap();
        assert_eq!(program.from_ms, Some(1_577_836_800_000));
        assert_eq!(program.until_ms, Some(1_609_459_200_000), "the last day is kept whole");
        assert_eq!(program.resample, Some(Length::Time(Span::Seconds(300))));
        assert_eq!(program.missing, Some(Missing::ForwardFill { limit: 3 }));
        let (how, actions) = program.adjust.unwrap();
        assert!(how.dividends);
        assert_eq!(actions[0].instrument.as_deref(), Some("AAPL"));
        assert_eq!(actions[0].action.kind, ActionKind::Split(4.0));
    }

    #[test]
    fn every_wrong_word_is_named_at_once() {
        let found = steps(|steps| {
            steps.from = Some("yesterday".to_owned());
            steps.resample = Some("5 minutes".to_owned());
            steps.missing = Some("guess".to_owned());
            steps.calendar = Some("moon".to_owned());
            steps.actions = vec!["2020-08-31:split:4".to_owned()];
        })
        .unwrap_err();
        let pointers: Vec<&str> = found.iter().map(|found| found.pointer.as_str()).collect();
        assert_eq!(pointers, ["/from", "/calendar", "/resample", "/missing", "/adjust"]);
    }

    #[test]
    fn what_looks_ahead_must_be_accepted() {
        let interpolate = |accept: bool| {
            steps(|steps| {
                steps.missing = Some("interpolate_log:2".to_owned());
                steps.accept_look_ahead = accept;
            })
        };
        assert_eq!(interpolate(false).unwrap_err()[0].pointer, "/accept_look_ahead");
        interpolate(true).unwrap();
    }

    #[test]
    fn lengths_marks_and_zones_that_are_none_are_refused() {
        for text in
            ["", "0s", "86400s", "24h", "1", "m", "-5m", "ticks:0", "volume:nan", "ticks:1.5"]
        {
            assert_eq!(length(text), None, "{text}");
        }
        for text in ["forward_fill:0", "keep:3", "drop:1", "forward_fill:x", "forward_fill:-1"] {
            assert_eq!(missing(text, true), None, "{text}");
        }
        assert!(clock_change("both").is_err());
    }

    #[test]
    fn zones_are_named_and_unknown_ones_answered_with_near_ones() {
        assert_eq!(zone(" Europe/Berlin ").unwrap().to_string(), "Europe/Berlin");
        assert_eq!(zone("-03:30").unwrap().to_string(), "-03:30");
        assert_eq!(clock_change("later").unwrap(), ClockChange::Later);
        let wrong = zone("Asia/Honkong").unwrap_err();
        assert!(wrong.detail.contains("did you mean Asia/Hong_Kong"), "{}", wrong.detail);
        assert_eq!(wrong.params["near"][0], "Asia/Hong_Kong");
        assert_eq!(zone("Mars").unwrap_err().pointer, "/timezone");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            drop(zone(&text));
            drop(action(&text));
            drop(steps(|steps| {
                steps.resample = Some(text.clone());
                steps.missing = Some(text.clone());
                steps.from = Some(text.clone());
                steps.to = Some(text);
            }));
        }
    }
}
