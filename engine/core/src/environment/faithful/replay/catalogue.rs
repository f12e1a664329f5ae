//! What there is to replay: environments, the policies, columns and options of each.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::refused;
use crate::error::EngineError;
use crate::metrics::faithful::{PERIODS, PERIODS_HIGH_FREQUENCY};

/// Environments that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayEnvironment {
    /// One instrument.
    AlgorithmicTrading,
    /// Portfolio management, base.
    Portfolio,
    /// SARL.
    PortfolioSarl,
    /// EIIE.
    PortfolioEiie,
    /// DeepTrader.
    PortfolioDeepTrader,
    /// Investor Imitator.
    PortfolioImitator,
    /// Order execution in a book of 15 levels.
    ExecutionEteo,
    /// Order execution by the day.
    ExecutionPd,
    /// High-frequency trading in a book of 5 levels.
    Hft,
}

/// What is decided in an environment, whichever variant it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayTask {
    /// Positions in one instrument, on bars.
    Trading,
    /// Weights of several instruments, on a panel.
    Portfolio,
    /// An amount that must be bought or sold, on bars or an order book.
    Execution,
    /// Positions in one instrument, on an order book.
    HighFrequency,
}

/// What can be set. Named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayOption {
    /// Columns of the observation.
    Features,
    /// Amount at the start.
    InitialAmount,
    /// Cost rate.
    CostRate,
    /// Rows looked back on.
    Window,
    /// Rows looked ahead.
    Forward,
    /// Most units per order.
    MaxVolume,
    /// The earlier release's asset curve.
    EarlierRelease,
    /// First row of a training episode.
    Start,
    /// Rows of a training episode.
    EpisodeLength,
}

impl ReplayOption {
    /// Returns the option's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::InitialAmount => "initial-amount",
            Self::CostRate => "cost-rate",
            Self::Window => "window",
            Self::Forward => "forward",
            Self::MaxVolume => "max-volume",
            Self::EarlierRelease => "earlier-release",
            Self::Start => "start",
            Self::EpisodeLength => "episode-length",
        }
    }
}

const ACTIONS: [&str; 3] = ["constant:A", "cycle:A,B,…", "mod:N"];
/// The last stands for weights that hold nothing.
const WEIGHTS: [&str; 7] = [
    "logits:A",
    "logits:ramp",
    "logits:A,B,…",
    "weights:A,B,…",
    "uniform",
    "average_holding",
    "nothing",
];

