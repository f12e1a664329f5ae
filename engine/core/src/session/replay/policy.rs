//! Who decides in a corrected replay: the fixed policies of faithful replays, and `rule:NAME` for the rules of
//! [`crate::policies`]. Reads words; what they become in each environment stands in the files beside it.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::{ReplayEnvironment, refused};
use crate::config::agents::{
    ExecutionScheduleConfig, OnlineSelectionConfig, PortfolioAgentConfig, RuleConfig,
};
use crate::config::policy::{execution_schedule, online_method, portfolio_rule};
use crate::config::{AgentConfig, ExecutionConfig, OnlineConfig, PortfolioRuleConfig, Violation};
use crate::environment::faithful::{ReplayPolicy, ReplayTask};
use crate::error::EngineError;

/// Rules of tasks whose actions come from a list; every other task has them, too.
const PLAIN: [&str; 3] = ["buy_and_hold", "do_nothing", "random"];

/// A policy of a corrected replay.
#[derive(Debug, Clone, PartialEq)]
pub enum CorrectedPolicy {
    /// A fixed policy, with the meaning it has in faithful replays.
    Fixed(ReplayPolicy),
    /// `rule:NAME` or `rule:NAME,parameter=value,…`: a rule of [`crate::policies`].
    Rule(Rule),
}

/// A rule and the parameters that are not its defaults, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Parameters; a point leads into a group: `covariance.window`.
    pub changes: Vec<(String, String)>,
}

impl FromStr for CorrectedPolicy {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let Some(words) = text.strip_prefix("rule:") else {
            return text.parse().map(Self::Fixed).map_err(|error: EngineError| {
                refused(format!(
                    "{error}; or rule:NAME, parameters behind it as in rule:momentum,window=20"
                ))
            });
        };
        let mut words = words.split(',').map(str::trim);
        let name = words.next().unwrap_or_default().to_owned();
        let changes = words
            .map(|word| match word.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
                Some(_) | None => Err(refused(format!(
                    "'{}' is no parameter of a rule; write name=value, as in rule:momentum,window=20",
                    short(word)
                ))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Rule(Rule { name, changes }))
    }
}

/// Returns the names of the rules that decide in an environment.
#[must_use]
pub fn rules(environment: ReplayEnvironment) -> Vec<&'static str> {
    let mut names = PLAIN.to_vec();
    match environment.task() {
        ReplayTask::Trading | ReplayTask::HighFrequency => {}
        ReplayTask::Portfolio => {
            names.extend(PortfolioRuleConfig::all().iter().map(PortfolioRuleConfig::name));
            names.extend(OnlineConfig::all().iter().map(OnlineConfig::name));
        }
        ReplayTask::Execution => {
            names.extend(ExecutionConfig::all().iter().map(ExecutionConfig::name));
        }
    }
    let mut known = Vec::new();
    names.retain(|name| {
        let new = !known.contains(name);
        known.push(*name);
        new
    });
    names
}

impl Rule {
    /// Returns the agent that the rule is in an environment.
    ///
    /// # Errors
    /// Refuses names that the environment does not have, unknown parameters, and values out of range.
    pub fn agent(&self, environment: ReplayEnvironment) -> Result<AgentConfig, EngineError> {
        let name = match self.name.as_str() {
            "minimum_variance" => "min_variance",
            other => other,
        };
        if !rules(environment).contains(&name) {
            return Err(refused(format!(
                "{environment} has no rule '{}'; it has {}",
                short(&self.name),
                rules(environment).join(", ")
            )));
        }
        if PLAIN.contains(&name) {
            return self.plain(name);
        }
        if environment.task() == ReplayTask::Execution {
            let schedule = self.checked(execution_schedule(&self.value("schedule", name)))?;
            return Ok(AgentConfig::ExecutionSchedule(ExecutionScheduleConfig { schedule }));
        }
        if OnlineConfig::all().iter().any(|method| method.name() == name) {
            let method = self.checked(online_method(&self.value("method", name)))?;
            return Ok(AgentConfig::OnlineSelection(OnlineSelectionConfig { method }));
        }
        let rule = self.checked(portfolio_rule(&self.value("rule", name)))?;
        Ok(AgentConfig::PortfolioRule(PortfolioAgentConfig { rule }))
    }

    /// Returns a rule that has no parameters.
    fn plain(&self, name: &str) -> Result<AgentConfig, EngineError> {
        if let Some((key, _)) = self.changes.first() {
            return Err(refused(format!(
                "the rule {name} has no parameter '{}'; leave it out",
                short(key)
            )));
        }
        Ok(match name {
            "buy_and_hold" => AgentConfig::BuyAndHold(RuleConfig {}),
            "do_nothing" => AgentConfig::DoNothing(RuleConfig {}),
            _ => AgentConfig::Random(RuleConfig {}),
        })
    }

