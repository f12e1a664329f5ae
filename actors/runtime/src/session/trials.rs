//! The trial ledger of this node: read from control state, where a session's start and its end are agreed upon together
//! with its phase, and where the removal of a session keeps what was tried. Writes nothing of its own, so that it can
//! neither lose nor add a trial. Says what an evaluation counts.
//!
//! A trial is a training, a back-test or an evaluation that a node was given, whatever became of it: from then on it may
//! have seen its data. The rules of the ledger stand in `engine::evaluation::trials`.

use std::collections::{BTreeMap, BTreeSet};

use cluster::control::state::{OutcomeKind, Removed, Session};
use engine::config::canonical::canonical;
use engine::config::{
    BacktestPolicy, EvaluationPolicy, Segment, SessionConfig, SessionKind, StrategyConfig, hash,
};
use engine::digest::sha256;
use engine::evaluation::trials::{TrialEnd, TrialEntry, TrialLedger, TrialOutcome, TrialStart};
use engine::ids::{SessionId, StrategyId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{id_of, wall};
use super::known::Known;
use super::registry::RegistryState;
use super::spec::SessionSpec;
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::messages::drafts::Draft;
use crate::messages::page_limit;
use crate::messages::sessions::ListTrials;
use crate::views::{Page, TrialView, TrialsView};

/// Most reports of earlier trials that an evaluation reads; older ones are counted only.
const TRIALS_MAX: usize = 200;
/// Letter before the number in a cursor, so that a foreign one is noticed.
const CURSOR: char = 't';
/// Figure of a back-test that is shown beside its trial.
const SHARPE: &str = "sharpe";

/// Everything that was tried, as far as this node has seen control state.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    ledger: TrialLedger,
    /// By order of submission over the whole cluster.
    by_order: BTreeMap<u64, Tried>,
    /// Removed sessions that were taken in.
    removed: BTreeSet<u64>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq)]
struct Tried {
    view: TrialView,
    /// Hash of who was judged on which rows, whatever else two sessions differ in (seeds, tests, thresholds).
    judged: String,
    /// Training sessions whose models it is about.
    models: BTreeSet<SessionId>,
}

/// How a session stands, or how it was when it was removed.
struct Course<'a> {
    id: SessionId,
    order: u64,
    spec: &'a [u8],
    submitted_ms: i64,
    end: Option<(OutcomeKind, i64)>,
    removed: bool,
}

impl Trials {
    /// Takes in how a session stands.
    ///
    /// # Errors
    /// Tells when control state holds something that no submission of ours wrote.
    pub(crate) fn note(&mut self, session: &Session, known: &Known) -> Result<(), ActorsError> {
        if !session.was_placed() {
            return Ok(());
        }
        let end = session.outcome.as_ref().map(|outcome| (outcome.kind, wall(outcome.at_ms)));
        let course = Course {
            id: id_of(session),
            order: session.submitted_order,
            spec: &session.spec,
            submitted_ms: wall(session.submitted_at_ms),
            end,
            removed: false,
        };
        self.take(&course, known)
    }

    /// Returns whether a removed session was taken in.
    pub(crate) fn knows_removed(&self, order: u64) -> bool {
        self.removed.contains(&order)
    }

