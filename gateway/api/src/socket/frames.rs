//! Every frame of `tm.v1`, both ways. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The subprotocol.
pub(crate) const SUBPROTOCOL: &str = "tm.v1";

/// Why a socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client said goodbye.
    Done,
    /// This gateway goes down; come back.
    Restart,
    /// A frame that cannot be read.
    BadFrame,
    /// Wrong, expired or revoked credentials.
    Unauthenticated,
    /// Known, but not allowed to watch anything yet.
    Forbidden,
    /// No `hello` or no `pong` in time.
    Timeout,
    /// `sid` in use, or a second `hello`.
    Duplicate,
    /// Too many frames, connections or subscriptions.
    TooMany,
    /// Reads too slowly.
    Slow,
}

impl Close {
    /// Returns the close code.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Done => 1000,
            Self::Restart => 1012,
            Self::BadFrame => 4400,
            Self::Unauthenticated => 4401,
            Self::Forbidden => 4403,
            Self::Timeout => 4408,
            Self::Duplicate => 4409,
            Self::TooMany => 4429,
            Self::Slow => 4508,
        }
    }
}

/// What clients send.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClientFrame {
    /// First of all: who I am.
    Hello {
        /// Version of the protocol: 1.
        v: u32,
        /// Single-use ticket (browsers).
        #[serde(default)]
        ticket: Option<String>,
        /// Access token (programs).
        #[serde(default)]
        token: Option<String>,
        /// Name and version of the client, for the log.
        #[serde(default)]
        client: Option<String>,
    },
    /// New credentials before the old ones end.
    Auth {
        /// Single-use ticket.
        #[serde(default)]
        ticket: Option<String>,
        /// Access token.
        #[serde(default)]
        token: Option<String>,
    },
    /// Watch a topic.
    Sub {
        /// Chosen by the client, unique on the connection.
        sid: u32,
        /// The topic.
        topic: String,
        /// Parameters; none are known yet.
        #[serde(default)]
        params: Map<String, Value>,
        /// Where the client was.
        #[serde(default)]
        since: Option<SinceFrame>,
    },
    /// Stop watching.
    Unsub {
        /// As in `sub`.
        sid: u32,
    },
    /// Answer to `ping`.
    Pong {
        /// As in `ping`.
        n: u64,
    },
}

/// Where a client was.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinceFrame {
    /// Epoch it was told.
    pub(crate) epoch: String,
    /// Last `seq` it applied.
    pub(crate) seq: u64,
}

/// Limits told in `welcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Limits {
    /// Subscriptions of the connection.
    pub(crate) subs: usize,
    /// Largest inbound frame.
    pub(crate) inbound_bytes: usize,
    /// Inbound frames per second.
    pub(crate) inbound_per_second: u32,
}

/// What we send.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum ServerFrame {
    /// Answer to `hello`.
    Welcome {
        /// Name of the connection.
        conn: String,
        /// Whose it is.
        user: String,
        /// This gateway process.
        epoch: String,
        /// RFC 3339 UTC.
        server_time: String,
        /// Between two pings.
        heartbeat_ms: u64,
        /// When the credentials end, RFC 3339 UTC.
        expires_at: String,
        /// What the client must keep to.
        limits: Limits,
    },
    /// Answer to `auth`.
    AuthOk {
        /// When the credentials end, RFC 3339 UTC.
        expires_at: String,
    },
    /// Answer to `sub`.
    SubOk {
        /// As in `sub`.
        sid: u32,
        /// `seq` counts within this.
        epoch: String,
        /// Newest change of the topic that the client has or will get in the snapshot.
        seq: u64,
        /// `resumed` or `snapshot`.
        mode: &'static str,
    },
    /// Refusal of `sub`.
    SubErr {
        /// As in `sub`.
        sid: u32,
        /// `unknown_topic`, `forbidden`, `not_found`, `bad_params`, `limit`.
        code: &'static str,
        /// For people.
        detail: String,
    },
    /// Answer to `unsub`.
    UnsubOk {
        /// As in `unsub`.
        sid: u32,
    },
    /// Everything up to `seq`, or a part of it.
    Snap {
        /// As in `sub`.
        sid: u32,
        /// Newest change contained.
        seq: u64,
        /// Further parts follow; apply after the last.
        more: bool,
        /// By class.
        data: Value,
    },
    /// Changes `from` to `seq`.
    Delta {
        /// As in `sub`.
        sid: u32,
        /// Last `seq` + 1.
        from: u64,
        /// Newest change contained.
        seq: u64,
        /// RFC 3339 UTC.
        ts: String,
        /// By class.
        data: Value,
    },
    /// Items with `last < seq < next` were not sent.
    Gap {
        /// As in `sub`.
        sid: u32,
        /// Last item sent.
        last: u64,
        /// Next item that will be sent.
        next: u64,
        /// `ring`, `slow` or `source`.
        reason: &'static str,
    },
    /// The subscription is over.
    End {
        /// As in `sub`.
        sid: u32,
        /// `source_gone`, `forbidden`, `not_found`.
        code: &'static str,
    },
    /// Sign of life; answer with `pong`.
    Ping {
        /// Counts.
        n: u64,
        /// RFC 3339 UTC.
        ts: String,
        /// Newest `seq` sent, by `sid`.
        heads: BTreeMap<String, u64>,
    },
    /// Something is about to happen.
    Notice {
        /// `drain`.
        reason: &'static str,
        /// Wait this long before coming back.
        reconnect_after_ms: u64,
    },
    /// What was wrong; the socket is closed next.
    Error {
        /// `bad_frame`, `unauthenticated`, …
        code: &'static str,
        /// For people.
        detail: String,
    },
}

impl ServerFrame {
    /// Returns the frame as text.
    pub(crate) fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            // Our own frames always become JSON: they have only text keys and finite numbers.
            tracing::error!(%error, "frame could not be written");
            "{\"t\":\"error\",\"code\":\"internal\",\"detail\":\"frame could not be written\"}"
                .to_owned()
        })
    }
}

/// Reads a client's frame.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<ClientFrame, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a frame of tm.v1: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frames_look_as_specified() {
        let frame = ServerFrame::Snap {
            sid: 1,
            seq: 41,
            more: false,
            data: json!({"rows": {"state": "running"}}),
        };
        let wanted = json!({"t": "snap", "sid": 1, "seq": 41, "more": false, "data": {"rows": {"state": "running"}}});
        assert_eq!(serde_json::from_str::<Value>(&frame.encode()).unwrap(), wanted);
        let ping = ServerFrame::Ping {
            n: 7,
            ts: "t".to_owned(),
            heads: BTreeMap::from([("1".to_owned(), 44)]),
        };
        assert_eq!(ping.encode(), r#"{"t":"ping","n":7,"ts":"t","heads":{"1":44}}"#);
    }

    #[test]
    fn client_frames_are_read_and_unknown_ones_refused() {
        let sub = read(r#"{"t":"sub","sid":2,"topic":"sessions","params":{},"since":{"epoch":"j3","seq":900}}"#).unwrap();
        assert!(matches!(
            sub,
            ClientFrame::Sub { sid: 2, since: Some(SinceFrame { seq: 900, .. }), .. }
        ));
        assert!(read(r#"{"t":"hello","v":1,"ticket":"wst_5x","client":"webui/1.0.0"}"#).is_ok());
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"t":"order"}"#,
            r#"{"t":"sub","sid":-1,"topic":"x"}"#,
            r#"{"t":"sub","sid":4294967296,"topic":"x"}"#,
            r#"{"t":"pong"}"#,
            r#"{"t":"pong","n":1,"x":2}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
