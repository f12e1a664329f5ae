//! What all environments keep alike: how an episode ended, and the state as bytes (a tag, then fixed-width
//! little-endian numbers, nothing else).

use super::StepResult;
use crate::error::EngineError;
use crate::num::{Money, Price, Quantity};
use crate::orders::Fill;
use crate::portfolio::{Ledger, LedgerState};

/// Whether and how an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It goes on.
    No,
    /// By ruin, or because the task is done: nothing follows.
    Terminated,
    /// By the end of the data.
    Truncated,
}

impl Ended {
    /// Returns what a step brought.
    pub(super) fn result(self, reward: f64) -> StepResult {
        StepResult {
            reward,
            terminated: self == Self::Terminated,
            truncated: self == Self::Truncated,
        }
    }

    /// Reads what `as u64` wrote.
    pub(super) fn read(number: u64) -> Result<Self, EngineError> {
        match number {
            0 => Ok(Self::No),
            1 => Ok(Self::Terminated),
            2 => Ok(Self::Truncated),
            _ => Err(damaged("its end is none of the known ones")),
        }
    }
}

/// Writes numbers.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Begins with a tag that names the environment and the layout.
    pub(super) fn new(tag: [u8; 8]) -> Self {
        Self(tag.to_vec())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn f64(&mut self, value: f64) -> &mut Self {
        self.u64(value.to_bits())
    }

    pub(super) fn fill(&mut self, fill: Option<&Fill>) -> &mut Self {
        self.u64(u64::from(fill.is_some()));
        let numbers = fill.map_or([0.0; 4], |fill| {
            [fill.quantity.get(), fill.price.get(), fill.fee.get(), fill.slippage.get()]
        });
        for number in numbers {
            self.f64(number);
        }
        self
    }

    pub(super) fn ledger(&mut self, ledger: &Ledger) -> &mut Self {
        for number in ledger.state() {
            self.f64(number);
        }
        self
    }

    pub(super) fn fills(&mut self, fills: &[(usize, Fill)]) -> &mut Self {
        self.u64(fills.len() as u64);
        for (index, fill) in fills {
            self.u64(*index as u64).fill(Some(fill));
        }
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads numbers in the order in which they were written.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(tag: [u8; 8], bytes: &'a [u8]) -> Result<Self, EngineError> {
        match bytes.strip_prefix(&tag) {
            Some(rest) => Ok(Self(rest)),
            None => Err(damaged("it was saved by another environment or another version")),
        }
    }

    pub(super) fn u64(&mut self) -> Result<u64, EngineError> {
        let (head, rest) =
            self.0.split_first_chunk::<8>().ok_or_else(|| damaged("it is cut short"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*head))
    }

    pub(super) fn usize(&mut self) -> Result<usize, EngineError> {
        usize::try_from(self.u64()?).map_err(|_| damaged("a count in it is too large"))
    }

    pub(super) fn u32(&mut self) -> Result<u32, EngineError> {
        u32::try_from(self.u64()?).map_err(|_| damaged("a count in it is too large"))
    }

    pub(super) fn f64(&mut self) -> Result<f64, EngineError> {
        self.u64().map(f64::from_bits)
    }

    pub(super) fn fill(&mut self) -> Result<Option<Fill>, EngineError> {
        let present = self.u64()?;
        let [quantity, price, fee, slippage] = [self.f64()?, self.f64()?, self.f64()?, self.f64()?];
        match present {
            0 => Ok(None),
            1 => {
                let read = || {
                    Ok::<Fill, crate::num::NumError>(Fill {
                        quantity: Quantity::new(quantity)?,
                        price: Price::new(price)?,
                        fee: Money::new(fee)?,
                        slippage: Money::new(slippage)?,
                    })
                };
                read().map(Some).map_err(|error| damaged(&error.to_string()))
            }
            _ => Err(damaged("a flag in it is neither 0 nor 1")),
        }
    }

    pub(super) fn ledger(&mut self) -> Result<Ledger, EngineError> {
        let mut numbers: LedgerState = LedgerState::default();
        for number in &mut numbers {
            *number = self.f64()?;
        }
        Ledger::restore(&numbers)
    }

    /// Reads a count of at most `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, EngineError> {
        let count = self.usize()?;
        if count <= most { Ok(count) } else { Err(damaged("a count in it is too large")) }
    }

    /// Reads an index below `limit`.
    pub(super) fn index(&mut self, limit: usize) -> Result<usize, EngineError> {
        let index = self.usize()?;
        if index < limit { Ok(index) } else { Err(damaged("an index in it does not exist")) }
    }

    /// Reads at most `most` fills of `instruments` instruments.
    pub(super) fn fills(
        &mut self,
        instruments: usize,
        most: usize,
    ) -> Result<Vec<(usize, Fill)>, EngineError> {
        let mut fills = Vec::new();
        for _ in 0..self.count(most)? {
            let index = self.index(instruments)?;
            fills.push((index, self.fill()?.ok_or_else(|| damaged("a fill in it is absent"))?));
        }
        Ok(fills)
    }

    pub(super) fn finish(self) -> Result<(), EngineError> {
        if self.0.is_empty() { Ok(()) } else { Err(damaged("it is longer than a state")) }
    }
}

/// Refuses a saved state.
pub(super) fn damaged(detail: &str) -> EngineError {
    EngineError::State { what: "environment", detail: detail.to_owned() }
}

/// Passes books that are worth at the data's prices what was saved.
pub(super) fn agrees(worth: f64, saved: f64) -> Result<(), EngineError> {
    if (worth - saved).abs() <= 1e-9 * worth.abs().max(1.0) {
        return Ok(());
    }
    Err(damaged("its account does not agree with the data"))
}