    /// Takes in what was kept of a session that was removed.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub(crate) fn note_removed(
        &mut self,
        kept: &Removed,
        known: &Known,
    ) -> Result<(), ActorsError> {
        let course = Course {
            id: SessionId::from_uuid(Uuid::from_bytes(kept.id)),
            order: kept.submitted_order,
            spec: &kept.spec,
            submitted_ms: wall(kept.submitted_at_ms),
            end: Some((kept.kind, wall(kept.ended_at_ms))),
            removed: true,
        };
        self.take(&course, known)?;
        self.removed.insert(kept.submitted_order);
        Ok(())
    }

    fn take(&mut self, course: &Course<'_>, known: &Known) -> Result<(), ActorsError> {
        if !self.by_order.contains_key(&course.order) {
            let spec = SessionSpec::from_bytes(course.spec)?;
            let Some(tried) = Tried::of(course, &spec) else { return Ok(()) };
            if !self.append(TrialEntry::Started(tried.start(course.submitted_ms))) {
                return Ok(());
            }
            self.by_order.insert(course.order, tried);
        }
        let Some(tried) = self.by_order.get_mut(&course.order) else { return Ok(()) };
        tried.view.removed = course.removed;
        if tried.view.outcome.is_some() {
            return Ok(());
        }
        let Some((kind, ended_ms)) = course.end else { return Ok(()) };
        let outcome = match kind {
            OutcomeKind::Completed => TrialOutcome::Finished,
            OutcomeKind::Failed => TrialOutcome::Failed,
            OutcomeKind::Stopped => TrialOutcome::Stopped,
        };
        tried.view.outcome = Some(outcome);
        tried.view.ended_at = Some(rfc3339(ended_ms));
        tried.view.report_sha256.clone_from(&known.report_sha256);
        tried.view.sharpe = known.metrics.get(SHARPE).copied().flatten();
        let returns_sha256 = known.report_sha256.clone();
        let end = TrialEnd { trial: course.id.to_string(), outcome, returns_sha256, ended_ms };
        self.append(TrialEntry::Ended(end));
        Ok(())
    }

    /// Appends an entry; says whether it was one. A refusal is a fault of ours and is told, but no reason to show nothing.
    fn append(&mut self, entry: TrialEntry) -> bool {
        let appended = self.ledger.append(entry);
        if let Err(error) = &appended {
            tracing::error!(%error, "a session is not in the trial ledger");
        }
        appended.is_ok()
    }

    /// Returns one page of a strategy's trials, newest first.
    ///
    /// # Errors
    /// Refuses a cursor that this list did not make.
    pub(crate) fn page(&self, filter: &ListTrials) -> Result<TrialsView, ActorsError> {
        let before = match &filter.after {
            None => u64::MAX,
            Some(text) => text
                .strip_prefix(CURSOR)
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| ActorsError::BadCursor { got: text.chars().take(80).collect() })?,
        };
        let of = |tried: &&Tried| tried.view.strategy_id == filter.strategy_id;
        let newest = || self.by_order.range(..before).rev().filter(|(_, tried)| of(tried));
        let limit = page_limit(filter.limit);
        let items: Vec<TrialView> =
            newest().take(limit).map(|(_, tried)| tried.view.clone()).collect();
        let next = newest().nth(limit).and_then(|_| newest().nth(limit - 1));
        let evaluation = self.by_order.values().rev().filter(of).find(|tried| {
            tried.view.kind == SessionKind::Evaluation && tried.view.report_sha256.is_some()
        });
        let lineage = filter.strategy_id.to_string();
        Ok(TrialsView {
            page: Page { items, next: next.map(|(order, _)| format!("{CURSOR}{order}")) },
            started_count: u32::try_from(self.ledger.count(&lineage)).unwrap_or(u32::MAX),
            evaluation: evaluation.map(|tried| tried.view.session_id),
        })
    }

    /// Returns the reports of what was tried before with the strategy on the same data, newest first, and how many trials
    /// there were besides: without a report, or beyond [`TRIALS_MAX`].
    ///
    /// The same configuration counts once, however often it was started. An evaluation counts where neither this one nor
    /// a back-test was about the same policy on the same rows, a training where its model was neither tested nor judged.
    pub(crate) fn counted(&self, about: &About<'_>) -> (Vec<String>, u32) {
        let of: Vec<&Tried> = self
            .by_order
            .values()
            .rev()
            .filter(|tried| tried.view.strategy_id == about.strategy_id)
            .filter(|tried| tried.view.dataset_sha256 == about.dataset_sha256)
            .collect();
        let kind = |wanted: SessionKind| of.iter().filter(move |tried| tried.view.kind == wanted);
        let mut judged = BTreeSet::from([judged(
            about.strategy,
            about.config,
            (about.dataset_sha256, about.sealed_share),
        )]);
        let mut models = models_of(about.config);
        let mut trials = Distinct::default();
        for tried in kind(SessionKind::Backtest) {
            trials.add(tried.as_run(), &tried.view);
            judged.insert(tried.judged.clone());
            models.extend(&tried.models);
        }
        for tried in kind(SessionKind::Evaluation) {
            if !judged.contains(&tried.judged) {
                trials.add((&tried.judged, ""), &tried.view);
            }
            models.extend(&tried.models);
        }
        for tried in kind(SessionKind::Training) {
            if !models.contains(&tried.view.session_id) {
                trials.add(tried.as_run(), &tried.view);
            }
        }
        trials.reports()
    }
}

