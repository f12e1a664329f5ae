//! The tear sheet: every figure of a finished run, its drawdowns and its returns by calendar period, as one value.
//!
//! Assembles; computes nothing of its own. Corrected mode only.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::{Period, PeriodReturn, period_returns};
use super::calmar::{annual_return, calmar, calmar_36_months};
use super::capacity::{CapacityInput, capacity};
use super::costs::{cost_rate, cost_share};
use super::drawdowns::{
    average_drawdown, deepest, drawdowns, longest_drawdown, over, pain_index, recovery_factor,
    time_under_water, ulcer_index,
};
use super::exposure::{Holdings, gross_exposure, net_exposure, time_in_market};
use super::max_drawdown::max_drawdown;
use super::moments::{autocorrelation, correlation, kurtosis, skewness};
use super::omega::{gain_to_pain, omega};
use super::quantile::quantile;
use super::returns::{returns, total_return};
use super::sharpe::{risk_free_per_bar, sharpe_above};
use super::sortino::{downside_deviation, sortino_above};
use super::stability::stability;
use super::tail::{common_sense_ratio, tail_ratio};
use super::trades::{ClosedTrade, TimedFill, closed_trades, mean_holding};
use super::turnover::turnover;
use super::value_at_risk::{TailModel, expected_shortfall, value_at_risk};
use super::volatility::volatility;
use super::win_rate::win_rate;
use super::{Figure, benchmark, finite, per_bar, trades};
use crate::orders::Fill;

/// Probability of a worse bar for value at risk and expected shortfall.
pub const TAIL: f64 = 0.05;
/// Rows of the drawdown table.
pub const DRAWDOWN_ROWS: usize = 10;
/// Lags of the autocorrelation.
pub const LAGS: usize = 10;

/// A finished run. Slices have one entry per bar; what is not known is empty, and its figures are undefined.
#[derive(Debug, Clone, Copy)]
pub struct RunRecord<'a> {
    /// Times, milliseconds since 1970 UTC, rising.
    pub times_ms: &'a [i64],
    /// Value of the account, quote currency.
    pub equity: &'a [f64],
    /// Units held after the bar.
    pub position: &'a [f64],
    /// Price at the bar's end, quote currency.
    pub prices: &'a [f64],
    /// Units traded by the whole market in the bar.
    pub volume: &'a [f64],
    /// Own fills in order.
    pub fills: &'a [TimedFill],
    /// Bars per year.
    pub periods_per_year: f64,
    /// Risk-free rate per year, compound; 0.02 is 2 %.
    pub risk_free: f64,
}

/// Everything that is measured on a finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TearSheet {
    /// Every figure. Absent value: not defined.
    pub figures: BTreeMap<Figure, Option<f64>>,
    /// The deepest drawdowns, deepest first.
    pub drawdowns: Vec<DrawdownRow>,
    /// Returns by calendar period; a period without one is left out.
    pub periods: BTreeMap<Period, Vec<PeriodReturn>>,
    /// Autocorrelation of the returns per bar at lags 1, 2, ….
    pub autocorrelation: Vec<Option<f64>>,
}

/// One row of the drawdown table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrawdownRow {
    /// Last bar at the peak, milliseconds since 1970 UTC.
    pub start_ms: f64,
    /// Deepest bar, milliseconds since 1970 UTC.
    pub valley_ms: f64,
    /// First bar at or above the peak; absent while it is not reached.
    pub recovery_ms: Option<f64>,
    /// Depth as a share of the peak, 0 to 1.
    pub depth: f64,
    /// Bars from the peak to the valley.
    pub fall_bars: u32,
    /// Bars from the valley to the recovery; absent while there is none.
    pub recovery_bars: Option<u32>,
}