    /// Returns the configuration as typed; what is no JSON is a word.
    fn value(&self, tag: &str, name: &str) -> Value {
        let mut value = json!({ tag: name });
        for (path, text) in &self.changes {
            let typed = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            let mut slot = &mut value;
            for key in path.split('.') {
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                slot = &mut slot[key];
            }
            *slot = typed;
        }
        value
    }

    fn checked<T>(&self, found: Result<T, Vec<Violation>>) -> Result<T, EngineError> {
        found.map_err(|violations| refused(format!("rule {}: {}", self.name, listed(&violations))))
    }
}

/// Returns violations as one text.
pub(super) fn listed(violations: &[Violation]) -> String {
    let one = |violation: &Violation| {
        let place = violation.pointer.trim_start_matches('/').replace('/', ".");
        if place.is_empty() {
            violation.detail.clone()
        } else {
            format!("{place}: {}", violation.detail)
        }
    };
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> Rule {
        let CorrectedPolicy::Rule(rule) = text.parse().unwrap() else {
            panic!("{text} is a fixed policy");
        };
        rule
    }

    #[test]
    fn fixed_policies_are_read_as_in_faithful_replays() {
        for text in ["constant:2", "cycle:2,1,0", "uniform", "order:1/600@ask0*1.0001"] {
            let wanted: ReplayPolicy = text.parse().unwrap();
            assert_eq!(text.parse(), Ok(CorrectedPolicy::Fixed(wanted)));
        }
        let refusal = "always".parse::<CorrectedPolicy>().unwrap_err().to_string();
        assert!(refusal.contains("rule:NAME") && refusal.contains("constant:A"), "{refusal}");
    }

    #[test]
    fn a_rule_is_its_defaults_with_what_was_changed() {
        let AgentConfig::PortfolioRule(config) =
            rule("rule:momentum,window=20,share=0.5").agent(ReplayEnvironment::Portfolio).unwrap()
        else {
            panic!("another agent");
        };
        let PortfolioRuleConfig::Momentum(momentum) = config.rule else { panic!("another rule") };
        assert_eq!((momentum.window, momentum.skip), (20, 0));
        let grouped =
            rule("rule:minimum_variance,covariance.window=30,covariance.estimator=sample");
        let AgentConfig::PortfolioRule(config) =
            grouped.agent(ReplayEnvironment::PortfolioEiie).unwrap()
        else {
            panic!("another agent");
        };
        let PortfolioRuleConfig::MinVariance(rolling) = config.rule else { panic!("another rule") };
        assert_eq!(rolling.covariance.window, 30);
    }

    #[test]
    fn every_rule_that_is_listed_can_be_built() {
        for environment in ReplayEnvironment::ALL {
            for name in rules(environment) {
                let rule = Rule { name: name.to_owned(), changes: Vec::new() };
                assert!(rule.agent(environment).is_ok(), "{environment} {name}");
            }
        }
        assert_eq!(rules(ReplayEnvironment::Hft), PLAIN);
        assert!(rules(ReplayEnvironment::ExecutionPd).contains(&"almgren_chriss"));
        assert!(rules(ReplayEnvironment::Portfolio).contains(&"olmar1"));
    }

    #[test]
    fn refuses_rules_and_parameters_that_do_not_exist() {
        let refusal = |text: &str, environment| {
            text.parse::<CorrectedPolicy>()
                .and_then(|policy| match policy {
                    CorrectedPolicy::Rule(rule) => rule.agent(environment).map(drop),
                    CorrectedPolicy::Fixed(_) => Ok(()),
                })
                .unwrap_err()
                .to_string()
        };
        let portfolio = ReplayEnvironment::Portfolio;
        assert!(refusal("rule:momentun", portfolio).contains("momentum"));
        assert!(refusal("rule:momentum", ReplayEnvironment::Hft).contains("buy_and_hold"));
        assert!(refusal("rule:momentum,windw=3", portfolio).contains("windw"));
        assert!(refusal("rule:momentum,window=0", portfolio).contains("window"));
        assert!(refusal("rule:momentum,window", portfolio).contains("name=value"));
        assert!(refusal("rule:random,seed=3", portfolio).contains("no parameter"));
        assert!(refusal("rule:", portfolio).contains("no rule ''"));
    }

    proptest! {
        #[test]
        fn never_panics_on_garbage(text in ".{0,40}") {
            if let Ok(CorrectedPolicy::Rule(rule)) = format!("rule:{text}").parse() {
                for environment in ReplayEnvironment::ALL {
                    drop(rule.agent(environment));
                }
            }
            drop(text.parse::<CorrectedPolicy>());
        }
    }
}
