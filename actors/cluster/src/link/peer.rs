//! The link to one peer as an actor: a thin shell around [`Link`]. All waiting happens in tasks beside it, which are
//! ended when what they work on is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, pg};
use ractor_cluster::NodeServerMessage;
use ractor_cluster_derive::RactorMessage;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::greet::{self, Greeting, draw};
use super::pipe::{Cutter, Pipe};
use super::state::Link;
use super::words::{LinkEvent, LinkRefusal, LinkStep};
use super::world::{Shown, World};
use crate::net::{BoxStream, Plane};
use crate::router::deadline::Ages;
use crate::router::{ROUTER_GROUP, Session, SessionSpec, Source, boot_ms};
use crate::transport::watchdog::{Traffic, Watchdog};

/// How often a link looks at the time.
const TICK: Duration = Duration::from_millis(50);
/// How often the peer's router is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// How long telling a refusal may take.
const REFUSE_MAX: Duration = Duration::from_secs(1);
/// How long a restarted link waits for what its predecessor left.
const LEFT_OVER_MAX: Duration = Duration::from_secs(3);

/// Everything a link can be told. Stays in this process.
#[derive(RactorMessage)]
pub(crate) enum LinkMsg {
    /// Time went by.
    Tick,
    /// The peer connected.
    Accepted { stream: BoxStream },
    /// Our connection stands.
    Connected { attempt: u64, stream: BoxStream },
    /// The peer said who it is.
    Greeted { attempt: u64, stream: BoxStream, greeting: Greeting },
    /// Tokens were exchanged: the stream may be handed over.
    Agreed { attempt: u64, stream: BoxStream, tokens: Tokens },
    /// A connection failed before it was handed over.
    Failed { attempt: u64, reason: String },
    /// The library below knows the peer by a name.
    Authenticated { attempt: u64, name_matches: bool },
    /// Both sides have told each other their actors.
    Synchronised { attempt: u64, node_id: u64, name_matches: bool },
    /// The peer's router is found.
    RouterFound { attempt: u64, router: ActorCell },
    /// The session cannot send.
    Broken { attempt: u64 },
    /// Nothing of the session is left.
    Gone { attempt: u64, reason: String },
    /// An operator has looked at a barred peer.
    Clear,
    /// End the link, then this actor.
    Close,
}

/// What the frames of a session carry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    ours: u64,
    theirs: u64,
}

/// The link to one peer.
pub(crate) struct PeerLink;

/// A session that was handed over.
struct Live {
    attempt: u64,
    session: Arc<Session>,
    cutter: Cutter,
    traffic: Arc<Traffic>,
    node_id: Option<u64>,
    router: Option<ActorCell>,
}

pub(crate) struct PeerState {
    world: Arc<World>,
    peer: String,
    dials: bool,
    link: Link,
    streams: HashMap<u64, BoxStream>,
    greetings: HashMap<u64, Greeting>,
    tasks: HashMap<u64, AbortHandle>,
    live: Option<Live>,
    /// Bytes in and out and messages not sent in sessions that are over.
    past: (u64, u64, u64),
}

impl Actor for PeerLink {
    type Msg = LinkMsg;
    type State = PeerState;
    type Arguments = (Arc<World>, String);

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (world, peer): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        world.labels.end(&peer);
        let left_over = async {
            while world.labels.has(&peer) {
                sleep(LOOK).await;
            }
        };
        // What does not end in time is found out by the election below: the next attempt comes after it.
        drop(timeout(LEFT_OVER_MAX, left_over).await);
        let dials = world.settings.node < peer;
        let link = Link::new(dials, world.settings.times, world.known(&peer), boot_ms());
        world.links_insert(&peer, myself.clone());
        tokio::spawn(tick(myself));
        Ok(PeerState {
            world,
            peer,
            dials,
            link,
            streams: HashMap::new(),
            greetings: HashMap::new(),
            tasks: HashMap::new(),
            live: None,
            past: (0, 0, 0),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.take(&myself, message)?;
        state.show();
        if state.link.is_closed() && state.live.is_none() {
            myself.stop(None);
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.leave();
        Ok(())
    }
}

async fn tick(link: ActorRef<LinkMsg>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if link.cast(LinkMsg::Tick).is_err() {
            return;
        }
    }
}

impl Drop for PeerState {
    fn drop(&mut self) {
        self.leave();
    }
}

impl PeerState {
    fn leave(&mut self) {
        for (_, task) in self.tasks.drain() {
            task.abort();
        }
        if let Some(live) = self.live.take() {
            self.world.core.end_session(&live.session);
            live.cutter.cut();
        }
    }

