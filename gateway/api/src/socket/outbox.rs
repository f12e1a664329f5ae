//! What waits to be written to one socket: bounded bytes, one order for everything, shared texts.
//!
//! Subscriptions take a place only while little waits: above the high-water mark they hold back, and the topic hub
//! merges or drops by class meanwhile. What cannot be held back (answers, pings) still counts; too much of anything,
//! or anything too old, closes the socket.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::frames::{Close, ServerFrame};

#[derive(Default)]
struct Inner {
    waiting: VecDeque<(String, Instant)>,
    bytes: usize,
    /// Taken by the writer and not yet written.
    writing: Option<(usize, Instant)>,
    close: Option<Close>,
}

/// The queue between one connection's tasks and its writer.
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    filled: Notify,
    drained: Notify,
    high_water: usize,
    bytes_max: usize,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Write this.
    Frame(String),
    /// Everything is written: close.
    Close(Close),
}

impl Outbox {
    /// An empty queue.
    pub(crate) fn new(high_water: usize, bytes_max: usize) -> Self {
        Self {
            inner: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            high_water,
            bytes_max,
        }
    }

    /// Adds a frame. Beyond the limit the socket is closed as slow instead.
    pub(crate) fn push(&self, frame: &ServerFrame) {
        self.add(&mut self.lock(), frame.encode());
        self.filled.notify_one();
    }

    /// Adds a frame of a subscription as soon as there is room, unless the subscription or the socket ends meanwhile.
    pub(crate) async fn push_of(&self, frame: &ServerFrame, ended: &AtomicBool) {
        let text = frame.encode();
        loop {
            let mut notified = std::pin::pin!(self.drained.notified());
            // Registered before the look, or a drain in between would be missed.
            notified.as_mut().enable();
            {
                let mut inner = self.lock();
                if inner.close.is_some() || ended.load(Ordering::Acquire) {
                    return;
                }
                let fits =
                    inner.bytes <= self.high_water && inner.bytes + text.len() <= self.bytes_max;
                if fits || inner.bytes == 0 {
                    self.add(&mut inner, text);
                    break;
                }
            }
            notified.await;
        }
        self.filled.notify_one();
    }

    /// Ends a subscription and adds what confirms it: nothing of the subscription comes after.
    pub(crate) fn end_of(&self, frame: &ServerFrame, ended: &AtomicBool) {
        let mut inner = self.lock();
        ended.store(true, Ordering::Release);
        self.add(&mut inner, frame.encode());
        drop(inner);
        self.filled.notify_one();
    }

    fn add(&self, inner: &mut Inner, text: String) {
        if inner.close.is_some() {
            return;
        }
        // One frame is always taken: a part of a snapshot may be larger than the limit leaves room for.
        if inner.bytes > 0 && inner.bytes + text.len() > self.bytes_max {
            self.close_now(inner, Close::Slow);
            return;
        }
        inner.bytes += text.len();
        inner.waiting.push_back((text, Instant::now()));
    }

    fn close_now(&self, inner: &mut Inner, close: Close) {
        inner.close = Some(close);
        if close == Close::Slow {
            inner.waiting.clear();
            inner.bytes = inner.writing.map_or(0, |(bytes, _)| bytes);
        }
        self.drained.notify_waiters();
    }

    /// Closes the socket after what waits; nothing is added any more. The first reason stands.
    pub(crate) fn close(&self, close: Close) {
        let mut inner = self.lock();
        if inner.close.is_none() {
            self.close_now(&mut inner, close);
        }
        drop(inner);
        self.filled.notify_one();
    }

