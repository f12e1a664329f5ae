//! A worker's stdout and stderr as lines: bounded in length and rate, never blocking the worker for long.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::process::{Launch, Notice, What};

/// Longest line kept, bytes; the rest of it is cut.
const LINE_BYTES_MAX: usize = 4_096;
/// Lines per second and pipe; further ones are dropped and counted.
const LINES_PER_SECOND_MAX: u32 = 500;
/// Lines in one notice.
const BATCH_MAX: usize = 100;
/// Batches that may wait for the owner.
const BATCHES_MAX: usize = 16;
/// How long a line may wait for company.
const COLLECT: Duration = Duration::from_millis(100);

/// Splits bytes into lines; pure.
#[derive(Debug, Default)]
struct Splitter {
    partial: Vec<u8>,
    cut: bool,
}

impl Splitter {
    fn take(&mut self, bytes: &[u8], into: &mut Vec<String>) {
        for byte in bytes {
            if *byte == b'\n' {
                self.end(into);
            } else if self.partial.len() < LINE_BYTES_MAX {
                self.partial.push(*byte);
            } else {
                self.cut = true;
            }
        }
    }

    fn end(&mut self, into: &mut Vec<String>) {
        let text = String::from_utf8_lossy(&self.partial);
        let text = text.trim_end_matches('\r');
        if !text.is_empty() {
            into.push(if self.cut { format!("{text} … (cut)") } else { text.to_owned() });
        }
        self.partial.clear();
        self.cut = false;
    }
}

/// Lets through a number of lines per second and counts the others; pure.
#[derive(Debug, Default)]
struct Valve {
    second: u64,
    passed: u32,
    dropped: u64,
}

impl Valve {
    fn pass(&mut self, now_ms: u64, lines: Vec<String>) -> Vec<String> {
        let mut out = Vec::with_capacity(lines.len());
        for line in lines {
            let second = now_ms / 1_000;
            if second != self.second {
                self.second = second;
                self.passed = 0;
            }
            if LINES_PER_SECOND_MAX <= self.passed {
                self.dropped += 1;
                continue;
            }
            if 0 < self.dropped {
                out.push(format!(
                    "… {} lines were dropped: more than {LINES_PER_SECOND_MAX} in a second",
                    self.dropped
                ));
                self.dropped = 0;
            }
            self.passed += 1;
            out.push(line);
        }
        out
    }
}

/// Reads a pipe until it closes and hands its lines to the owner in batches.
pub(crate) async fn forward<R: AsyncRead + Unpin + Send>(mut pipe: R, launch: Arc<Launch>) {
    let credits = Arc::new(Semaphore::new(BATCHES_MAX));
    let mut splitter = Splitter::default();
    let mut valve = Valve::default();
    let mut buffer = vec![0_u8; 16 << 10];
    let mut open = true;
    while open {
        let mut lines = Vec::new();
        let mut until = None;
        loop {
            let read = match until {
                None => pipe.read(&mut buffer).await,
                Some(at) => match timeout_at(at, pipe.read(&mut buffer)).await {
                    Ok(read) => read,
                    Err(_) => break,
                },
            };
            let Ok(count @ 1..) = read else {
                open = false;
                splitter.end(&mut lines);
                break;
            };
            splitter.take(buffer.get(..count).unwrap_or_default(), &mut lines);
            if BATCH_MAX <= lines.len() {
                break;
            }
            until = until.or_else(|| Some(Instant::now() + COLLECT));
        }
        let lines = valve.pass(launch.clock.boot_ms(), lines);
        if lines.is_empty() {
            continue;
        }
        let Ok(credit) = Arc::clone(&credits).acquire_owned().await else { return };
        if !(launch.deliver)(Notice {
            run: launch.run,
            what: What::Lines(lines),
            credit: Some(credit),
        }) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_cut_and_read_whatever_the_bytes_are() {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        splitter.take(b"one\r\n\ntw", &mut lines);
        splitter.take(b"o\n\xff\xfe\n", &mut lines);
        splitter.take(&vec![b'x'; LINE_BYTES_MAX + 10], &mut lines);
        splitter.end(&mut lines);
        assert_eq!(lines[..2], ["one", "two"]);
        assert_eq!(lines.len(), 4);
        assert!(lines[3].ends_with("(cut)"));
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let mut valve = Valve::default();
        let flood = vec!["x".to_owned(); 2_000];
        assert_eq!(valve.pass(0, flood).len(), 500);
        let after = valve.pass(1_000, vec!["y".to_owned()]);
        assert_eq!(after.len(), 2);
        assert!(after[0].contains("1500 lines"), "{}", after[0]);
    }
}
