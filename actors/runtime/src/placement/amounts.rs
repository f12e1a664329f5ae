//! Amounts of everything that can be reserved, and arithmetic on them. Pure.
//!
//! [`Amounts`] is what people and control state speak of: never below zero. [`Room`] is what the planner counts with:
//! signed, because what is held back for others may exceed what is free.

use std::fmt;

/// Something that can be reserved. The order is the order in which a shortage is named: the rarest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Whole GPUs.
    Gpu,
    /// Memory of GPUs, MiB.
    GpuMemory,
    /// Thousandths of a core.
    Cpu,
    /// Main memory, MiB.
    Memory,
    /// Disk, MiB.
    Disk,
}

/// Thousandths of a core in a core.
const MILLIS: u64 = 1_000;

/// Larger amounts count as this one, so that sums of all sessions stay far from overflow.
const AMOUNT_MAX: u64 = 1 << 44;

impl Dimension {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Gpu, Self::GpuMemory, Self::Cpu, Self::Memory, Self::Disk];

    /// Returns the word that the web UI translates.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::GpuMemory => "gpu_memory",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }

    /// Returns an amount as a person says it; cores are rounded up to a tenth.
    #[must_use]
    pub fn say(self, amount: u64) -> String {
        match self {
            Self::Gpu => plural(amount, "GPU"),
            Self::GpuMemory => format!("{amount} MiB of GPU memory"),
            Self::Cpu if amount.is_multiple_of(MILLIS) => plural(amount / MILLIS, "core"),
            Self::Cpu => {
                let tenths = amount.div_ceil(MILLIS / 10);
                format!("{}.{} cores", tenths / 10, tenths % 10)
            }
            Self::Memory => format!("{amount} MiB of memory"),
            Self::Disk => format!("{amount} MiB of disk"),
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Gpu => 0,
            Self::GpuMemory => 1,
            Self::Cpu => 2,
            Self::Memory => 3,
            Self::Disk => 4,
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Returns a count with its noun.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How much of each dimension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amounts {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    /// Main memory, MiB.
    pub memory_mib: u64,
    /// Whole GPUs, each for one session alone.
    pub gpus: u64,
    /// GPU memory, MiB, on all GPUs together. Without `gpus`: a part of a shared GPU.
    pub gpu_memory_mib: u64,
    /// Disk, MiB.
    pub disk_mib: u64,
}

impl Amounts {
    /// Returns the amount in one dimension.
    #[must_use]
    pub const fn get(&self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Gpu => self.gpus,
            Dimension::GpuMemory => self.gpu_memory_mib,
            Dimension::Cpu => self.cpu_millis,
            Dimension::Memory => self.memory_mib,
            Dimension::Disk => self.disk_mib,
        }
    }
}

/// Amounts that may be below zero, in the order of [`Dimension::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Room([i64; 5]);

impl From<Amounts> for Room {
    fn from(amounts: Amounts) -> Self {
        Self(Dimension::ALL.map(|one| amounts.get(one).min(AMOUNT_MAX).cast_signed()))
    }
}

impl Room {
    pub(crate) const fn get(&self, dimension: Dimension) -> i64 {
        self.0[dimension.index()]
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        self.zip(other, i64::saturating_add)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.zip(other, i64::saturating_sub)
    }

    /// Returns the amounts with what is below zero made zero.
    pub(crate) fn floor(self) -> Self {
        Self(self.0.map(|amount| amount.max(0)))
    }

    fn zip(self, other: Self, with: fn(i64, i64) -> i64) -> Self {
        let mut sum = self.0;
        for (one, more) in sum.iter_mut().zip(other.0) {
            *one = with(*one, more);
        }
        Self(sum)
    }

    /// Returns whether `need` fits. What is not needed does not matter, even where it is below zero.
    pub(crate) fn holds(&self, need: &Self) -> bool {
        self.0.iter().zip(need.0).all(|(have, wanted)| wanted <= 0 || wanted <= *have)
    }

    /// Returns whether this is at least `other` everywhere.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(have, wanted)| wanted <= *have)
    }

    /// Returns by how much `need` exceeds this, zero where it fits.
    pub(crate) fn shortage(&self, need: &Self) -> Self {
        let mut short = [0; 5];
        for (slot, (have, wanted)) in short.iter_mut().zip(self.0.iter().zip(need.0)) {
            if 0 < wanted && *have < wanted {
                *slot = wanted.saturating_sub(*have);
            }
        }
        Self(short)
    }

    /// Returns the first dimension with something in it, and how much.
    pub(crate) fn first(&self) -> Option<(Dimension, u64)> {
        Dimension::ALL
            .into_iter()
            .zip(self.0)
            .find(|(_, amount)| 0 < *amount)
            .map(|(dimension, amount)| (dimension, amount.cast_unsigned()))
    }

    /// Returns whether both have something in one dimension.
    pub(crate) fn touches(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| 0 < *a && 0 < b)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0 == [0; 5]
    }

    pub(crate) fn wants_gpu(&self) -> bool {
        0 < self.get(Dimension::Gpu) || 0 < self.get(Dimension::GpuMemory)
    }

    /// Returns how many of `need` fit in here one after another; nothing needed: no limit.
    pub(crate) fn times(&self, need: &Self) -> i64 {
        let fits = self.0.iter().zip(need.0).filter(|(_, wanted)| 0 < *wanted);
        fits.map(|(have, wanted)| (*have / wanted).max(0)).min().unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_may_be_overdrawn() {
        let free = Room([-1, 0, 5, 5, 0]);
        assert!(free.holds(&Room([0, 0, 5, 1, 0])));
        assert!(!free.holds(&Room([1, 0, 1, 1, 0])));
        assert_eq!(free.shortage(&Room([1, 0, 6, 1, 0])), Room([2, 0, 1, 0, 0]));
        assert_eq!(free.shortage(&Room([1, 0, 6, 1, 0])).first(), Some((Dimension::Gpu, 2)));
    }

    #[test]
    fn amounts_are_said_as_people_say_them() {
        assert_eq!(Dimension::Cpu.say(1_000), "1 core");
        assert_eq!(Dimension::Cpu.say(1_520), "1.6 cores");
        assert_eq!(Dimension::Gpu.say(2), "2 GPUs");
        assert_eq!(Dimension::Memory.say(7), "7 MiB of memory");
    }

    #[test]
    fn absurd_amounts_do_not_overflow() {
        let room = Room::from(Amounts { cpu_millis: u64::MAX, ..Amounts::default() });
        let sum = (0..20_000).fold(Room::default(), |sum, _| sum.plus(room));
        assert_eq!(sum.get(Dimension::Cpu), room.get(Dimension::Cpu) * 20_000);
    }
}
