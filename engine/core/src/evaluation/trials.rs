//! The trial ledger: every configuration ever started, append-only, and how many independent trials it amounts to.
//!
//! Only the rules and the arithmetic; what is durable is the store's affair. Deleting a session deletes no entry: there
//! is no entry that takes one back.
//!
//! Source: learning.md section 10.7.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deflated_sharpe::SharpeSample;
use crate::metrics::moments::{correlation, covariance};

/// Trials whose mean correlation reaches this count as one.
pub const CORRELATION_MIN: f64 = 0.5;
/// Most trials that are clustered.
pub const TRIALS_MAX: usize = 2_000;

/// What is written when a trial starts. Nothing of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrialStart {
    /// Name of the trial, unique in the ledger.
    pub trial: String,
    /// Strategy lineage it belongs to: everything that was tried on the way to one strategy.
    pub lineage: String,
    /// SHA-256 of the configuration, lower-case hexadecimal.
    pub config_sha256: String,
    /// SHA-256 of the data snapshot, lower-case hexadecimal.
    pub dataset_sha256: String,
    /// Rows it was judged on, for example `valid 700..850`.
    pub segment: String,
    /// Seeds it was run with.
    pub seeds: Vec<String>,
    /// What it was judged by, for example `sharpe`.
    pub objective: String,
    /// Milliseconds since 1970 UTC.
    pub started_ms: i64,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// It ran to its end.
    Finished,
    /// It broke.
    Failed,
    /// Somebody or a scheduler stopped it.
    Stopped,
}

/// What is written when a trial ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrialEnd {
    /// Name of the trial.
    pub trial: String,
    /// How it ended.
    pub outcome: TrialOutcome,
    /// SHA-256 of the blob with its returns per period, where there are any.
    pub returns_sha256: Option<String>,
    /// Milliseconds since 1970 UTC.
    pub ended_ms: i64,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrialEntry {
    /// A trial started: from now on it counts.
    Started(TrialStart),
    /// It ended.
    Ended(TrialEnd),
}

/// Why an entry is not appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name is taken.
    #[error("trial '{trial}' is in the ledger already; give every start a name of its own")]
    Known {
        /// Name of the trial.
        trial: String,
    },
    /// It never started.
    #[error("trial '{trial}' is not in the ledger; append its start before its end")]
    Unknown {
        /// Name of the trial.
        trial: String,
    },
    /// It has ended.
    #[error("trial '{trial}' has ended already; an entry is never changed")]
    Ended {
        /// Name of the trial.
        trial: String,
    },
    /// A field is empty or no hash.
    #[error("wanted {field} as {wanted}, found '{found}'")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
}

/// All entries and what follows from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialLedger {
    entries: Vec<TrialEntry>,
    /// Per trial its lineage and whether it has ended.
    open: BTreeMap<String, (String, bool)>,
}

