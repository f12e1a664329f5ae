//! What belongs beside every figure of a back-test, in sentences.

use super::BacktestInput;
use super::assemble::Played;
use crate::config::{EnvironmentConfig, FillRule, Segment, Truth};
use crate::market::DataKind;

/// Fewer bars than this make annualised figures doubtful.
const BARS_FEW: usize = 100;
/// Most sentences about what befell the account beside its trades.
const EVENTS_MAX: usize = 20;

/// Returns the remarks of a report.
pub(super) fn remarks(input: &BacktestInput<'_>, played: &Played) -> Vec<String> {
    let mut remarks = Vec::new();
    let (agent, bar_count) = (&played.agent, played.axis.rows.len());
    let costs = &input.strategy.matching;
    let faithful = input.strategy.environment.truth() == Truth::Faithful;
    if input.source.synthetic {
        remarks.push("The data is synthetic: it says nothing about any market.".to_owned());
    }
    if faithful {
        remarks.push(
            "Faithful accounting of the reference system, errors and look-ahead included, for verification only: \
             trades at the close just observed; slippage, lots, position limit and risk limits are not applied. \
             Features were computed by the engine, not read from the reference's files."
                .to_owned(),
        );
    } else if costs.fill == FillRule::SameClose {
        remarks.push(same_close(input.data.kind()));
    }
    remarks.extend(seen_in_training(input));
    remarks.extend(free(input, faithful));
    remarks.extend(played.remarks.iter().cloned());
    let executes = matches!(input.strategy.environment, EnvironmentConfig::OrderExecution(_));
    if bar_count < BARS_FEW && !executes {
        remarks.push(format!(
            "The run has only {bar_count} bars: annualised figures and ratios are unreliable."
        ));
    }
    if played.random_percentile.is_none() && !executes {
        remarks.push(
            "The agent never traded: a random policy of equal turnover does nothing, too."
                .to_owned(),
        );
    }
    if played.baselines.iter().any(|baseline| baseline.name.starts_with("hindsight_")) {
        remarks.push(
            "Baselines named `hindsight_…` know the future: they show what was possible and are no policies."
                .to_owned(),
        );
    }
    if agent.ruined {
        remarks.push(format!(
            "The agent's account was ruined after {} of {} bars; its last value is carried on.",
            agent.rows.len() - 1,
            bar_count
        ));
    }
    if agent.refusal_count > 0 {
        remarks.push(refused(input, agent.refusal_count));
    }
    if agent.cut_count > 0 {
        remarks.push(cut(input, agent.cut_count));
    }
    remarks.extend(agent.remarks.iter().take(EVENTS_MAX).cloned());
    remarks
}

fn same_close(kind: DataKind) -> String {
    match kind {
        DataKind::Book => {
            "Orders are filled on the book just observed, which nobody can do: the result is optimistic.".to_owned()
        }
        DataKind::Bars | DataKind::Panel | DataKind::Trades => {
            "Orders are filled at the close just observed, which nobody can do: the result is optimistic.".to_owned()
        }
    }
}

/// Says what a model may have learned of the segment it is run on.
fn seen_in_training(input: &BacktestInput<'_>) -> Option<String> {
    input.model.as_ref()?;
    let purpose = match input.session.segment {
        Segment::Train => "training",
        Segment::Valid => "choosing the model",
        Segment::Whole => "training and choosing the model",
        Segment::Test | Segment::Sealed => return None,
    };
    Some(format!(
        "On the data the model was trained on, these bars were used for {purpose}: the result is no test of it."
    ))
}

/// Says which costs are not charged. On a book slippage is the walk through its levels.
fn free(input: &BacktestInput<'_>, faithful: bool) -> Option<String> {
    let costs = &input.strategy.matching;
    let slips = input.data.kind() != DataKind::Book && !faithful;
    let free = match (costs.fee_rate == 0.0, slips && costs.slippage_bps == 0.0) {
        (true, true) => "Neither fees nor slippage are",
        (true, false) => "No fees are",
        (false, true) => "No slippage is",
        (false, false) => return None,
    };
    Some(format!("{free} charged: the strategy's `matching` says so."))
}

fn refused(input: &BacktestInput<'_>, count: u32) -> String {
    match &input.strategy.environment {
        EnvironmentConfig::AlgorithmicTrading(_) | EnvironmentConfig::Portfolio(_) => {
            format!("The risk review refused {count} of the agent's orders.")
        }
        EnvironmentConfig::OrderExecution(_) | EnvironmentConfig::HighFrequency(_) => format!(
            "{count} of the agent's orders were refused: the account could not pay for them, the book did not show \
             enough, or the risk review said no."
        ),
    }
}

fn cut(input: &BacktestInput<'_>, count: u32) -> String {
    match &input.strategy.environment {
        EnvironmentConfig::AlgorithmicTrading(_) => format!(
            "{count} of the agent's orders were made smaller or dropped to keep the position limit or the funds."
        ),
        EnvironmentConfig::Portfolio(_) => format!(
            "{count} of the agent's orders or decisions were made smaller or dropped: the funds did not suffice, or an \
             instrument had no bar."
        ),
        EnvironmentConfig::OrderExecution(_) | EnvironmentConfig::HighFrequency(_) => format!(
            "{count} of the agent's orders were filled in part only: the funds did not suffice, or the book showed no \
             more."
        ),
    }
}
