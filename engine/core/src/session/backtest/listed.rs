//! Back-tests of tasks whose actions come from a list: orders in lots, or target holdings on an order book.

use std::sync::Arc;

use super::assemble::{Axis, Named, Played};
use super::course::{Clock, Course, Traded, check_equity, ranked};
use super::hindsight::best_holdings;
use super::replay::Replay;
use super::{BacktestInput, RANDOM_DRAWS, Scope, fills_at_close};
use crate::config::{HighFrequencyConfig, Truth};
use crate::environment::high_frequency::Grid;
use crate::environment::{Action, BookData, Environment, MarketData, build};
use crate::error::EngineError;
use crate::policies::{
    self, BuyAndHold, DoNothing, EqualTurnover, Flat, HighestReachable, HoldingSeat, Policy, Seat,
};
use crate::session::step::Decider;

/// Runs counted beside the draws: agent, two rules, and the median draw once more.
const RUNS: u64 = RANDOM_DRAWS as u64 + 4;

/// Runs trading of one instrument on bars.
pub(super) fn on_bars(
    input: &BacktestInput<'_>,
    market: &Arc<MarketData>,
    scope: Scope<'_>,
    clock: &mut Clock<'_, '_>,
) -> Result<Played, EngineError> {
    let environment = build(input.strategy, Arc::clone(market))?;
    let seat = Seat {
        observation_len: environment.observation_len(),
        action_count: environment.action_count(),
        seed: input.session.seed,
    };
    let policy = match scope {
        Scope::Everyone | Scope::Agent => {
            policies::build(&input.strategy.agent, &seat, input.model_bytes())?
        }
        // The middle order changes nothing.
        Scope::Replay(decisions) => Replay::then(decisions.actions.clone(), seat.action_count / 2),
    };
    clock.expect(RUNS, environment.steps_per_episode());
    let truth = input.strategy.environment.truth();
    let mut runner =
        Runner { environment, truth, at_close: fills_at_close(input), lot: None, clock };
    let agent = runner.run(policy)?;
    let axis = |rows: Vec<usize>| Axis {
        times_ms: rows.iter().map(|row| market.time_ms()[*row]).collect(),
        prices: rows.iter().map(|row| market.close()[*row].get()).collect(),
        rows,
        price_name: "close",
        instruments: input.data.instruments(),
        periods_per_year: market.periods_per_year(),
    };
    if scope != Scope::Everyone {
        return Ok(Played::alone(axis(agent.rows.clone()), agent));
    }
    let buy_and_hold = runner.run(Box::new(BuyAndHold::new(&seat)))?;
    let do_nothing = runner.run(Box::new(DoNothing::new(&seat)))?;
    let draw =
        |number| -> Box<dyn Policy> { Box::new(EqualTurnover::draw(&agent.lots, &seat, number)) };
    let (median, below) = ranked(RANDOM_DRAWS, &agent, |number| runner.run(draw(number)))?;
    let random = runner.run(draw(median))?;
    runner.clock.end()?;
    let axis = axis(do_nothing.rows.clone());
    let traded = agent.lots.iter().any(|lots| *lots != 0);
    Ok(Played {
        axis,
        agent,
        baselines: vec![
            Named::shown("buy_and_hold", buy_and_hold),
            Named::shown("do_nothing", do_nothing),
            Named::bare("random", random),
        ],
        random_percentile: traded.then_some(below),
        remarks: Vec::new(),
    })
}

