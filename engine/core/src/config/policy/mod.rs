//! Policies without learning: online portfolio selection, portfolio rules and execution schedules. Parameters with
//! their published defaults; what they mean in formulas stands at the policies themselves.

pub mod execution;
pub mod online;
pub mod rules;

use schemars::JsonSchema;
use serde_json::{Value, json};

pub use execution::{AlmgrenChrissConfig, ExecutionConfig, TwapConfig, VwapConfig};
pub use online::{
    AnticorConfig, CornExpertsConfig, CornUniformConfig, CrpConfig, CwmrConfig, EgConfig,
    HindsightMethod, Olmar1Config, Olmar2Config, OnlineConfig, OnsConfig, PamrConfig,
    PamrSlackConfig, RmrConfig, UniversalConfig,
};
pub use rules::{
    CovarianceConfig, EstimatorConfig, MeanReversionConfig, MeanVarianceConfig, MomentumConfig,
    PortfolioRuleConfig, RollingConfig, SelectionRuleConfig, ZScoreConfig,
};

use super::validate::{self, Violation};

/// Returns the schema of a method of online portfolio selection, whatever the method.
#[must_use]
pub fn online_schema() -> Value {
    root::<OnlineConfig>()
}

/// Returns the schema of a portfolio rule, whatever the rule.
#[must_use]
pub fn rule_schema() -> Value {
    root::<PortfolioRuleConfig>()
}

/// Returns the schema of an execution schedule, whatever the schedule.
#[must_use]
pub fn execution_schema() -> Value {
    root::<ExecutionConfig>()
}

fn root<T: JsonSchema>() -> Value {
    super::schema::of::<T>()
}

/// Reads and fully checks a method of online portfolio selection. Fields left out take their defaults; `method` is
/// needed.
///
/// # Errors
/// Returns every violation found.
pub fn online_method(value: &Value) -> Result<OnlineConfig, Vec<Violation>> {
    validate::checked(&online_schema(), value, |_: &OnlineConfig| Vec::new())
}

/// Reads and fully checks a portfolio rule. Fields left out take their defaults; `rule` is needed.
///
/// # Errors
/// Returns every violation found.
pub fn portfolio_rule(value: &Value) -> Result<PortfolioRuleConfig, Vec<Violation>> {
    validate::checked(&rule_schema(), value, |_: &PortfolioRuleConfig| Vec::new())
}

/// Reads and fully checks an execution schedule. Fields left out take their defaults; `schedule` is needed.
///
/// # Errors
/// Returns every violation found.
pub fn execution_schedule(value: &Value) -> Result<ExecutionConfig, Vec<Violation>> {
    validate::checked(&execution_schema(), value, |_: &ExecutionConfig| Vec::new())
}

/// Returns a method's configuration from its name and changed parameters, each as typed by a person.
///
/// # Errors
/// Returns every violation found: unknown method, unknown parameter, value out of range.
pub fn online_with(
    method: &str,
    changes: &[(String, String)],
) -> Result<OnlineConfig, Vec<Violation>> {
    let mut value = json!({"method": method});
    for (name, text) in changes {
        // What is no JSON is a word: `seed=7` is a number, `method=eg` is text.
        value[name.as_str()] =
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    }
    online_method(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn every_method_has_defaults_that_are_valid_and_a_name_that_reads_back() {
        for method in OnlineConfig::all() {
            let value = serde_json::to_value(&method).unwrap();
            assert_eq!(online_method(&value).unwrap(), method);
            assert_eq!(online_with(method.name(), &[]).unwrap(), method);
        }
        for rule in PortfolioRuleConfig::all() {
            let value = serde_json::to_value(&rule).unwrap();
            assert_eq!(portfolio_rule(&value).unwrap(), rule);
            assert_eq!(value["rule"], rule.name());
        }
        for schedule in ExecutionConfig::all() {
            let value = serde_json::to_value(&schedule).unwrap();
            assert_eq!(execution_schedule(&value).unwrap(), schedule);
            assert_eq!(value["schedule"], schedule.name());
        }
    }

    #[test]
    fn parameters_are_read_as_typed_and_checked() {
        let OnlineConfig::Olmar1(config) = online_with("olmar1", &set("window", "7")).unwrap()
        else {
            panic!("another method");
        };
        assert_eq!(config.window, 7);
        for (name, value, pointer) in [
            ("window", "0", "/window"),
            ("window", "five", "/window"),
            ("windw", "5", "/windw"),
            ("epsilon", "1e400", "/epsilon"),
        ] {
            let violations = online_with("olmar1", &set(name, value)).unwrap_err();
            assert!(
                violations.iter().any(|violation| violation.pointer == pointer),
                "{name}={value}: {violations:?}"
            );
        }
        assert!(online_with("bcrp", &[]).is_err(), "hindsight is no live method");
    }
}
