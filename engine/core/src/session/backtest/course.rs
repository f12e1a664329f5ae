//! What one policy did over a back-test, and the clock that tells progress over all of them. Knows no task.

use std::ops::ControlFlow;

use super::OnProgress;
use crate::error::EngineError;
use crate::evaluation::report::ExecutionSummary;
use crate::metrics::returns::total_return;
use crate::orders::Fill;

/// Steps between two reports of progress.
const PROGRESS_STEPS: u64 = 256;

/// A fill and where it happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traded {
    /// Position in the course's rows.
    pub(super) index: usize,
    /// Column of the instrument.
    pub(super) instrument: usize,
    /// What was traded.
    pub(super) fill: Fill,
    /// Units of the instrument held afterwards.
    pub(super) position: f64,
}

/// What a policy decided, step by step, in the form of its task: numbers from a list, or target weights. The other form
/// is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Decisions {
    /// One per step, where actions come from a list.
    pub(crate) actions: Vec<usize>,
    /// `[steps · (N + 1)]` target weights, cash first.
    pub(crate) targets: Vec<f64>,
}

impl Decisions {
    /// Returns the numbers of a step's decision, given how many weights there are; none behind the last step.
    pub(crate) fn at(&self, step: usize, width: usize) -> Vec<f64> {
        let chosen = self.actions.get(step).map(|action| *action as f64);
        let weights = self.targets.get(step * width..(step + 1) * width).unwrap_or_default();
        chosen.into_iter().chain(weights.iter().copied()).collect()
    }
}

/// What one policy did. `rows`, `equity` and `position` have one entry per row of the data that was reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// Row of the data.
    pub(super) rows: Vec<usize>,
    /// Value of the account.
    pub(super) equity: Vec<f64>,
    /// What is held, in the unit of the report.
    pub(super) position: Vec<f64>,
    /// `[rows · (N + 1)]` shares of the account, cash first; empty where there is one instrument.
    pub(super) weights: Vec<f64>,
    /// Every fill, in order.
    pub(super) fills: Vec<Traded>,
    /// What was decided.
    pub(super) decisions: Decisions,
    /// Lots traded in each step, where there are lots.
    pub(super) lots: Vec<i64>,
    /// Share of the account that each decision moved, where there are weights.
    pub(super) turnover: Vec<f64>,
    /// Whether any decision left a share in cash, where there are weights.
    pub(super) wants_cash: bool,
    /// Fees and slippage.
    pub(super) costs: f64,
    /// Orders that the risk review refused.
    pub(super) refusal_count: u32,
    /// Orders that were made smaller.
    pub(super) cut_count: u32,
    /// Whether the account was ruined.
    pub(super) ruined: bool,
    /// What befell the account beside its trades.
    pub(super) remarks: Vec<String>,
    /// How an execution went.
    pub(super) execution: Option<ExecutionSummary>,
}

impl Course {
    /// Begins at a row.
    pub(super) fn begin(row: usize, equity: f64, position: f64) -> Self {
        Self { rows: vec![row], equity: vec![equity], position: vec![position], ..Self::default() }
    }

    /// Notes the account at a row; at a row that is known already only the first account counts.
    pub(super) fn note(&mut self, row: usize, equity: f64, position: f64) {
        if self.rows.last() != Some(&row) {
            self.rows.push(row);
            self.equity.push(equity);
            self.position.push(position);
        }
    }

    /// Returns the growth of the account, by which runs are ranked; undefined is the worst.
    pub(super) fn growth(&self) -> f64 {
        total_return(&self.equity).unwrap_or(f64::NEG_INFINITY)
    }
}

/// Counts the steps of all runs.
pub(super) struct Clock<'a, 'b> {
    done: u64,
    of: u64,
    progress: &'a mut OnProgress<'b>,
}

impl<'a, 'b> Clock<'a, 'b> {
    /// Begins.
    pub(super) fn new(progress: &'a mut OnProgress<'b>) -> Self {
        Self { done: 0, of: 0, progress }
    }

    /// Says how many runs of how many steps there will be.
    pub(super) fn expect(&mut self, runs: u64, steps: usize) {
        self.of = runs * steps as u64;
    }

    /// Counts a step.
    ///
    /// # Errors
    /// `Cancelled` when progress says so.
    pub(super) fn tick(&mut self) -> Result<(), EngineError> {
        self.done += 1;
        if self.done.is_multiple_of(PROGRESS_STEPS)
            && (self.progress)(self.done, self.of).is_break()
        {
            return Err(EngineError::Cancelled);
        }
        Ok(())
    }

    /// Returns where a run begins.
    pub(super) fn begun(&self) -> u64 {
        self.done
    }

    /// Counts a run that ended early as whole.
    pub(super) fn whole(&mut self, begun: u64, steps: usize) {
        self.done = begun + steps as u64;
    }

    /// Tells that everything is done.
    ///
    /// # Errors
    /// `Cancelled` when progress says so.
    pub(super) fn end(&mut self) -> Result<(), EngineError> {
        match (self.progress)(self.of, self.of) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(EngineError::Cancelled),
        }
    }
}

/// Refuses an account that is no number.
///
/// # Errors
/// Names the bar and the way out.
pub(super) fn check_equity(equity: f64, bar: usize) -> Result<(), EngineError> {
    if equity.is_finite() {
        return Ok(());
    }
    Err(EngineError::Refused {
        what: "back-test",
        detail: format!(
            "the account's value is not defined from bar {bar} on: the reference's arithmetic divided nothing by \
             nothing; use truth = \"corrected\""
        ),
    })
}

/// Runs `draws` random policies and returns the number of the median one by growth, and the share of them that grew less
/// than `agent`.
///
/// # Errors
/// Passes on what a run refuses.
pub(super) fn ranked(
    draws: u32,
    agent: &Course,
    mut run: impl FnMut(u32) -> Result<Course, EngineError>,
) -> Result<(u32, f64), EngineError> {
    let mut found = Vec::new();
    for draw in 0..draws {
        found.push((run(draw)?.growth(), draw));
    }
    found.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let median = found.get(found.len() / 2).map_or(0, |(_, draw)| *draw);
    let below = found.iter().filter(|(growth, _)| *growth < agent.growth()).count();
    Ok((median, below as f64 / f64::from(draws)))
}
