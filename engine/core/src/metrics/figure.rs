//! The closed list of a tear sheet's figures, each with its group, unit and meaning. How each is computed stands in the
//! file of the metric; definitions and differences from other libraries stand in `docs/metrics.md`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a figure is counted in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain share: 0.05 is 5 %.
    Ratio,
    /// A share or a number per year.
    PerYear,
    /// A bare number.
    None,
    /// Bars of the run.
    Bars,
    /// A whole number of things.
    Count,
    /// Quote currency.
    Money,
}

/// What a figure tells about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FigureGroup {
    /// Growth.
    Return,
    /// What could be lost.
    Risk,
    /// Growth per risk.
    Ratio,
    /// Single bars.
    Bar,
    /// Closed trades.
    Trade,
    /// How much was at work, traded and paid.
    Activity,
    /// Beside the benchmark.
    Benchmark,
}

macro_rules! figures {
    ($($variant:ident $name:literal $group:ident $unit:ident $meaning:literal;)+) => {
        /// Every figure of a tear sheet.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[schemars(extend("x-extensible" = true))]
        pub enum Figure {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)+
        }

        impl Figure {
            /// Every figure, in the order of a tear sheet.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name as stored and sent.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns what it tells about.
            #[must_use]
            pub fn group(self) -> FigureGroup {
                match self { $(Self::$variant => FigureGroup::$group,)+ }
            }

            /// Returns what it is counted in.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)+ }
            }

            /// Returns what it means, one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

figures! {
    TotalReturn "total_return" Return Ratio "Final value of the account divided by its first value, minus 1, after costs.";
    AnnualReturn "annual_return" Return PerYear "Compound annual growth rate.";
    BestDay "best_day" Return Ratio "Highest return of a calendar day (UTC).";
    WorstDay "worst_day" Return Ratio "Lowest return of a calendar day (UTC).";
    BestMonth "best_month" Return Ratio "Highest return of a calendar month (UTC).";
    WorstMonth "worst_month" Return Ratio "Lowest return of a calendar month (UTC).";
    PositiveDays "positive_days" Return Ratio "Share of calendar days with a return above 0.";
    PositiveMonths "positive_months" Return Ratio "Share of calendar months with a return above 0.";
    Volatility "volatility" Risk PerYear "Sample standard deviation of the returns per bar, annualised.";
    DownsideDeviation "downside_deviation" Risk PerYear "Root of the mean squared loss per bar below 0, annualised.";
    MaxDrawdown "max_drawdown" Risk Ratio "Deepest fall of the account from its running peak.";
    AverageDrawdown "average_drawdown" Risk Ratio "Mean depth of all drawdowns.";
    DrawdownCount "drawdown_count" Risk Count "Number of drawdowns.";
    LongestDrawdown "longest_drawdown" Risk Bars "Longest time below a peak.";
    TimeUnderWater "time_under_water" Risk Ratio "Share of bars below the running peak.";
    UlcerIndex "ulcer_index" Risk Ratio "Root of the mean squared drawdown.";
    PainIndex "pain_index" Risk Ratio "Mean drawdown.";
    ValueAtRisk "value_at_risk" Risk Ratio "Loss per bar exceeded with probability 5 %, from the sample.";
    ValueAtRiskGaussian "value_at_risk_gaussian" Risk Ratio "The same under a normal distribution.";
    ValueAtRiskModified "value_at_risk_modified" Risk Ratio "The same, corrected for skewness and kurtosis (Cornish-Fisher).";
    ExpectedShortfall "expected_shortfall" Risk Ratio "Mean loss per bar beyond the value at risk, from the sample.";
    ExpectedShortfallGaussian "expected_shortfall_gaussian" Risk Ratio "The same under a normal distribution.";
    ExpectedShortfallModified "expected_shortfall_modified" Risk Ratio "The same, corrected for skewness and kurtosis (Cornish-Fisher).";
    Skewness "skewness" Risk None "Skewness of the returns per bar; below 0 the losses reach further.";
    Kurtosis "kurtosis" Risk None "Raw kurtosis of the returns per bar; 3 for a normal distribution.";
    TailRatio "tail_ratio" Risk None "95 % quantile of the returns divided by the absolute 5 % quantile.";
    Autocorrelation "autocorrelation" Risk None "Correlation of the return of a bar with that of the bar before.";
    Sharpe "sharpe" Ratio None "Mean return above the risk-free rate divided by its standard deviation, annualised.";
    Sortino "sortino" Ratio None "Mean return above the risk-free rate divided by the downside deviation, annualised.";
    Calmar "calmar" Ratio None "Compound annual return divided by the maximum drawdown.";
    Calmar36Months "calmar_36_months" Ratio None "The same over the last 36 months.";
    Omega "omega" Ratio None "Sum of the gains divided by the sum of the losses, both about the risk-free rate.";
    GainToPain "gain_to_pain" Ratio None "Sum of all returns divided by the sum of the losses.";
    RecoveryFactor "recovery_factor" Ratio None "Total return divided by the maximum drawdown.";
    UlcerPerformance "ulcer_performance" Ratio None "Compound annual return above the risk-free rate divided by the ulcer index.";
    PainRatio "pain_ratio" Ratio None "Compound annual return above the risk-free rate divided by the pain index.";
    CommonSenseRatio "common_sense_ratio" Ratio None "Profit factor times tail ratio.";
    Stability "stability" Ratio None "R² of log wealth on time; 1 is a straight line.";
    HitRate "hit_rate" Bar Ratio "Share of winning bars among those that moved.";
    ProfitFactor "profit_factor" Bar None "Sum of the gains divided by the sum of the losses of single bars.";
    PayoffRatio "payoff_ratio" Bar None "Mean gain divided by the mean loss of single bars.";
    Expectancy "expectancy" Bar Ratio "Mean return of a bar.";
    ConsecutiveWins "consecutive_wins" Bar Bars "Longest run of winning bars.";
    ConsecutiveLosses "consecutive_losses" Bar Bars "Longest run of losing bars.";
    KellyTwoOutcomes "kelly_two_outcomes" Bar Ratio "Kelly's fraction from hit rate and payoff ratio.";
    KellyContinuous "kelly_continuous" Bar None "Kelly's fraction as mean divided by variance.";
    TradeCount "trade_count" Trade Count "Number of closed trades.";
    WinRate "win_rate" Trade Ratio "Share of closed trades with a profit after the fees of both sides.";
    TradeProfitFactor "trade_profit_factor" Trade None "Sum of the profits divided by the sum of the losses of closed trades.";
    TradePayoffRatio "trade_payoff_ratio" Trade None "Mean profit divided by the mean loss of closed trades.";
    TradeExpectancy "trade_expectancy" Trade Money "Mean profit of a closed trade.";
    BestTrade "best_trade" Trade Money "Highest profit of a closed trade.";
    WorstTrade "worst_trade" Trade Money "Lowest profit of a closed trade.";
    HoldingMean "holding_mean" Trade Bars "Mean holding time, weighted by units.";
    HoldingMedian "holding_median" Trade Bars "Median holding time of closed trades.";
    HoldingLongest "holding_longest" Trade Bars "Longest holding time of a closed trade.";
    Turnover "turnover" Activity PerYear "Traded value divided by the mean value of the account.";
    GrossExposure "gross_exposure" Activity Ratio "Mean absolute position value divided by the account.";
    NetExposure "net_exposure" Activity Ratio "Mean position value divided by the account, with its sign.";
    TimeInMarket "time_in_market" Activity Ratio "Share of bars that ended with a position.";
    CostShare "cost_share" Activity Ratio "Fees and slippage divided by the profit before them.";
    CostRate "cost_rate" Activity PerYear "Fees and slippage divided by the mean value of the account.";
    CapacityScale "capacity_scale" Activity None "Times the account could grow until its own impact eats the profit (square-root model).";
    CapacityParticipation "capacity_participation" Activity Ratio "Share of the market's traded value at that size.";
    CapacityValue "capacity_value" Activity Money "Account at that size.";
    BenchmarkReturn "benchmark_return" Benchmark Ratio "Total return of the benchmark.";
    ExcessReturn "excess_return" Benchmark Ratio "Total return minus the benchmark's.";
    Alpha "alpha" Benchmark PerYear "Mean return that beta does not explain (Jensen), arithmetic.";
    Beta "beta" Benchmark None "Return of the strategy per return of the benchmark.";
    Correlation "correlation" Benchmark None "Correlation with the benchmark's returns.";
    RSquared "r_squared" Benchmark Ratio "Share of the variance that the benchmark explains.";
    TrackingError "tracking_error" Benchmark PerYear "Standard deviation of the difference from the benchmark, annualised.";
    InformationRatio "information_ratio" Benchmark None "Mean difference from the benchmark divided by its standard deviation, annualised.";
    Treynor "treynor" Benchmark PerYear "Mean return above the risk-free rate divided by beta.";
    UpCapture "up_capture" Benchmark Ratio "Compound annual growth divided by the benchmark's, in bars in which it rose.";
    DownCapture "down_capture" Benchmark Ratio "The same in bars in which the benchmark fell.";
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::MetricName;
    use super::*;

    #[test]
    fn every_name_is_unique_and_says_what_it_means() {
        let names: BTreeSet<&str> = Figure::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(names.len(), Figure::ALL.len());
        for figure in Figure::ALL {
            assert_eq!(serde_json::to_value(figure).unwrap(), figure.as_str());
            assert!(figure.meaning().ends_with('.'), "{figure}");
        }
    }

    #[test]
    fn every_metric_of_a_run_is_a_figure_under_the_same_name() {
        for name in MetricName::RUN {
            assert!(Figure::ALL.iter().any(|one| one.as_str() == name.as_str()), "{name}");
        }
    }

    #[test]
    fn the_documentation_defines_each() {
        let page = include_str!("../../../../docs/metrics.md");
        for figure in Figure::ALL {
            assert!(page.contains(&format!("| `{figure}` |")), "docs/metrics.md lacks `{figure}`");
        }
    }
}
