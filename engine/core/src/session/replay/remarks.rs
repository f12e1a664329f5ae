//! What belongs beside the figures of a corrected replay, in sentences.

use super::ReplayEnvironment;
use super::course::Course;
use super::data::Prepared;
use crate::config::{DividendRule, EnvironmentConfig, FillRule};
use crate::environment::{Environment, TaskData};
use crate::market::MarketSeries;

/// Most sentences about what befell the account beside its trades.
const EVENTS_MAX: usize = 20;
/// An adjusted price nearer to the close than this share of it is the close: rounding.
const ADJUSTED_SHARE_MIN: f64 = 1e-12;

pub(super) fn remarks(
    name: ReplayEnvironment,
    prepared: &Prepared<'_>,
    environment: &dyn Environment,
    course: &Course,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let costs = &prepared.strategy.matching;
    let on_book = matches!(prepared.data, TaskData::Book(_));
    if costs.fill == FillRule::SameClose {
        remarks.push(
            "Orders are filled at what was just observed, which nobody can do: the result is optimistic.".to_owned(),
        );
    }
    if costs.fee_rate == 0.0 {
        let walk =
            if on_book { "what walking the book costs" } else { "slippage, where it is set" };
        remarks
            .push(format!("No fees are charged: the only cost is {walk}. --cost-rate sets them."));
    }
    remarks.extend(variant(name));
    remarks.extend(dividends(prepared));
    let account = environment.snapshot();
    if 0 < account.refusal_count {
        remarks.push(format!(
            "{} orders were refused: the account could not pay for them, the book did not show enough, or a limit said no.",
            account.refusal_count
        ));
    }
    if 0 < account.cut_count {
        remarks.push(format!(
            "{} orders were made smaller: the position limit, the funds, or what the book shows.",
            account.cut_count
        ));
    }
    if let Some(left) = environment.execution().map(|report| report.left).filter(|left| 0.0 < *left)
    {
        remarks
            .push(format!("{left} units could not be executed: the last book did not show them."));
    }
    if course.calls < environment.steps_per_episode() && environment.execution().is_none() {
        remarks.push(format!("The account was ruined after {} steps.", course.calls));
    }
    remarks.extend(environment.remarks().into_iter().take(EVENTS_MAX));
    remarks
}

/// Says what the names of the reference's portfolio environments mean here.
fn variant(name: ReplayEnvironment) -> Option<String> {
    let differs = match name {
        ReplayEnvironment::PortfolioSarl | ReplayEnvironment::PortfolioEiie => {
            "begins in cash and pays to enter"
        }
        ReplayEnvironment::PortfolioDeepTrader => {
            "has cash, begins in it, pays to enter, and holds nothing short"
        }
        ReplayEnvironment::PortfolioImitator => "has cash and begins in it",
        ReplayEnvironment::AlgorithmicTrading
        | ReplayEnvironment::Portfolio
        | ReplayEnvironment::ExecutionEteo
        | ReplayEnvironment::ExecutionPd
        | ReplayEnvironment::Hft => return None,
    };
    Some(format!("There is one corrected portfolio: unlike the reference's {name} it {differs}."))
}

/// Says that dividends are in the figures, where the file knows of any.
fn dividends(prepared: &Prepared<'_>) -> Option<String> {
    let EnvironmentConfig::Portfolio(config) = &prepared.strategy.environment else { return None };
    let MarketSeries::Panel(panel) = prepared.whole.as_ref() else { return None };
    let mut bars = panel.close.iter().zip(&panel.adjusted_close).zip(&panel.present);
    let differs =
        |close: &f64, adjusted: &f64| ADJUSTED_SHARE_MIN * close < (close - adjusted).abs();
    let adjusted = bars.any(|((close, adjusted), present)| *present && differs(close, adjusted));
    match config.dividends {
        DividendRule::Adjusted if adjusted => Some(
            "Prices are adjusted for dividends, so that they are reinvested; the reference trades at the plain close and \
             loses them. dividends = \"none\" in the configuration does the same."
                .to_owned(),
        ),
        DividendRule::None if adjusted => Some("Dividends are lost: the configuration says so.".to_owned()),
        DividendRule::Adjusted | DividendRule::Explicit | DividendRule::None => None,
    }
}
