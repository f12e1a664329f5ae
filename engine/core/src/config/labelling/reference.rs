//! Labelling files in our spelling or the reference system's: names and values are translated, presets filled in, and
//! violations point at the field as it was written.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{LabellingConfig, LabellingPreset, PRESETS};
use crate::config::Truth;
use crate::config::validate::{self, Violation};
use crate::config::walk::{child, suggest};

/// The reference system's names of the fields and ours. `slope_interval` is two of ours.
pub const REFERENCE_NAMES: [(&str, &str); 15] = [
    ("OE_BTC", "indicator"),
    ("PM", "portfolio"),
    ("data_path", "data"),
    ("dynamic_number", "label_count"),
    ("exp_name", "name"),
    ("key_indicator", "indicator"),
    ("labeling_method", "method"),
    ("max_length_expectation", "max_length"),
    ("merging_dynamic_constraint", "merge_label_gap_max"),
    ("merging_metric", "merge_metric"),
    ("merging_threshold", "merge_threshold"),
    ("min_length_limit", "min_length"),
    ("slope_interval", "slope_low"),
    ("tic", "ticker"),
    ("timestamp", "time"),
];
/// The table in which the reference system keeps these fields.
const REFERENCE_TABLE: &str = "market_dynamics_model";
/// The reference's word for the only kind of labeller it has.
const REFERENCE_TYPE: &str = "slice_and_merge_model";

/// A configuration as read.
#[derive(Debug, Clone, PartialEq)]
pub struct LabellingFile {
    /// What it says.
    pub config: LabellingConfig,
    /// Whether `truth` was chosen by the reference's spelling alone: such a file asks for the reference's numbers.
    pub faithful_by_spelling: bool,
}

/// Reads and fully checks a labelling configuration written as TOML, in either spelling.
///
/// # Errors
/// Returns every violation found; text that is no TOML is one at the root.
pub fn read_toml(text: &str) -> Result<LabellingFile, Vec<Violation>> {
    let (value, mut violations) = validate::toml_value(text)?;
    let read = read(&value);
    if violations.is_empty() {
        return read;
    }
    violations.extend(read.err().unwrap_or_default());
    Err(violations)
}

/// Reads and fully checks a labelling configuration written as JSON, in either spelling.
///
/// # Errors
/// Returns every violation found; text that is no JSON is one at the root.
pub fn read_json(text: &str) -> Result<LabellingFile, Vec<Violation>> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let reason = error.to_string();
        let detail = format!("wanted JSON; found an error: {reason}");
        vec![Violation::new("", "unreadable", detail).with("reason", reason)]
    })?;
    read(&value)
}

/// Collects fields in our spelling, remembers how each was written, and what was wrong on the way.
#[derive(Default)]
struct Translation {
    fields: Map<String, Value>,
    written: BTreeMap<&'static str, String>,
    violations: Vec<Violation>,
    preset: Option<&'static LabellingPreset>,
    reference_spelling: bool,
}

fn read(value: &Value) -> Result<LabellingFile, Vec<Violation>> {
    let Some(root) = value.as_object() else {
        return Err(validate::labelling(value).err().unwrap_or_default());
    };
    let mut translation = Translation::default();
    for (key, field) in root {
        match field.as_object() {
            Some(inside) if key == REFERENCE_TABLE => {
                translation.reference_spelling = true;
                for (inner, field) in inside {
                    translation.take(inner, field, &child(&child("", key), inner));
                }
            }
            Some(_) | None => translation.take(key, field, &child("", key)),
        }
    }
    translation.finish()
}

impl Translation {
    fn take(&mut self, key: &str, value: &Value, at: &str) {
        if key == "preset" {
            return self.take_preset(value, at);
        }
        if key == "mode" {
            return self.set("truth", value.clone(), at);
        }
        if key == "type" && value == REFERENCE_TYPE {
            self.reference_spelling = true;
            return;
        }
        if let Some(own) = own_names().into_iter().find(|name| *name == key) {
            return self.set(own, value.clone(), at);
        }
        let Some((_, own)) = REFERENCE_NAMES.iter().find(|(name, _)| *name == key) else {
            return self.unknown(key, at);
        };
        self.reference_spelling = true;
        match key {
            "OE_BTC" => self.take_order_book(value, at),
            "slope_interval" => self.take_interval(value, at),
            "min_length_limit" | "merging_threshold" if is_minus_one(value) => {
                self.set(own, Value::Null, at);
            }
            "merging_dynamic_constraint" if value.as_f64().is_some_and(|number| number < 0.0) => {
                self.set(own, Value::Null, at);
            }
            "labeling_method" | "merging_metric" => {
                let word = value.as_str().map(|word| json!(word.to_ascii_lowercase()));
                self.set(own, word.unwrap_or_else(|| value.clone()), at);
            }
            "PM" | "exp_name" | "data_path" if is_nothing(value) => self.set(own, Value::Null, at),
            _ => self.set(own, value.clone(), at),
        }
    }

