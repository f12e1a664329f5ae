//! Links: one session per peer over `act/1`, dialled by the smaller name, watched, and replaced when it fails.
//!
//! ```text
//! Links (supervisor)
//! ├── ClusterRouter   the only actor that peers see; group "tm.router"
//! ├── NodeServer      ractor_cluster on loopback, isolated; gets streams only from the links
//! └── PeerLink        one per member:   Down → Dialing → Hello → Handover → Ready → Closing → Down
//!                                         └ state.rs, pure           │
//!                     net stream → Hello → tokens → Watchdog → Pipe ─┘→ NodeServer
//! ```
//!
//! The library below sees neither partitions nor frozen peers, elects among sessions by chance, and trusts whoever has
//! the cookie. So every stream is authenticated and watched before it gets one, there is never a second one, and a
//! session that somebody opened past us is stopped. A link's state is a hint; only leases decide that a node is down.

mod greet;
mod peer;
mod pipe;
mod server;
pub mod state;
pub mod words;
mod world;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{MissedTickBehavior, interval};

use crate::net::{AddressBook, Incoming, Net};
use crate::router::credits::CreditLimits;
use crate::router::{ClusterRouter, Core, Placements, RouterHandle, SharedLinks, Source};
use crate::supervision::{ChildSpec, RestartPolicy, Supervisor, SupervisorMsg, SupervisorSpec};
use crate::transport::watchdog::SILENCE_MAX;

pub use server::cookie;
pub use words::{Identity, LinkState, LinkTimes};

use peer::{LinkMsg, PeerLink};
use world::World;

/// How often the members are compared with the links.
const MEMBERS_EVERY: Duration = Duration::from_millis(250);

/// Links could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// An actor could not be started.
    #[error("links could not be started: {reason}")]
    Start {
        /// What it said.
        reason: String,
    },
    /// The server below does not run.
    #[error("the server below does not run yet")]
    NotStarted,
}

/// Who this node is, and how its links behave.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// The cluster's identity, given when it was made.
    pub cluster_id: String,
    /// Name of this node.
    pub node: String,
    /// Which start of it; durable before the links are started.
    pub incarnation: u64,
    /// Drawn at the start of the process.
    pub boot_id: u128,
    /// The build, for people.
    pub build: String,
    /// The secret of the servers below: see [`cookie`].
    pub cookie: String,
    /// How long each part of connecting may take.
    pub times: LinkTimes,
    /// Silence after which a link is broken.
    pub silence_max: Duration,
    /// What may be under way per peer and direction.
    pub credits: CreditLimits,
}

impl LinkSettings {
    /// Describes a node's links with the usual times, from the cluster's token.
    #[must_use]
    pub fn new(cluster_id: &str, node: &str, incarnation: u64, token: &str) -> Self {
        Self {
            cluster_id: cluster_id.to_owned(),
            node: node.to_owned(),
            incarnation,
            boot_id: uuid::Uuid::new_v4().as_u128(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            cookie: cookie(token),
            times: LinkTimes::default(),
            silence_max: SILENCE_MAX,
            credits: CreditLimits::default(),
        }
    }
}

/// What links are made of.
pub struct LinkParts {
    /// Opens connections.
    pub net: Arc<dyn Net>,
    /// Knows the members and where they are.
    pub book: Arc<dyn AddressBook>,
    /// Knows who owns a key.
    pub placements: Arc<dyn Placements>,
    /// Connections that peers opened on `act/1`.
    pub incoming: mpsc::Receiver<Incoming>,
    /// Under whom the links' supervisor is started; absent: under nobody.
    pub parent: Option<ActorCell>,
}

impl std::fmt::Debug for LinkParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkParts").finish_non_exhaustive()
    }
}

/// The links of this node.
pub struct Links {
    world: Arc<World>,
    router: RouterHandle,
    supervisor: ActorRef<SupervisorMsg>,
    ended: Option<JoinHandle<()>>,
    tasks: [AbortHandle; 2],
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("node", &self.world.settings.node).finish_non_exhaustive()
    }
}

impl Links {
    /// Starts the router, the server below and a link per member. A node has one of these: the library's registries
    /// belong to the process.
    ///
    /// # Errors
    /// [`LinkError::Start`] when an actor could not be started.
    pub async fn start(settings: LinkSettings, parts: LinkParts) -> Result<Self, LinkError> {
        let me = Source { node: settings.node.clone(), incarnation: settings.incarnation };
        let core = Arc::new(Core::new(me, parts.placements, settings.credits));
        let router = RouterHandle::new(Arc::clone(&core));
        let world = Arc::new(World::new(settings, parts.net, parts.book, core));
        let children = vec![router_child(&world), server_child(&world)];
        let spec = SupervisorSpec::new("links", children);
        let started = match parts.parent {
            Some(parent) => Actor::spawn_linked(None, Supervisor, spec, parent).await,
            None => Actor::spawn(None, Supervisor, spec).await,
        };
        let (supervisor, ended) =
            started.map_err(|error| LinkError::Start { reason: error.to_string() })?;
        let shared: SharedLinks = Arc::clone(&world) as SharedLinks;
        router.show_links(shared);
        let following = follow(Arc::clone(&world), supervisor.clone());
        let accepting = accept(Arc::clone(&world), parts.incoming);
        let tasks =
            [tokio::spawn(following).abort_handle(), tokio::spawn(accepting).abort_handle()];
        Ok(Self { world, router, supervisor, ended: Some(ended), tasks })
    }

