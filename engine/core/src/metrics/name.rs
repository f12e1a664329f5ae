//! The closed list of metric names, each with unit and meaning.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Not a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a metric; the metrics are {all}", all = MetricName::ALL.map(MetricName::as_str).join(", "))]
pub struct UnknownMetric(pub String);

/// Everything that is measured under a name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-extensible" = true))]
pub enum MetricName {
    /// A run: growth of the account.
    TotalReturn,
    /// A run: spread of its returns.
    Volatility,
    /// A run: return per risk.
    Sharpe,
    /// A run: return per downside risk.
    Sortino,
    /// A run: annual return per drawdown.
    Calmar,
    /// A run: deepest fall.
    MaxDrawdown,
    /// A run: how much was traded.
    Turnover,
    /// A run: share of winning trades.
    WinRate,
    /// Training: what is minimised.
    Loss,
    /// Training: average action value.
    QMean,
    /// Training: share of random actions.
    Epsilon,
    /// Training: growth over one episode.
    EpisodeReturn,
    /// Training: deepest fall in one episode.
    EpisodeDrawdown,
    /// Training: length of the gradient.
    GradientNorm,
    /// Validation: growth of the account.
    ValidTotalReturn,
    /// Validation: return per risk.
    ValidSharpe,
    /// Validation: deepest fall.
    ValidMaxDrawdown,
}

impl MetricName {
    /// Every name.
    pub const ALL: [Self; 17] = [
        Self::TotalReturn,
        Self::Volatility,
        Self::Sharpe,
        Self::Sortino,
        Self::Calmar,
        Self::MaxDrawdown,
        Self::Turnover,
        Self::WinRate,
        Self::Loss,
        Self::QMean,
        Self::Epsilon,
        Self::EpisodeReturn,
        Self::EpisodeDrawdown,
        Self::GradientNorm,
        Self::ValidTotalReturn,
        Self::ValidSharpe,
        Self::ValidMaxDrawdown,
    ];

    /// The names that describe a finished run; a report carries each of them.
    pub const RUN: [Self; 8] = [
        Self::TotalReturn,
        Self::Volatility,
        Self::Sharpe,
        Self::Sortino,
        Self::Calmar,
        Self::MaxDrawdown,
        Self::Turnover,
        Self::WinRate,
    ];

    /// Returns the name as stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TotalReturn => "total_return",
            Self::Volatility => "volatility",
            Self::Sharpe => "sharpe",
            Self::Sortino => "sortino",
            Self::Calmar => "calmar",
            Self::MaxDrawdown => "max_drawdown",
            Self::Turnover => "turnover",
            Self::WinRate => "win_rate",
            Self::Loss => "loss",
            Self::QMean => "q_mean",
            Self::Epsilon => "epsilon",
            Self::EpisodeReturn => "episode_return",
            Self::EpisodeDrawdown => "episode_drawdown",
            Self::GradientNorm => "gradient_norm",
            Self::ValidTotalReturn => "valid_total_return",
            Self::ValidSharpe => "valid_sharpe",
            Self::ValidMaxDrawdown => "valid_max_drawdown",
        }
    }

    /// Returns the unit: `ratio` is a plain share (0.05 = 5 %), `1/year` a rate, `none` a bare number.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::TotalReturn
            | Self::Volatility
            | Self::MaxDrawdown
            | Self::WinRate
            | Self::Epsilon
            | Self::EpisodeReturn
            | Self::EpisodeDrawdown
            | Self::ValidTotalReturn
            | Self::ValidMaxDrawdown => "ratio",
            Self::Turnover => "1/year",
            Self::Sharpe
            | Self::Sortino
            | Self::Calmar
            | Self::Loss
            | Self::QMean
            | Self::GradientNorm
            | Self::ValidSharpe => "none",
        }
    }

    /// Returns what it means, one sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::TotalReturn => {
                "Final value of the account divided by its initial value, minus 1, after costs."
            }
            Self::Volatility => "Sample standard deviation of the returns per bar, annualised.",
            Self::Sharpe => {
                "Mean return per bar divided by its sample standard deviation, annualised; risk-free rate 0."
            }
            Self::Sortino => {
                "Mean return per bar divided by the downside deviation below 0, annualised."
            }
            Self::Calmar => "Compound annual return divided by the maximum drawdown.",
            Self::MaxDrawdown => {
                "Deepest fall of the account from its running peak, as a share of that peak."
            }
            Self::Turnover => "Traded value divided by the mean value of the account, per year.",
            Self::WinRate => "Share of closing fills with a profit after the fees of both sides.",
            Self::Loss => "Mean loss of the updates since the last point.",
            Self::QMean => "Mean action value of the sampled transitions under the online network.",
            Self::Epsilon => "Probability that the agent explores with a random action.",
            Self::EpisodeReturn => "Growth of the account over one training episode, after costs.",
            Self::EpisodeDrawdown => "Deepest fall of the account within one training episode.",
            Self::GradientNorm => "Mean norm of the gradient before clipping since the last point.",
            Self::ValidTotalReturn => {
                "Total return of the greedy policy on the validation segment, after costs."
            }
            Self::ValidSharpe => {
                "Annualised Sharpe ratio of the greedy policy on the validation segment."
            }
            Self::ValidMaxDrawdown => {
                "Maximum drawdown of the greedy policy on the validation segment."
            }
        }
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MetricName {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| UnknownMetric(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_unique_reads_back_and_says_what_it_means() {
        let names: BTreeSet<&str> = MetricName::ALL.into_iter().map(MetricName::as_str).collect();
        assert_eq!(names.len(), MetricName::ALL.len());
        for name in MetricName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
            assert!(name.meaning().ends_with('.'), "{name}");
            assert!(!name.unit().is_empty(), "{name}");
        }
        assert!("sharp".parse::<MetricName>().unwrap_err().to_string().contains("sharpe"));
    }
}
