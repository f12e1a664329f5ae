//! Findings about many instruments: those of each, put together, and what only shows side by side.

use std::collections::BTreeMap;

use super::{Check, Finding, INSTRUMENTS_SHOWN, Severity, bars, plural};
use crate::market::bar::show_time;
use crate::market::calendar::Calendar;
use crate::market::panel::BarPanel;

/// From this many instruments on, all of them alive at the end are a hint at a list of survivors.
const SURVIVORS_MIN: usize = 5;
/// Over less time hardly anything is delisted.
const SURVIVOR_SPAN_MS: i64 = 365 * 86_400_000;

/// Returns everything there is to know about a panel.
pub(super) fn findings(panel: &BarPanel, calendar: Option<&Calendar>) -> Vec<Finding> {
    let mut merged: BTreeMap<Check, (Finding, usize)> = BTreeMap::new();
    for column in 0..panel.width() {
        // One series at a time: the panel is not doubled.
        for finding in bars::findings(&panel.series(column), calendar) {
            match merged.get_mut(&finding.check) {
                Some((first, instruments)) => {
                    *instruments += 1;
                    first.count += finding.count;
                    first.severity = first.severity.max(finding.severity);
                    if first.instruments.len() < INSTRUMENTS_SHOWN {
                        first.instruments.extend(finding.instruments);
                    }
                }
                None => drop(merged.insert(finding.check, (finding, 1))),
            }
        }
    }
    let mut found: Vec<Finding> = merged
        .into_values()
        .map(|(mut finding, instruments)| {
            let first = finding.instruments.first().map(String::as_str).unwrap_or_default();
            finding.message = if instruments == 1 {
                format!("{first}: {}", finding.message)
            } else {
                format!("{instruments} instruments, among them {first}: {}", finding.message)
            };
            finding
        })
        .collect();
    let lives = lives(panel);
    found.extend(
        [survivors(panel, &lives), starts(panel, &lives), holes(panel, &lives)]
            .into_iter()
            .flatten(),
    );
    found
}

/// First and last row with a bar of each instrument, and how many it has.
fn lives(panel: &BarPanel) -> Vec<Option<[usize; 3]>> {
    let mut lives: Vec<Option<[usize; 3]>> = vec![None; panel.width()];
    for (cell, _) in panel.present.iter().enumerate().filter(|(_, present)| **present) {
        let (row, column) = (cell / panel.width(), cell % panel.width());
        let [_, last, count] = lives[column].get_or_insert([row, row, 0]);
        *last = row;
        *count += 1;
    }
    lives
}

fn survivors(panel: &BarPanel, lives: &[Option<[usize; 3]>]) -> Option<Finding> {
    let span = panel.time_ms.last()? - panel.time_ms.first()?;
    let end = panel.rows() - 1;
    let all_alive = lives.iter().flatten().all(|[_, last, _]| *last == end);
    if !all_alive || panel.width() < SURVIVORS_MIN || span < SURVIVOR_SPAN_MS {
        return None;
    }
    let message = format!(
        "all {} instruments still trade at the end: a list made in hindsight leaves out those that failed, and \
         flatters every strategy",
        panel.width()
    );
    Some(Finding::new(Check::Survivorship, Severity::Warning, message))
}

fn starts(panel: &BarPanel, lives: &[Option<[usize; 3]>]) -> Option<Finding> {
    let late: Vec<(usize, usize)> = lives
        .iter()
        .enumerate()
        .filter_map(|(column, life)| life.map(|[first, ..]| (column, first)))
        .filter(|(_, first)| 0 < *first)
        .collect();
    let (column, first) = *late.iter().max_by_key(|(_, first)| *first)?;
    let message = format!(
        "{} instrument{} begin{} later than the others, {} last of all at {}",
        late.len(),
        plural(late.len()),
        if late.len() == 1 { "s" } else { "" },
        panel.instruments[column],
        show_time(panel.time_ms[first])
    );
    let severity = if panel.rows() < first * 2 { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::new(Check::UnevenStarts, severity, message);
    for (column, first) in late {
        finding.count += first as u64;
        finding = finding.of(&panel.instruments[column]);
    }
    Some(finding)
}

fn holes(panel: &BarPanel, lives: &[Option<[usize; 3]>]) -> Option<Finding> {
    let holes =
        |life: &Option<[usize; 3]>| life.map_or(0, |[first, last, count]| last - first + 1 - count);
    let with: Vec<usize> = (0..panel.width()).filter(|column| 0 < holes(&lives[*column])).collect();
    let worst = *with.iter().max_by_key(|column| holes(&lives[**column]))?;
    let sum: usize = lives.iter().map(holes).sum();
    let message = format!(
        "{sum} bar{} missing inside the lives of {} instrument{}, most of them of {}",
        plural(sum),
        with.len(),
        plural(with.len()),
        panel.instruments[worst]
    );
    let mut finding = Finding::new(Check::Completeness, Severity::Warning, message);
    finding.count = sum as u64;
    for column in with {
        finding = finding.of(&panel.instruments[column]);
    }
    Some(finding)
}
