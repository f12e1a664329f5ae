//! A world small enough to be searched: one holder, one successor, two leaders, and everything between them.
//!
//! The leases in it are the product's own; what a majority agrees upon, who proposes what, and what is lost or late is
//! played here. Nothing ever has to happen.

use cluster::lease::book::{Book, NotGranted, Standing};
use cluster::lease::rules::{Event, Holder, Phase, RenewRefusal, may_act, step};
use cluster::lease::{LeaseTimes, Renewal};

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    /// Nothing: the product.
    Nothing,
    /// A leader grants without asking a majority.
    QuorumRound,
    /// The lease counts from the answer instead of the send.
    SendTime,
    /// After a gap the holder goes on without looking at the agreed state.
    Recheck,
    /// A new leader believes that it heard nobody for long.
    Grace,
    /// A node that is being marked down is still granted renewals.
    Condemnation,
    /// The agreed state is read in the round, not when the renewal is granted.
    FreshStanding,
    /// A command decided in one term is written in a later one.
    TermOfCommands,
    /// A lost node's session is taken from it even if the node is back.
    DownAtRelease,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) times: LeaseTimes,
    pub(crate) without: Without,
    pub(crate) sends_max: u8,
    pub(crate) elections_max: u8,
    pub(crate) admissions_max: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    A,
    B,
}

/// What a majority agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Agreed {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) leader: usize,
    pub(crate) a_down: bool,
    pub(crate) owner: Owner,
    pub(crate) epoch: u64,
}

/// As much of it as `a` has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct View {
    pub(crate) index: u64,
    pub(crate) owner: Owner,
    pub(crate) epoch: u64,
}

impl Agreed {
    pub(crate) fn view(self) -> View {
        View { index: self.index, owner: self.owner, epoch: self.epoch }
    }
}

/// What a leader has applied; a deposed one may have missed the newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    pub(crate) index: u64,
    pub(crate) a_down: bool,
}

/// Where a renewal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Sent,
    Proven { leader: usize, term: u64, then: Known },
    Granted { applied: u64 },
    GivenUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    MarkDown,
    /// Releases the session of a node that is down and places it on `b`, in one.
    Move,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Proposal {
    pub(crate) leader: usize,
    pub(crate) term: u64,
    pub(crate) command: Command,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// Clocks of `a` and both leaders.
    pub(crate) clocks: [u64; 3],
    /// How far each goes per tick in the exhaustive search.
    pub(crate) rates: [u64; 3],
    pub(crate) ticks: u8,
    pub(crate) holder: Holder,
    /// What `a` has applied.
    pub(crate) view: View,
    pub(crate) agreed: Agreed,
    pub(crate) books: [Book; 2],
    pub(crate) known: [Known; 2],
    pub(crate) renewals: Vec<(u64, Stage)>,
    pub(crate) proposals: Vec<Proposal>,
    /// The highest epoch that whoever receives effects has seen.
    pub(crate) received: u64,
    pub(crate) sends: u8,
    pub(crate) elections: u8,
    pub(crate) admissions: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Tick,
    Send,
    Prove(usize, usize),
    Grant(usize),
    Deliver(usize),
    CatchUp,
    AnswerRecheck,
    Admit,
    Elect,
    TakeOffice(usize),
    LookForSilent(usize),
    ProposeMove(usize),
    Commit(usize),
    EffectOfB,
}

pub(crate) fn renewal() -> Renewal {
    Renewal { node: "a".into(), incarnation: 1, boot_id: [1; 16], report: Vec::new() }
}

pub(crate) fn standing(down: bool) -> Standing {
    Standing { incarnation: 1, boot_id: Some([1; 16]), down }
}

impl World {
    /// `a` owns the session and was just granted its lease by leader 0.
    pub(crate) fn begin(rules: &Rules, rates: [u64; 3]) -> Self {
        // Far from zero, so that subtracting never ends there.
        let clocks = [1_000_000; 3];
        let agreed =
            Agreed { index: 1, term: 1, leader: 0, a_down: false, owner: Owner::A, epoch: 1 };
        let mut books = [Book::new(rules.times), Book::new(rules.times)];
        books[0].take_office(1, clocks[1]);
        books[0].renew(1, &renewal(), Some(&standing(false)), clocks[1]).unwrap();
        let granted = Event::Acknowledged { sent_ms: clocks[0], applied: 1 };
        let (holder, _) = step(&Holder::default(), &rules.times, &granted, clocks[0]);
        let (holder, _) = step(&holder, &rules.times, &Event::Rechecked { round: 1 }, clocks[0]);
        assert!(may_act(&holder, &rules.times, clocks[0]));
        Self {
            clocks,
            rates,
            ticks: 0,
            holder,
            view: agreed.view(),
            agreed,
            books,
            known: [Known { index: 1, a_down: false }, Known::default()],
            renewals: Vec::new(),
            proposals: Vec::new(),
            received: 0,
            sends: 0,
            elections: 0,
            admissions: 0,
        }
    }

