//! Can the result be trusted? Splits that keep the future out, statistics that count the trials, performance by market
//! regime, and the back-test report as one value. `docs/metrics.md` says what each statistic means and when it is
//! undefined.

pub mod bootstrap;
pub mod causality;
pub mod combinatorial;
pub mod cost_ladder;
pub mod deflated_sharpe;
pub mod dynamics;
pub mod oracle;
pub mod overfitting;
pub mod prudex;
pub mod purge;
pub mod radar;
pub mod regimes;
pub mod report;
pub mod rule_hindsight;
pub mod seal;
pub mod seeds;
pub mod snooping;
pub mod thin;
pub mod timeline;
pub mod trials;
pub mod walk_forward;
