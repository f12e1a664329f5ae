//! Where tensors live and how many threads compute: the processor, one thread unless told otherwise.
//!
//! Parallelism lies across sessions, and one thread is what makes equal runs byte-equal. GPUs are not used by this
//! build: a session that asks for one is refused before it starts, never moved to the processor in silence.

use crate::error::TrainerError;

/// Version of libtorch this program was built against.
pub const LIBTORCH_VERSION: &str = env!("TM_LIBTORCH_VERSION");

/// Sets thread counts. Call once per process, before the first tensor.
pub fn prepare() {
    tch::set_num_interop_threads(1);
    tch::set_num_threads(1);
}

/// Returns the devices a session may use.
#[must_use]
pub fn devices() -> Vec<String> {
    vec!["cpu".to_owned()]
}

/// Refuses what this build cannot grant.
///
/// # Errors
/// A GPU was reserved.
pub fn check_granted(gpus: u32) -> Result<(), TrainerError> {
    if gpus == 0 {
        return Ok(());
    }
    Err(TrainerError::BadSpec(format!(
        "this worker computes on the processor only, but {gpus} GPU(s) are reserved: set gpus to 0"
    )))
}
