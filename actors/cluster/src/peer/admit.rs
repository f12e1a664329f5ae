//! Admitting others: the service `member`. What may join is decided in [`crate::membership::join`].

use std::sync::Arc;

use store::codec;

use super::Ground;
use super::settings::PeerSettings;
use crate::control::state::{Capacity, Profile};
use crate::control::{
    CommandId, CommandOutput, ControlCommand, ControlError, ControlHandle, RaftAdmin, Refusal,
};
use crate::ctl::{CtlError, Service};
use crate::lease::LeaseService;
use crate::membership::join::{
    Admitted, JoinAnswer, JoinFacts, JoinRefusal, JoinRequest, KnownNode, METHOD_JOIN,
    MemberAddress, decide,
};
use crate::net::Boxed;

struct Doorkeeper {
    settings: Arc<PeerSettings>,
    control: ControlHandle,
    admin: RaftAdmin,
    leases: Arc<LeaseService>,
}

/// Begins to answer those who want to join.
pub(super) fn register(
    ground: &Ground,
    control: &ControlHandle,
    admin: &RaftAdmin,
    leases: &Arc<LeaseService>,
) {
    let doorkeeper = Doorkeeper {
        settings: Arc::clone(&ground.settings),
        control: control.clone(),
        admin: admin.clone(),
        leases: Arc::clone(leases),
    };
    ground.services.register("member", Arc::new(doorkeeper));
}

impl Service for Doorkeeper {
    fn call(
        &self,
        caller: &str,
        method: &str,
        body: Vec<u8>,
    ) -> Boxed<'_, Result<Vec<u8>, CtlError>> {
        let (caller, known) = (caller.to_owned(), method == METHOD_JOIN);
        Box::pin(async move {
            if !known {
                return Err(CtlError::refused("unknown_method", "nobody answers this method"));
            }
            let unreadable =
                |error: codec::CodecError| CtlError::refused("undecodable", error.to_string());
            let request: JoinRequest = codec::decode(&body).map_err(unreadable)?;
            let answer = match self.admit(&caller, request).await {
                Ok(admitted) => JoinAnswer::Admitted(admitted),
                Err(refusal) => JoinAnswer::Refused(refusal),
            };
            codec::encode(&answer).map_err(unreadable)
        })
    }
}

impl Doorkeeper {
    async fn admit(&self, caller: &str, request: JoinRequest) -> Result<Admitted, JoinRefusal> {
        let admission = {
            let leadership = self.control.leadership().borrow().clone();
            let leader = leadership.leader.clone();
            let (facts_of, leader_address) = self.control.read(|state| {
                let address = leader.as_ref().and_then(|leader| state.nodes.get(leader));
                let address = address.map(|node| node.profile.cluster_address.clone());
                let known = state.nodes.get(&request.node).map(|node| KnownNode {
                    incarnation: node.incarnation,
                    boot_id: node.profile.boot_id,
                    state: node.state,
                    live: self.leases.live(&request.node),
                    condemned: self.leases.condemned(&request.node),
                });
                ((state.cluster, state.version, known), address)
            });
            let (cluster, version, known) = facts_of;
            let leader_address = leader_address.filter(|address| !address.is_empty());
            let facts = JoinFacts {
                token: self.settings.token.as_bytes(),
                cluster,
                version,
                leadership: &leadership,
                leader_address,
                known,
            };
            decide(&request, caller, &facts)?
        };
        let capacity = capacity(&request)?;
        let command = ControlCommand::AdmitNode {
            node: request.node.clone(),
            incarnation: request.incarnation,
            capacity,
            profile: profile(&request),
            renumber: admission.renumber,
        };
        let key = CommandId(*uuid::Uuid::new_v4().as_bytes());
        let raft_id = match self.control.execute(key, command).await {
            Ok(CommandOutput::Count(raft_id)) => raft_id,
            Ok(other) => return Err(later(format!("{other:?} was answered"))),
            Err(error) => return Err(refused(error, &request)),
        };
        tracing::info!(
            node = request.node,
            incarnation = request.incarnation,
            number = raft_id,
            "admitted"
        );
        self.admitted(raft_id)
    }

    fn admitted(&self, raft_id: u64) -> Result<Admitted, JoinRefusal> {
        let voters = self.admin.members();
        let votes = |name: &str| voters.iter().any(|member| member.node == name && member.voter);
        self.control.read(|state| {
            let members = state
                .nodes
                .iter()
                .filter(|(_, node)| node.member())
                .map(|(name, node)| MemberAddress {
                    node: name.to_owned(),
                    raft_id: node.raft_id,
                    address: node.profile.cluster_address.clone(),
                    voter: votes(name),
                })
                .collect();
            let cluster = state.cluster.ok_or_else(|| later("the cluster has no name yet"))?;
            Ok(Admitted { raft_id, cluster, version: state.version, members })
        })
    }
}

fn later(reason: impl Into<String>) -> JoinRefusal {
    JoinRefusal::TryAgain { reason: reason.into() }
}

fn refused(error: ControlError, request: &JoinRequest) -> JoinRefusal {
    if let ControlError::Refused(Refusal::StaleIncarnation { current, found, .. }) = error {
        let issued = current.saturating_add(1);
        return JoinRefusal::StaleIncarnation { known: current, found, issued };
    }
    if matches!(error, ControlError::Refused(Refusal::NodeNameTaken { .. })) {
        return JoinRefusal::NameTaken { node: request.node.clone() };
    }
    later(error.to_string())
}

fn capacity(request: &JoinRequest) -> Result<Capacity, JoinRefusal> {
    serde_json::from_slice(&request.capacity)
        .map_err(|error| later(format!("what the node has cannot be read: {error}")))
}

fn profile(request: &JoinRequest) -> Profile {
    Profile {
        boot_id: request.boot_id,
        cluster_address: request.cluster_address.clone(),
        gateway_url: request.gateway_url.clone(),
        labels: request.labels.clone(),
        roles: request.roles.clone(),
        build: request.build.clone(),
        protocol_min: request.protocol_min,
        protocol_max: request.protocol_max,
    }
}