impl TrialLedger {
    /// Appends an entry.
    ///
    /// # Errors
    /// Refuses a second start under one name, an end without a start, a second end, empty names
    /// and hashes that are none. Nothing is appended then.
    pub fn append(&mut self, entry: TrialEntry) -> Result<(), Refusal> {
        match &entry {
            TrialEntry::Started(start) => {
                check(start)?;
                if self.open.contains_key(&start.trial) {
                    return Err(Refusal::Known { trial: start.trial.clone() });
                }
                self.open.insert(start.trial.clone(), (start.lineage.clone(), false));
            }
            TrialEntry::Ended(end) => {
                if let Some(hash) = &end.returns_sha256 {
                    hash_field("returns_sha256", hash)?;
                }
                match self.open.get_mut(&end.trial) {
                    None => return Err(Refusal::Unknown { trial: end.trial.clone() }),
                    Some((_, true)) => return Err(Refusal::Ended { trial: end.trial.clone() }),
                    Some((_, ended)) => *ended = true,
                }
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Returns every entry in the order it was appended.
    #[must_use]
    pub fn entries(&self) -> &[TrialEntry] {
        &self.entries
    }

    /// Returns how many trials were ever started in a lineage, whatever became of them: the N of the deflated Sharpe
    /// ratio.
    #[must_use]
    pub fn count(&self, lineage: &str) -> usize {
        self.open.values().filter(|(own, _)| own == lineage).count()
    }
}

fn check(start: &TrialStart) -> Result<(), Refusal> {
    for (field, value) in
        [("trial", &start.trial), ("lineage", &start.lineage), ("objective", &start.objective)]
    {
        if value.is_empty() {
            return Err(Refusal::Field { field, wanted: "a name", found: String::new() });
        }
    }
    hash_field("config_sha256", &start.config_sha256)?;
    hash_field("dataset_sha256", &start.dataset_sha256)
}

fn hash_field(field: &'static str, value: &str) -> Result<(), Refusal> {
    let hexadecimal = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if value.len() == 64 && hexadecimal {
        return Ok(());
    }
    let found = value.chars().take(80).collect();
    Err(Refusal::Field { field, wanted: "64 lower-case hexadecimal digits", found })
}

/// Trials that move together, each group by the indices of its members, rising.
///
/// Average linkage: starting from single trials, the two groups with the highest mean correlation between their members
/// are joined while it reaches [`CORRELATION_MIN`]. A trial that does not vary is a group of its own. The number of
/// groups is the effective number of trials; it is reported beside the plain one, never instead of it.
///
/// Source: agglomerative clustering of Sokal and Michener 1958; the use for an effective N after López de Prado and
/// Lewis 2019 ("Detection of false investment strategies using unsupervised learning methods"), with a fixed limit in
/// place of their search for the best number of clusters.
///
/// Shapes: N × T returns per period, of one length. Undefined above [`TRIALS_MAX`] trials and for differing lengths.
#[must_use]
pub fn clusters(trials: &[Vec<f64>]) -> Option<Vec<Vec<usize>>> {
    let length = trials.first().map_or(0, Vec::len);
    if TRIALS_MAX < trials.len() || trials.iter().any(|trial| trial.len() != length) {
        return None;
    }
    let mut groups: Vec<Vec<usize>> = (0..trials.len()).map(|trial| vec![trial]).collect();
    // mean correlation between groups; a correlation that is undefined joins nothing
    let mut similar: Vec<Vec<f64>> = trials
        .iter()
        .map(|one| trials.iter().map(|other| correlation(one, other).unwrap_or(-1.0)).collect())
        .collect();
    while let Some((left, right)) = closest(&similar) {
        let (ours, theirs) = (groups[left].len() as f64, groups[right].len() as f64);
        let joined: Vec<f64> = similar[left]
            .iter()
            .zip(&similar[right])
            .map(|(one, other)| (ours * one + theirs * other) / (ours + theirs))
            .collect();
        for (row, value) in similar.iter_mut().zip(&joined) {
            row[left] = *value;
        }
        similar[left] = joined;
        let moved = groups.remove(right);
        groups[left].extend(moved);
        groups[left].sort_unstable();
        similar.remove(right);
        similar.iter_mut().for_each(|row| {
            row.remove(right);
        });
    }
    Some(groups)
}

/// Returns the first pair of groups with the highest mean correlation that reaches the limit.
fn closest(similar: &[Vec<f64>]) -> Option<(usize, usize)> {
    let mut best = None;
    let mut highest = CORRELATION_MIN;
    for (left, row) in similar.iter().enumerate() {
        for (right, value) in row.iter().enumerate().skip(left + 1) {
            if highest < *value || (best.is_none() && highest <= *value) {
                (best, highest) = (Some((left, right)), *value);
            }
        }
    }
    best
}

/// A chosen trial's Sharpe ratio, deflated for all that was tried: plainly and for the effective number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deflation {
    /// Trials ever started in the lineage.
    pub trials: f64,
    /// Groups of trials that move together, and every started trial without returns.
    pub effective_trials: f64,
    /// Variance of the Sharpe ratios per period over the trials with returns; a trial that does not vary counts as 0.
    pub variance: f64,
    /// Deflated Sharpe ratio for all trials.
    pub deflated: Option<f64>,
    /// Deflated Sharpe ratio for the effective number of trials.
    pub deflated_effective: Option<f64>,
}

/// Returns what is left of the chosen trial's Sharpe ratio. `started` is the count of the ledger; trials without returns
/// (failed, stopped) are among it and are taken to be independent of all others.
///
/// Shapes: `chosen` `[T]`, `trials` N × T returns per period. Undefined when more trials have returns than were started,
/// below two trials with returns, and where [`clusters`] is.
#[must_use]
pub fn deflate(chosen: &[f64], trials: &[Vec<f64>], started: usize) -> Option<Deflation> {
    let silent = started.checked_sub(trials.len())?;
    let ratios: Vec<f64> =
        trials.iter().map(|one| SharpeSample::of(one).map_or(0.0, |sample| sample.ratio)).collect();
    let variance = covariance(&ratios, &ratios)?;
    let effective_trials = (clusters(trials)?.len() + silent) as f64;
    let sample = SharpeSample::of(chosen);
    let left = |count: f64| sample.as_ref().and_then(|sample| sample.deflated(variance, count));
    Some(Deflation {
        trials: started as f64,
        effective_trials,
        variance,
        deflated: left(started as f64),
        deflated_effective: left(effective_trials),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, StreamId};

    fn start(trial: &str, lineage: &str) -> TrialEntry {
        TrialEntry::Started(TrialStart {
            trial: trial.to_owned(),
            lineage: lineage.to_owned(),
            config_sha256: "a".repeat(64),
            dataset_sha256: "0".repeat(64),
            segment: "valid 700..850".to_owned(),
            seeds: vec!["1".to_owned()],
            objective: "sharpe".to_owned(),
            started_ms: 0,
        })
    }

    fn end(trial: &str, outcome: TrialOutcome) -> TrialEntry {
        TrialEntry::Ended(TrialEnd {
            trial: trial.to_owned(),
            outcome,
            returns_sha256: None,
            ended_ms: 1,
        })
    }

    #[test]
    fn counts_every_start_whatever_became_of_it() {
        let mut ledger = TrialLedger::default();
        for name in ["a", "b", "c"] {
            ledger.append(start(name, "trend")).unwrap();
        }
        ledger.append(start("d", "carry")).unwrap();
        ledger.append(end("a", TrialOutcome::Failed)).unwrap();
        ledger.append(end("b", TrialOutcome::Stopped)).unwrap();
        assert_eq!((ledger.count("trend"), ledger.count("carry"), ledger.count("x")), (3, 1, 0));
        assert_eq!(ledger.entries().len(), 6);
    }

    #[test]
    fn refuses_to_change_what_is_written() {
        let mut ledger = TrialLedger::default();
        ledger.append(start("a", "trend")).unwrap();
        ledger.append(end("a", TrialOutcome::Finished)).unwrap();
        let before = ledger.clone();
        let again =
            [start("a", "trend"), end("a", TrialOutcome::Failed), end("z", TrialOutcome::Failed)];
        for entry in again {
            assert!(ledger.append(entry).is_err());
        }
        let TrialEntry::Started(good) = start("b", "trend") else { panic!("a start") };
        for bad in [
            TrialStart { trial: String::new(), ..good.clone() },
            TrialStart { lineage: String::new(), ..good.clone() },
            TrialStart { config_sha256: "A".repeat(64), ..good.clone() },
            TrialStart { dataset_sha256: "a".repeat(63), ..good },
        ] {
            assert!(ledger.append(TrialEntry::Started(bad)).is_err());
        }
        assert_eq!(ledger, before);
    }

    #[test]
    fn an_entry_survives_the_wire_under_its_kind() {
        let text = serde_json::to_string(&start("a", "trend")).unwrap();
        assert!(text.starts_with("{\"kind\":\"started\",\"trial\":\"a\""), "{text}");
        assert_eq!(serde_json::from_str::<TrialEntry>(&text).unwrap(), start("a", "trend"));
    }

    #[test]
    fn trials_that_move_together_count_once() {
        let mut stream = Stream::new(1, StreamId::Synthesis, 0);
        let mut base = || -> Vec<f64> { (0..300).map(|_| stream.normal()).collect() };
        let (one, other, noise) = (base(), base(), base());
        let near = |series: &[f64]| -> Vec<f64> {
            series.iter().zip(&noise).map(|(value, extra)| value + 0.2 * extra).collect()
        };
        let opposite: Vec<f64> = one.iter().map(|value| -value).collect();
        let trials =
            vec![one.clone(), other.clone(), near(&one), near(&other), opposite, vec![0.0; 300]];
        let found = clusters(&trials).unwrap();
        assert_eq!(found, [vec![0, 2], vec![1, 3], vec![4], vec![5]]);
    }

    #[test]
    fn copies_of_one_trial_deflate_less_when_they_count_once() {
        let mut stream = Stream::new(2, StreamId::Synthesis, 0);
        let mut base =
            |edge: f64| -> Vec<f64> { (0..250).map(|_| stream.normal() + edge).collect() };
        let (chosen, other) = (base(0.15), base(0.0));
        let trials = vec![chosen.clone(), chosen.clone(), chosen.clone(), other];
        let found = deflate(&chosen, &trials, 5).unwrap();
        assert!((found.trials - 5.0).abs() < 1e-15 && (found.effective_trials - 3.0).abs() < 1e-15);
        assert!(found.deflated.unwrap() < found.deflated_effective.unwrap());
        let sample = SharpeSample::of(&chosen).unwrap();
        assert_eq!(found.deflated, sample.deflated(found.variance, 5.0));
        assert_eq!(deflate(&chosen, &trials, 3), None);
        assert_eq!(deflate(&chosen, &trials[..1], 1), None);
    }

    #[test]
    fn groups_of_nothing_are_none_and_uneven_trials_undefined() {
        assert_eq!(clusters(&[]), Some(vec![]));
        assert_eq!(clusters(&[vec![1.0, 2.0], vec![1.0]]), None);
        assert_eq!(clusters(&vec![vec![1.0, 2.0, 1.5]; 3]), Some(vec![vec![0, 1, 2]]));
    }
}
