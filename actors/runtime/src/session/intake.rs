//! What people ask of the registry: submissions and commands. Everything is checked again here, where it is decided.

use cluster::control::apply::fingerprint;
use cluster::control::state::Resources;
use cluster::control::{
    ControlCommand, ControlError, DesiredState, DocumentKey, NewSession, SessionClass,
};
use engine::config::{
    BacktestPolicy, EvaluationPolicy, Segment, SessionConfig, SessionKind, SplitConfig, Violation,
};
use engine::ids::SessionId;
use serde_json::{Map, Value};
use uuid::{Builder, Uuid};

use super::hexadecimal;
use super::lifecycle::{self, Verb};
use super::registry::{RegistryState, Wanted, unknown};
use super::spec::{Inputs, Judged, SessionSpec};
use super::trials::About;
use crate::error::ActorsError;
use crate::messages::Command;
use crate::messages::data::DATASETS;
use crate::messages::drafts::Draft;
use crate::views::{SessionState, SessionView};

impl RegistryState {
    /// Returns the command that accepts a session.
    pub(super) fn submission(
        &mut self,
        command: &Command,
        draft: Draft,
    ) -> Result<Wanted, ActorsError> {
        self.sync()?;
        let hex = hexadecimal(&command.id.0);
        let inputs = match self.rows.values().find(|row| row.command == hex) {
            Some(row) => return self.repeated(row.view.id, &draft),
            None => self.inputs_of(&draft)?,
        };
        let id = new_id(self.context.clock.wall_ms());
        let resources = &draft.resources;
        let (session, class) = (*id.uuid().as_bytes(), class(draft.config.kind()));
        let new = NewSession {
            priority: draft.priority,
            resources: Resources {
                cpu_millis: u64::from(resources.cpu) * 1_000,
                memory_mib: u64::from(resources.memory_mib),
                gpus: resources.gpus,
                gpu_memory_mib: u64::from(resources.gpus)
                    * u64::from(resources.gpu_memory_mib.unwrap_or(0)),
                ..Resources::default()
            },
            team: draft.wishes.team.clone().unwrap_or_default(),
            requires: draft.wishes.requirements(),
            preemptible: draft.wishes.preemptible,
            references: vec![DocumentKey::new(DATASETS, draft.dataset.id.to_string())],
            spec: SessionSpec::new(hex, draft, inputs, self.context.build.clone()).to_bytes()?,
            ..NewSession::plain(session, class, command.actor.clone())
        };
        let key = cluster::control::CommandId(command.id.0);
        let command = Box::new(ControlCommand::SubmitSession(new));
        Ok(Wanted::Command { id, key, command })
    }

    /// Answers a submission that came again.
    fn repeated(&self, id: SessionId, draft: &Draft) -> Result<Wanted, ActorsError> {
        let spec = self.spec(id)?;
        let row = self.row(id)?;
        if spec.same_as(draft) && row.view.priority == draft.priority {
            return Ok(Wanted::Nothing(id));
        }
        Err(ActorsError::IdempotencyMismatch { found: format!("session {id} '{}'", row.view.name) })
    }

    fn spec(&self, id: SessionId) -> Result<SessionSpec, ActorsError> {
        let bytes = self
            .context
            .control
            .read(|state| state.sessions.get(id.uuid().as_bytes()).map(|s| s.spec.clone()));
        SessionSpec::from_bytes(&bytes.ok_or_else(|| unknown(id))?)
    }

    /// Returns what earlier sessions left that this one works with.
    fn inputs_of(&self, draft: &Draft) -> Result<Inputs, ActorsError> {
        match &draft.config {
            SessionConfig::Training(_) | SessionConfig::Labelling(_) => Ok(Inputs::default()),
            SessionConfig::Backtest(config) => {
                let BacktestPolicy::Session { session_id } = &config.policy else {
                    return Ok(Inputs::default());
                };
                let asked = (*session_id, "/config/policy/session_id");
                let model_sha256 = Some(self.model_of(draft, asked, &config.split)?);
                Ok(Inputs { model_sha256, judged: Judged::default() })
            }
            SessionConfig::Evaluation(config) => {
                let models = match &config.policy {
                    EvaluationPolicy::Strategy => Vec::new(),
                    EvaluationPolicy::Sessions { session_ids } => (0..)
                        .zip(session_ids)
                        .map(|(place, id): (usize, _)| {
                            let pointer = format!("/config/policy/session_ids/{place}");
                            self.model_of(draft, (*id, pointer.as_str()), &config.split)
                        })
                        .collect::<Result<_, _>>()?,
                };
                let about = About::of(draft);
                let counted = about.map(|about| self.trials.counted(&about));
                let (trials, trials_lost) = counted.unwrap_or_default();
                let judged = Judged { models, trials, trials_lost };
                Ok(Inputs { model_sha256: None, judged })
            }
        }
    }