impl ReplayEnvironment {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AlgorithmicTrading,
        Self::Portfolio,
        Self::PortfolioSarl,
        Self::PortfolioEiie,
        Self::PortfolioDeepTrader,
        Self::PortfolioImitator,
        Self::ExecutionEteo,
        Self::ExecutionPd,
        Self::Hft,
    ];

    /// Returns the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlgorithmicTrading => "algorithmic_trading",
            Self::Portfolio => "portfolio",
            Self::PortfolioSarl => "portfolio_sarl",
            Self::PortfolioEiie => "portfolio_eiie",
            Self::PortfolioDeepTrader => "portfolio_deeptrader",
            Self::PortfolioImitator => "portfolio_imitator",
            Self::ExecutionEteo => "execution_eteo",
            Self::ExecutionPd => "execution_pd",
            Self::Hft => "hft",
        }
    }

    /// Returns what is decided.
    #[must_use]
    pub fn task(self) -> ReplayTask {
        match self {
            Self::AlgorithmicTrading => ReplayTask::Trading,
            Self::Portfolio
            | Self::PortfolioSarl
            | Self::PortfolioEiie
            | Self::PortfolioDeepTrader
            | Self::PortfolioImitator => ReplayTask::Portfolio,
            Self::ExecutionEteo | Self::ExecutionPd => ReplayTask::Execution,
            Self::Hft => ReplayTask::HighFrequency,
        }
    }

    /// Returns the task in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::AlgorithmicTrading => "buys and sells one instrument",
            Self::Portfolio => "divides money between cash and tickers, by logits",
            Self::PortfolioSarl => "the same, begins invested, sees predicted movements",
            Self::PortfolioEiie => "divides money between cash and tickers, by weights",
            Self::PortfolioDeepTrader => "weights without cash, above or below 0",
            Self::PortfolioImitator => "weights without cash, from 0 up",
            Self::ExecutionEteo => "buys 1 BTC in a 15-level book",
            Self::ExecutionPd => "sells 1 unit, day by day",
            Self::Hft => "holds up to 0.01 BTC in a 5-level book",
        }
    }

    /// Returns the policies it takes.
    #[must_use]
    pub fn policies(self) -> Vec<&'static str> {
        match self {
            Self::AlgorithmicTrading => [&ACTIONS[..], &["nothing", "blind_bid"]].concat(),
            Self::Portfolio
            | Self::PortfolioSarl
            | Self::PortfolioEiie
            | Self::PortfolioImitator => WEIGHTS.to_vec(),
            Self::PortfolioDeepTrader => WEIGHTS[..WEIGHTS.len() - 1].to_vec(),
            Self::ExecutionEteo => vec!["order:VOLUME@PRICE", "nothing"],
            Self::ExecutionPd => vec!["constant:A", "cycle:A,B,…", "twap", "at_once", "nothing"],
            Self::Hft => [&ACTIONS[..], &["nothing", "blind_bid", "oracle"]].concat(),
        }
    }

    /// Returns the columns that must be there.
    #[must_use]
    pub fn columns(self) -> &'static str {
        match self {
            Self::AlgorithmicTrading | Self::ExecutionPd => "close",
            Self::Portfolio
            | Self::PortfolioSarl
            | Self::PortfolioEiie
            | Self::PortfolioDeepTrader
            | Self::PortfolioImitator => "first column: number of the day; tic, close",
            Self::ExecutionEteo => {
                "midpoint, spread, buys, sells, {bids,asks}_{distance,notional,cancel_notional,limit_notional,market_notional}_{0..14}"
            }
            Self::Hft => "{bid,ask}{1..5}_{price,size}",
        }
    }

    /// Returns the options it has.
    #[must_use]
    pub fn options(self) -> &'static [ReplayOption] {
        use ReplayOption::{
            CostRate, EarlierRelease, EpisodeLength, Features, Forward, InitialAmount, MaxVolume,
            Start, Window,
        };
        match self {
            Self::AlgorithmicTrading => {
                &[Features, InitialAmount, CostRate, Window, Forward, MaxVolume, EarlierRelease]
            }
            Self::Portfolio | Self::PortfolioImitator => &[Features, InitialAmount, CostRate],
            Self::PortfolioSarl | Self::PortfolioEiie | Self::PortfolioDeepTrader => {
                &[Features, InitialAmount, CostRate, Window]
            }
            Self::ExecutionEteo => &[InitialAmount],
            Self::ExecutionPd => &[Features, Window],
            Self::Hft => &[Features, CostRate, Window, Start, EpisodeLength],
        }
    }

    /// Returns the periods that its Sharpe ratio takes a year to have, whatever the rows are.
    pub(super) fn periods_per_year(self) -> f64 {
        match self {
            Self::Hft => PERIODS_HIGH_FREQUENCY,
            Self::AlgorithmicTrading
            | Self::Portfolio
            | Self::PortfolioSarl
            | Self::PortfolioEiie
            | Self::PortfolioDeepTrader
            | Self::PortfolioImitator
            | Self::ExecutionEteo
            | Self::ExecutionPd => PERIODS,
        }
    }
}

impl fmt::Display for ReplayEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ReplayEnvironment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for ReplayEnvironment {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == text).ok_or_else(|| {
            refused(format!(
                "there is no environment '{}'; there are {}",
                text.chars().take(80).collect::<String>(),
                Self::ALL.map(Self::as_str).join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_is_found_by_its_name() {
        for environment in ReplayEnvironment::ALL {
            assert_eq!(environment.as_str().parse(), Ok(environment));
            assert!(!environment.policies().is_empty() && !environment.columns().is_empty());
        }
        let refusal = "portfolios".parse::<ReplayEnvironment>().unwrap_err().to_string();
        assert!(refusal.contains("portfolio_eiie"), "{refusal}");
    }
}
