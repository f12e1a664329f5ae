//! The reference system's environments, quirks named at the line that keeps them. For verification only: they may
//! look ahead, and reports made with them say so.

mod algorithmic_trading;
mod columns;
mod deep_trader;
mod eiie;
mod eteo;
mod eteo_book;
mod hft_book;
mod hft_oracle;
mod high_frequency;
mod interface;
mod investor_imitator;
mod panel;
mod pd;
mod policy;
mod portfolio;
mod replay;
mod sarl;
mod slices;
mod weighted;

pub use algorithmic_trading::{AlgorithmicTrading, AssetRecursion, Constants};
pub use columns::FeatureChoice;
pub use deep_trader::DeepTrader;
pub use eiie::{Eiie, WindowSetup};
pub use eteo::{Eteo, EteoPortfolio, EteoResult};
pub use eteo_book::{EteoBook, LEVELS, Side, column_names as eteo_column_names};
pub use hft_book::{HFT_LEVELS, HftBook};
pub use high_frequency::{HFT_EPISODE_LENGTH, HFT_FEATURES, HftSetup, HftTable, HighFrequency};
pub use interface::{FaithfulEnvironment, Info, Step};
pub use investor_imitator::{
    DESCRIPTORS, Descriptors, ImitatorSetup, Indifferent, InvestorImitator,
};
pub use panel::Panel;
pub use pd::{Pd, PdTable};
pub use policy::{OrderPrice, POLICY_GRAMMAR, ReplayPolicy, Spread};
pub use portfolio::{Portfolio, PortfolioSetup};
pub use replay::{
    AlgorithmicDetails, EteoDetails, HftDetails, PdDetails, PortfolioDetails, ReplayDetails,
    ReplayEnvironment, ReplayOption, ReplayOptions, ReplayOutput, ReplayTask, replay, replay_with,
};
pub(crate) use replay::{counted, discrete, ramp};
pub use sarl::{MovementPredictor, Sarl, SarlSetup, Undecided};
pub use slices::{Slice, SliceFamily, slices};

/// What an action of a portfolio environment with cash means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WeightAction {
    /// Logits, which a softmax turns into weights: what agents give.
    #[default]
    Logits,
    /// Weights, used as they are: what rule baselines give.
    Weights,
}
