//! Looks at this machine once a second, on a blocking thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use sysinfo::System;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::messages::nodes::{NodesMsg, Sample};
use crate::tasks::Task;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Starts looking; each look is sent to `actor`. Ends with it.
pub(super) fn start(actor: ActorRef<NodesMsg>, clock: Arc<dyn Clock>, data_dir: PathBuf) -> Task {
    Task::spawn("node sampler", async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut system = match System::new() {
            Ok(system) => system,
            Err(error) => {
                tracing::error!(%error, "this machine's load cannot be read and is not shown");
                return;
            }
        };
        loop {
            ticks.tick().await;
            let (path, clock) = (data_dir.clone(), Arc::clone(&clock));
            let looked = tokio::task::spawn_blocking(move || {
                let sample = look(&mut system, &path, clock.wall_ms());
                (system, sample)
            });
            let Ok((back, sample)) = looked.await else {
                tracing::error!("looking at this machine panicked; its load is no longer shown");
                return;
            };
            system = back;
            if actor.cast(NodesMsg::Sampled(sample)).is_err() {
                return;
            }
        }
    })
}

fn look(system: &mut System, path: &std::path::Path, at_ms: i64) -> Sample {
    system.refresh_cpu_usage();
    system.refresh_memory();
    let cpu = f64::from(system.global_cpu_usage()) / 100.0;
    Sample {
        at_ms,
        cpu_ratio: cpu.is_finite().then_some(cpu.clamp(0.0, 1.0)),
        memory_used_bytes: Some(system.used_memory()),
        disk_free_ratio: disk_free(path),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio of block counts needs no more than 52 bits"
)]
fn disk_free(path: &std::path::Path) -> Option<f64> {
    let found = rustix::fs::statvfs(path).ok()?;
    (0 < found.f_blocks).then(|| found.f_bavail as f64 / found.f_blocks as f64)
}

/// Returns this machine's memory in MiB; 0 when the system does not tell.
#[must_use]
pub fn machine_memory_mib() -> u64 {
    System::new().map_or(0, |mut system| {
        system.refresh_memory();
        system.total_memory() / (1 << 20)
    })
}
