//! The answering end: every connection of the plane, every call handed to its service.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::server::Grpc;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Code, Request, Response, Status};

use super::codec::Bytes;
use super::{
    CtlError, DEADLINE_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_BYTES_MAX, Services,
};
use crate::net::{BoxStream, Incoming};

/// Where a refusal's code travels.
pub(super) const CODE_KEY: &str = "tm-code";
/// Calls of one connection answered at the same time.
const CALLS_MAX: usize = 256;
/// Room for one message of the largest size.
const WINDOW_BYTES: u32 = 4 << 20;

/// Who called, read from the certificate.
#[derive(Clone)]
struct Caller(Arc<str>);

/// A connection with its caller.
struct Connection {
    caller: Caller,
    stream: BoxStream,
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Answers every call of every connection until no more connections can come and all have ended.
pub async fn serve(mut incoming: mpsc::Receiver<Incoming>, services: Arc<Services>) {
    let connections = stream::poll_fn(move |context| {
        incoming.poll_recv(context).map(|next| {
            next.map(|Incoming { peer, stream, .. }| {
                Ok::<_, Infallible>(Connection { caller: Caller(peer.into()), stream })
            })
        })
    });
    let answer = tower::service_fn(move |request: http::Request<Body>| {
        let services = Arc::clone(&services);
        async move { Ok::<_, Infallible>(answer(request, services).await) }
    });
    let served = Server::builder()
        .timeout(DEADLINE_MAX)
        .concurrency_limit_per_connection(CALLS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .serve_with_incoming(answer, connections)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the ctl plane ended");
    }
}

async fn answer(request: http::Request<Body>, services: Arc<Services>) -> http::Response<Body> {
    let method = request.uri().path().trim_start_matches('/').to_owned();
    let has_deadline = request.headers().contains_key("grpc-timeout");
    let service = tower::service_fn(move |request: Request<Vec<u8>>| {
        let (services, method) = (Arc::clone(&services), method.clone());
        async move {
            let Some(Caller(caller)) = request.extensions().get::<Caller>().cloned() else {
                return Err(Status::unauthenticated("the connection has no name"));
            };
            if !has_deadline {
                let refusal = CtlError::refused("no_deadline", "every call needs a deadline");
                return Err(status(&refusal));
            }
            let answered = services.call(&caller, &method, request.into_inner()).await;
            match answered {
                Ok(body) if body.len() <= MESSAGE_BYTES_MAX => Ok(Response::new(body)),
                Ok(_) => Err(status(&CtlError::TooLarge)),
                Err(error) => Err(status(&error)),
            }
        }
    });
    let mut grpc = Grpc::new(Bytes)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    grpc.unary(service, request).await
}

fn status(error: &CtlError) -> Status {
    match error {
        CtlError::Refused { code, detail } => {
            let mut status = Status::failed_precondition(detail.clone());
            let value = MetadataValue::try_from(code.as_str())
                .unwrap_or_else(|_| MetadataValue::from_static("refused"));
            status.metadata_mut().insert(CODE_KEY, value);
            status
        }
        CtlError::TooLarge => Status::new(Code::OutOfRange, error.to_string()),
        CtlError::Deadline => Status::deadline_exceeded(error.to_string()),
        CtlError::Unreachable { .. } => Status::unavailable(error.to_string()),
    }
}
