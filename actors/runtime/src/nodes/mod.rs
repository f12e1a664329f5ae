//! Nodes for those outside: what they have, what is reserved, what is in use; the cluster, and what operators ask of
//! its nodes.
//!
//! Capacity and reservations come from control state; load is sampled here for this node and comes from the leader for
//! all, so that every node shows the same.

mod decide;
pub(crate) mod devices;
mod sampler;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cluster::control::{ControlCommand, ControlHandle};
use engine::ids::NodeId;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::watch;

pub use self::devices::{Gpu, Gpus};
pub use self::sampler::machine_memory_mib;
use self::view::{Report, Seen};
use crate::clock::Clock;
use crate::documents::Documents;
use crate::error::ActorsError;
use crate::messages::nodes::{NodeVerb, NodesMsg, Sample, Standing, unknown};
use crate::messages::topics::TopicsHandle;
use crate::messages::{Command, answer};
use crate::peers::{Answer, Peers, Question};
use crate::tasks::Task;
use crate::views::{ClusterView, LinkView, NodeView};

/// How long a reader waits for a change to be applied here.
const REACH_MAX: Duration = Duration::from_secs(2);

/// The nodes actor.
#[derive(Debug)]
pub(crate) struct Nodes;

/// What the nodes actor works with.
pub(crate) struct NodesArguments {
    /// Where nodes are registered.
    pub(crate) control: ControlHandle,
    /// The other nodes.
    pub(crate) peers: Arc<dyn Peers>,
    /// Who is told of changes.
    pub(crate) topics: TopicsHandle,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// This node.
    pub(crate) here: Here,
}

/// This node.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    /// Its identifier.
    pub(crate) node: NodeId,
    /// Version of its program.
    pub(crate) build: String,
    /// When it started, milliseconds since 1970 UTC.
    pub(crate) started_ms: i64,
    /// Its data directory.
    pub(crate) data_dir: PathBuf,
    /// The newest load report, for whoever renews this node's lease: JSON, at most 4 KiB.
    pub(crate) report: Arc<watch::Sender<Vec<u8>>>,
}

/// What the nodes actor keeps.
pub(crate) struct NodesState {
    topics: TopicsHandle,
    register: Register,
    _sampler: Task,
}

/// What is asked to answer. Cheap to clone, so that what waits does so beside the actor.
#[derive(Clone)]
struct Register {
    control: ControlHandle,
    peers: Arc<dyn Peers>,
    here: Here,
}

impl Actor for Nodes {
    type Msg = NodesMsg;
    type State = NodesState;
    type Arguments = NodesArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let NodesArguments { control, peers, topics, clock, here } = arguments;
        let sampler = sampler::start(myself, clock, here.data_dir.clone());
        let register = Register { control, peers, here };
        Ok(NodesState { topics, register, _sampler: sampler })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let register = &state.register;
        match message {
            NodesMsg::List { reply } => answer(reply, register.list()),
            NodesMsg::Cluster { reply } => answer(reply, register.cluster()),
            NodesMsg::Standing { reply } => answer(reply, Ok(register.standing())),
            NodesMsg::Links { node, reply } => {
                let register = register.clone();
                beside(reply, async move { register.links(&node).await });
            }
            NodesMsg::Order { command, node, verb, reply } => {
                let register = register.clone();
                beside(reply, async move { register.order(&command, &node, verb).await });
            }
            NodesMsg::FinalizeUpgrade { command, reply } => {
                let register = register.clone();
                beside(reply, async move { register.finalize_upgrade(&command).await });
            }
            NodesMsg::Reach { index, reply } => {
                let register = register.clone();
                beside(reply, async move { register.reach(index).await });
            }
            NodesMsg::Barrier { reply } => {
                let control = register.control.clone();
                beside(reply, async move { Ok(control.barrier().await?) });
            }
            NodesMsg::Sampled(sample) => {
                register.report(&sample)?;
                for view in register.list()? {
                    state.topics.publish_state("nodes", view.id.as_str(), &view);
                }
            }
        }
        Ok(())
    }
}

/// Answers from a task of its own: what waits for other nodes must not hold the mailbox.
fn beside<T: Send + 'static>(
    reply: RpcReplyPort<Result<T, ActorsError>>,
    work: impl Future<Output = Result<T, ActorsError>> + Send + 'static,
) {
    tokio::spawn(async move { answer(reply, work.await) });
}