    fn now_of(&self, leader: usize) -> u64 {
        self.clocks[leader + 1]
    }

    pub(crate) fn a_acts(&self, rules: &Rules) -> bool {
        self.view.owner == Owner::A && may_act(&self.holder, &rules.times, self.clocks[0])
    }

    /// `b` is assumed to have a lease at all times and to begin at once: nothing is worse.
    pub(crate) fn b_acts(&self) -> bool {
        self.agreed.owner == Owner::B
    }

    pub(crate) fn one_owner(&self, rules: &Rules) -> bool {
        let a_accepted = self.received <= self.view.epoch;
        !(self.a_acts(rules) && self.b_acts() && a_accepted)
    }

    fn leads(&self, leader: usize) -> bool {
        self.agreed.leader == leader && self.books[leader].term() == Some(self.agreed.term)
    }

    /// Who leads has applied everything.
    fn learn(&mut self) {
        let leader = self.agreed.leader;
        if self.leads(leader) {
            self.known[leader] = Known { index: self.agreed.index, a_down: self.agreed.a_down };
        }
    }

    /// Everything that can happen, but the passing of time.
    pub(crate) fn actions(&self, rules: &Rules) -> Vec<Action> {
        let mut all = Vec::new();
        if self.sends < rules.sends_max {
            all.push(Action::Send);
        }
        for (number, (_, stage)) in self.renewals.iter().enumerate() {
            match stage {
                Stage::Sent => all.extend((0..2).map(|leader| Action::Prove(number, leader))),
                Stage::Proven { .. } => all.push(Action::Grant(number)),
                Stage::Granted { .. } | Stage::GivenUp => all.push(Action::Deliver(number)),
            }
        }
        all.extend([Action::CatchUp, Action::AnswerRecheck, Action::Admit, Action::Elect]);
        for leader in 0..2 {
            all.push(Action::TakeOffice(leader));
            all.push(Action::LookForSilent(leader));
            all.push(Action::ProposeMove(leader));
        }
        all.extend((0..self.proposals.len()).map(Action::Commit));
        all.push(Action::EffectOfB);
        all
    }

    /// Returns the world after an action; `None` if it cannot happen or changes nothing.
    pub(crate) fn after(&self, rules: &Rules, action: Action) -> Option<Self> {
        let mut next = self.clone();
        let happened = match action {
            Action::Tick => next.tick(rules),
            Action::Send => next.send(),
            Action::Prove(number, leader) => next.prove(rules, number, leader),
            Action::Grant(number) => next.grant(rules, number),
            Action::Deliver(number) => next.deliver(rules, number),
            Action::CatchUp => next.catch_up(),
            Action::AnswerRecheck => next.answer_recheck(rules),
            Action::Admit => next.admit(rules),
            Action::Elect => next.elect(rules),
            Action::TakeOffice(leader) => next.take_office(rules, leader),
            Action::LookForSilent(leader) => next.look_for_silent(rules, leader),
            Action::ProposeMove(leader) => next.propose_move(leader),
            Action::Commit(number) => next.commit(rules, number),
            Action::EffectOfB => next.effect_of_b(),
        };
        happened.filter(|()| next != *self).map(|()| next)
    }

    fn tick(&mut self, rules: &Rules) -> Option<()> {
        self.ticks += 1;
        for (clock, rate) in self.clocks.iter_mut().zip(self.rates) {
            *clock += rate;
        }
        self.forget(rules);
        Some(())
    }

    /// Drops what can have no effect any more, so that worlds that differ in nothing else are one.
    fn forget(&mut self, rules: &Rules) {
        let now = self.clocks[0];
        if rules.without != Without::SendTime {
            self.renewals.retain(|(sent_ms, _)| now < sent_ms + rules.times.fence_ms);
        }
        if rules.without != Without::TermOfCommands {
            // Never written. That one was written before the election is another order of events.
            self.proposals.retain(|proposal| proposal.term == self.agreed.term);
        }
    }

    fn send(&mut self) -> Option<()> {
        self.sends = self.sends.saturating_add(1);
        self.renewals.push((self.clocks[0], Stage::Sent));
        Some(())
    }

    fn prove(&mut self, rules: &Rules, number: usize, leader: usize) -> Option<()> {
        let term = self.books[leader].term()?;
        if !self.leads(leader) && rules.without != Without::QuorumRound {
            return None;
        }
        self.learn();
        let stale = rules.without == Without::FreshStanding;
        let then = if stale { self.known[leader] } else { Known::default() };
        self.renewals[number].1 = Stage::Proven { leader, term, then };
        Some(())
    }

