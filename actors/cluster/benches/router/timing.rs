//! Calls timed one by one, and their figures as a node answers them.

use std::future::Future;
use std::io::BufRead;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

/// One call, timed by whoever makes it.
pub(crate) type Call<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Makes `count` calls, so many side by side, and returns their figures.
pub(crate) async fn calls<'a>(
    call: impl Fn() -> Call<'a>,
    bytes: usize,
    side_by_side: usize,
    count: usize,
) -> String {
    let began = Instant::now();
    let times = stream::iter(0..count).map(|_| {
        let call = call();
        async move {
            let began = Instant::now();
            call.await;
            began.elapsed()
        }
    });
    let times: Vec<Duration> = times.buffer_unordered(side_by_side).collect().await;
    let elapsed = began.elapsed();
    format!("{} {}", rate(count, bytes, elapsed), spread(times))
}

/// Makes calls one after the other until told to end, and returns their times.
pub(crate) async fn until<'a>(
    call: impl Fn() -> Call<'a>,
    ended: Arc<std::sync::atomic::AtomicBool>,
) -> String {
    let mut times = Vec::new();
    let began = Instant::now();
    while !ended.load(std::sync::atomic::Ordering::Acquire) {
        let began = Instant::now();
        call().await;
        times.push(began.elapsed());
    }
    let per_second = times.len() as f64 / began.elapsed().as_secs_f64();
    format!("rate={per_second:.1} {}", spread(times))
}

pub(crate) fn rate(count: usize, bytes: usize, elapsed: Duration) -> String {
    let per_second = count as f64 / elapsed.as_secs_f64();
    format!("rate={per_second:.1} megabytes={:.2}", per_second * bytes as f64 / 1e6)
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |per_mille: usize| {
        let place = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    format!("p50={:.1} p99={:.1} p999={:.1} max={:.1}", at(500), at(990), at(999), at(1000))
}

/// Carries out lines from standard input, one after the other, in a runtime of two threads.
pub(crate) fn serve<F>(start: impl FnOnce() -> F)
where
    F: Future<Output = Box<dyn Fn(Vec<String>) -> Pin<Box<dyn Future<Output = String>>>>>,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            drop(lines.send(line));
        }
        // Whoever measures is gone.
        std::process::exit(0);
    });
    runtime.block_on(async move {
        let carry_out = start().await;
        println!("@started");
        while let Some(line) = told.recv().await {
            let words = line.split_whitespace().map(str::to_owned).collect();
            println!("@{}", carry_out(words).await);
        }
    });
}
