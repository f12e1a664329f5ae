//! Execution policies in a seat: a schedule that is followed, orders at random, no order at all.
//!
//! An action is `[share]` of the whole amount, or `[share, distance]` on an order book, where the distance from the
//! middle goes towards the other side. Schedules take what the other side offers as far as they may: their distance is
//! the greatest one.

use super::usual::usual_profile;
use super::{AlmgrenChriss, refuse, twap};
use crate::config::ExecutionConfig;
use crate::error::EngineError;
use crate::policies::{Past, VectorPolicy, VectorView};
use crate::rng::{Stream, StreamId};

/// Less than this share of the amount is rounding, not an order.
const ORDER_SHARE_MIN: f64 = 1e-9;

/// The task an execution policy is built for.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionSeat {
    /// Steps in which to do it, at least 1.
    pub horizon_steps: usize,
    /// Lowest and highest value of each number of an action: the share, and on an order book the distance.
    pub bounds: Vec<[f64; 2]>,
}

/// What an execution policy knows when it decides.
#[derive(Debug, Clone, Copy)]
pub struct ExecutionView<'a> {
    /// Steps of this task that are over.
    pub step: usize,
    /// Share of the amount that is executed.
    pub executed: f64,
    /// Share of the amount that rests in the book.
    pub resting: f64,
    /// Times of all rows that are over, `[t]`, oldest first, those before the task included; milliseconds since 1970 UTC.
    pub time_ms: &'a [i64],
    /// Units the market traded in each of those rows, `[t]`; absent where the data does not tell.
    pub traded: Option<&'a [f64]>,
}

/// Follows a schedule: orders in each step what the plan says should be executed by then and is neither executed nor at
/// rest, so that what went otherwise than planned is made up for.
#[derive(Debug, Clone)]
pub struct Scheduled {
    schedule: ExecutionConfig,
    seat: ExecutionSeat,
    /// Rows that were over when the task began, and the share that should be executed after each step.
    plan: Option<(usize, Vec<f64>)>,
}

impl Scheduled {
    /// Takes a schedule.
    ///
    /// # Errors
    /// Refuses seats without steps or numbers.
    pub fn new(schedule: &ExecutionConfig, seat: &ExecutionSeat) -> Result<Self, EngineError> {
        if seat.horizon_steps == 0 || seat.bounds.is_empty() {
            return Err(refuse(format!("wanted at least one step and number, found {seat:?}")));
        }
        Ok(Self { schedule: schedule.clone(), seat: seat.clone(), plan: None })
    }

    /// Returns the share that should be executed after each step of a task that begins now.
    fn planned(&self, view: &ExecutionView<'_>, begun: usize) -> Result<Vec<f64>, EngineError> {
        let steps = self.seat.horizon_steps;
        let slices = match &self.schedule {
            ExecutionConfig::Twap(config) => twap(1.0, config)?,
            ExecutionConfig::AlmgrenChriss(config) => AlmgrenChriss::new(config)?.schedule(1.0)?,
            ExecutionConfig::AtOnce(_) => vec![1.0],
            ExecutionConfig::Vwap(config) => {
                let traded = view.traded.ok_or_else(|| {
                    refuse(
                        "a schedule after the usual volume needs the units that were traded, which this data does not \
                         tell; use `twap`"
                            .to_owned(),
                    )
                })?;
                let times = view.time_ms.get(..begun).unwrap_or(view.time_ms);
                usual_profile(times, traded, steps, config)?.schedule(1.0)?
            }
        };
        Ok(cumulative(&slices, steps))
    }
}

/// Spreads slices of equal time over `steps` steps: each slice is due in the step in which its time begins. The last
/// step is the whole.
fn cumulative(slices: &[f64], steps: usize) -> Vec<f64> {
    let mut due = vec![0.0; steps];
    for (index, slice) in slices.iter().enumerate() {
        due[index * steps / slices.len()] += slice;
    }
    let mut sum = 0.0;
    for share in &mut due {
        sum += *share;
        *share = sum;
    }
    if let Some(last) = due.last_mut() {
        *last = 1.0;
    }
    due
}

impl VectorPolicy for Scheduled {
    fn name(&self) -> &str {
        self.schedule.name()
    }

    fn reads_observation(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &VectorView<'_>, out: &mut [f64]) -> Result<(), EngineError> {
        let past = past(view)?;
        check(out, &self.seat)?;
        let begun = past.time_ms.len().saturating_sub(past.step);
        let plan = match self.plan.take().filter(|(known, _)| *known == begun) {
            Some((_, plan)) => plan,
            None => self.planned(past, begun)?,
        };
        let planned = plan.get(past.step).copied().unwrap_or(1.0);
        self.plan = Some((begun, plan));
        for (slot, [_, high]) in out.iter_mut().zip(&self.seat.bounds) {
            *slot = *high;
        }
        let wanted = planned - past.executed - past.resting;
        let [low, high] = self.seat.bounds[0];
        out[0] = if ORDER_SHARE_MIN <= wanted { wanted.clamp(low, high) } else { low };
        Ok(())
    }
}

/// Orders nothing: what is left at the end is executed then.
#[derive(Debug, Clone, Copy)]
pub struct Idle;

impl VectorPolicy for Idle {
    fn name(&self) -> &'static str {
        "do_nothing"
    }

    fn reads_observation(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &VectorView<'_>, out: &mut [f64]) -> Result<(), EngineError> {
        past(view)?;
        out.fill(0.0);
        Ok(())
    }
}

/// Every action of the space equally likely in every step.
#[derive(Debug, Clone)]
pub struct RandomOrders {
    seat: ExecutionSeat,
    stream: Stream,
}

impl RandomOrders {
    /// Draws from a seed.
    #[must_use]
    pub fn new(seat: &ExecutionSeat, seed: u32) -> Self {
        let stream = Stream::new(u64::from(seed), StreamId::Baseline, 0);
        Self { seat: seat.clone(), stream }
    }
}

impl VectorPolicy for RandomOrders {
    fn name(&self) -> &'static str {
        "random"
    }

    fn reads_observation(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &VectorView<'_>, out: &mut [f64]) -> Result<(), EngineError> {
        past(view)?;
        check(out, &self.seat)?;
        for (slot, [low, high]) in out.iter_mut().zip(&self.seat.bounds) {
            *slot = (low + (high - low) * self.stream.uniform()).clamp(*low, *high);
        }
        Ok(())
    }
}

fn past<'a, 'b>(view: &'b VectorView<'a>) -> Result<&'b ExecutionView<'a>, EngineError> {
    match &view.past {
        Past::Execution(past) => Ok(past),
        Past::Portfolio(_) => {
            Err(refuse("wanted the past of an execution, found that of a portfolio".to_owned()))
        }
    }
}

fn check(out: &[f64], seat: &ExecutionSeat) -> Result<(), EngineError> {
    if out.len() == seat.bounds.len() {
        return Ok(());
    }
    Err(refuse(format!("wanted an action of {} numbers, found {}", seat.bounds.len(), out.len())))
}
