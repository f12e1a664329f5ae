//! This machine's GPUs through NVIDIA's management library, which is loaded when it is asked for.
//!
//! A machine without the library has no GPU, and that is no error. Tests say by configuration which GPUs to pretend.

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// One GPU at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// As CUDA and the driver count them.
    pub index: u32,
    /// Its maker's name.
    pub name: String,
    /// MiB in all.
    pub memory_total_mib: u64,
    /// MiB in use, by whomever; absent where the driver does not tell.
    pub memory_used_mib: Option<u64>,
    /// Share of the last moment in which it computed, 0 to 1; absent where the driver does not tell.
    pub busy_ratio: Option<f64>,
}

/// Where GPUs are asked for.
#[derive(Debug)]
pub struct Gpus {
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Those of this machine; none without the library.
    Driver(Option<Box<Nvml>>),
    /// Those a test made up, by memory in MiB.
    Fake(Vec<u64>),
}

impl Gpus {
    /// Opens the driver's library; with `fake` not empty these are the GPUs instead, by memory in MiB.
    #[must_use]
    pub fn open(fake: &[u64]) -> Self {
        if !fake.is_empty() {
            return Self { source: Source::Fake(fake.to_vec()) };
        }
        let library = match Nvml::init() {
            Ok(library) => Some(Box::new(library)),
            Err(error @ (NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound)) => {
                tracing::debug!(%error, "no GPU: NVIDIA's library is not here");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "NVIDIA's library is here and does not work: no GPU is used");
                None
            }
        };
        Self { source: Source::Driver(library) }
    }

    /// Looks at every GPU, by index. One that cannot be read is left out and told in the log.
    #[must_use]
    pub fn look(&self) -> Vec<Gpu> {
        match &self.source {
            Source::Driver(None) => Vec::new(),
            Source::Driver(Some(library)) => {
                let count = library.device_count().unwrap_or_else(|error| {
                    tracing::warn!(%error, "the GPUs cannot be counted");
                    0
                });
                (0..count).filter_map(|index| one(library, index)).collect()
            }
            Source::Fake(memory_mib) => (0..).zip(memory_mib).map(fake).collect(),
        }
    }
}

fn one(library: &Nvml, index: u32) -> Option<Gpu> {
    let read = || -> Result<Gpu, NvmlError> {
        let device = library.device_by_index(index)?;
        let memory = device.memory_info()?;
        Ok(Gpu {
            index,
            name: device.name()?,
            memory_total_mib: memory.total / MIB,
            memory_used_mib: Some(memory.used / MIB),
            busy_ratio: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
        })
    };
    read()
        .inspect_err(|error| tracing::warn!(index, %error, "a GPU cannot be read and is not used"))
        .ok()
}

fn fake((index, memory_total_mib): (u32, &u64)) -> Gpu {
    Gpu {
        index,
        name: "fake".to_owned(),
        memory_total_mib: *memory_total_mib,
        memory_used_mib: Some(0),
        busy_ratio: Some(0.0),
    }
}

/// Returns how many GPUs there are to reserve.
pub(crate) fn gpu_count(fake: &[u64]) -> u32 {
    u32::try_from(Gpus::open(fake).look().len()).unwrap_or(u32::MAX)
}

/// Returns how much memory `count` GPUs have together at least, MiB: sessions ask for a least memory of each, so that the
/// smallest one counts for all.
pub(crate) fn gpu_memory_mib(fake: &[u64], count: u32) -> u64 {
    let least = Gpus::open(fake).look().iter().map(|gpu| gpu.memory_total_mib).min();
    least.unwrap_or(0).saturating_mul(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_gpus_are_seen_in_their_order() {
        let seen = Gpus::open(&[16_384, 81_920]).look();
        let told: Vec<_> = seen.iter().map(|gpu| (gpu.index, gpu.memory_total_mib)).collect();
        assert_eq!(told, [(0, 16_384), (1, 81_920)]);
        assert_eq!(gpu_count(&[1, 2, 3]), 3);
        assert_eq!(gpu_memory_mib(&[16_384, 81_920], 2), 32_768);
    }

    #[test]
    fn a_machine_without_the_library_has_none_and_one_with_it_has_whole_ones() {
        // The file that the driver makes for each GPU.
        let there = std::path::Path::new("/dev/nvidia0").exists();
        let seen = Gpus::open(&[]).look();
        if !there {
            assert_eq!(seen, [], "nothing is made up");
        }
        for gpu in seen {
            assert!(!gpu.name.is_empty() && 0 < gpu.memory_total_mib, "{gpu:?}");
            assert!(gpu.memory_used_mib.is_none_or(|used| used <= gpu.memory_total_mib), "{gpu:?}");
            assert!(gpu.busy_ratio.is_none_or(|ratio| (0.0..=1.0).contains(&ratio)), "{gpu:?}");
        }
    }
}