    fn take(&mut self, me: &ActorRef<LinkMsg>, message: LinkMsg) -> Result<(), ActorProcessingErr> {
        let event = match message {
            LinkMsg::Tick => LinkEvent::Tick,
            LinkMsg::Accepted { stream } => {
                let steps = self.step(LinkEvent::Accepted);
                // Numbered by the step just taken; a connection that is not wanted is dropped by it.
                self.streams.insert(self.link.newest_attempt(), stream);
                return self.carry_out(me, steps);
            }
            LinkMsg::Connected { attempt, stream } => {
                self.streams.insert(attempt, stream);
                LinkEvent::Connected { attempt }
            }
            LinkMsg::Greeted { attempt, stream, greeting } => {
                self.streams.insert(attempt, stream);
                self.greetings.insert(attempt, greeting);
                let Greeting { identity, round_trip_ms, .. } = greeting;
                LinkEvent::Greeted { attempt, identity, round_trip_ms }
            }
            LinkMsg::Agreed { attempt, stream, tokens } => {
                return self.hand_over(me, attempt, stream, tokens);
            }
            LinkMsg::Failed { attempt, reason } => LinkEvent::Failed { attempt, reason },
            LinkMsg::Authenticated { attempt, name_matches } => {
                LinkEvent::Authenticated { attempt, name_matches }
            }
            LinkMsg::Synchronised { attempt, node_id, name_matches } => {
                if !name_matches {
                    return self.event(me, LinkEvent::Authenticated { attempt, name_matches });
                }
                if let Some(live) = self.live.as_mut().filter(|live| live.attempt == attempt) {
                    live.node_id = Some(node_id);
                }
                LinkEvent::Synchronised { attempt }
            }
            LinkMsg::RouterFound { attempt, router } => {
                if let Some(live) = self.live.as_mut().filter(|live| live.attempt == attempt) {
                    live.router = Some(router);
                }
                LinkEvent::RouterFound { attempt }
            }
            LinkMsg::Broken { attempt } => LinkEvent::Broken { attempt },
            LinkMsg::Gone { attempt, reason } => {
                self.forget(attempt);
                LinkEvent::Gone { attempt, reason }
            }
            LinkMsg::Clear => LinkEvent::Cleared,
            LinkMsg::Close => LinkEvent::Close,
        };
        self.event(me, event)
    }

    fn event(
        &mut self,
        me: &ActorRef<LinkMsg>,
        event: LinkEvent,
    ) -> Result<(), ActorProcessingErr> {
        let steps = self.step(event);
        self.carry_out(me, steps)
    }

    fn step(&mut self, event: LinkEvent) -> Vec<LinkStep> {
        let before = self.link.state();
        let steps = self.link.step(event, boot_ms(), draw());
        let after = self.link.state();
        if before != after {
            let reason = self.link.reason().unwrap_or_default();
            tracing::debug!(peer = %self.peer, %before, %after, %reason, "link");
        }
        if let Some(known) = self.link.known() {
            self.world.learn(&self.peer, known);
        }
        steps
    }

