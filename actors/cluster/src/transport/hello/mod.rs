//! The first words on a stream: which node, which incarnation, which protocol. TLS has proven the name already; this
//! tells two processes of one name apart, and a node that came back from one that never left.
//!
//! The layout never changes. What comes later is appended as extensions, each with kind and length, and skipped by those
//! who do not know it:
//!
//! ```text
//! Hello    magic "TMHI" | length u16 | cluster_id s | node_id s | incarnation u64 | boot_id u128
//!          | proto_min u16 | proto_max u16 | build s | sent_at_ms u64 | (kind u16 | length u16 | bytes)*
//! Verdict  code u8 (0 = welcome) | text s                      s = length u8 | UTF-8; numbers are big-endian
//!
//! dialer   Hello ─────────►
//!          ◄───────── Hello, Verdict    acceptor
//!          Verdict ───────►
//! ```
//!
//! Each side so learns a round trip: the dialer from its Hello to the answer, the acceptor from its answer to the
//! verdict. Whether a Hello fits is decided in [`refuse`], which is pure.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// How long an exchange may take.
pub const HELLO_WITHIN: Duration = Duration::from_secs(3);
/// The protocol versions of this build.
pub const PROTOCOL: (u16, u16) = (1, 1);

const MAGIC: [u8; 4] = *b"TMHI";
/// Largest Hello after its head.
const LENGTH_MAX: usize = 4_096;
/// Largest text in it.
const TEXT_MAX: usize = 255;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The cluster's identity, given when it was made; another one after a recovery.
    pub cluster_id: String,
    /// The node's name.
    pub node_id: String,
    /// Counts the starts of this node; durable before the first Hello.
    pub incarnation: u64,
    /// Drawn at each start: tells two processes with one disk's copy apart.
    pub boot_id: u128,
    /// Lowest protocol version it speaks.
    pub proto_min: u16,
    /// Highest protocol version it speaks.
    pub proto_max: u16,
    /// Its build, for people.
    pub build: String,
    /// Its `CLOCK_BOOTTIME` when it sent this, ms. Comparable with nothing but itself.
    pub sent_at_ms: u64,
    /// What later versions append: kind and bytes.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    /// Returns the bytes of the frame. Texts longer than 255 bytes and extensions that do not fit are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        text(&mut body, &self.cluster_id);
        text(&mut body, &self.node_id);
        body.extend(self.incarnation.to_be_bytes());
        body.extend(self.boot_id.to_be_bytes());
        body.extend(self.proto_min.to_be_bytes());
        body.extend(self.proto_max.to_be_bytes());
        text(&mut body, &self.build);
        body.extend(self.sent_at_ms.to_be_bytes());
        for (kind, bytes) in &self.extensions {
            let Ok(length) = u16::try_from(bytes.len()) else { continue };
            if LENGTH_MAX < body.len() + 4 + bytes.len() {
                continue;
            }
            body.extend(kind.to_be_bytes());
            body.extend(length.to_be_bytes());
            body.extend(bytes);
        }
        let length = u16::try_from(body.len()).unwrap_or_default();
        let mut frame = MAGIC.to_vec();
        frame.extend(length.to_be_bytes());
        frame.extend(body);
        frame
    }

    /// Reads a frame that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`HelloError::Malformed`] when it is something else, is cut or has bytes left.
    pub fn decode(frame: &[u8]) -> Result<Self, HelloError> {
        let head = frame.get(..6).ok_or(HelloError::Malformed("too short"))?;
        let length = length_of(head)?;
        match frame.get(6..) {
            Some(body) if body.len() == length => Self::read(body),
            Some(_) | None => Err(HelloError::Malformed("another length than it says")),
        }
    }

    fn read(body: &[u8]) -> Result<Self, HelloError> {
        let mut rest = Reader(body);
        let mut hello = Self {
            cluster_id: rest.text()?,
            node_id: rest.text()?,
            incarnation: u64::from_be_bytes(rest.array()?),
            boot_id: u128::from_be_bytes(rest.array()?),
            proto_min: u16::from_be_bytes(rest.array()?),
            proto_max: u16::from_be_bytes(rest.array()?),
            build: rest.text()?,
            sent_at_ms: u64::from_be_bytes(rest.array()?),
            extensions: Vec::new(),
        };
        while !rest.0.is_empty() {
            let kind = u16::from_be_bytes(rest.array()?);
            let length = usize::from(u16::from_be_bytes(rest.array()?));
            hello.extensions.push((kind, rest.take(length)?.to_vec()));
        }
        Ok(hello)
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    let kept = if text.len() <= TEXT_MAX { text } else { "" };
    out.push(u8::try_from(kept.len()).unwrap_or_default());
    out.extend(kept.as_bytes());
}

