//! Leases over the `ctl/1` plane: the keeper's calls and the service's answers.

use std::sync::Arc;
use std::time::Duration;

use super::METHOD_RENEW;
use super::keeper::{CallError, Caller};
use super::service::LeaseService;
use crate::ctl::{CtlClient, CtlError, Service, Services};
use crate::net::Boxed;

/// Asks peers over `ctl/1`, and this node itself without a connection.
#[derive(Clone)]
pub struct CtlCaller {
    node: String,
    client: CtlClient,
    own: Arc<Services>,
}

impl std::fmt::Debug for CtlCaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CtlCaller").field("node", &self.node).finish_non_exhaustive()
    }
}

impl CtlCaller {
    /// Returns the caller of `node`, whose own services are `own`.
    #[must_use]
    pub fn new(node: impl Into<String>, client: CtlClient, own: Arc<Services>) -> Self {
        Self { node: node.into(), client, own }
    }

    async fn ask(
        &self,
        peer: &str,
        method: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CtlError> {
        if peer != self.node {
            return self.client.call(peer, method, body, deadline).await;
        }
        let answer = self.own.call(&self.node, method, body);
        tokio::time::timeout(deadline, answer).await.map_err(|_| CtlError::Deadline)?
    }
}

impl Caller for CtlCaller {
    fn call<'a>(
        &'a self,
        peer: &'a str,
        method: &'a str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Boxed<'a, Result<Vec<u8>, CallError>> {
        Box::pin(async move {
            let failed =
                |error: CtlError| CallError { peer: peer.to_owned(), reason: error.to_string() };
            self.ask(peer, method, body, deadline).await.map_err(failed)
        })
    }
}

impl Service for LeaseService {
    fn call(
        &self,
        caller: &str,
        method: &str,
        body: Vec<u8>,
    ) -> Boxed<'_, Result<Vec<u8>, CtlError>> {
        let (caller, method) = (caller.to_owned(), method.to_owned());
        Box::pin(async move {
            if method != METHOD_RENEW {
                return Err(CtlError::refused(
                    "unknown_method",
                    format!("nobody answers {method}"),
                ));
            }
            let unreadable = |error: store::codec::CodecError| {
                CtlError::refused("undecodable", error.to_string())
            };
            self.renew(&caller, &body).await.map_err(unreadable)
        })
    }
}
