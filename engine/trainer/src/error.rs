//! What can go wrong while learning, which word and exit code the node is told, and whether a restart can help.

use std::any::Any;

use engine::session::protocol;
use tch::TchError;

/// Why a session ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The spec asks for something this build cannot or may not do.
    #[error("{0}")]
    BadSpec(String),
    /// An input file is absent, damaged or not what was announced.
    #[error("{0}")]
    Data(String),
    /// A checkpoint, model or report could not be written.
    #[error("{0}")]
    Write(String),
    /// A checkpoint is damaged or belongs to another session.
    #[error("{0}")]
    BadCheckpoint(String),
    /// Memory is exhausted.
    #[error(
        "memory is exhausted: {0}. Reserve more memory or lower replay_capacity, batch_size or hidden"
    )]
    Memory(String),
    /// The device is lost.
    #[error("the device is lost: {0}. The session goes on from its last checkpoint")]
    Device(String),
    /// The loss, a gradient or a weight is not finite.
    #[error("{0}")]
    Diverged(String),
    /// The node broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The node withdrew its permission to run, or is gone.
    #[error("{0}")]
    Lease(String),
    /// We are wrong.
    #[error("{0}")]
    Internal(String),
    /// We are wrong: an assertion of ours or of a library failed. On the processor the same state fails again.
    #[error(
        "the worker panicked: {0}. This is an error of ours; the log holds the place, please report it"
    )]
    Panicked(String),
}

impl TrainerError {
    /// Returns the stable word of the `Fault` frame.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadSpec(_) => "bad_spec",
            Self::Data(_) => "data",
            Self::Write(_) | Self::BadCheckpoint(_) => "checkpoint",
            Self::Memory(_) => "memory",
            Self::Device(_) => "device",
            Self::Diverged(_) => "diverged",
            Self::Protocol(_) => "protocol",
            Self::Lease(_) => "lease",
            Self::Internal(_) | Self::Panicked(_) => "internal",
        }
    }

    /// Whether a restart from the last checkpoint can help.
    #[must_use]
    pub fn is_restartable(&self) -> bool {
        match self {
            Self::Write(_)
            | Self::Memory(_)
            | Self::Device(_)
            | Self::Lease(_)
            | Self::Internal(_) => true,
            Self::BadSpec(_)
            | Self::Data(_)
            | Self::BadCheckpoint(_)
            | Self::Diverged(_)
            | Self::Protocol(_)
            | Self::Panicked(_) => false,
        }
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::BadSpec(_) | Self::Data(_) => protocol::EXIT_BAD_SPEC,
            Self::Write(_) | Self::BadCheckpoint(_) => protocol::EXIT_CHECKPOINT,
            Self::Memory(_) => protocol::EXIT_MEMORY,
            Self::Device(_) => protocol::EXIT_DEVICE,
            Self::Protocol(_) => protocol::EXIT_PROTOCOL,
            Self::Lease(_) => protocol::EXIT_LEASE,
            Self::Diverged(_) | Self::Internal(_) | Self::Panicked(_) => protocol::EXIT_INTERNAL,
        }
    }

    /// Sorts a caught panic. Exhausted memory and a lost device stay what they are; everything else would come again
    /// after a restart, for the same state takes the same path.
    #[must_use]
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without text");
        let sorted = Self::from_text(text);
        if let Self::Internal(text) = sorted { Self::Panicked(text) } else { sorted }
    }

    /// Sorts the text of a libtorch exception or of a caught panic: libtorch has no typed errors.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if has(&["out of memory", "can't allocate memory", "not enough memory", "bad_alloc"]) {
            return Self::Memory(text.to_owned());
        }
        if has(&[
            "illegal memory access",
            "device-side assert",
            "unspecified launch failure",
            "ecc error",
        ]) {
            return Self::Device(text.to_owned());
        }
        Self::Internal(text.to_owned())
    }
}

impl From<TchError> for TrainerError {
    fn from(error: TchError) -> Self {
        Self::from_text(&error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_texts_are_sorted_into_memory_device_and_the_rest() {
        let cases = [
            ("CUDA out of memory. Tried to allocate 2 GiB", "memory", 72),
            (
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
                "memory",
                72,
            ),
            ("CUDA error: an illegal memory access was encountered", "device", 71),
            ("mat1 and mat2 shapes cannot be multiplied", "internal", 70),
        ];
        for (text, kind, exit) in cases {
            let error = TrainerError::from(TchError::Torch(text.to_owned()));
            assert_eq!((error.kind(), error.exit_code()), (kind, exit), "{text}");
        }
    }

    #[test]
    fn a_panic_is_not_retried_unless_memory_or_device_is_behind_it() {
        let cases = [
            ("no action value is a number: [NaN]", "internal", 70, false),
            ("Torch: CUDA out of memory", "memory", 72, true),
            ("Torch: CUDA error: an illegal memory access was encountered", "device", 71, true),
        ];
        for (text, kind, exit, restartable) in cases {
            let owned = TrainerError::from_panic(&text.to_owned());
            let borrowed = TrainerError::from_panic(&text);
            assert_eq!(owned.to_string(), borrowed.to_string());
            let found = (owned.kind(), owned.exit_code(), owned.is_restartable());
            assert_eq!(found, (kind, exit, restartable), "{text}");
            assert!(owned.to_string().contains(text), "{owned}");
        }
        let odd = TrainerError::from_panic(&7_u8);
        assert!(!odd.is_restartable() && odd.to_string().contains("without text"), "{odd}");
    }

    #[test]
    fn a_restart_is_offered_only_where_it_can_help() {
        assert!(!TrainerError::Diverged(String::new()).is_restartable());
        assert!(!TrainerError::BadCheckpoint(String::new()).is_restartable());
        assert!(TrainerError::Write(String::new()).is_restartable());
    }
}
