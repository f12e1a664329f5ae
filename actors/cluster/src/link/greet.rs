//! What both ends of an `act/1` connection say before it is handed over.
//!
//! First the transport's Hello ([`meet`]): who, which incarnation, which clock. Then, when nothing of an earlier
//! session is left, the tokens: the dialer sends its own, the acceptor answers with its own or with a refusal.
//!
//! ```text
//! dialer → acceptor    "TML1" │ token u64               acceptor → dialer    "TML1" │ code u8 │ token u64
//! ```

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use super::LinkSettings;
use super::words::{Identity, LinkRefusal};
use crate::net::BoxStream;
use crate::router::boot_ms;
use crate::transport::hello::{self, Hello, HelloError, Known, Role};

const MARK: [u8; 4] = *b"TML1";
const WELCOME: u8 = 0;

/// Who is at the other end, as it says itself; its name is proven by the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Which process.
    pub(crate) identity: Identity,
    /// Its boot-time clock when it spoke, in ms.
    pub(crate) sent_at_ms: u64,
    /// Our boot-time clock when we heard it, in ms.
    pub(crate) heard_at_ms: u64,
    /// How long it took to go and come back, in ms.
    pub(crate) round_trip_ms: u64,
}

/// Says who we are on a fresh connection, hears who `peer` is, and refuses who is not of our cluster, does not speak
/// our protocol, or is a second or an earlier process of a node that is known.
pub(crate) async fn meet(
    settings: &LinkSettings,
    (peer, known): (&str, Option<Identity>),
    dialed: bool,
    stream: &mut BoxStream,
) -> Result<Greeting, HelloError> {
    let ours = Hello {
        cluster_id: settings.cluster_id.clone(),
        node_id: settings.node.clone(),
        incarnation: settings.incarnation,
        boot_id: settings.boot_id,
        proto_min: hello::PROTOCOL.0,
        proto_max: hello::PROTOCOL.1,
        build: settings.build.clone(),
        sent_at_ms: boot_ms(),
        extensions: Vec::new(),
    };
    let latest = known.map(|known| (known.incarnation, known.boot_id));
    let known = Known { certificate: peer.to_owned(), latest };
    let role = if dialed { Role::Dialer } else { Role::Acceptor };
    let judge = |theirs: &Hello| hello::refuse(&ours, theirs, &known);
    let met = hello::meet(stream, &ours, role, hello::HELLO_WITHIN, judge).await?;
    let round_trip_ms = u64::try_from(met.round_trip.as_millis()).unwrap_or(u64::MAX);
    // The acceptor heard the peer one round trip before the exchange ended.
    let ago_ms = if dialed { 0 } else { round_trip_ms };
    Ok(Greeting {
        identity: Identity { incarnation: met.hello.incarnation, boot_id: met.hello.boot_id },
        sent_at_ms: met.hello.sent_at_ms,
        heard_at_ms: boot_ms().saturating_sub(ago_ms),
        round_trip_ms,
    })
}

/// Draws a number that nobody can guess.
pub(crate) fn draw() -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(23)
}

/// Why no session came about, as told by the acceptor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the connection ended: {0}")]
    Io(#[from] io::Error),
    #[error("the peer refuses: {0}")]
    Refused(&'static str),
    #[error("the peer does not speak this protocol")]
    Foreign,
}

/// The dialer's part: sends `ours` and returns the acceptor's token.
pub(crate) async fn ask<S>(stream: &mut S, ours: u64) -> Result<u64, TokenError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut said = [0_u8; 12];
    let (mark, token) = said.split_at_mut(4);
    mark.copy_from_slice(&MARK);
    token.copy_from_slice(&ours.to_be_bytes());
    stream.write_all(&said).await?;
    stream.flush().await?;
    let mark = read_mark(stream).await?;
    let code = stream.read_u8().await?;
    let token = stream.read_u64().await?;
    match (mark == MARK, code) {
        (true, WELCOME) => Ok(token),
        (true, code) => Err(TokenError::Refused(told(code))),
        (false, _) => Err(TokenError::Foreign),
    }
}

/// The acceptor's part: returns the dialer's token and sends `ours`.
pub(crate) async fn grant<S>(stream: &mut S, ours: u64) -> Result<u64, TokenError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if read_mark(stream).await? != MARK {
        return Err(TokenError::Foreign);
    }
    let token = stream.read_u64().await?;
    answer(stream, WELCOME, ours).await?;
    Ok(token)
}

/// Tells the dialer why it is sent away.
pub(crate) async fn refuse<S>(stream: &mut S, refusal: &LinkRefusal) -> Result<(), TokenError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Ok(answer(stream, code(refusal), 0).await?)
}

async fn read_mark<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<[u8; 4]> {
    let mut mark = [0_u8; 4];
    stream.read_exact(&mut mark).await?;
    Ok(mark)
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, code: u8, token: u64) -> io::Result<()> {
    let mut said = [0_u8; 13];
    let (mark, rest) = said.split_at_mut(4);
    mark.copy_from_slice(&MARK);
    let (place, number) = rest.split_at_mut(1);
    place.copy_from_slice(&[code]);
    number.copy_from_slice(&token.to_be_bytes());
    stream.write_all(&said).await?;
    stream.flush().await
}

fn code(refusal: &LinkRefusal) -> u8 {
    match refusal {
        LinkRefusal::StaleIncarnation { .. } => 1,
        LinkRefusal::DuplicateNode { .. } => 2,
        LinkRefusal::Barred { .. } => 3,
        LinkRefusal::SlowHello { .. } => 4,
    }
}

fn told(code: u8) -> &'static str {
    match code {
        1 => "a later start of this node is known there",
        2 => "another process already has this node's name and incarnation",
        3 => "this node is barred there until an operator clears it",
        4 => "the greeting took too long",
        _ => "for a reason that this build does not know",
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn tokens_cross_and_refusals_are_told() {
        let (mut dialer, mut acceptor) = duplex(64);
        let (asked, granted) = tokio::join!(ask(&mut dialer, 7), grant(&mut acceptor, 9));
        assert_eq!((asked.unwrap(), granted.unwrap()), (9, 7));

        let (mut dialer, mut acceptor) = duplex(64);
        let refusal = LinkRefusal::DuplicateNode { incarnation: 3 };
        let (asked, refused) = tokio::join!(ask(&mut dialer, 7), refuse(&mut acceptor, &refusal));
        refused.unwrap();
        assert!(asked.unwrap_err().to_string().contains("name and incarnation"));
    }

    #[tokio::test]
    async fn a_stranger_is_told_nothing() {
        let (mut stranger, mut acceptor) = duplex(64);
        stranger.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert!(matches!(grant(&mut acceptor, 9).await, Err(TokenError::Foreign)));
        drop(acceptor);
        let mut rest = Vec::new();
        stranger.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }
}