    /// Whether the socket is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().close.is_some()
    }

    /// Waits until a subscription may add something.
    pub(crate) async fn room(&self) {
        loop {
            let mut notified = std::pin::pin!(self.drained.notified());
            // Registered before the look, or a drain in between would be missed.
            notified.as_mut().enable();
            {
                let inner = self.lock();
                if inner.bytes <= self.high_water || inner.close.is_some() {
                    return;
                }
            }
            notified.await;
        }
    }

    /// Waits for something to write; the frame taken before counts as written now.
    pub(crate) async fn next(&self) -> Write {
        self.written();
        loop {
            if let Some(write) = self.take() {
                return write;
            }
            self.filled.notified().await;
        }
    }

    fn written(&self) {
        let mut inner = self.lock();
        if let Some((bytes, _)) = inner.writing.take() {
            inner.bytes -= bytes.min(inner.bytes);
        }
        let room = inner.bytes <= self.high_water;
        drop(inner);
        if room {
            self.drained.notify_waiters();
        }
    }

    fn take(&self) -> Option<Write> {
        let mut inner = self.lock();
        if let Some((text, since)) = inner.waiting.pop_front() {
            inner.writing = Some((text.len(), since));
            return Some(Write::Frame(text));
        }
        inner.close.map(Write::Close)
    }

    /// Returns how long the oldest byte has waited.
    pub(crate) fn oldest(&self) -> Duration {
        let inner = self.lock();
        let since = inner
            .writing
            .map(|(_, since)| since)
            .or_else(|| inner.waiting.front().map(|(_, since)| *since));
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by a connection's tasks.
pub(crate) type SharedOutbox = Arc<Outbox>;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> ServerFrame {
        ServerFrame::Error { code: "x", detail: "y".repeat(length) }
    }

    #[tokio::test]
    async fn frames_come_out_in_order_and_the_close_last() {
        let outbox = Outbox::new(100, 1000);
        outbox.push(&ServerFrame::UnsubOk { sid: 1 });
        outbox.push(&ServerFrame::UnsubOk { sid: 2 });
        outbox.close(Close::Done);
        outbox.push(&ServerFrame::UnsubOk { sid: 3 });
        assert_eq!(outbox.next().await, Write::Frame(ServerFrame::UnsubOk { sid: 1 }.encode()));
        assert_eq!(outbox.next().await, Write::Frame(ServerFrame::UnsubOk { sid: 2 }.encode()));
        assert_eq!(outbox.next().await, Write::Close(Close::Done));
    }

    #[tokio::test]
    async fn too_many_bytes_close_the_socket_as_slow() {
        let outbox = Outbox::new(100, 1000);
        for _ in 0..20 {
            outbox.push(&frame(200));
        }
        assert_eq!(outbox.next().await, Write::Close(Close::Slow));
    }

    #[tokio::test]
    async fn subscriptions_wait_above_the_mark_and_go_on_below() {
        let outbox = Arc::new(Outbox::new(100, 10_000));
        outbox.push(&frame(300));
        let waiting = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(matches!(outbox.next().await, Write::Frame(_)));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "taken is not yet written");
        outbox.close(Close::Done);
        assert_eq!(outbox.next().await, Write::Close(Close::Done));
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_limit_waits_until_nothing_else_does() {
        let outbox = Arc::new(Outbox::new(100, 1000));
        outbox.push(&frame(10));
        let pushing = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.push_of(&frame(5000), &AtomicBool::new(false)).await }
        });
        tokio::task::yield_now().await;
        assert!(!pushing.is_finished());
        assert!(matches!(outbox.next().await, Write::Frame(text) if text.len() < 100));
        assert!(matches!(outbox.next().await, Write::Frame(text) if text.len() > 5000));
        pushing.await.unwrap();
    }

    #[tokio::test]
    async fn an_ended_subscription_adds_nothing_more() {
        let outbox = Outbox::new(100, 1000);
        let ended = AtomicBool::new(false);
        outbox.end_of(&ServerFrame::UnsubOk { sid: 1 }, &ended);
        outbox.push_of(&ServerFrame::End { sid: 1, code: "x" }, &ended).await;
        outbox.close(Close::Done);
        assert!(matches!(outbox.next().await, Write::Frame(_)));
        assert_eq!(outbox.next().await, Write::Close(Close::Done));
    }
}