    fn carry_out(
        &mut self,
        me: &ActorRef<LinkMsg>,
        steps: Vec<LinkStep>,
    ) -> Result<(), ActorProcessingErr> {
        for step in steps {
            match step {
                LinkStep::Dial { attempt } => self.dial(me, attempt),
                LinkStep::Greet { attempt } => self.greet(me, attempt),
                LinkStep::HandOver { attempt } => self.agree(me, attempt),
                LinkStep::Refuse { attempt, refusal } => self.refuse(attempt, refusal),
                LinkStep::Drop { attempt } => self.drop_connection(attempt),
                LinkStep::FindRouter { attempt } => self.find_router(me, attempt),
                LinkStep::Up { attempt } => self.up(attempt),
                LinkStep::Stop { attempt, reason } => self.stop(me, attempt, reason)?,
                LinkStep::Abandon { attempt } => {
                    self.world.labels.abandon(&self.peer);
                    self.forget(attempt);
                }
            }
        }
        Ok(())
    }

    fn run<F>(&mut self, attempt: u64, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = tokio::spawn(work).abort_handle();
        if let Some(earlier) = self.tasks.insert(attempt, task) {
            earlier.abort();
        }
    }

    fn dial(&mut self, me: &ActorRef<LinkMsg>, attempt: u64) {
        let (world, peer, me) = (Arc::clone(&self.world), self.peer.clone(), me.clone());
        self.run(attempt, async move {
            let message = match world.book.address(&peer) {
                None => {
                    let reason = "no address of it is known".to_owned();
                    LinkMsg::Failed { attempt, reason }
                }
                Some(address) => match world.net.dial(&peer, &address, Plane::Act).await {
                    Ok(stream) => LinkMsg::Connected { attempt, stream },
                    Err(error) => LinkMsg::Failed { attempt, reason: error.to_string() },
                },
            };
            // A link that is gone has no use for it.
            drop(me.cast(message));
        });
    }

    fn greet(&mut self, me: &ActorRef<LinkMsg>, attempt: u64) {
        let Some(mut stream) = self.streams.remove(&attempt) else { return };
        let (world, peer, me) = (Arc::clone(&self.world), self.peer.clone(), me.clone());
        let dialed = self.dials;
        self.run(attempt, async move {
            let known = (peer.as_str(), world.known(&peer));
            let message = match greet::meet(&world.settings, known, dialed, &mut stream).await {
                Ok(greeting) => LinkMsg::Greeted { attempt, stream, greeting },
                Err(error) => LinkMsg::Failed { attempt, reason: error.to_string() },
            };
            drop(me.cast(message));
        });
    }

    fn agree(&mut self, me: &ActorRef<LinkMsg>, attempt: u64) {
        let Some(mut stream) = self.streams.remove(&attempt) else { return };
        let (me, dials, ours) = (me.clone(), self.dials, draw());
        self.run(attempt, async move {
            let exchanged = if dials {
                greet::ask(&mut stream, ours).await
            } else {
                greet::grant(&mut stream, ours).await
            };
            let message = match exchanged {
                Ok(theirs) => LinkMsg::Agreed { attempt, stream, tokens: Tokens { ours, theirs } },
                Err(error) => LinkMsg::Failed { attempt, reason: error.to_string() },
            };
            drop(me.cast(message));
        });
    }

    fn hand_over(
        &mut self,
        me: &ActorRef<LinkMsg>,
        attempt: u64,
        stream: BoxStream,
        tokens: Tokens,
    ) -> Result<(), ActorProcessingErr> {
        self.tasks.remove(&attempt);
        let Some(greeting) = self.greetings.remove(&attempt) else { return Ok(()) };
        let Greeting { identity, sent_at_ms, heard_at_ms, round_trip_ms } = greeting;
        let Some(ages) = Ages::seeded(heard_at_ms, sent_at_ms, round_trip_ms) else {
            return Ok(());
        };
        if !self.link.hands_over(attempt) || self.live.is_some() {
            return Ok(());
        }
        let broken = me.clone();
        let session = self.world.core.open_session(SessionSpec {
            peer: Source { node: self.peer.clone(), incarnation: identity.incarnation },
            token_in: tokens.ours,
            token_out: tokens.theirs,
            ages,
            broken: Box::new(move || drop(broken.cast(LinkMsg::Broken { attempt }))),
        });
        let watchdog = Watchdog::new(stream, self.world.settings.silence_max);
        let traffic = watchdog.traffic();
        let label = format!("tm/{}/{attempt}/{:016x}", self.peer, draw());
        let (pipe, cutter) = Pipe::new(watchdog, label.clone());
        self.world.labels.issue(label, (&self.peer, attempt), me.clone(), cutter.clone());
        let live = Live { attempt, session, cutter, traffic, node_id: None, router: None };
        self.live = Some(live);
        let (stream, is_server) = (Box::new(pipe), !self.dials);
        self.world
            .server()?
            .cast(NodeServerMessage::ConnectionOpenedExternal { stream, is_server })?;
        Ok(())
    }