    /// Returns the model of the training session that is asked for by the field at the pointer.
    fn model_of(
        &self,
        draft: &Draft,
        (session_id, pointer): (SessionId, &str),
        split: &SplitConfig,
    ) -> Result<String, ActorsError> {
        let id = session_id.to_string();
        let refused = |code: &str, detail: String| {
            let found = Violation::new(pointer, code, detail);
            found.with("id", id.as_str()).with("session_id", id.as_str())
        };
        let Some(row) = self.rows.get(&session_id) else {
            let detail = format!(
                "session {session_id} does not exist; choose a training session that has ended"
            );
            return Err(refused("not_found", detail).into());
        };
        if row.view.kind != SessionKind::Training {
            let detail = format!("session {session_id} is no training; choose a training session");
            return Err(refused("not_training", detail).into());
        }
        if row.view.strategy_id != draft.strategy.as_ref().map(|found| found.strategy.id) {
            let name = row.view.strategy_name.as_deref().unwrap_or_default();
            let detail = format!(
                "session {session_id} trained strategy '{name}'; test its model with that strategy"
            );
            return Err(refused("not_of_strategy", detail).with("strategy", name).into());
        }
        let mut violations = unlike_training(&row.view, draft, split);
        violations.extend(unlike_seal(self.spec(session_id)?.sealed_share, draft, session_id));
        if !violations.is_empty() {
            return Err(ActorsError::Invalid { errors: violations });
        }
        match &row.view.model_sha256 {
            Some(sha256) => Ok(sha256.clone()),
            None => {
                let state = lifecycle::word(row.view.state);
                let detail = format!(
                    "session {session_id} is {state} and has no model yet; wait until it has completed"
                );
                Err(refused("no_model", detail).with("state", state).into())
            }
        }
    }

    /// Returns the command that a person's command means.
    pub(super) fn order(
        &mut self,
        command: Command,
        id: SessionId,
        verb: Verb,
    ) -> Result<Wanted, ActorsError> {
        self.sync()?;
        let state = self.row(id)?.view.state;
        let proposed = wish(&command, id, verb);
        let key = cluster::control::CommandId(command.id.0);
        let print = fingerprint(&proposed);
        let known = self.context.control.read(|control| {
            control.idempotency.find(key, print).map(|(result, same)| (result.clone(), same))
        });
        match known {
            Some((Ok(_), true)) => return Ok(Wanted::Nothing(id)),
            Some((Err(refusal), true)) => return Err(ControlError::Refused(refusal).into()),
            Some((_, false)) => {
                return Err(ActorsError::IdempotencyMismatch {
                    found: "another command".to_owned(),
                });
            }
            None => {}
        }
        if !lifecycle::is_legal(state, verb) {
            return Err(illegal(state, verb));
        }
        self.tell_command(id, &command, verb);
        Ok(Wanted::Command { id, key, command: Box::new(proposed) })
    }

    fn tell_command(&self, id: SessionId, command: &Command, verb: Verb) {
        let mut fields = Map::new();
        fields.insert("verb".to_owned(), Value::from(verb.word()));
        fields.insert("actor".to_owned(), Value::from(command.actor.clone()));
        fields.insert("reason".to_owned(), Value::from(command.reason.clone()));
        self.context.topics.publish_log(&format!("session-events/{id}"), "command", fields);
    }
}

fn illegal(state: SessionState, verb: Verb) -> ActorsError {
    let legal = lifecycle::legal_words(state);
    let hint = if legal.is_empty() {
        "the session has ended; submit a new one".to_owned()
    } else {
        format!("possible now: {}", legal.join(", "))
    };
    ActorsError::IllegalTransition {
        command: verb.word().to_owned(),
        state: lifecycle::word(state).to_owned(),
        hint,
    }
}