/// Returns the tear sheet of a run beside a benchmark: the value of the benchmark at each bar, for example the price
/// itself for buy and hold.
#[must_use]
pub fn tear_sheet(run: &RunRecord<'_>, benchmark: Option<&[f64]>) -> TearSheet {
    let per_bar = returns(run.equity).filter(|values| finite(values).is_some());
    let context = Context {
        run,
        returns: per_bar.unwrap_or_default(),
        benchmark: benchmark.filter(|values| values.len() == run.equity.len()),
        market: benchmark.and_then(returns).unwrap_or_default(),
        risk_free: risk_free_per_bar(run.risk_free, run.periods_per_year).unwrap_or(f64::NAN),
        trades: closed_trades(run.fills),
        fills: run.fills.iter().map(|timed| timed.fill).collect(),
        periods: Period::ALL
            .into_iter()
            .filter_map(|period| Some((period, period_returns(run.times_ms, run.equity, period)?)))
            .collect(),
    };
    let figures = [
        context.growth(),
        context.risk(),
        context.tails(),
        context.ratios(),
        context.bars(),
        context.closed(),
        context.activity(),
        context.beside_benchmark(),
    ];
    let figures = figures
        .into_iter()
        .flatten()
        .map(|(figure, value)| (figure, value.filter(|value| value.is_finite())))
        .collect();
    TearSheet {
        figures,
        drawdowns: drawdown_rows(run),
        autocorrelation: (1..=LAGS).map(|lag| autocorrelation(&context.returns, lag)).collect(),
        periods: context.periods,
    }
}

/// Returns the drawdown table; empty where a drawdown is undefined or times are missing.
fn drawdown_rows(run: &RunRecord<'_>) -> Vec<DrawdownRow> {
    let time = |index: usize| run.times_ms.get(index).map(|time| *time as f64);
    let bars = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    deepest(run.equity, DRAWDOWN_ROWS)
        .unwrap_or_default()
        .iter()
        .filter_map(|one| {
            Some(DrawdownRow {
                start_ms: time(one.start)?,
                valley_ms: time(one.valley)?,
                recovery_ms: one.recovery.and_then(time),
                depth: one.depth,
                fall_bars: bars(one.fall_bars()),
                recovery_bars: one.recovery_bars().map(bars),
            })
        })
        .collect()
}

/// What several figures share, computed once.
struct Context<'a> {
    run: &'a RunRecord<'a>,
    returns: Vec<f64>,
    benchmark: Option<&'a [f64]>,
    market: Vec<f64>,
    /// Per bar; NaN where the yearly rate is none, which no figure survives.
    risk_free: f64,
    trades: Vec<ClosedTrade>,
    fills: Vec<Fill>,
    periods: BTreeMap<Period, Vec<PeriodReturn>>,
}

type Figures = Vec<(Figure, Option<f64>)>;

