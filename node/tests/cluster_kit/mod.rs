//! Clusters of real processes for tests: started, cut off, frozen, killed; what they did is checked afterwards.
//!
//! ```text
//! site      nodes from certificates to "whole"       process  one node's process      janitor  nothing is left behind
//! space     one network namespace per node, cuts     disk     one file system per node  clock   wall clocks that jump
//! client    REST of any node with one login          load     writers and their history
//! effects   what workers did, and who owned what     linear   is a history possible for one register?
//! strangers who is no member and knocks all the same
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests panic and speak"
)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod client;
pub mod clock;
pub mod disk;
pub mod effects;
pub mod faults;
pub mod janitor;
pub mod linear;
pub mod load;
pub mod process;
pub mod series;
pub mod site;
pub mod space;
pub mod strangers;

use std::process::Command;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long anything may take on a busy machine of two cores before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Says something that the test harness does not keep to itself.
pub fn say(text: &str) {
    use std::io::Write;
    // Written past the capture of the test harness, so that a passing campaign shows its table.
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Says that a test cannot run here, in the words that the summary of the tests looks for.
pub fn missing(capability: &str, test: &str) {
    say(&format!("MISSING CAPABILITY {capability}: {test} NOT RUN"));
}

/// Reads a number from the environment.
pub fn setting(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Returns the clock that all namespaces share and that goes on while processes are frozen.
pub fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

/// Returns the seconds between two readings of [`boot_ns`].
pub fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    Duration::from_nanos(to_ns.saturating_sub(from_ns)).as_secs_f64()
}

/// Returns median and worst of measured seconds.
pub fn median_and_worst(measured: &[f64]) -> (f64, f64) {
    let mut sorted = measured.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

/// Runs a program to its end; what it said if it failed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {} {}", output.status, told.trim()))
}

/// Deterministic numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// Takes the seed from a variable, else one from the clock, and says it.
    pub fn seeded(variable: &str) -> Self {
        let seed = setting(variable).unwrap_or_else(|| boot_ns() % 1_000_000_000);
        say(&format!("{variable}={seed}"));
        Self(seed)
    }

    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    /// Returns a place in a list of that length.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    /// Puts a list into random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.place(last + 1));
        }
    }
}