/// Runs target holdings on an order book.
pub(super) fn on_book(
    input: &BacktestInput<'_>,
    (config, scope): (&HighFrequencyConfig, Scope<'_>),
    data: &Arc<BookData>,
    clock: &mut Clock<'_, '_>,
) -> Result<Played, EngineError> {
    let environment = build(input.strategy, Arc::clone(data))?;
    let grid = Grid::of(config);
    let seat = HoldingSeat {
        observation_len: environment.observation_len(),
        action_count: environment.action_count(),
        flat: grid.nearest(0.0),
        seed: input.session.seed,
    };
    let policy = match scope {
        Scope::Everyone | Scope::Agent => {
            policies::build_holding(&input.strategy.agent, &seat, input.model_bytes())?
        }
        Scope::Replay(decisions) => Replay::then(decisions.actions.clone(), seat.flat),
    };
    clock.expect(RUNS + 1, environment.steps_per_episode());
    let mut runner = Runner {
        environment,
        truth: Truth::Corrected,
        at_close: fills_at_close(input),
        lot: Some(grid.step()),
        clock,
    };
    let agent = runner.run(policy)?;
    if scope != Scope::Everyone {
        return Ok(Played::alone(book_axis(input, data, agent.rows.clone()), agent));
    }
    let buy_and_hold = runner.run(Box::new(HighestReachable::new(&seat)))?;
    let do_nothing = runner.run(Box::new(Flat::new(&seat)))?;
    let draw = |number| -> Box<dyn Policy> {
        Box::new(Replay::new(drawn_holdings(&agent.lots, &seat, number), seat.flat))
    };
    let (median, below) = ranked(RANDOM_DRAWS, &agent, |number| runner.run(draw(number)))?;
    let random = runner.run(draw(median))?;
    let rows = do_nothing.rows.clone();
    let mut remarks = Vec::new();
    let best = best_holdings(&input.strategy.matching, &grid, data, rows[0]);
    let hindsight = match best {
        Some(path) => runner.run(Box::new(Replay::new(path, seat.flat))).map(Some)?,
        None => None,
    };
    // What is not carried out as planned is not the best.
    let hindsight = hindsight.filter(|run| run.refusal_count == 0 && run.cut_count == 0);
    runner.clock.end()?;
    let axis = book_axis(input, data, rows);
    let traded = !agent.fills.is_empty();
    let mut baselines = vec![
        Named::shown("buy_and_hold", buy_and_hold),
        Named::shown("do_nothing", do_nothing),
        Named::bare("random", random),
    ];
    match hindsight {
        Some(run) => baselines.push(Named::bare("hindsight_oracle", run)),
        None => remarks.push(
            "The best holdings in hindsight are left out: the run is too long for them, or the account could not pay for \
             them."
                .to_owned(),
        ),
    }
    let random_percentile = traded.then_some(below);
    Ok(Played { axis, agent, baselines, random_percentile, remarks })
}

fn book_axis(input: &BacktestInput<'_>, data: &BookData, rows: Vec<usize>) -> Axis {
    let book = data.book();
    Axis {
        times_ms: rows.iter().map(|row| book.time_ms[*row]).collect(),
        prices: rows.iter().map(|row| book.mid(*row)).collect(),
        rows,
        price_name: "midpoint",
        instruments: input.data.instruments(),
        periods_per_year: data.periods_per_year(),
    }
}

/// Returns the holdings of equal turnover: the agent's changes (in steps of the grid) in the same order, at random times.
fn drawn_holdings(changes: &[i64], seat: &HoldingSeat, draw: u32) -> Vec<usize> {
    let top = seat.action_count.saturating_sub(1);
    // As orders from a list that is wide enough for every change; its middle changes nothing.
    let wide =
        Seat { observation_len: 0, action_count: 2 * seat.action_count + 1, seed: seat.seed };
    let mut held = seat.flat;
    EqualTurnover::draw(changes, &wide, draw)
        .actions()
        .iter()
        .map(|order| {
            held = (held + order).saturating_sub(seat.action_count).min(top);
            held
        })
        .collect()
}

struct Runner<'r, 'a, 'b> {
    environment: Box<dyn Environment>,
    truth: Truth,
    at_close: bool,
    /// Units of one lot, where the account does not tell.
    lot: Option<f64>,
    clock: &'r mut Clock<'a, 'b>,
}

impl Runner<'_, '_, '_> {
    /// Runs one policy over one episode.
    fn run(&mut self, policy: Box<dyn Policy>) -> Result<Course, EngineError> {
        self.environment.reset();
        let begun = self.clock.begun();
        let mut decider = Decider::new(policy, self.environment.observation_len());
        let account = self.environment.snapshot();
        let mut course = Course::begin(account.bar_index, account.equity, account.position);
        loop {
            let environment = &mut self.environment;
            let action = decider.action(|out| environment.observe(out))?;
            course.decisions.actions.push(action);
            let result = environment.step(Action::Discrete(action));
            self.note(&mut course)?;
            self.clock.tick()?;
            if result.ended() {
                // The reference terminates at the end of its data.
                course.ruined = result.terminated && self.truth == Truth::Corrected;
                break;
            }
        }
        // A run that was ruined early counts as whole.
        self.clock.whole(begun, self.environment.steps_per_episode());
        Ok(course)
    }

    /// Notes the account after a step.
    fn note(&self, course: &mut Course) -> Result<(), EngineError> {
        let account = self.environment.snapshot();
        check_equity(account.equity, account.bar_index)?;
        let before = course.rows.len() - 1;
        course.note(account.bar_index, account.equity, account.position);
        if let Some(fill) = account.last_fill {
            let index = if self.at_close { before } else { course.rows.len() - 1 };
            let position = account.position;
            course.fills.push(Traded { index, instrument: 0, fill, position });
        }
        let lot = self.lot.unwrap_or(account.lot);
        course.lots.push(account.last_fill.map_or(0, |fill| whole(fill.quantity.get() / lot)));
        course.costs = account.costs;
        (course.refusal_count, course.cut_count) = (account.refusal_count, account.cut_count);
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a fill is a whole number of lots, far below 2^53"
)]
fn whole(lots: f64) -> i64 {
    lots.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_holdings_make_the_agents_changes_in_its_order() {
        let seat = HoldingSeat { observation_len: 0, action_count: 4, flat: 1, seed: 3 };
        let changes = [0, 2, 0, -3, 0, 0, 1, 0, 0, 0];
        for draw in 0..50 {
            let held = drawn_holdings(&changes, &seat, draw);
            assert_eq!(held.len(), changes.len());
            let mut seen = vec![1];
            for holding in held {
                if seen.last() != Some(&holding) {
                    seen.push(holding);
                }
            }
            assert_eq!(seen, [1, 3, 0, 1], "draw {draw}");
        }
    }
}
