//! The nodes of several formulas, each different one once: the cache that lets formulas share their work.

use std::collections::BTreeMap;

use super::functions::Function;
use super::parse::{self, ExpressionError};

/// One step of the computation. Its own form is the key of the cache: inputs are numbers of nodes that stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) function: Function,
    /// Inputs; 0 where there is none.
    pub(super) inputs: [usize; 3],
    /// Bars; 0 where there is none.
    pub(super) window: usize,
    /// Bits of the number or the share; 0 where there is none.
    pub(super) bits: u64,
}

impl Node {
    pub(super) fn number(&self) -> f64 {
        f64::from_bits(self.bits)
    }
}

/// Several formulas as one list of steps, each after its inputs.
#[derive(Debug, Clone, Default)]
pub struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<usize>,
    known: BTreeMap<Node, usize>,
    asked: usize,
}

impl Program {
    /// Reads formulas into one program.
    ///
    /// # Errors
    /// Refuses the first that is not a formula, with the place of the mistake.
    pub fn new<'a>(formulas: impl IntoIterator<Item = &'a str>) -> Result<Self, ExpressionError> {
        let mut program = Self::default();
        for text in formulas {
            let output = parse::parse(text, &mut program)?;
            program.outputs.push(output);
        }
        Ok(program)
    }

    /// Returns the node that computes this, a new one only where there is none yet.
    pub(super) fn node(&mut self, mut node: Node) -> usize {
        self.asked += 1;
        if node.function.commutes() {
            node.inputs[..2].sort_unstable();
        }
        let next = self.nodes.len();
        let place = *self.known.entry(node).or_insert(next);
        if place == next {
            self.nodes.push(node);
        }
        place
    }

    /// Returns the number of steps written in the formulas, and of those that are computed.
    #[must_use]
    pub fn steps(&self) -> (usize, usize) {
        (self.asked, self.nodes.len())
    }

    /// Returns the number of formulas.
    #[must_use]
    pub fn width(&self) -> usize {
        self.outputs.len()
    }

    /// Whether a formula compares instruments with each other.
    #[must_use]
    pub fn crosses(&self) -> bool {
        self.nodes.iter().any(|node| node.function.crosses())
    }
}
