//! Being admitted: every start asks, the first as the tenth, until the leader has agreed.

use std::sync::Arc;
use std::time::Duration;

use store::codec;
use tokio::time::{Instant, sleep, timeout};

use super::record::Record;
use super::settings::{PeerError, PeerSettings, Seed};
use crate::control::ControlHandle;
use crate::ctl::{CtlClient, Services};
use crate::membership::join::{
    Admitted, JoinAnswer, JoinRefusal, JoinRequest, METHOD_JOIN, NextTry, next_try,
};
use crate::membership::proof::{self, Claim};
use crate::version::ProtocolRange;

/// How long one question may take: the answer comes after a majority has agreed.
const ASK_MAX: Duration = Duration::from_secs(12);
/// Between two questions while nobody can answer; doubles up to the second.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often somebody is told that it does not go on.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Asks to be admitted.
pub(super) struct Admission {
    pub(super) settings: Arc<PeerSettings>,
    pub(super) caller: CtlClient,
    pub(super) own: Arc<Services>,
}

/// Waits longer and longer between questions, and says now and then why.
struct Patience {
    pause: Duration,
    told: Option<Instant>,
}

impl Patience {
    fn new() -> Self {
        Self { pause: PAUSE, told: None }
    }

    async fn after(&mut self, whom: &str, reason: &str) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::info!(whom, reason, "not admitted yet, asking again");
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

/// What this node has of its membership.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// Nothing: it is new, or its disk was lost.
    Nothing,
    /// Its log, and the cluster's identity once it had one.
    Member(Option<[u8; 16]>),
}

/// What an answer leads to.
enum Step {
    Admitted(Admitted),
    AskThere(Seed),
    Later(String),
    Restart(u64),
}

impl Admission {
    /// Asks the seeds in turn, and whoever they name; returns what the leader answered and the start it was for.
    pub(super) async fn by_seeds(
        &self,
        mut incarnation: u64,
    ) -> Result<(Admitted, u64), PeerError> {
        let mut patience = Patience::new();
        let mut turn = self.settings.seeds.iter().cycle().cloned();
        let mut named: Option<Seed> = None;
        loop {
            let Some(seed) = named.take().or_else(|| turn.next()) else {
                return Err(PeerError::NoSeeds);
            };
            self.caller.learn(&seed.node, &seed.address);
            match self.ask(&seed.node, incarnation, Before::Nothing).await? {
                Step::Admitted(admitted) => return Ok((admitted, incarnation)),
                Step::AskThere(leader) => named = Some(leader),
                Step::Later(reason) => patience.after(&seed.node, &reason).await,
                Step::Restart(issued) => incarnation = self.raise(issued)?,
            }
        }
    }

    /// Has this start admitted by whoever leads; returns the start that was.
    pub(super) async fn until_admitted(
        &self,
        control: &ControlHandle,
        record: &Record,
        mut incarnation: u64,
    ) -> Result<u64, PeerError> {
        let mut patience = Patience::new();
        let mut leadership = control.leadership();
        loop {
            let leader = leadership.borrow_and_update().leader.clone();
            let Some(leader) = leader else {
                // Woken when somebody leads; the driver's end is told elsewhere.
                drop(timeout(PAUSE_MAX, leadership.changed()).await);
                continue;
            };
            match self.ask(&leader, incarnation, Before::Member(record.cluster_id())).await? {
                Step::Admitted(_) => return Ok(incarnation),
                Step::AskThere(_) => sleep(PAUSE).await,
                Step::Later(reason) => patience.after(&leader, &reason).await,
                Step::Restart(issued) => incarnation = self.raise(issued)?,
            }
        }
    }

    /// Has this start admitted again after the cluster had given it up.
    pub(super) async fn again(
        &self,
        control: &ControlHandle,
        incarnation: u64,
    ) -> Result<(), PeerError> {
        let mut patience = Patience::new();
        let cluster = control.read(|state| state.cluster);
        loop {
            let leader = control.leadership().borrow().leader.clone();
            let Some(leader) = leader else {
                patience.after("", "nobody is known to lead").await;
                continue;
            };
            match self.ask(&leader, incarnation, Before::Member(cluster)).await? {
                Step::Admitted(_) => return Ok(()),
                Step::AskThere(_) => sleep(PAUSE).await,
                Step::Later(reason) => patience.after(&leader, &reason).await,
                Step::Restart(_) => {
                    let reason =
                        "a later start of this node is known: this process must end".to_owned();
                    return Err(PeerError::Start { reason });
                }
            }
        }
    }

    fn raise(&self, issued: u64) -> Result<u64, PeerError> {
        tracing::warn!(issued, "the cluster knows later starts of this node: going on as this one");
        (self.settings.raise_incarnation)(issued).map_err(|reason| PeerError::Start { reason })?;
        Ok(issued)
    }

    async fn ask(&self, node: &str, incarnation: u64, before: Before) -> Result<Step, PeerError> {
        let request = self.request(incarnation, before);
        let body = codec::encode(&request)
            .map_err(|error| PeerError::Start { reason: error.to_string() })?;
        let asked = if node == self.settings.node {
            let asked = timeout(ASK_MAX, self.own.call(node, METHOD_JOIN, body)).await;
            asked.unwrap_or(Err(crate::ctl::CtlError::Deadline))
        } else {
            self.caller.call(node, METHOD_JOIN, body, ASK_MAX).await
        };
        let answer = match asked {
            Ok(bytes) => codec::decode::<JoinAnswer>(&bytes),
            Err(error) => return Ok(Step::Later(error.to_string())),
        };
        match answer {
            Ok(JoinAnswer::Admitted(admitted)) => Ok(Step::Admitted(admitted)),
            Ok(JoinAnswer::Refused(refusal)) => step(refusal),
            Err(error) => Ok(Step::Later(error.to_string())),
        }
    }

    fn request(&self, incarnation: u64, before: Before) -> JoinRequest {
        let settings = &self.settings;
        // Who has no record has no log either: should the cluster know the name, a vote under the old number could be
        // cast twice.
        let (cluster, lost_log) = match before {
            Before::Nothing => (None, true),
            Before::Member(cluster) => (cluster, false),
        };
        let claim = Claim { node: &settings.node, incarnation, boot_id: &settings.boot_id };
        JoinRequest {
            proof: proof::prove(settings.token.as_bytes(), &claim),
            node: settings.node.clone(),
            incarnation,
            boot_id: settings.boot_id,
            cluster,
            lost_log,
            cluster_address: settings.advertise.clone(),
            gateway_url: settings.gateway_url.clone(),
            protocol_min: ProtocolRange::OURS.min,
            protocol_max: ProtocolRange::OURS.max,
            build: settings.build.clone(),
            labels: settings.labels.clone(),
            roles: settings.roles.clone(),
            // A plain struct of numbers has a JSON form.
            capacity: serde_json::to_vec(&settings.capacity).unwrap_or_default(),
        }
    }
}

fn step(refusal: JoinRefusal) -> Result<Step, PeerError> {
    match next_try(&refusal) {
        NextTry::Ask { leader, address } => Ok(Step::AskThere(Seed { node: leader, address })),
        NextTry::UseIncarnation(issued) => Ok(Step::Restart(issued)),
        NextTry::Later => Ok(Step::Later(refusal.to_string())),
        NextTry::GiveUp => Err(PeerError::Refused(refusal)),
    }
}
