//! This node among others: what the actors need of them, over the real transport.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::control::state::Resources;
use cluster::control::{ControlHandle, RaftView};
use cluster::lease::rules::Phase;
use cluster::lease::{LeaseTimes, NodeReport};
use cluster::net::Boxed;
use cluster::peer::{Peer, PeerError, PeerSettings, Seed};
use cluster::router::{LinkView, Owner, Received, Receiver, Refused, Registration, Request};
use cluster::transport::TlsFiles;
use cluster::transport::blob::Offer;
use engine::ids::NodeId;
use ractor::rpc::CallResult;
use store::codec::{self, Record, schema};
use store::{BlobHash, Blobs, Journal};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::identity_file::Raise;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::host::{self, HostMsg};
use crate::peers::desk::Desk;
use crate::peers::{Answer, LeaseShort, Peers, Question};
use crate::warden::Leases;
use crate::warden::duties::Overdue;

/// How long what no longer belongs here may take to end after a lease came back.
const SETTLE: Duration = Duration::from_secs(10);
/// How long a peer may take to get a file from here, and how fast it must be at least.
const OFFER_BASE: Duration = Duration::from_secs(5);
const OFFER_BYTES_PER_S: u64 = 1 << 20;
/// How long a transfer that a caller waits for may take at most.
const TRANSFER_MAX: Duration = Duration::from_secs(10 * 60);

/// How a node takes part in a cluster.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The cluster's name, as in every certificate.
    pub name: String,
    /// The secret that members share.
    pub token: String,
    /// Where peers connect.
    pub listen: SocketAddr,
    /// `host:port` under which peers reach this node.
    pub advertise: String,
    /// URL of this node's gateway; empty where it shall not be told.
    pub gateway_url: String,
    /// The certificates.
    pub tls: TlsFiles,
    /// Members to ask the first time.
    pub join: Vec<Seed>,
    /// Labels, for placement.
    pub labels: BTreeMap<String, String>,
    /// Roles, for placement.
    pub roles: Vec<String>,
}

/// What a peer is started with beside its configuration.
pub(super) struct Start<'a> {
    pub(super) node: &'a NodeId,
    pub(super) raise: Raise,
    pub(super) incarnation: u64,
    pub(super) build: &'a str,
    pub(super) capacity: Resources,
    pub(super) data_dir: &'a Path,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) report: watch::Receiver<Vec<u8>>,
}

/// Has this node admitted and its membership written down, without taking part yet; false where it was before.
pub(super) async fn enrol(
    config: &ClusterConfig,
    start: Start<'_>,
    journal: &Journal,
) -> Result<bool, ActorsError> {
    Peer::enrol(settings(config, start), journal).await.map_err(boot_error)
}

/// Starts this node as a peer; returns once it was admitted and has seen all that was agreed upon.
pub(super) async fn start(
    config: &ClusterConfig,
    start: Start<'_>,
    stores: (&Journal, &Blobs),
) -> Result<Peer, ActorsError> {
    let (journal, blobs) = stores;
    // Nobody is addressed by what is placed yet: messages name their node.
    let placements = Arc::new(|_: &str| None::<Owner>);
    Peer::start(settings(config, start), journal, blobs, placements).await.map_err(boot_error)
}

fn settings(config: &ClusterConfig, start: Start<'_>) -> PeerSettings {
    let Start { node, raise, incarnation, build, capacity, data_dir, clock, report } = start;
    let (boot, wall) = (Arc::clone(&clock), clock);
    PeerSettings {
        node: node.to_string(),
        cluster: config.name.clone(),
        token: config.token.clone(),
        incarnation,
        raise_incarnation: Arc::new(move |later| {
            raise.to(later).map_err(|error| error.to_string())
        }),
        boot_id: *Uuid::new_v4().as_bytes(),
        listen: config.listen,
        advertise: config.advertise.clone(),
        gateway_url: config.gateway_url.clone(),
        tls: config.tls.clone(),
        seeds: config.join.clone(),
        labels: config.labels.clone(),
        roles: config.roles.clone(),
        build: build.to_owned(),
        capacity,
        data_dir: data_dir.to_owned(),
        lease_times: LeaseTimes::default(),
        raft_timing: None,
        report: Arc::new(move || report.borrow().clone()),
        boot_clock: Arc::new(move || boot.boot_ms()),
        wall_clock: Arc::new(move || u64::try_from(wall.wall_ms()).unwrap_or(0)),
    }
}

pub(super) fn boot_error(error: PeerError) -> ActorsError {
    ActorsError::Boot { detail: error.to_string() }
}

/// The other nodes over the real transport.
pub(super) struct Others {
    pub(super) peer: Arc<Peer>,
    pub(super) blobs: Blobs,
    pub(super) clock: Arc<dyn Clock>,
}

/// The key under which a node's actors answer questions.
fn key_of(node: &str) -> String {
    format!("node/{node}")
}

/// Answers the questions of other nodes until the registration is dropped.
pub(super) fn answer_questions(peer: &Peer, desk: Desk) -> Result<Registration, ActorsError> {
    let router = peer.router();
    let key = key_of(&router.me().node);
    router.register(key, 0, Arc::new(Asked { desk })).map_err(ActorsError::internal)
}