    fn set(&mut self, own: &'static str, value: Value, at: &str) {
        if let Some(earlier) = self.written.insert(own, at.to_owned()) {
            let detail = format!(
                "wanted each field once; found it as {} and {}. Remove one",
                earlier.trim_start_matches('/'),
                at.trim_start_matches('/')
            );
            let params = Violation::new(at, "not_allowed", detail);
            self.violations.push(params.with("allowed", json!([own])).with("got", json!(at)));
        }
        self.fields.insert(own.to_owned(), value);
    }

    fn take_preset(&mut self, value: &Value, at: &str) {
        let word = value.as_str().unwrap_or_default();
        self.preset = LabellingPreset::of(word);
        if self.preset.is_some() {
            return;
        }
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let mut detail = format!("wanted one of {}; found {value}", names.join(", "));
        let mut violation = Violation::new(at, "not_allowed", "")
            .with("allowed", json!(names))
            .with("got", value.clone());
        if let Some(near) = suggest(word, names.iter().copied()) {
            detail.push_str(&format!(". Did you mean '{near}'?"));
            violation = violation.with("suggestion", near);
        }
        violation.detail = detail;
        self.violations.push(violation);
    }

    /// An order book's columns, where the file does not name others.
    fn take_order_book(&mut self, value: &Value, at: &str) {
        match value.as_bool() {
            Some(true) => {
                for (own, column) in [("indicator", "midpoint"), ("time", "system_time")] {
                    self.fields.entry(own).or_insert_with(|| json!(column));
                }
            }
            Some(false) => {}
            None if is_nothing(value) => {}
            None => self.violations.push(
                Violation::new(at, "invalid_type", "wanted true or false; found something else")
                    .with("expected", "boolean")
                    .with("got", value.clone()),
            ),
        }
    }

    fn take_interval(&mut self, value: &Value, at: &str) {
        if let Some([low, high]) = value.as_array().map(Vec::as_slice) {
            self.set("slope_low", low.clone(), &child(at, "0"));
            self.set("slope_high", high.clone(), &child(at, "1"));
            return;
        }
        let detail =
            "wanted a list of two numbers, low and high; found something else. Write [-0.5, 0.5]";
        let violation = Violation::new(at, "invalid_type", detail);
        self.violations.push(violation.with("expected", "array").with("got", value.clone()));
    }

    fn unknown(&mut self, key: &str, at: &str) {
        let known: Vec<&str> = own_names()
            .into_iter()
            .chain(REFERENCE_NAMES.iter().map(|(name, _)| *name))
            .chain(["mode", "preset"])
            .collect();
        let mut detail = format!("'{key}' is not a field here");
        let mut violation = Violation::new(at, "unknown_field", "").with("allowed", json!(known));
        if let Some(near) = suggest(key, known.iter().copied()) {
            detail.push_str(&format!(". Did you mean '{near}'?"));
            violation = violation.with("suggestion", near);
        } else {
            detail.push_str(&format!(". Known: {}", known.join(", ")));
        }
        violation.detail = detail;
        self.violations.push(violation);
    }

    fn finish(mut self) -> Result<LabellingFile, Vec<Violation>> {
        let base = self.preset.map_or_else(LabellingConfig::default, LabellingPreset::config);
        let mut whole = match serde_json::to_value(base) {
            Ok(Value::Object(whole)) => whole,
            Ok(_) | Err(_) => Map::new(),
        };
        let faithful_by_spelling = self.reference_spelling && !self.fields.contains_key("truth");
        if faithful_by_spelling {
            whole.insert("truth".to_owned(), json!(Truth::Faithful));
        }
        whole.append(&mut self.fields);
        let checked = validate::labelling(&Value::Object(whole)).map_err(|found| {
            found.into_iter().map(|violation| as_written(violation, &self.written)).collect()
        });
        match checked {
            Ok(config) if self.violations.is_empty() => {
                Ok(LabellingFile { config, faithful_by_spelling })
            }
            Ok(_) => Err(self.violations),
            Err(found) => {
                let found: Vec<Violation> = found;
                self.violations.extend(found);
                Err(self.violations)
            }
        }
    }
}

/// Points at the field as the file spells it.
fn as_written(mut violation: Violation, written: &BTreeMap<&'static str, String>) -> Violation {
    let own = violation.pointer.trim_start_matches('/');
    if let Some(at) = written.get(own) {
        violation.pointer.clone_from(at);
    }
    violation
}

fn own_names() -> [&'static str; 18] {
    [
        "data",
        "filter_strength",
        "indicator",
        "label_count",
        "max_length",
        "merge_label_gap_max",
        "merge_metric",
        "merge_threshold",
        "method",
        "min_length",
        "name",
        "portfolio",
        "seed",
        "slope_high",
        "slope_low",
        "ticker",
        "time",
        "truth",
    ]
}

fn is_minus_one(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| (number + 1.0).abs() <= 0.0)
}