/// What an evaluation is about.
pub(crate) struct About<'a> {
    strategy_id: StrategyId,
    strategy: &'a StrategyConfig,
    config: &'a SessionConfig,
    dataset_sha256: &'a str,
    sealed_share: f64,
}

impl<'a> About<'a> {
    /// Returns what a submission is about; nothing of one without a strategy.
    pub(crate) fn of(draft: &'a Draft) -> Option<Self> {
        let found = draft.strategy.as_ref()?;
        Some(Self {
            strategy_id: found.strategy.id,
            strategy: &found.version.config,
            config: &draft.config,
            dataset_sha256: &draft.dataset.sha256,
            sealed_share: found.seal.share,
        })
    }
}

/// Trials of which equal ones count once.
#[derive(Default)]
struct Distinct<'a> {
    /// By what makes them equal, in the order in which they came: the newest report.
    found: Vec<((&'a str, &'a str), Option<&'a str>)>,
}

impl<'a> Distinct<'a> {
    fn add(&mut self, key: (&'a str, &'a str), view: &'a TrialView) {
        let report = view.report_sha256.as_deref();
        match self.found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = known.or(report),
            None => self.found.push((key, report)),
        }
    }

    /// Returns the reports that are read and the number of the other trials. Equal inputs give equal reports.
    fn reports(self) -> (Vec<String>, u32) {
        let without = self.found.iter().filter(|(_, report)| report.is_none()).count();
        let mut seen = BTreeSet::new();
        let mut reports: Vec<String> = self
            .found
            .iter()
            .filter_map(|(_, report)| *report)
            .filter(|report| seen.insert(*report))
            .map(str::to_owned)
            .collect();
        let over = reports.len().saturating_sub(TRIALS_MAX);
        reports.truncate(TRIALS_MAX);
        (reports, u32::try_from(without + over).unwrap_or(u32::MAX))
    }
}

impl Tried {
    /// Returns what makes two runs the same: what was run, and on which rows.
    fn as_run(&self) -> (&str, &str) {
        (&self.view.config_sha256, &self.view.segment_sha256)
    }

    /// Returns the trial that a session is; nothing of one that is about no strategy.
    fn of(course: &Course<'_>, spec: &SessionSpec) -> Option<Self> {
        let strategy = spec.strategy.as_ref()?;
        let (segment, objective) = match &spec.config {
            SessionConfig::Training(_) => (Segment::Valid, "total_return"),
            SessionConfig::Backtest(backtest) => (backtest.segment, "sharpe"),
            SessionConfig::Evaluation(evaluation) => (evaluation.segment, "deflated_sharpe"),
            SessionConfig::Labelling(_) => return None,
        };
        let whole = json!({"strategy": strategy, "session": spec.config});
        let view = TrialView {
            session_id: course.id,
            name: spec.name.clone(),
            kind: spec.config.kind(),
            strategy_id: spec.strategy_id?,
            strategy_version: spec.strategy_version?,
            config_sha256: digest(&whole),
            dataset_id: spec.dataset_id,
            dataset_name: spec.dataset_name.clone(),
            dataset_sha256: spec.dataset_sha256.clone(),
            segment: word(segment),
            segment_sha256: digest(&rows(
                &spec.config,
                segment,
                (&spec.dataset_sha256, spec.sealed_share),
            )),
            seeds: seeds(&spec.config),
            objective: objective.to_owned(),
            outcome: None,
            sharpe: None,
            report_sha256: None,
            submitted_at: rfc3339(course.submitted_ms),
            ended_at: None,
            removed: course.removed,
        };
        let data = (spec.dataset_sha256.as_str(), spec.sealed_share);
        let judged = judged(strategy, &spec.config, data);
        Some(Self { view, judged, models: models_of(&spec.config) })
    }

