//! The compass document: what the drawing of PRUDEX-Compass reads, with its spellings.
//!
//! `Proftability`, `University` and `assert_type` are spelt as its reader expects them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Axis, Measure, Prudex};
use crate::error::EngineError;

/// Least score of the scale.
const SCORE_LEAST: u32 = 1;

/// Colours that the drawing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompassColour {
    /// Magenta.
    Magenta,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Orange.
    Orange,
    /// Cyan.
    Cyan,
    /// Brown.
    Brown,
}

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compass {
    /// One entry per policy.
    pub entries: Vec<CompassEntry>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompassEntry {
    /// Colour of its line.
    pub color: CompassColour,
    /// Its name.
    pub label: String,
    /// Its six scores, 1 to 100.
    pub inner_level: InnerLevel,
    /// Which measures were evaluated.
    pub outer_level: OuterLevel,
}

/// Six scores, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InnerLevel {
    /// Profitability.
    #[serde(rename = "Proftability")]
    pub profitability: u32,
    /// Risk control.
    #[serde(rename = "Risk_Control")]
    pub risk_control: u32,
    /// Universality.
    #[serde(rename = "University")]
    pub universality: u32,
    /// Diversity.
    #[serde(rename = "Diversity")]
    pub diversity: u32,
    /// Reliability.
    #[serde(rename = "Reliability")]
    pub reliability: u32,
    /// Explainability.
    #[serde(rename = "Explainability")]
    pub explainability: u32,
}

/// Sixteen flags: whether the measure was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the document's layout")]
pub struct OuterLevel {
    /// Alpha decay.
    pub alpha_decay: bool,
    /// Profit.
    pub profit: bool,
    /// Extreme market.
    pub extreme_market: bool,
    /// Risk-adjusted return.
    pub risk_adjusted: bool,
    /// Risk.
    pub risk: bool,
    /// Time scale.
    pub time_scale: bool,
    /// Asset type.
    #[serde(rename = "assert_type")]
    pub asset_type: bool,
    /// Country.
    pub country: bool,
    /// Rolling window.
    pub rolling_window: bool,
    /// Correlation.
    pub correlation: bool,
    /// Entropy.
    pub entropy: bool,
    /// t-SNE picture.
    #[serde(rename = "t_SNE")]
    pub t_sne: bool,
    /// Rank order.
    pub rank_order: bool,
    /// Variability.
    pub variability: bool,
    /// Performance profile.
    pub profile: bool,
    /// Equity curve.
    pub equity_curve: bool,
}

/// Returns the entry of one policy. `pictures` are measures without a number that were drawn elsewhere.
///
/// # Errors
/// Refuses an evaluation with an axis that has no score, for the drawing has no blank.
pub fn entry(
    label: &str,
    color: CompassColour,
    found: &Prudex,
    pictures: &BTreeSet<Measure>,
) -> Result<CompassEntry, EngineError> {
    for axis in Axis::ALL {
        if found.axes.get(&axis).copied().flatten().is_none() {
            return Err(EngineError::Refused {
                what: "compass",
                detail: format!(
                    "wanted a score for each of the six axes, {axis:?} of '{label}' has none; evaluate it first"
                ),
            });
        }
    }
    Ok(drawn(label, color, found, pictures))
}

/// Returns the entry of one policy with an axis that has no score at 1, the least of the scale. The flags tell what was
/// evaluated.
#[must_use]
pub fn drawn(
    label: &str,
    color: CompassColour,
    found: &Prudex,
    pictures: &BTreeSet<Measure>,
) -> CompassEntry {
    let score = |axis: Axis| found.axes.get(&axis).copied().flatten().map_or(SCORE_LEAST, whole);
    let evaluated = |measure: Measure| {
        found.measures.get(&measure).is_some_and(|one| one.raw.is_some())
            || pictures.contains(&measure)
    };
    CompassEntry {
        color,
        label: label.to_owned(),
        inner_level: InnerLevel {
            profitability: score(Axis::Profitability),
            risk_control: score(Axis::RiskControl),
            universality: score(Axis::Universality),
            diversity: score(Axis::Diversity),
            reliability: score(Axis::Reliability),
            explainability: score(Axis::Explainability),
        },
        outer_level: OuterLevel {
            alpha_decay: evaluated(Measure::AlphaDecay),
            profit: evaluated(Measure::Profit),
            extreme_market: evaluated(Measure::ExtremeMarket),
            risk_adjusted: evaluated(Measure::RiskAdjusted),
            risk: evaluated(Measure::Risk),
            time_scale: evaluated(Measure::TimeScale),
            asset_type: evaluated(Measure::AssetType),
            country: evaluated(Measure::Country),
            rolling_window: evaluated(Measure::RollingWindow),
            correlation: evaluated(Measure::Correlation),
            entropy: evaluated(Measure::Entropy),
            t_sne: evaluated(Measure::TSne),
            rank_order: evaluated(Measure::RankOrder),
            variability: evaluated(Measure::Variability),
            profile: evaluated(Measure::Profile),
            equity_curve: evaluated(Measure::EquityCurve),
        },
    }
}

/// Rounds to 1 … 100.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1 … 100 before"
)]
fn whole(score: f64) -> u32 {
    score.round().clamp(1.0, 100.0) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Measured, PrideStar};
    use super::*;

    fn evaluation() -> Prudex {
        let none = PrideStar {
            total_return: None,
            sharpe: None,
            calmar: None,
            sortino: None,
            volatility: None,
            max_drawdown: None,
            entropy: None,
            effective_bets: None,
        };
        Prudex {
            axes: BTreeMap::from([
                (Axis::Profitability, Some(28.6)),
                (Axis::RiskControl, Some(31.0)),
                (Axis::Universality, Some(0.2)),
                (Axis::Diversity, Some(43.0)),
                (Axis::Reliability, Some(42.0)),
                (Axis::Explainability, Some(50.0)),
            ]),
            measures: BTreeMap::from([
                (Measure::Profit, Measured { raw: Some(0.1), score: Some(60.0) }),
                (Measure::Country, Measured { raw: Some(0.1), score: None }),
                (Measure::Risk, Measured::default()),
            ]),
            pride_star: none,
        }
    }

    #[test]
    fn the_document_has_the_spellings_its_reader_expects() {
        let pictures = BTreeSet::from([Measure::TSne]);
        let entry = entry("A2C", CompassColour::Orange, &evaluation(), &pictures).unwrap();
        let found = serde_json::to_value(Compass { entries: vec![entry] }).unwrap();
        let wanted = serde_json::json!({"entries": [{
            "color": "orange",
            "label": "A2C",
            "inner_level": {
                "Proftability": 29, "Risk_Control": 31, "University": 1,
                "Diversity": 43, "Reliability": 42, "Explainability": 50,
            },
            "outer_level": {
                "alpha_decay": false, "profit": true, "extreme_market": false, "risk_adjusted": false,
                "risk": false, "time_scale": false, "assert_type": false, "country": true,
                "rolling_window": false, "correlation": false, "entropy": false, "t_SNE": true,
                "rank_order": false, "variability": false, "profile": false, "equity_curve": false,
            },
        }]});
        assert_eq!(found, wanted);
    }

    #[test]
    fn refuses_an_axis_without_a_score() {
        let mut blank = evaluation();
        blank.axes.insert(Axis::Diversity, None);
        let refusal = entry("A2C", CompassColour::Blue, &blank, &BTreeSet::new()).unwrap_err();
        assert!(refusal.to_string().contains("Diversity"), "{refusal}");
    }
}