/// Says in what a back-test of a training's model departs from that training, so that its bars may be ones that the
/// model was trained on.
fn unlike_training(training: &SessionView, draft: &Draft, split: &SplitConfig) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refuse = |pointer: &str, trained: String, wanted: String, detail: String| {
        let found = Violation::new(pointer, "unlike_training", detail);
        violations.push(found.with("trained", trained).with("wanted", wanted));
    };
    let wanted = draft.strategy.as_ref().map(|found| found.version.version);
    if let (Some(trained), Some(wanted)) = (training.strategy_version, wanted)
        && trained != wanted
    {
        refuse(
            "/strategy_version",
            trained.to_string(),
            wanted.to_string(),
            format!(
                "session {} trained version {trained} of strategy '{}', found version {wanted}: the model belongs to the \
                 version it was trained with; set `strategy_version` to {trained}",
                training.id,
                training.strategy_name.as_deref().unwrap_or_default()
            ),
        );
    }
    let SessionConfig::Training(config) = &training.config else { return violations };
    let same_bars =
        training.dataset_id == draft.dataset.id || training.dataset_sha256 == draft.dataset.sha256;
    if same_bars && draft.config.segment() == Some(Segment::Whole) {
        refuse(
            "/config/segment",
            training.dataset_name.clone(),
            "whole".to_owned(),
            format!(
                "session {} was trained on data set '{}': all of its rows together are no test of the model; choose the \
                 segment test, or another data set",
                training.id, training.dataset_name
            ),
        );
    }
    if same_bars && config.split != *split {
        let text = |split: &SplitConfig| {
            let SplitConfig { train, valid, purge_bars } = split;
            format!("train {train}, valid {valid}, purge_bars {purge_bars}")
        };
        refuse(
            "/config/split",
            text(&config.split),
            text(split),
            format!(
                "session {} was trained on data set '{}' cut by {}, found {}: a test on bars that the model was trained \
                 on is no test; use the training's split, or another data set",
                training.id,
                training.dataset_name,
                text(&config.split),
                text(split)
            ),
        );
    }
    violations
}

/// Says that a training saw other rows than a test under today's seal takes for unseen.
fn unlike_seal(trained: f64, draft: &Draft, training: SessionId) -> Option<Violation> {
    let found = draft.strategy.as_ref()?;
    let wanted = found.seal.share;
    if trained.total_cmp(&wanted).is_eq() {
        return None;
    }
    let detail = format!(
        "session {training} was trained with a share of {trained} of the rows sealed, now {wanted} is: its test segment is another \
         one. Train again"
    );
    let violation = Violation::new("/config/policy", "unlike_training", detail);
    Some(violation.with("trained", trained.to_string()).with("wanted", wanted.to_string()))
}

/// Returns the control command that a person's command means.
fn wish(command: &Command, id: SessionId, verb: Verb) -> ControlCommand {
    let session = *id.uuid().as_bytes();
    let desired = match verb {
        Verb::Checkpoint => return ControlCommand::RequestCheckpoint { session },
        Verb::Pause => DesiredState::Pause,
        Verb::Resume => DesiredState::Run,
        Verb::Stop => DesiredState::Stop,
    };
    let (actor, reason) = (command.actor.clone(), command.reason.clone());
    ControlCommand::SetDesired { session, desired, actor, reason }
}

/// Numbers of the classes in control state; never given twice.
fn class(kind: SessionKind) -> SessionClass {
    match kind {
        SessionKind::Training => SessionClass(2),
        SessionKind::Backtest => SessionClass(3),
        SessionKind::Labelling => SessionClass(4),
        SessionKind::Evaluation => SessionClass(5),
    }
}

/// Returns a new identifier whose text order is the order of time.
fn new_id(wall_ms: i64) -> SessionId {
    let random = Uuid::new_v4();
    let mut tail = [0_u8; 10];
    tail.copy_from_slice(&random.as_bytes()[6..]);
    let millis = u64::try_from(wall_ms).unwrap_or(0);
    SessionId::from_uuid(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
}