    fn start(&self, started_ms: i64) -> TrialStart {
        let view = &self.view;
        TrialStart {
            trial: view.session_id.to_string(),
            lineage: view.strategy_id.to_string(),
            config_sha256: view.config_sha256.clone(),
            dataset_sha256: view.dataset_sha256.clone(),
            segment: format!("{} {}", view.segment, view.segment_sha256),
            seeds: view.seeds.clone(),
            objective: view.objective.clone(),
            started_ms,
        }
    }
}

fn digest(value: &Value) -> String {
    sha256(canonical(value).as_bytes())
}

fn word(segment: Segment) -> String {
    json!(segment).as_str().unwrap_or_default().to_owned()
}

/// Returns what decides on which rows a session is judged.
fn rows(config: &SessionConfig, segment: Segment, (dataset_sha256, sealed): (&str, f64)) -> Value {
    json!({"dataset": dataset_sha256, "sealed": sealed, "split": config.split(), "segment": segment})
}

/// Returns the hash of who is judged on which rows.
fn judged(strategy: &StrategyConfig, config: &SessionConfig, data: (&str, f64)) -> String {
    let segment = match config {
        SessionConfig::Training(_) | SessionConfig::Labelling(_) => Segment::Valid,
        SessionConfig::Backtest(backtest) => backtest.segment,
        SessionConfig::Evaluation(evaluation) => evaluation.segment,
    };
    digest(&json!({
        "strategy": hash(strategy),
        "models": models_of(config),
        "rows": rows(config, segment, data),
    }))
}

/// Returns the training sessions whose models a session is about.
fn models_of(config: &SessionConfig) -> BTreeSet<SessionId> {
    match config {
        SessionConfig::Backtest(backtest) => match &backtest.policy {
            BacktestPolicy::Strategy => BTreeSet::new(),
            BacktestPolicy::Session { session_id } => BTreeSet::from([*session_id]),
        },
        SessionConfig::Evaluation(evaluation) => match &evaluation.policy {
            EvaluationPolicy::Strategy => BTreeSet::new(),
            EvaluationPolicy::Sessions { session_ids } => session_ids.iter().copied().collect(),
        },
        SessionConfig::Training(_) | SessionConfig::Labelling(_) => BTreeSet::new(),
    }
}

fn seeds(config: &SessionConfig) -> Vec<String> {
    match config {
        SessionConfig::Training(training) => vec![training.seed.to_string()],
        SessionConfig::Backtest(backtest) => vec![backtest.seed.to_string()],
        SessionConfig::Evaluation(evaluation) => match &evaluation.policy {
            EvaluationPolicy::Sessions { session_ids } => {
                session_ids.iter().map(ToString::to_string).collect()
            }
            EvaluationPolicy::Strategy => (0..evaluation.seeds.max(1))
                .map(|place| evaluation.seed.wrapping_add(place).to_string())
                .collect(),
        },
        SessionConfig::Labelling(_) => Vec::new(),
    }
}

impl RegistryState {
    /// Takes in removed sessions that were not yet.
    pub(super) fn sync_removed(&mut self) -> Result<(), ActorsError> {
        let new: Vec<Removed> = self.context.control.read(|state| {
            let unknown = |kept: &&Removed| !self.trials.knows_removed(kept.submitted_order);
            state.removed.iter().filter(unknown).cloned().collect()
        });
        for kept in &new {
            let id = SessionId::from_uuid(Uuid::from_bytes(kept.id));
            let known = match self.legacy.get(&id).filter(|_| kept.facts.is_empty()) {
                Some(known) => known.clone(),
                None => Known::from_bytes(&kept.facts)?,
            };
            self.trials.note_removed(kept, &known)?;
        }
        Ok(())
    }

    /// Returns one page of a strategy's trials.
    pub(super) fn tried(&mut self, filter: &ListTrials) -> Result<TrialsView, ActorsError> {
        self.sync()?;
        self.trials.page(filter)
    }
}

#[cfg(test)]
#[path = "trials_tests.rs"]
mod tests;
