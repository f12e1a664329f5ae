//! A link's life as a pure machine: `Down → Dialing → Hello → Handover → Ready → Closing → Down`.
//!
//! One session at a time: a stream is handed over only when nothing of an earlier one is left, for the library below
//! decides by chance which of two sessions lives. The smaller name dials. A newer incarnation replaces an older one,
//! an older one is refused, and so is a second process under the name and incarnation of a living one.

use super::words::{Identity, LinkEvent, LinkRefusal, LinkState, LinkStep, LinkTimes};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Down { retry_at_ms: u64 },
    Dialing { attempt: u64, until_ms: u64 },
    Hello { attempt: u64, until_ms: u64 },
    Handover { attempt: u64, until_ms: u64, synchronised: bool },
    Ready { attempt: u64 },
    Closing { attempt: u64, until_ms: u64, next: Option<u64> },
}

/// The link to one peer.
#[derive(Debug, Clone)]
pub struct Link {
    dials: bool,
    times: LinkTimes,
    phase: Phase,
    /// A connection of the peer whose greeting runs beside whatever stands.
    candidate: Option<(u64, u64)>,
    attempts: u64,
    failures: u32,
    known: Option<Identity>,
    barred: Option<String>,
    closed: bool,
    since_ms: u64,
    sessions: u64,
    reason: Option<String>,
}

impl Link {
    /// Begins down. `dials`: this node's name is the smaller one. `known`: who was last seen under the peer's name.
    #[must_use]
    pub fn new(dials: bool, times: LinkTimes, known: Option<Identity>, now_ms: u64) -> Self {
        Self {
            dials,
            times,
            phase: Phase::Down { retry_at_ms: now_ms },
            candidate: None,
            attempts: 0,
            failures: 0,
            known,
            barred: None,
            closed: false,
            since_ms: now_ms,
            sessions: 0,
            reason: None,
        }
    }

    /// Where the link is in its life.
    #[must_use]
    pub fn state(&self) -> LinkState {
        match self.phase {
            Phase::Down { .. } if self.candidate.is_some() => LinkState::Hello,
            Phase::Down { .. } => LinkState::Down,
            Phase::Dialing { .. } => LinkState::Dialing,
            Phase::Hello { .. } => LinkState::Hello,
            Phase::Handover { .. } => LinkState::Handover,
            Phase::Ready { .. } => LinkState::Ready,
            Phase::Closing { .. } => LinkState::Closing,
        }
    }

    /// Since when, on the clock of the events.
    #[must_use]
    pub fn since_ms(&self) -> u64 {
        self.since_ms
    }

    /// Sessions after the first.
    #[must_use]
    pub fn redials(&self) -> u64 {
        self.sessions.saturating_sub(1)
    }