/// The ways in which the reference's files say that there is nothing.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == "" || value == false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::labelling::LabellingMethod;

    const REFERENCE: &str = r#"
        data_path = "data/btc.csv"
        filter_strength = 1
        slope_interval = [-0.25, 0.5]
        dynamic_number = 4
        max_length_expectation = 100
        key_indicator = "close"
        timestamp = "day"
        tic = "BTC"
        labeling_method = "DTW"
        min_length_limit = 24
        merging_metric = "DTW_distance"
        merging_threshold = -1
        merging_dynamic_constraint = -1
        OE_BTC = false
        PM = ""
        exp_name = "mine"
    "#;

    #[test]
    fn reads_every_field_of_the_reference() {
        let read = read_toml(REFERENCE).unwrap();
        assert!(read.faithful_by_spelling);
        let wanted = LabellingConfig {
            truth: Truth::Faithful,
            data: Some("data/btc.csv".to_owned()),
            name: Some("mine".to_owned()),
            indicator: "close".to_owned(),
            time: "day".to_owned(),
            ticker: "BTC".to_owned(),
            min_length: Some(24),
            max_length: 100,
            label_count: 4,
            method: LabellingMethod::Dtw,
            slope_low: -0.25,
            merge_threshold: None,
            merge_label_gap_max: None,
            ..LabellingConfig::default()
        };
        assert_eq!(read.config, wanted);
    }

    #[test]
    fn reads_the_reference_table_in_json_and_a_chosen_truth() {
        let text = r#"{"market_dynamics_model": {"type": "slice_and_merge_model", "min_length_limit": -1,
            "mode": "corrected", "OE_BTC": true}}"#;
        let read = read_json(text).unwrap();
        assert!(!read.faithful_by_spelling);
        assert_eq!(read.config.truth, Truth::Corrected);
        assert_eq!(read.config.min_length, None);
        assert_eq!(
            (read.config.indicator.as_str(), read.config.time.as_str()),
            ("midpoint", "system_time")
        );
    }

    #[test]
    fn a_preset_is_changed_by_the_fields_beside_it() {
        let read = read_toml("preset = \"hft\"\nmax_length = 99").unwrap();
        assert!(!read.faithful_by_spelling);
        let preset = LabellingPreset::of("hft").unwrap().config();
        assert_eq!(read.config, LabellingConfig { max_length: 99, ..preset });
    }

    #[test]
    fn says_what_is_wrong_where_it_was_written() {
        let cases = [
            ("min_lenght = 3", "/min_lenght", "unknown_field"),
            ("min_length_limt = 3", "/min_length_limt", "unknown_field"),
            ("filter_strength = nan", "/filter_strength", "not_finite"),
            ("merging_threshold = nan", "/merging_threshold", "not_finite"),
            ("slope_interval = [nan, 1.0]", "/slope_interval/0", "not_finite"),
            ("slope_interval = 3", "/slope_interval", "invalid_type"),
            ("dynamic_number = 1", "/dynamic_number", "out_of_range"),
            ("dynamic_number = 3\nlabel_count = 3", "/label_count", "not_allowed"),
            ("preset = \"bct\"", "/preset", "not_allowed"),
            ("labeling_method = \"quantil\"", "/labeling_method", "not_allowed"),
            ("min_length = 2", "/filter_strength", "out_of_range"),
            ("min_length = 2\nfilter_strength = 1.0", "/filter_strength", "out_of_range"),
            ("OE_BTC = \"yes\"", "/OE_BTC", "invalid_type"),
            ("= 3", "", "unreadable"),
        ];
        for (text, pointer, code) in cases {
            let found = read_toml(text).unwrap_err();
            let hit = found.iter().any(|one| one.pointer == pointer && one.code == code);
            assert!(hit, "{text}: {found:?}");
            for violation in &found {
                assert_eq!(violation.lacks(), None, "{text}");
            }
        }
        assert!(read_json("{\"filter_strength\": NaN}").is_err());
        assert!(read_json("[]").is_err());
    }

    #[test]
    fn a_misspelt_name_of_either_spelling_is_suggested() {
        for (wrong, right) in
            [("min_lenght", "min_length"), ("max_length_expectaton", "max_length_expectation")]
        {
            let found = read_toml(&format!("{wrong} = 3")).unwrap_err();
            assert_eq!(found[0].params["suggestion"], right);
        }
    }

    #[test]
    fn what_the_reference_cannot_do_is_refused_in_faithful_mode_only() {
        let text = "method = \"slope\"\nslope_low = -1.0\nlabel_count = 2\ntruth = \"faithful\"";
        let found = read_toml(text).unwrap_err();
        let at: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(at, ["/label_count", "/merge_label_gap_max"]);
        assert!(read_toml(&text.replace("faithful", "corrected")).is_ok());
    }

    #[test]
    fn the_list_of_own_names_is_that_of_the_schema() {
        let schema = crate::config::schema::labelling();
        let known: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut own = own_names().to_vec();
        own.sort_unstable();
        let mut known_sorted = known;
        known_sorted.sort_unstable();
        assert_eq!(own, known_sorted);
        assert!(REFERENCE_NAMES.is_sorted());
    }
}