impl Register {
    fn list(&self) -> Result<Vec<NodeView>, ActorsError> {
        let (told, own) = (self.peers.reports(), self.here.report.borrow().clone());
        self.control.read(|state| {
            let reports = view::reports(state, &told, (self.here.node.as_str(), &own));
            view::nodes(state, &reports)
        })
    }

    /// Says how busy this node is.
    fn report(&self, sample: &Sample) -> Result<(), ActorsError> {
        let report = Report::new(sample, self.here.started_ms, &self.here.build);
        let bytes = serde_json::to_vec(&report).map_err(ActorsError::internal)?;
        self.here.report.send_replace(bytes);
        Ok(())
    }

    fn seen(&self) -> Seen {
        Seen {
            agreement: self.peers.agreement(),
            lease: self.peers.lease(),
            here: self.here.node.clone(),
            build: self.here.build.clone(),
        }
    }

    fn cluster(&self) -> Result<ClusterView, ActorsError> {
        let seen = self.seen();
        self.control.read(|state| view::cluster(state, &seen))
    }

    fn standing(&self) -> Standing {
        let applied_index = self.control.read(|state| state.applied_index);
        Standing { applied_index, quorum: self.seen().quorum() }
    }

    async fn links(&self, node: &NodeId) -> Result<Vec<LinkView>, ActorsError> {
        let name = node.as_str();
        if *node == self.here.node {
            return Ok(self.peers.links().into_iter().filter_map(view::link).collect());
        }
        if self.control.read(|state| state.nodes.get(name).is_none_or(|node| !node.member())) {
            return Err(unknown(name));
        }
        read_json(name, self.peers.ask(name, Question::Links).await)
    }

    async fn order(
        &self,
        command: &Command,
        node: &NodeId,
        verb: NodeVerb,
    ) -> Result<NodeView, ActorsError> {
        let name = node.as_str();
        let agreement = self.peers.agreement();
        // A command that comes again must not be judged by what came after it.
        let done = Documents::new(self.control.clone()).remembers(command.id);
        if !done {
            let wanted =
                self.control.read(|state| decide::decide(state, agreement.as_ref(), name, verb))?;
            let key = cluster::control::CommandId(command.id.0);
            let proposed = ControlCommand::SetNodeState {
                node: name.to_owned(),
                state: wanted,
                actor: command.actor.clone(),
                reason: command.reason.clone().unwrap_or_default(),
            };
            self.control.execute(key, proposed).await?;
            tracing::info!(node = name, verb = verb.word(), actor = command.actor, "node ordered");
        }
        let (told, own) = (self.peers.reports(), self.here.report.borrow().clone());
        self.control.read(|state| {
            let reports = view::reports(state, &told, (self.here.node.as_str(), &own));
            let node = state.nodes.get(name).ok_or_else(|| unknown(name))?;
            view::view(state, name, node, reports.get(name))
        })
    }

    async fn finalize_upgrade(&self, command: &Command) -> Result<ClusterView, ActorsError> {
        if !Documents::new(self.control.clone()).remembers(command.id) {
            let alone = self.peers.agreement().is_none();
            let version = self.control.read(|state| decide::upgrade(state, alone))?;
            let key = cluster::control::CommandId(command.id.0);
            self.control.execute(key, ControlCommand::RaiseVersion { version }).await?;
            tracing::info!(version, actor = command.actor, "cluster version raised");
        }
        self.cluster()
    }

    async fn reach(&self, index: u64) -> Result<(), ActorsError> {
        let mut applied = self.control.watch();
        let reached = applied.wait_for(|applied| index <= *applied);
        match tokio::time::timeout(REACH_MAX, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(ActorsError::Draining),
            Err(_) => Err(ActorsError::Unanswered {
                actor: "control state".to_owned(),
                reason: format!("change {index} has not reached this node yet"),
            }),
        }
    }
}

/// Reads what another node answered.
fn read_json<T: serde::de::DeserializeOwned>(
    node: &str,
    answered: Result<Answer, String>,
) -> Result<T, ActorsError> {
    let refused = |reason: String| ActorsError::NodeUnreachable { node: node.to_owned(), reason };
    match answered.map_err(refused)? {
        Answer::Json(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))
        }
        Answer::Refused(reason) => Err(refused(reason)),
        Answer::Tail(_) => Err(refused("it answered another question".to_owned())),
    }
}
