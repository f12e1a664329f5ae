//! Every open socket of this gateway: counted, findable by login, told and awaited when the gateway ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::ids::UserId;

use super::frames::{Close, ServerFrame};
use super::outbox::SharedOutbox;
use crate::config::SocketLimits;

struct Entry {
    address: IpAddr,
    outbox: SharedOutbox,
    /// Absent until `hello`.
    owner: Option<(UserId, String)>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: HashMap<u64, Entry>,
}

/// All sockets.
pub(crate) struct Sockets {
    inner: Mutex<Inner>,
    /// Names this process in `welcome`.
    epoch: String,
}

/// A place in the registry; leaving frees it.
pub(crate) struct Place {
    sockets: Arc<Sockets>,
    /// Number of the connection.
    pub(crate) number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sockets.lock().open.remove(&self.number);
    }
}

impl Sockets {
    /// An empty registry.
    pub(crate) fn new() -> Self {
        Self { inner: Mutex::default(), epoch: format!("g{}", uuid::Uuid::now_v7().simple()) }
    }

    /// Returns the name of this process.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Takes in a socket that has not said who it is, or refuses it.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        outbox: SharedOutbox,
        limits: &SocketLimits,
    ) -> Option<Place> {
        let mut inner = self.lock();
        let strangers = inner.open.values().filter(|entry| entry.owner.is_none());
        let (mut all, mut here) = (0, 0);
        for entry in strangers {
            all += 1;
            here += usize::from(entry.address == address);
        }
        if all >= limits.strangers || here >= limits.strangers_per_address {
            return None;
        }
        inner.next += 1;
        let number = inner.next;
        inner.open.insert(number, Entry { address, outbox, owner: None });
        drop(inner);
        Some(Place { sockets: Arc::clone(self), number })
    }

    /// A socket said who it is; `false` when that user has too many.
    pub(crate) fn welcome(
        &self,
        number: u64,
        user: UserId,
        login: &str,
        limits: &SocketLimits,
    ) -> bool {
        let mut inner = self.lock();
        let mine = |entry: &&Entry| entry.owner.as_ref().is_some_and(|(owner, _)| *owner == user);
        if inner.open.iter().filter(|(other, entry)| **other != number && mine(entry)).count()
            >= limits.per_user
        {
            return false;
        }
        if let Some(entry) = inner.open.get_mut(&number) {
            entry.owner = Some((user, login.to_owned()));
        }
        true
    }

    /// Closes every socket of a login that has ended.
    pub(crate) fn revoke_login(&self, login: &str) {
        self.revoke(|_, found| found == login);
    }

    /// Closes every socket of a user but those of one login.
    pub(crate) fn revoke_other_logins(&self, user: UserId, login: &str) {
        self.revoke(|owner, found| owner == user && found != login);
    }

    fn revoke(&self, ended: impl Fn(UserId, &str) -> bool) {
        for entry in self.lock().open.values() {
            if entry.owner.as_ref().is_some_and(|(owner, login)| ended(*owner, login)) {
                let detail = "the login has ended; sign in again".to_owned();
                entry.outbox.push(&ServerFrame::Error { code: "unauthenticated", detail });
                entry.outbox.close(Close::Unauthenticated);
            }
        }
    }

    /// Returns how many sockets are open, strangers included.
    pub(crate) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Tells every socket that this gateway goes down, closes it, and waits until all are gone or time is up.
    pub(crate) async fn close_all(&self, deadline: Duration) {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            {
                let inner = self.lock();
                if inner.open.is_empty() {
                    return;
                }
                for entry in inner.open.values().filter(|entry| !entry.outbox.is_closing()) {
                    entry
                        .outbox
                        .push(&ServerFrame::Notice { reason: "drain", reconnect_after_ms: 1500 });
                    entry.outbox.close(Close::Restart);
                }
            }
            if tokio::time::Instant::now() >= until {
                tracing::warn!("sockets were still open at the deadline");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
