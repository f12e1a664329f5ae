//! What goes over `blob/1` after the Hellos: one request at a time, answered by one or more frames. Layout only.
//!
//! ```text
//! frame     kind u8 | length u32 | body                             numbers are big-endian
//! 1 Get     sha256 [32] | offset u64 | len u64                      ► Found, Chunk*, End
//! 2 Offer   sha256 [32] | size u64 | epoch u64 | session UTF-8      ► Pulling*, Stored
//! 3 Have    sha256 [32] * n, n ≤ 256                                ► Present
//! 129 Found    size u64            of the whole file
//! 130 Chunk    crc32c u32 | bytes  at most 1 MiB
//! 131 End
//! 132 Stored                       the whole hash was right and the file is on disk
//! 133 Pulling  received u64        comes at least every second or so
//! 134 Present  (0 or 1) u8 * n     in the order of the request
//! 143 Refused  code u8 | UTF-8     instead of any answer
//! ```

use std::io;

use store::BlobHash;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{BlobError, Offer};

/// Most bytes of a file in one frame.
pub const CHUNK_MAX: usize = 1 << 20;
/// Most hashes in one question.
pub const HAVE_MAX: usize = 256;
/// Largest request: a full question.
const REQUEST_MAX: usize = HAVE_MAX * HASH;
/// Longest session name in an offer.
const SESSION_MAX: usize = 256;
const HASH: usize = 32;
const CRC: usize = 4;
const HEAD: usize = 5;

/// What the dialer asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Bytes of a file from `offset`, at most `len`.
    Get { sha256: BlobHash, offset: u64, len: u64 },
    /// Please fetch a file from me.
    Offer(Offer),
    /// Which of these are there?
    Have(Vec<BlobHash>),
}

/// What the acceptor answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Found { size: u64 },
    Chunk(Chunk),
    End,
    Stored,
    Pulling { received: u64 },
    Present(Vec<bool>),
    Refused { code: u8, reason: String },
}

/// Bytes of a file with their checksum in front; the checksum was right when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk(Vec<u8>);

impl Chunk {
    /// Takes `[0; 4]` followed by the file's bytes and fills in the checksum: no copy of a megabyte for four bytes.
    pub(super) fn seal(mut bytes: Vec<u8>) -> Self {
        if let Some((crc, body)) = bytes.split_at_mut_checked(CRC) {
            crc.copy_from_slice(&crc32c::crc32c(body).to_be_bytes());
        }
        Self(bytes)
    }

    /// Returns an empty chunk's bytes with room for `size`.
    pub(super) fn room(size: usize) -> Vec<u8> {
        vec![0; CRC + size]
    }

    /// Returns where the file's bytes go in [`Self::room`].
    pub(super) fn body_of(room: &mut [u8]) -> &mut [u8] {
        room.split_at_mut_checked(CRC).map(|(_, body)| body).unwrap_or_default()
    }

    /// Returns the file's bytes.
    pub(super) fn body(&self) -> &[u8] {
        self.0.get(CRC..).unwrap_or_default()
    }
}

impl Request {
    fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Get { sha256, offset, len } => {
                (1, [&sha256.0[..], &offset.to_be_bytes(), &len.to_be_bytes()].concat())
            }
            Self::Offer(offer) => {
                let numbers = [offer.size_bytes.to_be_bytes(), offer.epoch.to_be_bytes()].concat();
                (2, [&offer.sha256.0[..], &numbers, offer.session.as_bytes()].concat())
            }
            Self::Have(hashes) => (3, hashes.iter().flat_map(|hash| hash.0).collect()),
        }
    }

    pub(super) fn decode(kind: u8, body: &[u8]) -> Result<Self, BlobError> {
        let cut = || BlobError::Malformed("a request that is cut or too long");
        match kind {
            1 => {
                let (hash, rest) = body.split_at_checked(HASH).ok_or_else(cut)?;
                let (offset, len) = rest.split_at_checked(8).ok_or_else(cut)?;
                Ok(Self::Get { sha256: hash_of(hash)?, offset: number(offset)?, len: number(len)? })
            }
            2 => {
                let (hash, rest) = body.split_at_checked(HASH).ok_or_else(cut)?;
                let (size, rest) = rest.split_at_checked(8).ok_or_else(cut)?;
                let (epoch, session) = rest.split_at_checked(8).ok_or_else(cut)?;
                let session = std::str::from_utf8(session).ok();
                let session = session.filter(|text| text.len() <= SESSION_MAX).ok_or_else(cut)?;
                Ok(Self::Offer(Offer {
                    sha256: hash_of(hash)?,
                    size_bytes: number(size)?,
                    session: session.to_owned(),
                    epoch: number(epoch)?,
                }))
            }
            3 if body.len().is_multiple_of(HASH) => {
                body.chunks(HASH).map(hash_of).collect::<Result<_, _>>().map(Self::Have)
            }
            _ => Err(BlobError::Malformed("an unknown request")),
        }
    }

    /// Writes the request.
    pub(super) async fn write<S: AsyncWrite + Unpin>(&self, stream: &mut S) -> io::Result<()> {
        let (kind, body) = self.encode();
        write(stream, kind, &body).await
    }

    /// Reads the next request; nothing when the dialer is done.
    pub(super) async fn read<S: AsyncRead + Unpin>(
        stream: &mut S,
    ) -> Result<Option<Self>, BlobError> {
        let mut kind = [0];
        if stream.read(&mut kind).await? == 0 {
            return Ok(None);
        }
        let body = read_body(stream, REQUEST_MAX).await?;
        Self::decode(kind[0], &body).map(Some)
    }
}