/// The desk as the router sees it.
struct Asked {
    desk: Desk,
}

impl Receiver for Asked {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        Box::pin(async move {
            let unreadable =
                |error: codec::CodecError| Refused::Undecodable { reason: error.to_string() };
            let question: Question = codec::decode(&received.payload).map_err(unreadable)?;
            let answer = self.desk.answer(question).await;
            codec::encode(&answer).map_err(unreadable)
        })
    }

    fn accepts(&self, schema: u32, version: u16) -> bool {
        schema == schema::SCHEMA_NODE_QUESTION && version == Question::VERSION
    }
}

impl Peers for Others {
    fn agreement(&self) -> Option<RaftView> {
        Some(self.peer.admin().metrics().borrow().clone())
    }

    fn links(&self) -> Vec<LinkView> {
        self.peer.router().links()
    }

    fn reports(&self) -> Vec<NodeReport> {
        self.peer.keeper().reports().borrow().to_vec()
    }

    fn lease(&self) -> Option<LeaseShort> {
        let fence_ms = self.peer.keeper().watch().borrow().fence_boot_ms;
        Some(LeaseShort {
            held: self.peer.gate().may_act(),
            left_ms: fence_ms.saturating_sub(self.clock.boot_ms()),
        })
    }

    fn ask<'a>(&'a self, node: &'a str, question: Question) -> Boxed<'a, Result<Answer, String>> {
        Box::pin(async move {
            let payload = codec::encode(&question).map_err(|error| error.to_string())?;
            let request =
                Request::new(Some(node), key_of(node), schema::SCHEMA_NODE_QUESTION, payload);
            let answer = self.peer.router().request(request).await;
            let answer = answer.map_err(|error| error.to_string())?;
            match codec::decode(&answer).map_err(|error| error.to_string())? {
                Answer::Refused(reason) => Err(reason),
                answer @ (Answer::Tail(_) | Answer::Json(_)) => Ok(answer),
            }
        })
    }

    fn have<'a>(
        &'a self,
        node: &'a str,
        hashes: &'a [BlobHash],
    ) -> Boxed<'a, Result<Vec<bool>, String>> {
        Box::pin(async move {
            self.peer.blobs().have(node, hashes).await.map_err(|error| error.to_string())
        })
    }

    fn fetch<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move {
            let got = timeout(TRANSFER_MAX, self.peer.blobs().get(node, hash, None)).await;
            got.map_err(|_| "it took too long".to_owned())?
                .map(|_| ())
                .map_err(|error| error.to_string())
        })
    }

    fn offer<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move {
            let path = self.blobs.path(hash).ok_or_else(|| format!("file {hash} is not here"))?;
            let found = tokio::fs::metadata(&path).await.map_err(|error| error.to_string())?;
            let size_bytes = found.len();
            let offer = Offer { sha256: hash, size_bytes, session: String::new(), epoch: 0 };
            let within = OFFER_BASE + Duration::from_secs(size_bytes / OFFER_BYTES_PER_S);
            let taken = timeout(within, self.peer.blobs().offer(node, &offer, None)).await;
            taken.map_err(|_| "it took too long".to_owned())?.map_err(|error| error.to_string())
        })
    }
}

impl Leases for Others {
    fn overdue(&self, up: &[(String, u64)]) -> Option<(u64, Vec<Overdue>)> {
        let up = up.iter().map(|(name, incarnation)| (name.as_str(), *incarnation));
        let (term, overdue) = self.peer.leases().overdue(up)?;
        let lost = overdue.into_iter().map(|lost| {
            tracing::warn!(node = lost.node, silent_ms = lost.silent_ms, "a lease is over");
            Overdue { node: lost.node, incarnation: lost.incarnation }
        });
        Some((term, lost.collect()))
    }

    fn settle(&self, node: &str) {
        self.peer.leases().settle(node);
    }
}

/// After a gap in the lease: waits for the state asked for, has the host end what no longer belongs here, and says so.
pub(super) fn recheck(peer: &Arc<Peer>, control: ControlHandle, directory: Directory) {
    let peer = Arc::downgrade(peer);
    let Some(mut lease) = peer.upgrade().map(|peer| peer.keeper().watch()) else { return };
    tokio::spawn(async move {
        loop {
            let phase = lease.borrow_and_update().phase;
            if let Phase::Checking { round, applied } = phase {
                let mut index = control.watch();
                if index.wait_for(|index| *index >= applied).await.is_err() {
                    return;
                }
                let settled = settle(&directory).await;
                let Some(peer) = peer.upgrade() else { return };
                if settled {
                    peer.keeper().rechecked(round).await;
                    if lease.changed().await.is_err() {
                        return;
                    }
                } else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            } else if lease.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Whether nothing runs here that no longer belongs here. Without a host nothing runs at all.
async fn settle(directory: &Directory) -> bool {
    let Ok(host) = directory.get::<HostMsg>(host::NAME) else { return true };
    let asked = host.call(|reply| HostMsg::Settle { reply }, Some(SETTLE)).await;
    matches!(asked, Ok(CallResult::Success(())))
}
