//! Whether what clients saw of one register is possible if every operation took effect at one moment between its call
//! and its answer (linearizability). Pure.
//!
//! The search of Wing and Gong (1993) with Lowe's memory of configurations (2017): depth first over the operations that
//! may come next, never twice through the same set of operations done and value held. An operation without an answer
//! may have taken effect at any time after its call, or never.

use std::collections::HashSet;

/// What the register holds: its revision rises by one with every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// Counts writes.
    pub revision: u64,
    /// The newest value.
    pub value: u64,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Done,
    /// Refused: the register has another revision.
    Stale,
    /// No answer, or one that says nothing.
    Unknown,
}

/// What a client asked, and what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A read that found this.
    Read(Held),
    /// A write of `value` on condition that the register has revision `expected`.
    Write {
        /// The condition.
        expected: u64,
        /// The new value.
        value: u64,
        /// What became of it.
        outcome: Outcome,
    },
}

/// An operation and when it was under way, in ns of one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What.
    pub action: Action,
    /// When it was sent.
    pub called_ns: u64,
    /// When the answer came; of no meaning where there was none.
    pub returned_ns: u64,
}

impl Operation {
    fn has_answer(&self) -> bool {
        !matches!(self.action, Action::Write { outcome: Outcome::Unknown, .. })
    }

    fn end(&self) -> u64 {
        if self.has_answer() { self.returned_ns } else { u64::MAX }
    }
}

/// Why a history is impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    /// How many operations could be put in order at most.
    pub placed: usize,
    /// What the register held then.
    pub held: Held,
    /// The operations of which none could come next.
    pub stuck: Vec<Operation>,
}

/// Returns what the register holds after an operation; nothing when it could not have gone so.
fn step(held: Held, action: Action) -> Option<Held> {
    match action {
        Action::Read(found) => (found == held).then_some(held),
        Action::Write { expected, outcome: Outcome::Stale, .. } => {
            (expected != held.revision).then_some(held)
        }
        Action::Write { expected, value, outcome: Outcome::Done | Outcome::Unknown } => {
            (expected == held.revision).then_some(Held { revision: expected + 1, value })
        }
    }
}

/// Which operations have been put in order.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Placed(Vec<u64>);

impl Placed {
    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    fn flip(&mut self, number: usize) {
        self.0[number / 64] ^= 1 << (number % 64);
    }
}

struct Search<'a> {
    operations: &'a [Operation],
    placed: Placed,
    /// Everything before this place is in order.
    front: usize,
    seen: HashSet<(Placed, Held)>,
}

impl Search<'_> {
    /// Returns the operations that may come next: called before any other that is still open has returned.
    fn candidates(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let mut first_return = u64::MAX;
        for (number, operation) in self.operations.iter().enumerate().skip(self.front) {
            if first_return < operation.called_ns {
                break;
            }
            if !self.placed.has(number) {
                found.push(number);
                first_return = first_return.min(operation.end());
            }
        }
        // Those of them that were called after the first return cannot be first.
        found.retain(|number| self.operations[*number].called_ns <= first_return);
        // Taken from the end: the earliest is the likeliest.
        found.reverse();
        found
    }

    fn advance(&mut self) {
        while self.front < self.operations.len() && self.placed.has(self.front) {
            self.front += 1;
        }
    }

    fn place(&mut self, number: usize) {
        self.placed.flip(number);
        self.advance();
    }

    fn take_back(&mut self, number: usize) {
        self.placed.flip(number);
        self.front = self.front.min(number);
    }
}

/// Decides whether the history of one register is linearizable.
///
/// # Errors
/// Returns how far it goes at most and what cannot follow.
pub fn check(begins: Held, history: &[Operation]) -> Result<(), Impossible> {
    let mut operations = history.to_vec();
    operations.sort_by_key(|operation| operation.called_ns);
    let answered = operations.iter().filter(|operation| operation.has_answer()).count();
    let mut search = Search {
        operations: &operations,
        placed: Placed(vec![0; operations.len() / 64 + 1]),
        front: 0,
        seen: HashSet::new(),
    };
    let mut held = begins;
    let mut done = 0;
    let mut farthest = Impossible { placed: 0, held, stuck: Vec::new() };
    // What was placed, what was held before it, and what else could have been placed instead.
    let mut path: Vec<(usize, Held, Vec<usize>)> = Vec::new();
    let mut choices = search.candidates();
    loop {
        if done == answered {
            return Ok(());
        }
        if farthest.placed <= path.len() {
            let stuck = search.candidates().iter().map(|number| operations[*number]).collect();
            farthest = Impossible { placed: path.len(), held, stuck };
        }
        let mut went = false;
        while let Some(number) = choices.pop() {
            let Some(after) = step(held, operations[number].action) else { continue };
            search.place(number);
            if !search.seen.insert((search.placed.clone(), after)) {
                search.take_back(number);
                continue;
            }
            path.push((number, held, std::mem::take(&mut choices)));
            held = after;
            done += usize::from(operations[number].has_answer());
            choices = search.candidates();
            went = true;
            break;
        }
        if went {
            continue;
        }
        let Some((number, before, others)) = path.pop() else { return Err(farthest) };
        search.take_back(number);
        held = before;
        done -= usize::from(operations[number].has_answer());
        choices = others;
    }
}