impl Answer {
    /// Writes the answer.
    pub(super) async fn write<S: AsyncWrite + Unpin>(&self, stream: &mut S) -> io::Result<()> {
        match self {
            Self::Found { size } => write(stream, 129, &size.to_be_bytes()).await,
            Self::Chunk(Chunk(bytes)) => write(stream, 130, bytes).await,
            Self::End => write(stream, 131, &[]).await,
            Self::Stored => write(stream, 132, &[]).await,
            Self::Pulling { received } => write(stream, 133, &received.to_be_bytes()).await,
            Self::Present(found) => {
                let bytes: Vec<u8> = found.iter().map(|found| u8::from(*found)).collect();
                write(stream, 134, &bytes).await
            }
            Self::Refused { code, reason } => {
                write(stream, 143, &[&[*code], reason.as_bytes()].concat()).await
            }
        }
    }

    /// Reads an answer; a chunk's checksum is right then.
    pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Self, BlobError> {
        let kind = stream.read_u8().await?;
        let body = read_body(stream, CRC + CHUNK_MAX).await?;
        Self::decode(kind, body)
    }

    pub(super) fn decode(kind: u8, body: Vec<u8>) -> Result<Self, BlobError> {
        match (kind, body.as_slice()) {
            (129, size) => Ok(Self::Found { size: number(size)? }),
            (130, bytes) => {
                let (crc, data) =
                    bytes.split_at_checked(CRC).ok_or(BlobError::Malformed("a cut chunk"))?;
                if crc != crc32c::crc32c(data).to_be_bytes() {
                    return Err(BlobError::Checksum);
                }
                Ok(Self::Chunk(Chunk(body)))
            }
            (131, []) => Ok(Self::End),
            (132, []) => Ok(Self::Stored),
            (133, received) => Ok(Self::Pulling { received: number(received)? }),
            (134, found) if found.len() <= HAVE_MAX => {
                Ok(Self::Present(found.iter().map(|byte| *byte != 0).collect()))
            }
            (143, [code, words @ ..]) => {
                let words = String::from_utf8_lossy(
                    words.get(..words.len().min(1_024)).unwrap_or_default(),
                );
                let reason = words.chars().filter(|letter| !letter.is_control()).collect();
                Ok(Self::Refused { code: *code, reason })
            }
            _ => Err(BlobError::Malformed("an unknown answer")),
        }
    }
}

fn hash_of(bytes: &[u8]) -> Result<BlobHash, BlobError> {
    bytes.try_into().map(BlobHash).map_err(|_| BlobError::Malformed("a hash that is cut"))
}

fn number(bytes: &[u8]) -> Result<u64, BlobError> {
    bytes
        .try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| BlobError::Malformed("a number that is cut"))
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut head = [0; HEAD];
    head[0] = kind;
    head[1..].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&head).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// Reads the length and the body. The limit is checked before anything is set aside for it.
async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    limit: usize,
) -> Result<Vec<u8>, BlobError> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if limit < length {
        return Err(BlobError::Malformed("a frame that is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests() -> impl Strategy<Value = Request> {
        let hash = any::<[u8; 32]>().prop_map(BlobHash);
        prop_oneof![
            (hash.clone(), any::<u64>(), any::<u64>())
                .prop_map(|(sha256, offset, len)| Request::Get { sha256, offset, len }),
            (hash.clone(), any::<u64>(), ".{0,60}", any::<u64>()).prop_map(
                |(sha256, size_bytes, session, epoch)| Request::Offer(Offer {
                    sha256,
                    size_bytes,
                    session,
                    epoch
                })
            ),
            prop::collection::vec(hash, 0..HAVE_MAX).prop_map(Request::Have),
        ]
    }

    proptest! {
        #[test]
        fn requests_come_back_and_noise_is_refused(request in requests(), kind: u8, noise: Vec<u8>) {
            let (own, body) = request.encode();
            prop_assert!(body.len() <= REQUEST_MAX);
            prop_assert_eq!(Request::decode(own, &body).unwrap(), request);
            // Reading noise ends in an answer or an error, never in a panic.
            drop(Request::decode(kind, &noise));
            drop(Answer::decode(kind, noise));
        }

        #[test]
        fn one_wrong_bit_in_a_chunk_is_noticed(data in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0_u8..8) {
            let mut room = Chunk::room(data.len());
            Chunk::body_of(&mut room).copy_from_slice(&data);
            let Chunk(mut bytes) = Chunk::seal(room);
            prop_assert_eq!(Answer::decode(130, bytes.clone()).unwrap(), Answer::Chunk(Chunk(bytes.clone())));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(matches!(Answer::decode(130, bytes), Err(BlobError::Checksum)));
        }
    }

    #[tokio::test]
    async fn a_length_over_the_limit_is_refused_before_it_is_read() {
        let mut frame: &[u8] = &[1, 0xff, 0xff, 0xff, 0xff, 0, 0];
        assert!(matches!(Request::read(&mut frame).await, Err(BlobError::Malformed(_))));
        let mut frame: &[u8] = &[130, 0, 0x10, 0, 5];
        assert!(matches!(Answer::read(&mut frame).await, Err(BlobError::Malformed(_))));
        let mut nothing: &[u8] = &[];
        assert_eq!(Request::read(&mut nothing).await.unwrap(), None);
    }
}
