//! The live stream `tm.v1`: checks before the upgrade, then one task per client.
//!
//! ```text
//! socket ─► reader ─► connection ─► subscriptions (one task each) ─► outbox (bounded bytes) ─► writer ─► socket
//!                                        ▲ topics' updates, merged by class while the outbox is full
//! ```

pub(crate) mod connection;
pub(crate) mod frames;
pub(crate) mod outbox;
pub(crate) mod registry;
pub(crate) mod subscription;
pub(crate) mod topics;

use std::sync::Arc;

use engine::error::ErrorCode;
use warp::Reply;
use warp::http::{HeaderMap, HeaderValue};

use crate::app::App;
use crate::auth::cookie::origin_is_ours;
use crate::headers::header;
use crate::problem::Problem;
use crate::server::finish;
use crate::trace::Trace;
use crate::transport::Peer;

use frames::SUBPROTOCOL;
use outbox::Outbox;

/// Checks an upgrade and starts the client's task.
pub(crate) fn upgrade(
    app: Arc<App>,
    peer: Peer,
    headers: HeaderMap,
    socket: warp::ws::Ws,
) -> warp::reply::Response {
    let trace = Trace::begin(header(&headers, "traceparent"));
    let limits = app.config.socket;
    let outbox = Arc::new(Outbox::new(limits.high_water_bytes, limits.waiting_bytes_max));
    let place = check(&app, &headers).and_then(|()| {
        app.sockets.enter(peer.address.ip(), Arc::clone(&outbox), &limits).ok_or_else(|| {
            Problem::new(
                ErrorCode::Overloaded,
                "too many sockets have not said hello; try again in a moment",
            )
            .header("retry-after", "5")
        })
    });
    let place = match place {
        Ok(place) => place,
        Err(problem) => {
            return finish(&app, problem.answer("/ws/v1", &trace.trace_id), &trace, false);
        }
    };
    peer.becomes_stream();
    let reply = socket
        .max_message_size(limits.inbound_bytes)
        .max_frame_size(limits.inbound_bytes)
        .on_upgrade(move |socket| connection::run(app, socket, outbox, place));
    let mut response = reply.into_response();
    // warp does not say which subprotocol was chosen.
    response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    response
}

fn check(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    if app.is_draining() {
        let detail = "this node is going down; connect to another or try again in a moment";
        return Err(Problem::new(ErrorCode::Draining, detail).header("retry-after", "2"));
    }
    let origin = header(headers, "origin");
    if origin.is_some() && !origin_is_ours(origin, header(headers, "host"), &app.config.origins) {
        let detail = "pages of other origins may not open the live stream";
        return Err(Problem::new(ErrorCode::Forbidden, detail));
    }
    let offered = headers
        .get_all("sec-websocket-protocol")
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|line| line.split(',')).any(|name| name.trim() == SUBPROTOCOL) {
        let detail = format!("offer the subprotocol {SUBPROTOCOL} (Sec-WebSocket-Protocol)");
        return Err(Problem::new(ErrorCode::Malformed, detail));
    }
    Ok(())
}