fn length_of(head: &[u8]) -> Result<usize, HelloError> {
    let (magic, length) = head.split_at_checked(4).ok_or(HelloError::Malformed("too short"))?;
    if magic != MAGIC {
        return Err(HelloError::Malformed("no Hello"));
    }
    let length = <[u8; 2]>::try_from(length).map_err(|_| HelloError::Malformed("too short"))?;
    let length = usize::from(u16::from_be_bytes(length));
    if LENGTH_MAX < length {
        return Err(HelloError::Malformed("too long"));
    }
    Ok(length)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], HelloError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(HelloError::Malformed("cut"))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HelloError> {
        self.take(N)?.try_into().map_err(|_| HelloError::Malformed("cut"))
    }

    fn text(&mut self) -> Result<String, HelloError> {
        let [length] = self.array()?;
        let bytes = self.take(usize::from(length))?.to_vec();
        String::from_utf8(bytes).map_err(|_| HelloError::Malformed("a text that is no UTF-8"))
    }
}

/// What is known of a peer before it speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The name in its certificate.
    pub certificate: String,
    /// Its highest incarnation and that one's boot id, as far as anybody told us.
    pub latest: Option<(u64, u128)>,
}

/// Why a Hello does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelloRefusal {
    /// It belongs to another cluster, or to this one before a recovery.
    #[error("it belongs to cluster {theirs:?}, this is {ours:?}")]
    WrongCluster {
        /// This cluster.
        ours: String,
        /// Its cluster.
        theirs: String,
    },
    /// It says another name than its certificate.
    #[error("it says {said:?}, its certificate says {certificate:?}")]
    NameMismatch {
        /// The name in its certificate.
        certificate: String,
        /// The name in its Hello.
        said: String,
    },
    /// No protocol version is spoken by both.
    #[error("it speaks protocol {} to {}, this node {} to {}: upgrade the older one", .theirs.0, .theirs.1, .ours.0, .ours.1)]
    VersionRange {
        /// Lowest and highest here.
        ours: (u16, u16),
        /// Lowest and highest there.
        theirs: (u16, u16),
    },
    /// A later start of this node is known.
    #[error("it is start {found} of its node, but start {known} is known already")]
    StaleIncarnation {
        /// The latest start known.
        known: u64,
        /// The start it says.
        found: u64,
    },
    /// Two processes say they are the same start of one node.
    #[error(
        "two processes say they are start {incarnation} of {node}: stop one, and never copy a data directory"
    )]
    DuplicateNode {
        /// The node.
        node: String,
        /// The start.
        incarnation: u64,
    },
}

impl HelloRefusal {
    /// Returns the code that goes over the wire. Never changes, never 0.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::WrongCluster { .. } => 1,
            Self::NameMismatch { .. } => 2,
            Self::VersionRange { .. } => 3,
            Self::StaleIncarnation { .. } => 4,
            Self::DuplicateNode { .. } => 5,
        }
    }
}

/// Decides whether a Hello fits. Requires: `known` is about the peer whose certificate was verified.
#[must_use]
pub fn refuse(ours: &Hello, theirs: &Hello, known: &Known) -> Option<HelloRefusal> {
    if theirs.cluster_id != ours.cluster_id {
        let (ours, theirs) = (ours.cluster_id.clone(), theirs.cluster_id.clone());
        return Some(HelloRefusal::WrongCluster { ours, theirs });
    }
    if theirs.node_id != known.certificate {
        let (certificate, said) = (known.certificate.clone(), theirs.node_id.clone());
        return Some(HelloRefusal::NameMismatch { certificate, said });
    }
    if agreed(ours, theirs).is_none() {
        return Some(HelloRefusal::VersionRange {
            ours: (ours.proto_min, ours.proto_max),
            theirs: (theirs.proto_min, theirs.proto_max),
        });
    }
    let duplicate = || HelloRefusal::DuplicateNode {
        node: theirs.node_id.clone(),
        incarnation: theirs.incarnation,
    };
    if theirs.node_id == ours.node_id {
        return Some(duplicate());
    }
    match known.latest {
        Some((latest, _)) if theirs.incarnation < latest => {
            Some(HelloRefusal::StaleIncarnation { known: latest, found: theirs.incarnation })
        }
        Some((latest, boot_id)) if theirs.incarnation == latest && theirs.boot_id != boot_id => {
            Some(duplicate())
        }
        Some(_) | None => None,
    }
}

/// Returns the highest protocol version that both speak.
#[must_use]
pub fn agreed(ours: &Hello, theirs: &Hello) -> Option<u16> {
    let highest = ours.proto_max.min(theirs.proto_max);
    (ours.proto_min.max(theirs.proto_min) <= highest).then_some(highest)
}

