//! What the holder of a session found out: kept in control state as JSON beside the phase, so that every node and every
//! later holder knows it. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ActorsError;
use crate::messages::sessions::Facts;
use crate::views::{LimitView, ProgressView, SessionState};

/// Characters of the first error that are kept here; the whole of it is in control state when there was a retry.
const ERROR_CHARS_MAX: usize = 600;
/// Newest values kept, first by name.
const METRICS_MAX: usize = 24;
/// Limits kept.
const LIMITS_MAX: usize = 16;

/// Everything found out so far. Fields are only ever added.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// Version of the program that runs it.
    pub(crate) build: Option<String>,
    /// Best model.
    pub(crate) model_sha256: Option<String>,
    /// Report.
    pub(crate) report_sha256: Option<String>,
    /// First error.
    pub(crate) first_error: Option<String>,
    /// Failures since the last lasting progress.
    pub(crate) retry_count: u32,
    /// Newest value of each metric.
    pub(crate) metrics: BTreeMap<String, Option<f64>>,
    /// How far it was.
    pub(crate) progress: ProgressView,
    /// First step, RFC 3339 UTC.
    pub(crate) started_at: Option<String>,
    /// The node that holds it, or held it last.
    pub(crate) node: Option<String>,
    /// What limits its worker.
    pub(crate) limits: Option<Vec<LimitView>>,
}

impl Known {
    /// Reads what control state keeps; nothing yet is nothing.
    ///
    /// # Errors
    /// Tells when the bytes are no facts of ours.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ActorsError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|error| ActorsError::Store {
            detail: format!("what is known of a session cannot be read: {error}"),
        })
    }

    /// Returns the bytes kept in control state; bounded, whatever was found out.
    ///
    /// # Errors
    /// A fault of ours.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ActorsError> {
        serde_json::to_vec(self).map_err(ActorsError::internal)
    }

    /// Takes in facts; the first error is kept.
    pub(crate) fn learn(&mut self, facts: &Facts) {
        if let Some(count) = facts.retry_count {
            self.retry_count = count;
        }
        if let Some(error) = &facts.error {
            let cut = || error.chars().take(ERROR_CHARS_MAX).collect();
            self.first_error.get_or_insert_with(cut);
        }
        self.model_sha256 = facts.model_sha256.clone().or(self.model_sha256.take());
        self.report_sha256 = facts.report_sha256.clone().or(self.report_sha256.take());
        self.build = facts.build.clone().or(self.build.take());
        if let Some(limits) = &facts.limits {
            let shown = limits.iter().take(LIMITS_MAX).cloned();
            self.limits = Some(shown.collect());
        }
        self.measured(&facts.metrics);
    }

    /// Takes in newest values.
    pub(crate) fn measured(&mut self, newest: &BTreeMap<String, Option<f64>>) {
        for (name, value) in newest {
            if self.metrics.len() < METRICS_MAX || self.metrics.contains_key(name) {
                self.metrics.insert(name.clone(), *value);
            }
        }
    }

    /// Says nothing more of what is still to come.
    pub(crate) fn at_rest(&mut self) {
        self.progress.eta_seconds = None;
        self.progress.steps_per_second = None;
    }

    /// Takes in a change of state.
    pub(crate) fn turned(&mut self, to: SessionState, at: &str) {
        if to == SessionState::Running && self.started_at.is_none() {
            self.started_at = Some(at.to_owned());
        }
        if to.is_terminal() {
            self.at_rest();
        }
        if to == SessionState::Completed {
            // The worker's last progress frame may be up to half a second old.
            self.progress.step = self.progress.step_count;
            self.progress.ratio = Some(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use cluster::control::state::limits;

    use super::*;

    #[test]
    fn it_fits_into_control_state_whatever_was_found_out() {
        let mut known = Known::default();
        let facts = Facts {
            error: Some("\u{10ffff}\"".repeat(10_000)),
            model_sha256: Some("a".repeat(64)),
            metrics: (0..1_000).map(|n| (format!("{n:064}"), Some(f64::MIN_POSITIVE))).collect(),
            build: Some("b".repeat(64)),
            ..Facts::default()
        };
        known.learn(&facts);
        known.turned(SessionState::Running, "2026-11-23T00:00:00.000Z");
        let bytes = known.to_bytes().unwrap();
        assert!(bytes.len() <= limits::FACTS_BYTES_MAX, "{}", bytes.len());
        assert_eq!(Known::from_bytes(&bytes).unwrap(), known);
        assert_eq!(Known::from_bytes(b"").unwrap(), Known::default());
        assert!(Known::from_bytes(b"{").is_err());
    }
}
