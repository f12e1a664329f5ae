//! This node as a peer: transport, control plane, lease, links and files, joined and started in order.
//!
//! ```text
//! port ─ctl─► services: raft, control, lease, member          record (which number, which cluster)
//!      ─act─► links ► router                                        │ none yet: ask a seed
//!      ─blob► files                                                 ▼
//! start: port → record → raft driver → office, lease service → admitted → caught up → keeper, links, files
//! ```
//!
//! Nothing may be served from the control state before [`Peer::start`] returns: only then it contains everything that
//! was agreed upon before this start. Modules in reading order: [`settings`], [`record`], `book` (addresses), `ask`
//! (being admitted), `admit` (admitting others), `office` (what the leader keeps in order), `lease`, `identity`.

mod admit;
mod ask;
mod book;
mod identity;
mod lease;
mod office;
pub mod record;
pub mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store::{Blobs, Journal};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use self::ask::Admission;
use self::book::Book;
use self::record::Record;
use crate::control::{ControlHandle, RaftAdmin, RaftDriver, RaftSettings, storage};
use crate::ctl::{self, CtlClient, Services};
use crate::lease::{Keeper, LeaseGate, LeaseService};
use crate::link::{LinkParts, LinkSettings, Links};
use crate::net::{AddressBook, Incoming, Net};
use crate::router::{Placements, RouterHandle};
use crate::transport::blob::{AcceptAll, BlobClient, BlobServer, BlobSettings};
use crate::transport::{DialLimits, Dialer, Limits, Listener, Planes, Tls};

pub use self::settings::{PeerError, PeerSettings, Seed};

/// How often somebody is told what a start waits for.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// How long links may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A peer that takes part.
pub struct Peer {
    settings: Arc<PeerSettings>,
    incarnation: u64,
    listener: Listener,
    tls: Arc<Tls>,
    control: ControlHandle,
    admin: RaftAdmin,
    leases: Arc<LeaseService>,
    keeper: Keeper,
    links: tokio::sync::Mutex<Option<Links>>,
    router: RouterHandle,
    blobs: Arc<BlobClient>,
    failure: Arc<watch::Sender<Option<String>>>,
    tasks: Vec<AbortHandle>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("node", &self.settings.node).finish_non_exhaustive()
    }
}

/// What starts before this node is known to be admitted.
struct Ground {
    settings: Arc<PeerSettings>,
    listener: Listener,
    tls: Arc<Tls>,
    net: Arc<dyn Net>,
    book: Arc<Book>,
    client: CtlClient,
    services: Arc<Services>,
    act: mpsc::Receiver<Incoming>,
    blob: mpsc::Receiver<Incoming>,
    serving: AbortHandle,
}

/// What runs once this node was admitted.
struct Agreed {
    control: ControlHandle,
    admin: RaftAdmin,
    leases: Arc<LeaseService>,
    office: AbortHandle,
    incarnation: u64,
}

impl Ground {
    fn open(settings: Arc<PeerSettings>) -> Result<Self, PeerError> {
        let tls = Tls::load(&settings.tls, &settings.cluster, &settings.node)?;
        let (listener, planes) =
            Listener::bind(settings.listen, Arc::clone(&tls), Limits::default())?;
        let net: Arc<dyn Net> = Arc::new(Dialer::new(Arc::clone(&tls), DialLimits::default()));
        let book = Arc::new(Book::new(&settings.node));
        let client = CtlClient::new(Arc::clone(&net), Arc::clone(&book) as Arc<dyn AddressBook>);
        let services = Services::new();
        let Planes { ctl, act, blob } = planes;
        let serving = tokio::spawn(ctl::serve(ctl, Arc::clone(&services))).abort_handle();
        Ok(Self { settings, listener, tls, net, book, client, services, act, blob, serving })
    }

    fn admission(&self) -> Admission {
        Admission {
            settings: Arc::clone(&self.settings),
            caller: self.client.clone(),
            own: Arc::clone(&self.services),
        }
    }
}