impl Context<'_> {
    fn extreme(&self, period: Period, pick: fn(f64, f64) -> f64) -> Option<f64> {
        self.periods.get(&period)?.iter().map(|one| one.value).reduce(pick)
    }

    fn share_above_zero(&self, period: Period) -> Option<f64> {
        let periods = self.periods.get(&period).filter(|periods| !periods.is_empty())?;
        let above = periods.iter().filter(|one| one.value > 0.0).count();
        Some(above as f64 / periods.len() as f64)
    }

    fn growth(&self) -> Figures {
        let equity = self.run.equity;
        vec![
            (Figure::TotalReturn, total_return(equity)),
            (Figure::AnnualReturn, annual_return(equity, self.run.periods_per_year)),
            (Figure::BestDay, self.extreme(Period::Day, f64::max)),
            (Figure::WorstDay, self.extreme(Period::Day, f64::min)),
            (Figure::BestMonth, self.extreme(Period::Month, f64::max)),
            (Figure::WorstMonth, self.extreme(Period::Month, f64::min)),
            (Figure::PositiveDays, self.share_above_zero(Period::Day)),
            (Figure::PositiveMonths, self.share_above_zero(Period::Month)),
        ]
    }

    fn risk(&self) -> Figures {
        let (equity, year) = (self.run.equity, self.run.periods_per_year);
        vec![
            (Figure::Volatility, volatility(&self.returns, year)),
            (Figure::DownsideDeviation, downside_deviation(&self.returns, year)),
            (Figure::MaxDrawdown, max_drawdown(equity)),
            (Figure::AverageDrawdown, average_drawdown(equity)),
            (Figure::DrawdownCount, drawdowns(equity).map(|all| all.len() as f64)),
            (Figure::LongestDrawdown, longest_drawdown(equity).map(|bars| bars as f64)),
            (Figure::TimeUnderWater, time_under_water(equity)),
            (Figure::UlcerIndex, ulcer_index(equity)),
            (Figure::PainIndex, pain_index(equity)),
        ]
    }

    fn tails(&self) -> Figures {
        let at = |model| value_at_risk(&self.returns, TAIL, model);
        let beyond = |model| expected_shortfall(&self.returns, TAIL, model);
        vec![
            (Figure::ValueAtRisk, at(TailModel::Historical)),
            (Figure::ValueAtRiskGaussian, at(TailModel::Gaussian)),
            (Figure::ValueAtRiskModified, at(TailModel::CornishFisher)),
            (Figure::ExpectedShortfall, beyond(TailModel::Historical)),
            (Figure::ExpectedShortfallGaussian, beyond(TailModel::Gaussian)),
            (Figure::ExpectedShortfallModified, beyond(TailModel::CornishFisher)),
            (Figure::Skewness, skewness(&self.returns)),
            (Figure::Kurtosis, kurtosis(&self.returns)),
            (Figure::TailRatio, tail_ratio(&self.returns)),
            (Figure::Autocorrelation, autocorrelation(&self.returns, 1)),
        ]
    }

    fn ratios(&self) -> Figures {
        let (equity, year, rate) = (self.run.equity, self.run.periods_per_year, self.risk_free);
        let gain = annual_return(equity, year).map(|growth| growth - self.run.risk_free);
        let per = |pain: Option<f64>| over(gain?, pain?);
        vec![
            (Figure::Sharpe, sharpe_above(&self.returns, rate, year)),
            (Figure::Sortino, sortino_above(&self.returns, rate, year)),
            (Figure::Calmar, calmar(equity, year)),
            (Figure::Calmar36Months, calmar_36_months(self.run.times_ms, equity, year)),
            (Figure::Omega, omega(&self.returns, rate)),
            (Figure::GainToPain, gain_to_pain(&self.returns)),
            (Figure::RecoveryFactor, recovery_factor(equity)),
            (Figure::UlcerPerformance, per(ulcer_index(equity))),
            (Figure::PainRatio, per(pain_index(equity))),
            (Figure::CommonSenseRatio, common_sense_ratio(&self.returns)),
            (Figure::Stability, stability(&self.returns)),
        ]
    }

    fn bars(&self) -> Figures {
        let returns = &self.returns;
        vec![
            (Figure::HitRate, per_bar::hit_rate(returns)),
            (Figure::ProfitFactor, per_bar::profit_factor(returns)),
            (Figure::PayoffRatio, per_bar::payoff_ratio(returns)),
            (Figure::Expectancy, per_bar::expectancy(returns)),
            (Figure::ConsecutiveWins, per_bar::consecutive_wins(returns).map(f64::from)),
            (Figure::ConsecutiveLosses, per_bar::consecutive_losses(returns).map(f64::from)),
            (Figure::KellyTwoOutcomes, per_bar::kelly_two_outcomes(returns)),
            (Figure::KellyContinuous, per_bar::kelly_continuous(returns)),
        ]
    }

    fn closed(&self) -> Figures {
        let closed = &self.trades;
        let profits = || closed.iter().map(|trade| trade.profit);
        let held: Vec<f64> = closed.iter().map(|trade| trade.held_bars).collect();
        vec![
            (Figure::TradeCount, (!self.run.equity.is_empty()).then_some(closed.len() as f64)),
            (Figure::WinRate, win_rate(&self.fills)),
            (Figure::TradeProfitFactor, trades::profit_factor(closed)),
            (Figure::TradePayoffRatio, trades::payoff_ratio(closed)),
            (Figure::TradeExpectancy, trades::expectancy(closed)),
            (Figure::BestTrade, profits().reduce(f64::max)),
            (Figure::WorstTrade, profits().reduce(f64::min)),
            (Figure::HoldingMean, mean_holding(closed)),
            (Figure::HoldingMedian, quantile(&held, 0.5)),
            (Figure::HoldingLongest, held.iter().copied().reduce(f64::max)),
        ]
    }

    fn activity(&self) -> Figures {
        let (run, year) = (self.run, self.run.periods_per_year);
        let holdings = Holdings { equity: run.equity, position: run.position, prices: run.prices };
        let room = capacity(&CapacityInput {
            equity: run.equity,
            prices: run.prices,
            volume: run.volume,
            fills: run.fills,
        });
        vec![
            (Figure::Turnover, turnover(&self.fills, run.equity, year)),
            (Figure::GrossExposure, gross_exposure(&holdings)),
            (Figure::NetExposure, net_exposure(&holdings)),
            (Figure::TimeInMarket, time_in_market(run.position)),
            (Figure::CostShare, cost_share(&self.fills, run.equity)),
            (Figure::CostRate, cost_rate(&self.fills, run.equity, year)),
            (Figure::CapacityScale, room.map(|room| room.scale)),
            (Figure::CapacityParticipation, room.map(|room| room.participation)),
            (Figure::CapacityValue, room.map(|room| room.value)),
        ]
    }

    fn beside_benchmark(&self) -> Figures {
        let (own, market) = (&self.returns, &self.market);
        let (rate, year) = (self.risk_free, self.run.periods_per_year);
        let growth = self.benchmark.and_then(total_return);
        let excess = growth.and_then(|market| Some(total_return(self.run.equity)? - market));
        vec![
            (Figure::BenchmarkReturn, growth),
            (Figure::ExcessReturn, excess),
            (Figure::Alpha, benchmark::alpha(own, market, rate, year)),
            (Figure::Beta, benchmark::beta(own, market)),
            (Figure::Correlation, correlation(own, market)),
            (Figure::RSquared, benchmark::r_squared(own, market)),
            (Figure::TrackingError, benchmark::tracking_error(own, market, year)),
            (Figure::InformationRatio, benchmark::information_ratio(own, market, year)),
            (Figure::Treynor, benchmark::treynor(own, market, rate, year)),
            (Figure::UpCapture, benchmark::up_capture(own, market, year)),
            (Figure::DownCapture, benchmark::down_capture(own, market, year)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testkit::fill;

    const DAY: i64 = 86_400_000;

    fn record<'a>(times_ms: &'a [i64], equity: &'a [f64], fills: &'a [TimedFill]) -> RunRecord<'a> {
        RunRecord {
            times_ms,
            equity,
            position: &[],
            prices: &[],
            volume: &[],
            fills,
            periods_per_year: 252.0,
            risk_free: 0.0,
        }
    }

    #[test]
    fn carries_every_figure_even_when_nothing_is_defined() {
        let sheet = tear_sheet(&record(&[], &[], &[]), None);
        let names: Vec<Figure> = sheet.figures.keys().copied().collect();
        assert_eq!(names, Figure::ALL);
        assert!(sheet.figures.values().all(Option::is_none), "{:?}", sheet.figures);
        assert!(sheet.drawdowns.is_empty() && sheet.periods.values().all(Vec::is_empty));
    }

    #[test]
    fn agrees_with_the_single_metrics_and_survives_the_wire() {
        let times: Vec<i64> = (0..5).map(|day| day * DAY).collect();
        let equity = [100.0, 110.0, 99.0, 104.0, 120.0];
        let market = [50.0, 51.0, 50.0, 52.0, 53.0];
        let fills = [
            TimedFill { bar: 0, fill: fill(1.0, 50.0, 1.0) },
            TimedFill { bar: 3, fill: fill(-1.0, 52.0, 0.5) },
        ];
        let run = RunRecord {
            position: &[1.0, 1.0, 1.0, 0.0, 0.0],
            prices: &market,
            volume: &[1000.0; 5],
            ..record(&times, &equity, &fills)
        };
        let sheet = tear_sheet(&run, Some(&market));
        let undefined: Vec<&Figure> = sheet
            .figures
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        // one winning trade, no 36 months, an expansion that four returns bend too far
        let wanted = [
            Figure::ValueAtRiskModified,
            Figure::ExpectedShortfallModified,
            Figure::Calmar36Months,
            Figure::TradeProfitFactor,
            Figure::TradePayoffRatio,
        ];
        assert!(undefined.iter().all(|one| wanted.contains(one)), "{undefined:?}");
        let value = |figure| sheet.figures[&figure].unwrap();
        assert!((value(Figure::TotalReturn) - 0.2).abs() < 1e-12);
        assert!((value(Figure::ExcessReturn) - 0.14).abs() < 1e-12);
        assert!((value(Figure::WorstDay) + 0.1).abs() < 1e-12);
        assert!((value(Figure::TimeInMarket) - 0.6).abs() < 1e-12);
        assert!((value(Figure::HoldingMean) - 3.0).abs() < 1e-12);
        assert!((value(Figure::TradeExpectancy) - 0.5).abs() < 1e-12);
        assert!((sheet.drawdowns[0].depth - 0.1).abs() < 1e-12);
        assert_eq!(sheet.drawdowns[0].recovery_bars, Some(2));
        let text = serde_json::to_string(&sheet).unwrap();
        assert!(text.contains("\"calmar_36_months\":null"), "{text}");
        assert_eq!(serde_json::from_str::<TearSheet>(&text).unwrap(), sheet);
    }

    #[test]
    fn its_schema_describes_every_part() {
        let schema = serde_json::to_value(schemars::schema_for!(TearSheet)).unwrap();
        for part in ["figures", "drawdowns", "periods", "autocorrelation"] {
            assert!(schema["properties"][part].is_object(), "{schema}");
        }
    }

    #[test]
    fn a_benchmark_of_another_length_is_none() {
        let sheet =
            tear_sheet(&record(&[0, DAY, 2 * DAY], &[1.0, 2.0, 3.0], &[]), Some(&[1.0, 2.0]));
        assert_eq!(sheet.figures[&Figure::BenchmarkReturn], None);
        assert_eq!(sheet.figures[&Figure::Beta], None);
    }

    proptest! {
        #[test]
        fn nothing_is_ever_infinite_or_not_a_number(
            equity in prop::collection::vec(any::<f64>(), 0..20),
            market in prop::collection::vec(any::<f64>(), 0..20),
            risk_free in any::<f64>(),
            year in any::<f64>(),
        ) {
            let times: Vec<i64> = (0..equity.len()).map(|bar| i64::try_from(bar).unwrap() * DAY).collect();
            let run = RunRecord {
                position: &equity,
                prices: &market,
                volume: &market,
                periods_per_year: year,
                risk_free,
                ..record(&times, &equity, &[])
            };
            let sheet = tear_sheet(&run, Some(&market));
            prop_assert_eq!(sheet.figures.len(), Figure::ALL.len());
            for (name, value) in sheet.figures {
                prop_assert!(value.is_none_or(f64::is_finite), "{} is {:?}", name, value);
            }
        }

        #[test]
        fn an_unlevered_book_never_falls_by_more_than_all(growth in prop::collection::vec(0.0..3.0_f64, 1..30)) {
            let mut equity = vec![1_000.0];
            for factor in growth {
                equity.push(equity.last().unwrap() * factor);
            }
            let times: Vec<i64> = (0..equity.len()).map(|bar| i64::try_from(bar).unwrap() * DAY).collect();
            let figures = tear_sheet(&record(&times, &equity, &[]), None).figures;
            for name in [Figure::MaxDrawdown, Figure::UlcerIndex, Figure::PainIndex, Figure::TimeUnderWater] {
                prop_assert!((0.0..=1.0).contains(&figures[&name].unwrap()), "{}", name);
            }
        }
    }
}
