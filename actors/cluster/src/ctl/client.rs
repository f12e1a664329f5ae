//! The calling end: one connection per peer, dialled at the first call and again after it broke.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, TimeoutExpired};

use super::codec::Bytes;
use super::server::CODE_KEY;
use super::{CtlError, DEADLINE_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_BYTES_MAX};
use crate::error::NetError;
use crate::net::{AddressBook, Net, Plane};

/// Longest time that dialling may take; a [`Net`] usually gives up earlier.
const DIAL_MAX: Duration = Duration::from_secs(5);
/// Room for one message of the largest size, so that a single call is not held up by its window.
const WINDOW_BYTES: u32 = 4 << 20;

/// Calls peers. Cheap to clone.
#[derive(Clone)]
pub struct CtlClient {
    inner: Arc<Inner>,
}

struct Inner {
    net: Arc<dyn Net>,
    book: Arc<dyn AddressBook>,
    /// Where connections are driven: calls may come from other runtimes that end earlier.
    runtime: Handle,
    channels: Mutex<Channels>,
    /// Addresses learnt elsewhere, for peers that the book does not know yet.
    learnt: Mutex<BTreeMap<String, String>>,
}

/// One channel per peer. Each has a number, so that the failure of an old one does not close its successor.
#[derive(Default)]
struct Channels {
    by_peer: BTreeMap<String, (u64, Channel)>,
    count: u64,
}

impl std::fmt::Debug for CtlClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CtlClient").finish_non_exhaustive()
    }
}

/// Nothing was sent: no connection came about.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotDialled(NetError);

impl CtlClient {
    /// Returns a client whose connections live in the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(net: Arc<dyn Net>, book: Arc<dyn AddressBook>) -> Self {
        let inner = Inner {
            net,
            book,
            runtime: Handle::current(),
            channels: Mutex::default(),
            learnt: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Remembers where a peer is reached, for as long as the address book does not know it.
    pub fn learn(&self, peer: &str, address: &str) {
        lock(&self.inner.learnt).insert(peer.to_owned(), address.to_owned());
    }

    /// Returns the names of all other members, as the address book knows them.
    #[must_use]
    pub fn peers(&self) -> Vec<String> {
        self.inner.book.peers()
    }

    /// Asks a peer and waits for its answer, at most until the deadline.
    ///
    /// # Errors
    /// [`CtlError`]; see [`CtlError::never_sent`] for what is certain.
    pub async fn call(
        &self,
        peer: &str,
        method: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CtlError> {
        if body.len() > MESSAGE_BYTES_MAX {
            return Err(CtlError::TooLarge);
        }
        let deadline = deadline.min(DEADLINE_MAX);
        let path = PathAndQuery::try_from(format!("/{method}"))
            .map_err(|error| CtlError::refused("unknown_method", error.to_string()))?;
        let (number, channel) = self.channel(peer);
        let mut grpc = Grpc::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut request = Request::new(body);
        request.set_timeout(deadline);
        let answer = tokio::time::timeout(deadline, async {
            grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
            grpc.unary(request, path, Bytes).await
        });
        match answer.await {
            Err(_) => Err(CtlError::Deadline),
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.error(peer, number, &status)),
        }
    }

    fn error(&self, peer: &str, number: u64, status: &Status) -> CtlError {
        if let Some(code) = status.metadata().get(CODE_KEY).and_then(|code| code.to_str().ok()) {
            return CtlError::Refused {
                code: code.to_owned(),
                detail: status.message().to_owned(),
            };
        }
        match status.code() {
            Code::DeadlineExceeded => CtlError::Deadline,
            Code::Cancelled if timed_out(status) => CtlError::Deadline,
            Code::OutOfRange | Code::ResourceExhausted => CtlError::TooLarge,
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => {
                let not_dialled = not_dialled(status);
                let reason = match not_dialled {
                    Some(NotDialled(error)) => error.to_string(),
                    None => {
                        // The connection is not trusted again: the next call dials anew.
                        self.forget(peer, number);
                        text(status)
                    }
                };
                CtlError::Unreachable { peer: peer.to_owned(), reason, sent: not_dialled.is_none() }
            }
        }
    }

    fn forget(&self, peer: &str, number: u64) {
        let mut channels = lock(&self.inner.channels);
        if channels.by_peer.get(peer).is_some_and(|(newest, _)| *newest == number) {
            channels.by_peer.remove(peer);
        }
    }

    fn channel(&self, peer: &str) -> (u64, Channel) {
        let mut channels = lock(&self.inner.channels);
        if let Some(known) = channels.by_peer.get(peer) {
            return known.clone();
        }
        channels.count += 1;
        let new = (channels.count, self.open(peer));
        channels.by_peer.insert(peer.to_owned(), new.clone());
        new
    }

    /// Returns a channel that dials at its first call, and again whenever its connection broke.
    fn open(&self, peer: &str) -> Channel {
        let (weak, name) = (Arc::downgrade(&self.inner), peer.to_owned());
        let connector = tower::service_fn(move |_: http::Uri| {
            let (weak, name) = (weak.clone(), name.clone());
            async move {
                let unknown = || NotDialled(NetError::Unknown { peer: name.clone() });
                let inner = weak.upgrade().ok_or_else(unknown)?;
                let address = inner.address(&name).ok_or_else(unknown)?;
                let stream = inner.net.dial(&name, &address, Plane::Ctl).await;
                stream.map(TokioIo::new).map_err(NotDialled)
            }
        });
        // Its worker and its connection are driven by the runtime that the client was made in.
        let _inside = self.inner.runtime.enter();
        Endpoint::from_static("http://ctl")
            .connect_timeout(DIAL_MAX)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .connect_with_connector_lazy(connector)
    }
}

impl Inner {
    fn address(&self, peer: &str) -> Option<String> {
        self.book.address(peer).or_else(|| lock(&self.learnt).get(peer).cloned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_dialled(status: &Status) -> Option<&NotDialled> {
    causes(status).find_map(|cause| cause.downcast_ref::<NotDialled>())
}

/// Cancelled is what tonic calls a deadline that passed, here or there, but also a connection that broke.
fn timed_out(status: &Status) -> bool {
    causes(status).next().is_none() || causes(status).any(|cause| cause.is::<TimeoutExpired>())
}

fn text(status: &Status) -> String {
    causes(status).last().map_or_else(|| status.message().to_owned(), ToString::to_string)
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = Error::source(status);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
