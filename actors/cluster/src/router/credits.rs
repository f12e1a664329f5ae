//! What may be under way to one peer: messages and bytes sent and not yet taken in. Pure.
//!
//! Without credit a sender is refused at once; there is no queue in front of the link. A part of both limits is kept
//! for [`Class::Control`], so that a cancel or a kill passes where data does not.

use std::collections::VecDeque;

use super::envelope::Class;

/// How much may be under way per peer and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditLimits {
    /// Messages.
    pub messages: usize,
    /// Bytes.
    pub bytes: usize,
    /// Messages of these that only control may use.
    pub reserved_messages: usize,
    /// Bytes of these that only control may use.
    pub reserved_bytes: usize,
}

impl Default for CreditLimits {
    fn default() -> Self {
        Self { messages: 1024, bytes: 4 << 20, reserved_messages: 128, reserved_bytes: 256 << 10 }
    }
}

/// The sender's account.
#[derive(Debug, Clone)]
pub struct Credits {
    limits: CreditLimits,
    last: u64,
    under_way: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Credits {
    /// Opens an account in which nothing is under way.
    #[must_use]
    pub fn new(limits: CreditLimits) -> Self {
        Self { limits, last: 0, under_way: VecDeque::new(), bytes: 0 }
    }

    /// Takes credit for a frame and returns its position, counted from 1; `None` when there is not enough.
    pub fn take(&mut self, class: Class, bytes: usize) -> Option<u64> {
        let (messages_max, bytes_max) = match class {
            Class::Control => (self.limits.messages, self.limits.bytes),
            Class::Normal => (
                self.limits.messages.saturating_sub(self.limits.reserved_messages),
                self.limits.bytes.saturating_sub(self.limits.reserved_bytes),
            ),
        };
        let fits = self.under_way.len() < messages_max
            && self.bytes.checked_add(bytes).is_some_and(|sum| sum <= bytes_max);
        if !fits {
            return None;
        }
        self.last += 1;
        self.bytes += bytes;
        self.under_way.push_back((self.last, bytes));
        Some(self.last)
    }

    /// Gives back the credit of everything up to `seq`; returns whether anything was given back. A position that was
    /// never sent or was acknowledged before changes nothing.
    pub fn acknowledged(&mut self, seq: u64) -> bool {
        if seq > self.last {
            return false;
        }
        let mut changed = false;
        while let Some((first, bytes)) = self.under_way.front().copied() {
            if first > seq {
                break;
            }
            self.bytes = self.bytes.saturating_sub(bytes);
            self.under_way.pop_front();
            changed = true;
        }
        changed
    }

    /// Messages under way.
    #[must_use]
    pub fn messages_under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Bytes under way.
    #[must_use]
    pub fn bytes_under_way(&self) -> usize {
        self.bytes
    }
}

/// After how many messages the receiver acknowledges.
pub const ACK_EVERY: u64 = 64;
/// After how long the receiver acknowledges at the latest, in ms.
pub const ACK_AFTER_MS: u64 = 10;

/// What the receiver does with a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// Take the message in; acknowledge later.
    Take,
    /// Take the message in and acknowledge now.
    TakeAndAck,
    /// Was taken in before.
    Again,
}

/// The receiver's side of an account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acks {
    taken: u64,
    told: u64,
}

impl Acks {
    /// Notes a position that arrived. Positions come in order while a session lives; a gap is passed over.
    pub fn arrived(&mut self, seq: u64) -> Intake {
        if seq <= self.taken {
            return Intake::Again;
        }
        self.taken = seq;
        if self.taken - self.told >= ACK_EVERY { Intake::TakeAndAck } else { Intake::Take }
    }

    /// The position to tell with the next frame; it then counts as told.
    pub fn tell(&mut self) -> u64 {
        self.told = self.taken;
        self.taken
    }

    /// Whether something was taken in that the sender was not told of.
    #[must_use]
    pub fn owing(&self) -> bool {
        self.taken > self.told
    }
}