    /// Why it is not ready, or was not before.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.barred.as_deref().or(self.reason.as_deref())
    }

    /// Who was last seen under the peer's name.
    #[must_use]
    pub fn known(&self) -> Option<Identity> {
        self.known
    }

    /// Whether the link was closed and nothing of it is left.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed && matches!(self.phase, Phase::Down { .. }) && self.candidate.is_none()
    }

    /// Takes an event in and returns what to do. `random` spreads the waits: any number.
    pub fn step(&mut self, event: LinkEvent, now_ms: u64, random: u64) -> Vec<LinkStep> {
        let before = self.state();
        let steps = self.decide(event, now_ms, random);
        if self.state() != before {
            self.since_ms = now_ms;
        }
        steps
    }

    fn decide(&mut self, event: LinkEvent, now_ms: u64, random: u64) -> Vec<LinkStep> {
        match event {
            LinkEvent::Tick => self.tick(now_ms, random),
            LinkEvent::Accepted => self.accepted(now_ms),
            LinkEvent::Connected { attempt } => self.connected(attempt, now_ms),
            LinkEvent::Greeted { attempt, identity, round_trip_ms } => {
                self.greeted(attempt, identity, round_trip_ms, (now_ms, random))
            }
            LinkEvent::Failed { attempt, reason } => self.failed(attempt, reason, now_ms, random),
            LinkEvent::Authenticated { attempt, name_matches } => {
                self.authenticated(attempt, name_matches, now_ms)
            }
            LinkEvent::Synchronised { attempt } => self.synchronised(attempt, now_ms),
            LinkEvent::RouterFound { attempt } => self.router_found(attempt),
            LinkEvent::Broken { attempt } => {
                self.stop(attempt, "the peer's router is gone", now_ms)
            }
            LinkEvent::Gone { attempt, reason } => self.gone(attempt, reason, now_ms, random),
            LinkEvent::Cleared => {
                self.barred = None;
                Vec::new()
            }
            LinkEvent::Close => self.close(now_ms),
        }
    }

    fn tick(&mut self, now_ms: u64, random: u64) -> Vec<LinkStep> {
        let mut steps = Vec::new();
        if let Some((attempt, until_ms)) = self.candidate
            && now_ms >= until_ms
        {
            self.candidate = None;
            steps.push(LinkStep::Drop { attempt });
        }
        match self.phase {
            Phase::Down { retry_at_ms } => {
                let may = self.dials && !self.closed && self.barred.is_none();
                if may && now_ms >= retry_at_ms {
                    let attempt = self.attempt();
                    let until_ms = now_ms + self.times.dial_ms;
                    self.phase = Phase::Dialing { attempt, until_ms };
                    steps.push(LinkStep::Dial { attempt });
                }
            }
            Phase::Dialing { attempt, until_ms } | Phase::Hello { attempt, until_ms } => {
                if now_ms >= until_ms {
                    steps.push(LinkStep::Drop { attempt });
                    self.down("nobody answered in time".to_owned(), now_ms, random);
                }
            }
            Phase::Handover { attempt, until_ms, synchronised } => {
                if now_ms >= until_ms {
                    let what = if synchronised {
                        "the peer's router was not found in time"
                    } else {
                        "the session did not come about in time"
                    };
                    self.failures = self.failures.saturating_add(1);
                    steps.extend(self.stop(attempt, what, now_ms));
                }
            }
            Phase::Closing { attempt, until_ms, .. } => {
                if now_ms >= until_ms {
                    steps.push(LinkStep::Abandon { attempt });
                    steps.extend(self.gone(attempt, "it did not end".to_owned(), now_ms, random));
                }
            }
            Phase::Ready { .. } => {}
        }
        steps
    }

    fn accepted(&mut self, now_ms: u64) -> Vec<LinkStep> {
        let attempt = self.attempt();
        if self.dials || self.closed {
            // The other end is not the one that dials.
            return vec![LinkStep::Drop { attempt }];
        }
        let mut steps = Vec::new();
        if let Some((earlier, _)) = self.candidate.replace((attempt, now_ms + self.times.hello_ms))
        {
            steps.push(LinkStep::Drop { attempt: earlier });
        }
        steps.push(LinkStep::Greet { attempt });
        steps
    }

    fn connected(&mut self, attempt: u64, now_ms: u64) -> Vec<LinkStep> {
        if !matches!(self.phase, Phase::Dialing { attempt: ours, .. } if ours == attempt) {
            return self.unwanted(attempt);
        }
        self.phase = Phase::Hello { attempt, until_ms: now_ms + self.times.hello_ms };
        vec![LinkStep::Greet { attempt }]
    }

    fn greeted(
        &mut self,
        attempt: u64,
        identity: Identity,
        round_trip_ms: u64,
        (now_ms, random): (u64, u64),
    ) -> Vec<LinkStep> {
        let dialed = matches!(self.phase, Phase::Hello { attempt: ours, .. } if ours == attempt);
        let accepted = self.candidate.is_some_and(|(candidate, _)| candidate == attempt);
        if !dialed && !accepted {
            return self.unwanted(attempt);
        }
        if accepted {
            self.candidate = None;
        }
        if let Err(refusal) = self.judge(identity, round_trip_ms) {
            let reason = refusal.to_string();
            if dialed {
                self.down(reason, now_ms, random);
            } else {
                self.reason = Some(reason);
            }
            return vec![LinkStep::Refuse { attempt, refusal }];
        }
        self.known = Some(identity);
        match self.phase {
            Phase::Down { .. } | Phase::Dialing { .. } | Phase::Hello { .. } => {
                self.hand_over(attempt, now_ms)
            }
            Phase::Handover { attempt: old, .. } | Phase::Ready { attempt: old } => {
                let until_ms = now_ms + self.times.closing_ms;
                self.phase = Phase::Closing { attempt: old, until_ms, next: Some(attempt) };
                let reason = "the peer connected anew".to_owned();
                vec![LinkStep::Stop { attempt: old, reason }]
            }
            Phase::Closing { attempt: old, until_ms, next } => {
                self.phase = Phase::Closing { attempt: old, until_ms, next: Some(attempt) };
                next.map(|earlier| LinkStep::Drop { attempt: earlier }).into_iter().collect()
            }
        }
    }

    /// Drops a connection that came too late for what it was begun for.
    fn unwanted(&self, attempt: u64) -> Vec<LinkStep> {
        let held = match self.phase {
            Phase::Handover { attempt: ours, .. } | Phase::Ready { attempt: ours } => {
                ours == attempt
            }
            Phase::Closing { attempt: ours, next, .. } => ours == attempt || next == Some(attempt),
            Phase::Down { .. } | Phase::Dialing { .. } | Phase::Hello { .. } => false,
        };
        if held { Vec::new() } else { vec![LinkStep::Drop { attempt }] }
    }

    /// Says whether who came may have the link.
    fn judge(&self, found: Identity, round_trip_ms: u64) -> Result<(), LinkRefusal> {
        if let Some(reason) = &self.barred {
            return Err(LinkRefusal::Barred { reason: reason.clone() });
        }
        if let Some(known) = self.known {
            if found.incarnation < known.incarnation {
                let (known, found) = (known.incarnation, found.incarnation);
                return Err(LinkRefusal::StaleIncarnation { known, found });
            }
            if found.incarnation == known.incarnation && found.boot_id != known.boot_id {
                return Err(LinkRefusal::DuplicateNode { incarnation: found.incarnation });
            }
        }
        if round_trip_ms >= crate::router::deadline::SEED_ROUND_TRIP_MAX_MS {
            return Err(LinkRefusal::SlowHello { round_trip_ms });
        }
        Ok(())
    }

    fn hand_over(&mut self, attempt: u64, now_ms: u64) -> Vec<LinkStep> {
        let until_ms = now_ms + self.times.handover_ms;
        self.phase = Phase::Handover { attempt, until_ms, synchronised: false };
        vec![LinkStep::HandOver { attempt }]
    }

    fn authenticated(&mut self, attempt: u64, matches: bool, now_ms: u64) -> Vec<LinkStep> {
        if matches || !self.is_session(attempt) {
            return Vec::new();
        }
        let reason = "it gave another name inside the link than its certificate has".to_owned();
        self.barred = Some(reason.clone());
        self.stop(attempt, &reason, now_ms)
    }

    fn synchronised(&mut self, attempt: u64, now_ms: u64) -> Vec<LinkStep> {
        if !matches!(self.phase, Phase::Handover { attempt: ours, .. } if ours == attempt) {
            return Vec::new();
        }
        let until_ms = now_ms + self.times.handover_ms;
        self.phase = Phase::Handover { attempt, until_ms, synchronised: true };
        vec![LinkStep::FindRouter { attempt }]
    }

    fn router_found(&mut self, attempt: u64) -> Vec<LinkStep> {
        let Phase::Handover { attempt: ours, synchronised: true, .. } = self.phase else {
            return Vec::new();
        };
        if ours != attempt {
            return Vec::new();
        }
        self.phase = Phase::Ready { attempt };
        self.failures = 0;
        self.sessions = self.sessions.saturating_add(1);
        vec![LinkStep::Up { attempt }]
    }

    fn failed(&mut self, attempt: u64, reason: String, now_ms: u64, random: u64) -> Vec<LinkStep> {
        if self.candidate.is_some_and(|(candidate, _)| candidate == attempt) {
            self.candidate = None;
            self.reason = Some(reason);
            return vec![LinkStep::Drop { attempt }];
        }
        match &mut self.phase {
            Phase::Dialing { attempt: ours, .. } | Phase::Hello { attempt: ours, .. } => {
                if *ours != attempt {
                    return Vec::new();
                }
                self.down(reason, now_ms, random);
                vec![LinkStep::Drop { attempt }]
            }
            Phase::Handover { attempt: ours, .. } => {
                if *ours != attempt {
                    return Vec::new();
                }
                self.failures = self.failures.saturating_add(1);
                self.stop(attempt, &reason, now_ms)
            }
            Phase::Closing { next, .. } => {
                if *next != Some(attempt) {
                    return Vec::new();
                }
                *next = None;
                vec![LinkStep::Drop { attempt }]
            }
            Phase::Down { .. } | Phase::Ready { .. } => Vec::new(),
        }
    }

    fn gone(&mut self, attempt: u64, reason: String, now_ms: u64, random: u64) -> Vec<LinkStep> {
        match self.phase {
            Phase::Closing { attempt: ours, next, .. } if ours == attempt => match next {
                Some(next) => return self.hand_over(next, now_ms),
                None => {
                    let reason = self.reason.take().unwrap_or(reason);
                    self.down(reason, now_ms, random);
                }
            },
            Phase::Handover { attempt: ours, .. } | Phase::Ready { attempt: ours }
                if ours == attempt =>
            {
                self.down(reason, now_ms, random);
            }
            Phase::Closing { .. }
            | Phase::Handover { .. }
            | Phase::Ready { .. }
            | Phase::Down { .. }
            | Phase::Dialing { .. }
            | Phase::Hello { .. } => {}
        }
        Vec::new()
    }

    fn stop(&mut self, attempt: u64, reason: &str, now_ms: u64) -> Vec<LinkStep> {
        if !self.is_session(attempt) {
            return Vec::new();
        }
        let until_ms = now_ms + self.times.closing_ms;
        self.phase = Phase::Closing { attempt, until_ms, next: None };
        self.reason = Some(reason.to_owned());
        vec![LinkStep::Stop { attempt, reason: reason.to_owned() }]
    }

    fn close(&mut self, now_ms: u64) -> Vec<LinkStep> {
        self.closed = true;
        let mut steps: Vec<LinkStep> = self
            .candidate
            .take()
            .map(|(attempt, _)| LinkStep::Drop { attempt })
            .into_iter()
            .collect();
        match &mut self.phase {
            Phase::Down { .. } => {}
            Phase::Dialing { attempt, .. } | Phase::Hello { attempt, .. } => {
                steps.push(LinkStep::Drop { attempt: *attempt });
                self.phase = Phase::Down { retry_at_ms: u64::MAX };
            }
            Phase::Handover { attempt, .. } | Phase::Ready { attempt } => {
                let attempt = *attempt;
                steps.extend(self.stop(attempt, "the link is closed", now_ms));
            }
            Phase::Closing { next, .. } => {
                steps.extend(next.take().map(|attempt| LinkStep::Drop { attempt }));
            }
        }
        steps
    }

    fn down(&mut self, reason: String, now_ms: u64, random: u64) {
        let wait_ms = self.wait_ms(random);
        self.failures = self.failures.saturating_add(1);
        self.reason = Some(reason);
        self.phase = Phase::Down { retry_at_ms: now_ms.saturating_add(wait_ms) };
    }

    /// Full jitter: anything between nothing and the doubled wait, so that many links do not dial in step.
    fn wait_ms(&self, random: u64) -> u64 {
        let doubled = 1_u64.checked_shl(self.failures.min(16)).unwrap_or(u64::MAX);
        let longest = self.times.backoff_ms.saturating_mul(doubled).min(self.times.backoff_max_ms);
        random.checked_rem(longest.saturating_add(1)).unwrap_or(0)
    }

    fn is_session(&self, attempt: u64) -> bool {
        match self.phase {
            Phase::Handover { attempt: ours, .. } | Phase::Ready { attempt: ours } => {
                ours == attempt
            }
            Phase::Down { .. }
            | Phase::Dialing { .. }
            | Phase::Hello { .. }
            | Phase::Closing { .. } => false,
        }
    }

    fn attempt(&mut self) -> u64 {
        self.attempts += 1;
        self.attempts
    }

    /// Whether this connection is the one to be handed over now.
    #[must_use]
    pub fn hands_over(&self, attempt: u64) -> bool {
        matches!(self.phase, Phase::Handover { attempt: ours, .. } if ours == attempt)
    }

    /// The number of the connection that an event just brought about.
    #[must_use]
    pub fn newest_attempt(&self) -> u64 {
        self.attempts
    }
}