/// Which end of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Opened it and speaks first.
    Dialer,
    /// Was asked.
    Acceptor,
}

/// A peer that said who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// What it said.
    pub hello: Hello,
    /// From our words to the answer.
    pub round_trip: Duration,
}

/// The exchange did not come to an end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// The stream broke or said nothing.
    #[error("the stream broke before the peer had said who it is: {0}")]
    Broken(String),
    /// The peer said something else.
    #[error("the peer's Hello cannot be read: {0}")]
    Malformed(&'static str),
    /// It took too long.
    #[error("the peer did not say who it is within {0:?}")]
    Late(Duration),
    /// We refuse the peer; it was told.
    #[error("the peer is refused: {0}")]
    Refused(#[from] HelloRefusal),
    /// The peer refuses us.
    #[error("the peer refuses this node (reason {code}): {reason}")]
    RefusedByPeer {
        /// The code of [`HelloRefusal::code`].
        code: u8,
        /// Its words.
        reason: String,
    },
}

impl From<io::Error> for HelloError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Says what this node says and judges what a peer says. Asked anew for each stream.
pub trait Identity: Send + Sync + 'static {
    /// Returns our Hello, with the clock as it is now.
    fn hello(&self) -> Hello;

    /// Decides on a Hello; `peer` is the name in the certificate.
    fn judge(&self, peer: &str, theirs: &Hello) -> Option<HelloRefusal>;
}

/// Exchanges Hellos on a stream to or from `peer`, each side judging the other.
///
/// # Errors
/// Every [`HelloError`]; the stream is of no use then.
pub async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    identity: &dyn Identity,
    peer: &str,
    role: Role,
) -> Result<Met, HelloError> {
    let judge = |theirs: &Hello| identity.judge(peer, theirs);
    meet(stream, &identity.hello(), role, HELLO_WITHIN, judge).await
}

/// Exchanges Hellos without judging: the caller asks [`refuse`].
///
/// # Errors
/// Every [`HelloError`] but `Refused`.
pub async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ours: &Hello,
    role: Role,
    within: Duration,
) -> Result<Met, HelloError> {
    meet(stream, ours, role, within, |_| None).await
}

/// Exchanges Hellos; a peer that `judge` refuses is told why.
///
/// # Errors
/// Every [`HelloError`]; the stream is of no use then.
pub async fn meet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ours: &Hello,
    role: Role,
    within: Duration,
    judge: impl FnOnce(&Hello) -> Option<HelloRefusal>,
) -> Result<Met, HelloError> {
    let talk = async {
        match role {
            Role::Dialer => dialer(stream, ours, judge).await,
            Role::Acceptor => acceptor(stream, ours, judge).await,
        }
    };
    timeout(within, talk).await.map_err(|_| HelloError::Late(within))?
}

async fn dialer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ours: &Hello,
    judge: impl FnOnce(&Hello) -> Option<HelloRefusal>,
) -> Result<Met, HelloError> {
    let began = Instant::now();
    stream.write_all(&ours.encode()).await?;
    stream.flush().await?;
    let hello = read_hello(stream).await?;
    let round_trip = began.elapsed();
    read_verdict(stream).await?;
    let refusal = judge(&hello);
    write(stream, &verdict(refusal.as_ref())).await?;
    match refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok(Met { hello, round_trip }),
    }
}

async fn acceptor<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ours: &Hello,
    judge: impl FnOnce(&Hello) -> Option<HelloRefusal>,
) -> Result<Met, HelloError> {
    let hello = read_hello(stream).await?;
    let refusal = judge(&hello);
    let began = Instant::now();
    let mut answer = ours.encode();
    answer.extend(verdict(refusal.as_ref()));
    write(stream, &answer).await?;
    if let Some(refusal) = refusal {
        return Err(refusal.into());
    }
    read_verdict(stream).await?;
    Ok(Met { hello, round_trip: began.elapsed() })
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), HelloError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn read_hello<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Hello, HelloError> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await?;
    let mut body = vec![0; length_of(&head)?];
    stream.read_exact(&mut body).await?;
    Hello::read(&body)
}

fn verdict(refusal: Option<&HelloRefusal>) -> Vec<u8> {
    let mut bytes = vec![refusal.map_or(0, HelloRefusal::code)];
    text(&mut bytes, &refusal.map(ToString::to_string).unwrap_or_default());
    bytes
}

async fn read_verdict<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(), HelloError> {
    let code = stream.read_u8().await?;
    let mut words = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut words).await?;
    if code == 0 {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&words);
    let reason = words.chars().filter(|letter| !letter.is_control()).collect();
    Err(HelloError::RefusedByPeer { code, reason })
}

#[cfg(test)]
mod tests;
