//! Frames on a byte stream: length as u32 big-endian, then that many bytes.
//!
//! The blocking half is for the worker; a node that reads asynchronously uses [`header`] and [`payload_len`] with its
//! own reads.

use std::io::{self, Read, Write};

/// Bytes before the payload of a frame.
pub const FRAME_HEADER_BYTES: usize = 4;

/// A frame could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Larger than the receiver allows; the stream cannot be used any more.
    #[error(
        "a frame may have {limit} bytes, found {found}: the other side speaks another protocol or is broken"
    )]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
        /// Bytes announced.
        found: usize,
    },
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame: wanted {wanted} bytes, found {found}")]
    Cut {
        /// Bytes announced.
        wanted: usize,
        /// Bytes read.
        found: usize,
    },
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(#[from] io::Error),
}

/// Returns the header of a frame of `len` bytes.
///
/// # Errors
/// Refuses more than `max` bytes.
pub fn header(len: usize, max: usize) -> Result<[u8; FRAME_HEADER_BYTES], FrameError> {
    let too_large = FrameError::TooLarge { limit: max, found: len };
    if len > max {
        return Err(too_large);
    }
    u32::try_from(len).map(u32::to_be_bytes).map_err(|_| too_large)
}

/// Returns the number of bytes that follow a header.
///
/// # Errors
/// Refuses more than `max` bytes.
pub fn payload_len(header: [u8; FRAME_HEADER_BYTES], max: usize) -> Result<usize, FrameError> {
    let found = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    if found > max {
        return Err(FrameError::TooLarge { limit: max, found });
    }
    Ok(found)
}

/// Writes one frame and flushes.
///
/// # Errors
/// Refuses payloads that no header can announce; otherwise what the stream says.
pub fn write(stream: &mut impl Write, payload: &[u8]) -> Result<(), FrameError> {
    stream.write_all(&header(payload.len(), usize::MAX)?)?;
    stream.write_all(payload)?;
    Ok(stream.flush()?)
}

/// Reads one frame; `None` when the stream ended between two frames.
///
/// # Errors
/// Refuses a frame over `max` bytes before reading it, and a stream that ends inside a frame.
pub fn read(stream: &mut impl Read, max: usize) -> Result<Option<Vec<u8>>, FrameError> {
    let mut head = [0_u8; FRAME_HEADER_BYTES];
    let found = fill(stream, &mut head)?;
    if found == 0 {
        return Ok(None);
    }
    if found < head.len() {
        return Err(FrameError::Cut { wanted: head.len(), found });
    }
    let wanted = payload_len(head, max)?;
    let mut payload = vec![0_u8; wanted];
    let found = fill(stream, &mut payload)?;
    if found < wanted {
        return Err(FrameError::Cut { wanted, found });
    }
    Ok(Some(payload))
}

/// Reads until `buffer` is full or the stream ends; returns the bytes read.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut found = 0;
    while let Some(rest) = buffer.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) => break,
            Ok(count) => found += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order_and_end_cleanly() {
        let mut bytes = Vec::new();
        for payload in [&b"one"[..], b"", b"three"] {
            write(&mut bytes, payload).unwrap();
        }
        let mut stream = &bytes[..];
        assert_eq!(read(&mut stream, 16).unwrap().unwrap(), b"one");
        assert_eq!(read(&mut stream, 16).unwrap().unwrap(), b"");
        assert_eq!(read(&mut stream, 16).unwrap().unwrap(), b"three");
        assert!(read(&mut stream, 16).unwrap().is_none());
    }

    #[test]
    fn refuses_a_frame_over_the_limit_before_reading_it() {
        let mut stream = &[0xff_u8, 0xff, 0xff, 0xff, 1][..];
        assert!(matches!(read(&mut stream, 8 << 20), Err(FrameError::TooLarge { .. })));
        assert!(header(9, 8).is_err());
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_an_error() {
        for bytes in [&[0_u8, 0][..], &[0, 0, 0, 4, 1, 2][..]] {
            let mut stream = bytes;
            assert!(matches!(read(&mut stream, 64), Err(FrameError::Cut { .. })));
        }
    }
}