    fn refuse(&mut self, attempt: u64, refusal: LinkRefusal) {
        tracing::warn!(peer = %self.peer, %refusal, "refused a connection");
        self.greetings.remove(&attempt);
        let Some(mut stream) = self.streams.remove(&attempt) else { return };
        if self.dials {
            return;
        }
        // Beside the link and bounded: it holds nothing up.
        tokio::spawn(async move {
            drop(timeout(REFUSE_MAX, greet::refuse(&mut stream, &refusal)).await);
        });
    }

    fn drop_connection(&mut self, attempt: u64) {
        self.streams.remove(&attempt);
        self.greetings.remove(&attempt);
        if let Some(task) = self.tasks.remove(&attempt) {
            task.abort();
        }
    }

    fn find_router(&mut self, me: &ActorRef<LinkMsg>, attempt: u64) {
        let Some(node_id) = self.live.as_ref().and_then(|live| live.node_id) else { return };
        let me = me.clone();
        self.run(attempt, async move {
            loop {
                let members = pg::get_members(&ROUTER_GROUP.to_owned());
                let found = members.into_iter().find(|cell| {
                    matches!(cell.get_id(), ActorId::Remote { node_id: id, .. } if id == node_id)
                });
                if let Some(router) = found {
                    drop(me.cast(LinkMsg::RouterFound { attempt, router }));
                    return;
                }
                sleep(LOOK).await;
            }
        });
    }

    fn up(&mut self, attempt: u64) {
        let Some(live) = self.live.as_mut().filter(|live| live.attempt == attempt) else { return };
        if let Some(router) = live.router.take() {
            self.world.core.bring_up(&live.session, router);
            tracing::info!(peer = %self.peer, incarnation = live.session.peer.incarnation, "link ready");
        }
    }

    fn stop(
        &mut self,
        me: &ActorRef<LinkMsg>,
        attempt: u64,
        reason: String,
    ) -> Result<(), ActorProcessingErr> {
        tracing::info!(peer = %self.peer, %reason, "link ends");
        self.drop_connection(attempt);
        match self.live.as_ref().filter(|live| live.attempt == attempt) {
            Some(live) => {
                self.world.core.end_session(&live.session);
                live.cutter.cut();
                self.world.labels.end(&self.peer);
            }
            // Not handed over yet: nothing of it is left.
            None => me.cast(LinkMsg::Gone { attempt, reason })?,
        }
        Ok(())
    }

    fn forget(&mut self, attempt: u64) {
        self.drop_connection(attempt);
        let Some(live) = self.live.take_if(|live| live.attempt == attempt) else { return };
        self.world.core.end_session(&live.session);
        let drops = live.session.drops();
        self.past.0 += live.traffic.bytes_in();
        self.past.1 += live.traffic.bytes_out();
        self.past.2 += drops;
        tracing::info!(peer = %self.peer, "link down");
    }

    fn show(&self) {
        let shown = Shown {
            state: self.link.state(),
            since_ms: self.link.since_ms(),
            redials: self.link.redials(),
            reason: self.link.reason().map(str::to_owned),
            past: self.past,
            live: self
                .live
                .as_ref()
                .map(|live| (Arc::clone(&live.session), Arc::clone(&live.traffic))),
        };
        self.world.show(&self.peer, shown);
    }
}
