//! The reference system's shipped labelling configurations by name. Data only.
//!
//! Source: spec/trademaster.md section 7, last paragraph.

use super::LabellingConfig;

/// One shipped configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabellingPreset {
    /// Name, as in `preset = "btc"`.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    indicator: &'static str,
    time: &'static str,
    label_count: u32,
    min_length: u32,
    max_length: u32,
    merge_threshold: f64,
}

const fn daily(
    name: &'static str,
    description: &'static str,
    merge_threshold: f64,
) -> LabellingPreset {
    LabellingPreset {
        name,
        description,
        indicator: "adjcp",
        time: "date",
        label_count: 3,
        min_length: 12,
        max_length: 120,
        merge_threshold,
    }
}

/// Every shipped configuration, by name.
pub const PRESETS: [LabellingPreset; 11] = [
    daily("btc", "Bitcoin, daily", 0.03),
    LabellingPreset {
        label_count: 5,
        max_length: 100,
        ..daily("btc_base", "Bitcoin, daily: the reference's base configuration", 0.005)
    },
    daily(
        "dj30",
        "stocks of the Dow Jones index, labelled by the index (name them as `portfolio`)",
        0.003,
    ),
    daily("dji", "the Dow Jones index, daily", 0.003),
    daily("fx", "exchange rates, daily", 0.003),
    LabellingPreset {
        label_count: 5,
        max_length: 100,
        ..daily("fx_base", "exchange rates, daily: the reference's base configuration", 0.005)
    },
    LabellingPreset {
        indicator: "bid1_price",
        time: "system_time",
        min_length: 48,
        max_length: 480,
        ..daily("hft", "five-level order book, by the second", 0.0003)
    },
    LabellingPreset {
        indicator: "midpoint",
        time: "system_time",
        ..daily("oe_btc", "fifteen-level order book of Bitcoin, by the minute", 0.0003)
    },
    daily("pd_btc", "Bitcoin, daily, for order execution", 0.03),
    LabellingPreset {
        label_count: 5,
        min_length: 24,
        max_length: 144,
        ..daily("server", "defaults of the reference's server", 0.03)
    },
    LabellingPreset {
        indicator: "bid1_price",
        time: "system_time",
        label_count: 5,
        min_length: 60,
        max_length: 3600,
        ..daily(
            "server_second",
            "defaults of the reference's server for books by the second",
            0.0003,
        )
    },
];

impl LabellingPreset {
    /// Returns the preset of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Returns the whole configuration.
    #[must_use]
    pub fn config(&self) -> LabellingConfig {
        LabellingConfig {
            name: Some(self.name.to_owned()),
            indicator: self.indicator.to_owned(),
            time: self.time.to_owned(),
            label_count: self.label_count,
            min_length: Some(self.min_length),
            max_length: self.max_length,
            merge_threshold: Some(self.merge_threshold),
            ..LabellingConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_good_configuration_and_names_are_sorted() {
        assert!(PRESETS.is_sorted_by(|left, right| left.name < right.name));
        for preset in &PRESETS {
            let value = serde_json::to_value(preset.config()).unwrap();
            assert_eq!(crate::config::validate::labelling(&value), Ok(preset.config()));
        }
    }
}