    fn grant(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let Stage::Proven { leader, term, then } = self.renewals[number].1 else {
            return None;
        };
        self.learn();
        let fresh = rules.without != Without::FreshStanding;
        let Known { index: applied, a_down } = if fresh { self.known[leader] } else { then };
        if rules.without == Without::Condemnation {
            self.books[leader].settle("a");
        }
        let now = self.now_of(leader);
        let granted = self.books[leader].renew(term, &renewal(), Some(&standing(a_down)), now);
        match granted {
            Ok(()) => self.renewals[number].1 = Stage::Granted { applied },
            Err(NotGranted::Refused(RenewRefusal::GivenUp)) => {
                self.renewals[number].1 = Stage::GivenUp;
            }
            Err(NotGranted::NotInOffice) => drop(self.renewals.remove(number)),
            Err(other) => panic!("{other:?}"),
        }
        Some(())
    }

    fn deliver(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let now = self.clocks[0];
        let (sent_ms, stage) = self.renewals.remove(number);
        let sent_ms = if rules.without == Without::SendTime { now } else { sent_ms };
        let event = match stage {
            Stage::Granted { applied } => Event::Acknowledged { sent_ms, applied },
            Stage::GivenUp => Event::Refused(RenewRefusal::GivenUp),
            Stage::Sent | Stage::Proven { .. } => return None,
        };
        self.holder = step(&self.holder, &rules.times, &event, now).0;
        Some(())
    }

    fn catch_up(&mut self) -> Option<()> {
        self.view = self.agreed.view();
        Some(())
    }

    fn answer_recheck(&mut self, rules: &Rules) -> Option<()> {
        let Phase::Checking { round, applied } = self.holder.phase else { return None };
        if self.view.index < applied && rules.without != Without::Recheck {
            return None;
        }
        let event = Event::Rechecked { round };
        self.holder = step(&self.holder, &rules.times, &event, self.clocks[0]).0;
        Some(())
    }

    /// `a` asks the leader to be admitted again.
    fn admit(&mut self, rules: &Rules) -> Option<()> {
        let leader = self.agreed.leader;
        let wanted = self.admissions < rules.admissions_max && self.agreed.a_down;
        if !wanted || !self.leads(leader) || self.books[leader].condemned("a") {
            return None;
        }
        self.admissions = self.admissions.saturating_add(1);
        self.agreed.a_down = false;
        self.agreed.index += 1;
        self.learn();
        Some(())
    }

    /// The other one is elected. Whoever led does not learn of it.
    fn elect(&mut self, rules: &Rules) -> Option<()> {
        if rules.elections_max <= self.elections {
            return None;
        }
        self.elections = self.elections.saturating_add(1);
        self.agreed.term += 1;
        self.agreed.index += 1;
        self.agreed.leader = 1 - self.agreed.leader;
        self.forget(rules);
        Some(())
    }

    fn take_office(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        let term = self.agreed.term;
        if self.agreed.leader != leader || self.books[leader].term() == Some(term) {
            return None;
        }
        let grace = if rules.without == Without::Grace { rules.times.reassign_ms } else { 0 };
        let now = self.now_of(leader);
        self.books[leader].take_office(term, now - grace);
        Some(())
    }

    fn look_for_silent(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        let term = self.books[leader].term()?;
        if !self.leads(leader) && rules.without != Without::TermOfCommands {
            // What it proposes is never written.
            return None;
        }
        let down = self.leads(leader) && self.agreed.a_down;
        let now = self.now_of(leader);
        let silent = self.books[leader].may_mark_down((!down).then_some(("a", 1)), now);
        let proposal = Proposal { leader, term, command: Command::MarkDown };
        if silent.is_empty() || self.proposals.contains(&proposal) {
            return None;
        }
        if rules.without == Without::Condemnation {
            self.books[leader].settle("a");
        }
        self.proposals.push(proposal);
        Some(())
    }

    fn propose_move(&mut self, leader: usize) -> Option<()> {
        let proposal = Proposal { leader, term: self.agreed.term, command: Command::Move };
        let lost = self.agreed.a_down && self.agreed.owner == Owner::A;
        if !self.leads(leader) || !lost || self.proposals.contains(&proposal) {
            return None;
        }
        self.proposals.push(proposal);
        Some(())
    }

    fn commit(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let proposal = self.proposals.remove(number);
        match proposal.command {
            Command::MarkDown => {
                self.agreed.a_down = true;
                self.books[proposal.leader].settle("a");
            }
            Command::Move => {
                let lost = self.agreed.a_down || rules.without == Without::DownAtRelease;
                if lost && self.agreed.owner == Owner::A {
                    self.agreed.owner = Owner::B;
                    self.agreed.epoch += 1;
                }
            }
        }
        self.agreed.index += 1;
        // Whoever proposed it hears of it when it has applied it.
        self.known[proposal.leader] =
            Known { index: self.agreed.index, a_down: self.agreed.a_down };
        Some(())
    }

    fn effect_of_b(&mut self) -> Option<()> {
        if !self.b_acts() {
            return None;
        }
        self.received = self.agreed.epoch;
        Some(())
    }
}
