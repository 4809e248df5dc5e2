use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http::{StatusCode, Version, response};
use http_body::{Frame, SizeHint};

use super::chunks::Chunks;
use super::fault::Fault;

/// How the body of an answer is delimited, and what of it is still to come (RFC 9112 section 6.3).
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes; none is the end.
    Length(u64),
    Chunked(Chunks),
    /// Whatever comes until the connection ends.
    UntilClose,
    /// What follows is no HTTP.
    Switched,
}

/// What the front of a connection's bytes is.
#[derive(Debug)]
pub(super) enum Taken {
    Frame(Frame<Bytes>),
    /// Not enough.
    Nothing,
    /// The body is over.
    End,
}

// === impl Framing ===

impl Framing {
    /// # Errors
    /// Where two readers could see two ends.
    pub(super) fn of(head: &response::Parts, of_a_head_request: bool) -> Result<Self, Fault> {
        let headers = &head.headers;
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => return Ok(Self::Switched),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => return Ok(Self::Length(0)),
            _ if of_a_head_request => return Ok(Self::Length(0)),
            _ => {}
        }
        if headers.contains_key(header::TRANSFER_ENCODING) {
            return if head.version == Version::HTTP_11 && is_chunked(headers) {
                Ok(Self::Chunked(Chunks::default()))
            } else {
                Err(Fault::Malformed("a transfer coding other than chunked"))
            };
        }
        Ok(content_length(headers)?.map_or(Self::UntilClose, Self::Length))
    }

    pub(super) fn take(&mut self, unread: &mut BytesMut) -> Result<Taken, Fault> {
        match self {
            Self::Length(0) | Self::Switched => Ok(Taken::End),
            Self::Length(left) => Ok(data(unread, left)),
            Self::Chunked(chunks) => chunks.take(unread),
            Self::UntilClose => {
                let mut endless = u64::MAX;
                Ok(data(unread, &mut endless))
            }
        }
    }

    /// How much more there may be; to read further is to read what nobody asked for.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Length(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::Chunked(_) | Self::UntilClose => usize::MAX,
            Self::Switched => 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Switched)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Switched => SizeHint::with_exact(0),
            Self::Chunked(_) | Self::UntilClose => SizeHint::default(),
        }
    }
}

/// What has come of the next `left` bytes.
pub(super) fn data(unread: &mut BytesMut, left: &mut u64) -> Taken {
    if unread.is_empty() {
        return Taken::Nothing;
    }
    let some = usize::try_from(*left).map_or(unread.len(), |left| left.min(unread.len()));
    *left -= some as u64;
    Taken::Frame(Frame::data(unread.split_to(some).freeze()))
}

/// Any other coding would have to be undone here: that of the connection to the client is another one.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let only = (codings.next(), codings.next());
    matches!(only, (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// One number, however often it is said (RFC 9110 section 8.6); `None` if it is not.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let mut said = None;
    for line in headers.get_all(header::CONTENT_LENGTH) {
        for length in line.as_bytes().split(|&byte| byte == b',') {
            let length = number(length.trim_ascii()).ok_or(NO_LENGTH)?;
            if said.replace(length).is_some_and(|before| before != length) {
                return Err(NO_LENGTH);
            }
        }
    }
    Ok(said)
}

/// Digits alone; [`str::parse`] takes a sign as well.
fn number(digits: &[u8]) -> Option<u64> {
    let (first, rest) = digits.split_first()?;
    rest.iter().try_fold(digit(*first)?, |number, &byte| {
        number.checked_mul(10)?.checked_add(digit(byte)?)
    })
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

const NO_LENGTH: Fault = Fault::Malformed("invalid Content-Length");

#[cfg(test)]
mod tests;