    /// The door to the router.
    #[must_use]
    pub fn router(&self) -> RouterHandle {
        self.router.clone()
    }

    /// The supervisor, for the actor tree.
    #[must_use]
    pub fn supervisor(&self) -> ActorRef<SupervisorMsg> {
        self.supervisor.clone()
    }

    /// Lets a peer that was barred for a false name try again; harmless when it was not.
    pub fn clear(&self, peer: &str) {
        if let Some(link) = self.world.link(peer) {
            // A link that restarts at this moment has forgotten the bar anyway.
            drop(link.cast(LinkMsg::Clear));
        }
    }

    /// Sessions that somebody opened past us on loopback and that were stopped.
    #[must_use]
    pub fn foreign_sessions(&self) -> u64 {
        self.world.labels.foreign()
    }

    /// Hands out what resolves when the supervisor has ended: the links failed for good, or were closed.
    pub fn take_end(&mut self) -> Option<JoinHandle<()>> {
        self.ended.take()
    }

    /// Resolves when the supervisor has ended: the links failed for good, and the process should end.
    pub async fn ended(&mut self) {
        if let Some(ended) = self.ended.as_mut() {
            // A panic of the supervisor is an end too.
            drop(ended.await);
            self.ended = None;
        }
    }

    /// Ends every link in good order, at most within `limit`, then everything else.
    pub async fn close(mut self, limit: Duration) {
        for task in &self.tasks {
            task.abort();
        }
        for peer in self.world.linked() {
            if let Some(link) = self.world.unlink(&peer)
                && link.cast(LinkMsg::Close).is_ok()
            {
                // What does not end in time ends with its supervisor below.
                drop(link.wait(Some(limit)).await);
            }
        }
        self.supervisor.stop(Some("the node ends".to_owned()));
        drop(tokio::time::timeout(limit, self.ended()).await);
    }
}

fn router_child(world: &Arc<World>) -> ChildSpec {
    let core = Arc::clone(&world.core);
    ChildSpec::new("router", RestartPolicy::Restart, move |supervisor| {
        let core = Arc::clone(&core);
        async move {
            let (router, _) = Actor::spawn_linked(None, ClusterRouter, core, supervisor).await?;
            Ok(router.get_cell())
        }
    })
}

/// Sessions end unheard with the server: its failure is the links' failure.
fn server_child(world: &Arc<World>) -> ChildSpec {
    let world = Arc::clone(world);
    ChildSpec::new("server", RestartPolicy::Escalate, move |supervisor| {
        let world = Arc::clone(&world);
        async move {
            let settings = &world.settings;
            let labels = Arc::clone(&world.labels);
            let cookie = settings.cookie.clone();
            let server = server::start(&settings.node, cookie, labels, supervisor).await?;
            let cell = server.get_cell();
            world.server.set(server).map_err(|_| ActorProcessingErr::from("started twice"))?;
            Ok(cell)
        }
    })
}

fn peer_child(world: &Arc<World>, peer: &str) -> ChildSpec {
    let (world, peer) = (Arc::clone(world), peer.to_owned());
    ChildSpec::new(format!("link {peer}"), RestartPolicy::Restart, move |supervisor| {
        let arguments = (Arc::clone(&world), peer.clone());
        async move {
            let (link, _) = Actor::spawn_linked(None, PeerLink, arguments, supervisor).await?;
            Ok(link.get_cell())
        }
    })
}

/// Keeps one link per member. Ends with the supervisor.
async fn follow(world: Arc<World>, supervisor: ActorRef<SupervisorMsg>) {
    let mut every = interval(MEMBERS_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let members = world.book.peers();
        for peer in &members {
            if *peer == world.settings.node || world.link(peer).is_some() {
                continue;
            }
            let spec = peer_child(&world, peer);
            let start = |reply| SupervisorMsg::StartChild { spec, reply };
            match ractor::call_t!(supervisor, start, 10_000) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%peer, %error, "link not started"),
                Err(_) => return,
            }
        }
        for peer in world.linked() {
            if !members.contains(&peer)
                && let Some(link) = world.unlink(&peer)
            {
                drop(link.cast(LinkMsg::Close));
            }
        }
    }
}

/// Gives connections of members to their links; the others are dropped.
async fn accept(world: Arc<World>, mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(Incoming { peer, address, stream, .. }) = incoming.recv().await {
        match world.link(&peer) {
            Some(link) => drop(link.cast(LinkMsg::Accepted { stream })),
            None => tracing::debug!(%peer, %address, "dropped a connection of no member"),
        }
    }
}