impl Peer {
    /// Starts everything and returns once this node is admitted and has seen all that was agreed upon before. That
    /// takes as long as no majority is there; what it waits for is told in the log.
    ///
    /// # Errors
    /// Every [`PeerError`]: this node cannot take part as it is.
    pub async fn start(
        settings: PeerSettings,
        journal: &Journal,
        blobs: &Blobs,
        placements: Arc<dyn Placements>,
    ) -> Result<Self, PeerError> {
        let settings = Arc::new(settings);
        let ground = Ground::open(Arc::clone(&settings))?;
        let mut incarnation = settings.incarnation;
        let record = match record::read(&settings.data_dir)? {
            Some(record) => record,
            None => first_join(&ground, journal, &mut incarnation).await?,
        };
        for (node, address) in &record.peers {
            ground.book.learn(node, address);
        }
        let (control, admin) = drive(&ground, &record, journal, blobs).await?;
        ground.book.follow(control.clone(), admin.metrics());
        let leases = lease::service(&settings, &control);
        ground.services.register("lease", Arc::clone(&leases) as Arc<dyn ctl::Service>);
        admit::register(&ground, &control, &admin, &leases);
        let office = office::start(&settings, &control, &admin, &leases);
        let waiting = tell_what_it_waits_for(&admin);
        incarnation = ground.admission().until_admitted(&control, &record, incarnation).await?;
        caught_up(&admin, &control).await;
        waiting.abort();
        remember(&settings.data_dir, &record, &control, &ground.book)?;
        let agreed = Agreed { control, admin, leases, office, incarnation };
        Self::join(ground, agreed, blobs, placements).await
    }

    /// Has this node admitted and writes its membership down, without taking part yet. Returns false where it belongs to
    /// a cluster already.
    ///
    /// # Errors
    /// Every [`PeerError`].
    pub async fn enrol(settings: PeerSettings, journal: &Journal) -> Result<bool, PeerError> {
        if record::read(&settings.data_dir)?.is_some() {
            return Ok(false);
        }
        let ground = Ground::open(Arc::new(settings))?;
        let mut incarnation = ground.settings.incarnation;
        let joined = first_join(&ground, journal, &mut incarnation).await;
        ground.serving.abort();
        joined.map(|_| true)
    }

    async fn join(
        ground: Ground,
        agreed: Agreed,
        blobs: &Blobs,
        placements: Arc<dyn Placements>,
    ) -> Result<Self, PeerError> {
        let Agreed { control, admin, leases, office, incarnation } = agreed;
        let settings = Arc::clone(&ground.settings);
        let admission = ground.admission();
        let cluster = control.read(|state| state.cluster).map(|id| record::hexadecimal(&id));
        let cluster = cluster.ok_or(PeerError::NoCluster)?;
        let keeper = lease::keeper(&settings, incarnation, &ground, &control, &admin);
        let failure = Arc::new(watch::Sender::new(None));
        let identity = identity::Greeter::new(&settings, &cluster, incarnation, control.clone());
        let book = Arc::clone(&ground.book) as Arc<dyn AddressBook>;
        let files = BlobClient::new(
            Arc::clone(&ground.net),
            Arc::clone(&book),
            Arc::new(identity),
            blobs.clone(),
            BlobSettings::default(),
        );
        let server = BlobServer::new(Arc::clone(&files), Arc::new(AcceptAll));
        let mut link_settings =
            LinkSettings::new(&cluster, &settings.node, incarnation, &settings.token);
        link_settings.boot_id = u128::from_be_bytes(settings.boot_id);
        link_settings.build = settings.build.clone();
        let parts = LinkParts {
            net: Arc::clone(&ground.net),
            book,
            placements,
            incoming: ground.act,
            parent: None,
        };
        let mut links = Links::start(link_settings, parts).await?;
        let router = links.router();
        let tasks = vec![
            tokio::spawn(watch_links(links.take_end(), Arc::clone(&failure))).abort_handle(),
            office,
            ground.serving,
            tokio::spawn(server.serve(ground.blob)).abort_handle(),
            tokio::spawn(lease::watch(
                keeper.watch(),
                admission,
                control.clone(),
                incarnation,
                Arc::clone(&failure),
            ))
            .abort_handle(),
        ];
        tracing::info!(node = settings.node, incarnation, cluster, "this node takes part");
        Ok(Self {
            settings,
            incarnation,
            listener: ground.listener,
            tls: ground.tls,
            control,
            admin,
            leases,
            keeper,
            links: tokio::sync::Mutex::new(Some(links)),
            router,
            blobs: files,
            failure,
            tasks,
        })
    }

    /// The agreed state.
    #[must_use]
    pub fn control(&self) -> &ControlHandle {
        &self.control
    }

    /// Voters and learners.
    #[must_use]
    pub fn admin(&self) -> &RaftAdmin {
        &self.admin
    }

    /// Leases as the leader keeps them.
    #[must_use]
    pub fn leases(&self) -> &Arc<LeaseService> {
        &self.leases
    }

    /// This node's own lease.
    #[must_use]
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Asked immediately before every side effect.
    #[must_use]
    pub fn gate(&self) -> LeaseGate {
        self.keeper.gate()
    }

