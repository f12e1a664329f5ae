//! Nodes for those outside: what they have, what is reserved, what is in use.
//!
//! Capacity and reservations come from control state; load is sampled here and only for this node.

pub(crate) mod devices;
mod sampler;

use std::path::PathBuf;
use std::sync::Arc;

use cluster::control::ControlHandle;
use cluster::control::state::{Node, NodeState};
use engine::ids::NodeId;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;

pub use self::devices::{Gpu, Gpus};
pub use self::sampler::machine_memory_mib;
use crate::clock::{Clock, rfc3339};
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::nodes::{NodesMsg, Sample};
use crate::messages::topics::TopicsHandle;
use crate::tasks::Task;
use crate::views::NodeView;

/// The nodes actor.
#[derive(Debug)]
pub(crate) struct Nodes;

/// What the nodes actor works with.
pub(crate) struct NodesArguments {
    /// Where nodes are registered.
    pub(crate) control: ControlHandle,
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
    control: ControlHandle,
    topics: TopicsHandle,
    here: Here,
    sample: Option<Sample>,
    _sampler: Task,
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
        let sampler = sampler::start(myself, arguments.clock, arguments.here.data_dir.clone());
        Ok(NodesState {
            control: arguments.control,
            topics: arguments.topics,
            here: arguments.here,
            sample: None,
            _sampler: sampler,
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NodesMsg::List { reply } => answer(reply, state.list()),
            NodesMsg::Sampled(sample) => {
                state.sample = Some(sample);
                for view in state.list()? {
                    state.topics.publish_state("nodes", view.id.as_str(), &view);
                }
            }
        }
        Ok(())
    }
}

impl NodesState {
    fn list(&self) -> Result<Vec<NodeView>, ActorsError> {
        let nodes: Vec<(String, Node)> = self.control.read(|state| {
            state.nodes.iter().map(|(name, node)| (name.to_owned(), node.clone())).collect()
        });
        nodes.iter().map(|(name, node)| self.view(name, node)).collect()
    }

    fn view(&self, name: &str, node: &Node) -> Result<NodeView, ActorsError> {
        let (reserved, count) = self
            .control
            .read(|state| (state.sessions.reserved_on(name), state.sessions.placed_on(name).len()));
        let local = name == self.here.node.as_str();
        let sample = self.sample.filter(|_| local);
        let registered_ms = i64::try_from(node.registered_at_ms).unwrap_or(i64::MAX);
        Ok(NodeView {
            id: name.parse().map_err(ActorsError::internal)?,
            state: state_name(node.state).to_owned(),
            reason: node.reason.clone(),
            up: node.down_since_ms.is_none(),
            down_since: node.down_since_ms.map(|ms| rfc3339(i64::try_from(ms).unwrap_or(i64::MAX))),
            address: node.profile.cluster_address.clone(),
            gateway_url: node.profile.gateway_url.clone(),
            labels: node.profile.labels.clone(),
            roles: node.profile.roles.clone(),
            version: if local { self.here.build.clone() } else { node.profile.build.clone() },
            incarnation: node.incarnation,
            started_at: rfc3339(if local { self.here.started_ms } else { registered_ms }),
            cpu_capacity: cores(node.capacity.cpu_millis),
            cpu_reserved: cores(reserved.cpu_millis),
            cpu_ratio: sample.and_then(|sample| sample.cpu_ratio),
            memory_capacity_mib: node.capacity.memory_mib,
            memory_reserved_mib: reserved.memory_mib,
            memory_used_bytes: sample.and_then(|sample| sample.memory_used_bytes).map(bytes),
            gpu_capacity: node.capacity.gpus,
            gpu_reserved: reserved.gpus,
            session_count: u32::try_from(count).unwrap_or(u32::MAX),
            disk_free_ratio: sample.and_then(|sample| sample.disk_free_ratio),
            sampled_at: sample.map(|sample| rfc3339(sample.at_ms)),
        })
    }
}

fn state_name(state: NodeState) -> &'static str {
    match state {
        NodeState::Ready => "ready",
        NodeState::Cordoned => "cordoned",
        NodeState::Draining => "draining",
        NodeState::Drained => "drained",
        NodeState::Down => "down",
        NodeState::Joining => "joining",
        NodeState::Left => "left",
    }
}

fn cores(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "memory of a machine is below 2^53 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}
