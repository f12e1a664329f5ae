//! A supervisor's book of its children: who runs, who waits, and what follows from an end; pure.

use super::budget::{Budget, Verdict};
use super::{ChildSpec, ChildState, ChildStatus, RestartPolicy, Strategy};

/// What a supervisor must do after a child's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Stop this sibling, it is started again later.
    StopSibling {
        /// Its name.
        name: String,
    },
    /// Start this child after a wait.
    RestartAfter {
        /// Its name.
        name: String,
        /// The wait.
        delay_ms: u64,
        /// Which wait this is.
        generation: u64,
    },
    /// Fail: the budget is spent or the child's failure is ours.
    Escalate {
        /// Why, for the parent.
        reason: String,
    },
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// In good order.
    Stopped,
    /// By an error or panic.
    Failed(String),
}

/// One child: `A` is its address.
#[derive(Debug, Clone)]
pub(super) struct Child<A> {
    pub(super) spec: ChildSpec,
    pub(super) address: Option<A>,
    pub(super) state: ChildState,
    pub(super) restart_count: u32,
    pub(super) last_error: Option<String>,
    pub(super) generation: u64,
    budget: Budget,
}

/// All children in the order of their start.
#[derive(Debug, Clone)]
pub(super) struct Children<A> {
    strategy: Strategy,
    list: Vec<Child<A>>,
}

impl<A: PartialEq> Children<A> {
    pub(super) fn new(strategy: Strategy) -> Self {
        Self { strategy, list: Vec::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Child<A>> {
        self.list.iter().find(|child| child.spec.name == name)
    }

    pub(super) fn position(&self, address: &A) -> Option<usize> {
        self.list.iter().position(|child| child.address.as_ref() == Some(address))
    }

    pub(super) fn name_at(&self, position: usize) -> Option<&str> {
        self.list.get(position).map(|child| child.spec.name.as_str())
    }

    /// Adds a child that runs, in place of an ended one of the same name.
    pub(super) fn add(&mut self, spec: ChildSpec, address: A) {
        self.list.retain(|child| child.spec.name != spec.name);
        self.list.push(Child {
            spec,
            address: Some(address),
            state: ChildState::Running,
            restart_count: 0,
            last_error: None,
            generation: 0,
            budget: Budget::default(),
        });
    }

    /// Forgets a child; returns its address.
    pub(super) fn remove(&mut self, name: &str) -> Option<A> {
        let position = self.list.iter().position(|child| child.spec.name == name)?;
        self.list.remove(position).address
    }

    /// Returns the spec of a child whose wait is over.
    pub(super) fn due(&self, name: &str, generation: u64) -> Option<ChildSpec> {
        let child = self.get(name)?;
        let due = child.state == ChildState::Restarting
            && child.generation == generation
            && child.address.is_none();
        due.then(|| child.spec.clone())
    }

    /// Notes that a restart succeeded.
    pub(super) fn restarted(&mut self, name: &str, address: A) {
        if let Some(child) = self.list.iter_mut().find(|child| child.spec.name == name) {
            child.address = Some(address);
            child.state = ChildState::Running;
            child.restart_count += 1;
        }
    }

    /// Notes that a restart failed and returns what to do.
    pub(super) fn start_failed(&mut self, name: &str, error: String, now_ms: u64) -> Vec<Step> {
        let Some(position) = self.list.iter().position(|child| child.spec.name == name) else {
            return Vec::new();
        };
        if let Some(child) = self.list.get_mut(position) {
            child.last_error = Some(error.clone());
        }
        self.restart(position, &error, now_ms)
    }

    /// Takes the address of a child that is about to be stopped.
    pub(super) fn take_address(&mut self, name: &str) -> Option<A> {
        self.list.iter_mut().find(|child| child.spec.name == name)?.address.take()
    }

    /// Notes an end and returns what to do.
    pub(super) fn ended(&mut self, position: usize, ending: Ending, now_ms: u64) -> Vec<Step> {
        let Some(child) = self.list.get_mut(position) else { return Vec::new() };
        child.address = None;
        // A sibling that we stopped ourselves waits for its start.
        if child.state == ChildState::Restarting {
            return Vec::new();
        }
        child.state = ChildState::Stopped;
        let Ending::Failed(error) = ending else { return Vec::new() };
        child.last_error = Some(error.clone());
        let name = child.spec.name.clone();
        match child.spec.policy {
            RestartPolicy::Stop => Vec::new(),
            RestartPolicy::Escalate => {
                vec![Step::Escalate { reason: format!("{name} failed: {error}") }]
            }
            RestartPolicy::Restart => self.restart(position, &error, now_ms),
        }
    }

    fn restart(&mut self, position: usize, error: &str, now_ms: u64) -> Vec<Step> {
        let Some(child) = self.list.get_mut(position) else { return Vec::new() };
        let attempt = match child.budget.failed(child.spec.limit, now_ms) {
            Verdict::Restart { attempt } => attempt,
            Verdict::Spent => {
                let (limit, name) = (child.spec.limit, &child.spec.name);
                let reason = format!(
                    "{name} failed more than {} times in {} s, last with: {error}",
                    limit.restart_count_max,
                    limit.window_ms / 1_000
                );
                return vec![Step::Escalate { reason }];
            }
        };
        let delay_ms = child.spec.backoff.delay_ms(attempt);
        let mut steps = vec![child.wait(delay_ms)];
        if self.strategy == Strategy::RestForOne {
            for sibling in self
                .list
                .iter_mut()
                .skip(position + 1)
                .filter(|sibling| sibling.state == ChildState::Running)
            {
                steps.push(Step::StopSibling { name: sibling.spec.name.clone() });
                steps.push(sibling.wait(delay_ms));
            }
        }
        steps
    }

    pub(super) fn status(&self) -> Vec<ChildStatus> {
        self.list
            .iter()
            .map(|child| ChildStatus {
                name: child.spec.name.clone(),
                state: child.state,
                restart_count: child.restart_count,
                last_error: child.last_error.clone(),
            })
            .collect()
    }
}

impl<A> Child<A> {
    fn wait(&mut self, delay_ms: u64) -> Step {
        self.state = ChildState::Restarting;
        self.generation += 1;
        Step::RestartAfter { name: self.spec.name.clone(), delay_ms, generation: self.generation }
    }
}