    /// Messages to other nodes.
    #[must_use]
    pub fn router(&self) -> &RouterHandle {
        &self.router
    }

    /// Files of other nodes.
    #[must_use]
    pub fn blobs(&self) -> &Arc<BlobClient> {
        &self.blobs
    }

    /// The public port.
    #[must_use]
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Which start of this node takes part; may be later than the one it was started with.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Reads the certificates again; returns whether this node's is another one now.
    ///
    /// # Errors
    /// What is wrong with the files; those that were loaded stay in force.
    pub fn reload_certificates(&self) -> Result<bool, PeerError> {
        Ok(self.tls.reload()?)
    }

    /// Holds the reason once this node must not go on.
    #[must_use]
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failure.subscribe()
    }

    /// Takes part no more: says goodbye to the links, ends the control plane in good order, closes the port.
    pub async fn close(&self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(links) = self.links.lock().await.take() {
            links.close(GOODBYE).await;
        }
        self.listener.close();
        self.admin.shutdown().await;
    }
}

/// Asks the seeds until one admits this node, and writes down what it answered.
async fn first_join(
    ground: &Ground,
    journal: &Journal,
    incarnation: &mut u64,
) -> Result<Record, PeerError> {
    if storage::is_local(journal).map_err(crate::control::ControlError::from)? {
        return Err(PeerError::HasOwnState);
    }
    if ground.settings.seeds.is_empty() {
        return Err(PeerError::NoSeeds);
    }
    for seed in &ground.settings.seeds {
        ground.book.learn(&seed.node, &seed.address);
    }
    let (admitted, start) = ground.admission().by_seeds(*incarnation).await?;
    *incarnation = start;
    let record = Record::of(&ground.settings, &admitted);
    record::write(&ground.settings.data_dir, &record)?;
    Ok(record)
}

async fn drive(
    ground: &Ground,
    record: &Record,
    journal: &Journal,
    blobs: &Blobs,
) -> Result<(ControlHandle, RaftAdmin), PeerError> {
    let settings = &ground.settings;
    let scratch = settings.data_dir.join("raft");
    std::fs::create_dir_all(&scratch).map_err(|error| PeerError::io(&scratch, &error))?;
    let mut raft = RaftSettings::new(
        settings.node.clone(),
        record.number,
        settings.advertise.clone(),
        scratch,
    );
    if let Some(timing) = settings.raft_timing {
        raft.timing = timing;
    }
    let (journal, blobs) = (journal.clone(), blobs.clone());
    let (services, client) = (Arc::clone(&ground.services), ground.client.clone());
    let clock = Arc::clone(&settings.wall_clock);
    let started = tokio::task::spawn_blocking(move || {
        RaftDriver::start(raft, (&journal, &blobs), &services, client, clock)
    });
    Ok(started.await.map_err(|error| PeerError::Start { reason: error.to_string() })??)
}

/// The links end only with the node: otherwise they failed for good.
async fn watch_links(
    end: Option<tokio::task::JoinHandle<()>>,
    failure: Arc<watch::Sender<Option<String>>>,
) {
    if let Some(end) = end {
        // A panic of the supervisor is an end too.
        drop(end.await);
        failure.send_replace(Some("the links to other nodes failed too often".to_owned()));
    }
}

async fn caught_up(admin: &RaftAdmin, control: &ControlHandle) {
    let mut caught_up = admin.caught_up();
    // The sender ends only with the driver, whose end is told elsewhere.
    drop(caught_up.wait_for(|caught_up| *caught_up).await);
    // Being admitted may be newer than what the first barrier proved.
    while control.barrier().await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Says every few seconds what a start waits for.
fn tell_what_it_waits_for(admin: &RaftAdmin) -> AbortHandle {
    let view = admin.metrics();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            let view = view.borrow();
            let voters: Vec<&str> = view
                .members
                .iter()
                .filter(|member| member.voter)
                .map(|member| member.node.as_str())
                .collect();
            tracing::warn!(
                voters = voters.join(", "),
                term = view.term,
                "waiting for a majority of the voters; start those that are down, and check that they reach each other"
            );
        }
    })
    .abort_handle()
}

/// Writes down where the others are, for the next start.
fn remember(
    dir: &Path,
    record: &Record,
    control: &ControlHandle,
    book: &Book,
) -> Result<(), PeerError> {
    let cluster = control.read(|state| state.cluster).map(|id| record::hexadecimal(&id));
    let now = Record { cluster, peers: book.all(), ..record.clone() };
    if now == *record { Ok(()) } else { record::write(dir, &now) }
}
