//! Makes the doors of a node, and everything that the actors behind them work with. Starts nothing but the thread that
//! starts workers.

use std::sync::Arc;

use cluster::control::ControlHandle;
use cluster::peer::Peer;
use store::{Blobs, Journal, Tables};
use tokio::sync::watch;

use super::children::Parts;
use super::identity_file::Claimed;
use super::peer::Others;
use super::{Platform, PlatformConfig};
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::data::DataHandle;
use crate::messages::identity::IdentityHandle;
use crate::messages::inspect::InspectHandle;
use crate::messages::library::LibraryHandle;
use crate::messages::logs::LogsHandle;
use crate::messages::metrics::MetricsHandle;
use crate::messages::nodes::NodesHandle;
use crate::messages::reports::ReportsHandle;
use crate::messages::scheduler::SchedulerHandle;
use crate::messages::sessions::SessionsHandle;
use crate::messages::topics::TopicsHandle;
use crate::mirror::{Mirror, MirrorParts};
use crate::nodes::Here;
use crate::peers::Peers;
use crate::session::Context;
use crate::topics::hub::Hub;
use crate::warden::{Alone, Leases};
use crate::worker::limits::Limiter;
use crate::worker::spawner::Spawner;

/// What the actors stand on.
pub(super) struct Ground {
    pub(super) journal: Journal,
    pub(super) blobs: Blobs,
    pub(super) control: ControlHandle,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) leases: Arc<dyn Leases>,
}

/// Returns the other nodes, and what the warden asks of leases; nobody where this node stands alone.
pub(super) fn others(
    config: &PlatformConfig,
    peer: Option<Arc<Peer>>,
    blobs: &Blobs,
) -> (Arc<dyn Peers>, Arc<dyn Leases>) {
    match peer {
        None => (Arc::new(crate::peers::Alone), Arc::new(Alone)),
        Some(peer) => {
            let (clock, blobs) = (Arc::clone(&config.clock), blobs.clone());
            let others = Arc::new(Others { peer, blobs, clock });
            (Arc::clone(&others) as Arc<dyn Peers>, others)
        }
    }
}

/// Makes the doors, and everything the actors behind them work with.
pub(super) fn assemble(
    config: &PlatformConfig,
    claimed: &Claimed,
    ground: Ground,
    limiter: Arc<Limiter>,
    report: Arc<watch::Sender<Vec<u8>>>,
) -> Result<(Platform, Parts), ActorsError> {
    let Ground { journal, blobs, control, peers, leases } = ground;
    let tables = Tables::open(&journal);
    let directory = Directory::new();
    let epoch = format!("{}.{}", claimed.node, claimed.incarnation);
    let hub = Arc::new(Hub::new(Arc::clone(&config.clock), epoch));
    let topics = TopicsHandle::new(directory.clone(), Arc::clone(&hub));
    let at = || directory.clone();
    let node = claimed.node.clone();
    let depot =
        Arc::new(Depot::new(node.clone(), blobs.clone(), control.clone(), Arc::clone(&peers)));
    let mirror = Arc::new(Mirror::new(MirrorParts {
        node,
        control: control.clone(),
        tables: tables.clone(),
        blobs: blobs.clone(),
        depot: depot.clone(),
        directory: at(),
        peers: Arc::clone(&peers),
    }));
    let platform = Platform {
        node: claimed.node.clone(),
        strategies: LibraryHandle::new(at()),
        datasets: DataHandle::fetching(at(), &depot),
        sessions: SessionsHandle::mirrored(at(), &mirror),
        metrics: MetricsHandle::mirrored(at(), &mirror),
        logs: LogsHandle::mirrored(at(), &mirror),
        reports: ReportsHandle::new(at()),
        topics: topics.clone(),
        nodes: NodesHandle::new(at()),
        scheduler: SchedulerHandle::new(at()),
        identity: IdentityHandle::new(at()),
        inspect: InspectHandle::new(at()),
    };
    let spawner = Spawner::start().map_err(|error| ActorsError::Boot {
        detail: format!(
            "the thread that starts workers cannot be started ({error}); raise the limit of threads"
        ),
    })?;
    let here = Here {
        node: claimed.node.clone(),
        build: config.build.clone(),
        started_ms: config.clock.wall_ms(),
        data_dir: config.data_dir.clone(),
        report,
    };
    let context = Context {
        node: claimed.node.clone(),
        build: config.build.clone(),
        sessions_dir: config.data_dir.join("sessions"),
        directory: directory.clone(),
        control,
        peers,
        depot,
        mirror,
        tables: tables.clone(),
        blobs,
        topics,
        clock: Arc::clone(&config.clock),
        program: config.worker.clone(),
        times: config.times,
        retry: config.retry,
        limiter,
        spawner,
    };
    let secrets = config.data_dir.join("secrets");
    let collect = config.collect;
    Ok((platform, Parts { context, tables, journal, collect, hub, here, secrets, leases }))
}
