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
        if headers.contains_key(header::CONTENT_LENGTH) {
            let length = content_length(headers).map(Self::Length);
            return length.ok_or(Fault::Malformed("invalid Content-Length"));
        }
        Ok(Self::UntilClose)
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

/// One number, however often it is said (RFC 9110 section 8.6).
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut lengths = lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(|length| number(length.trim_ascii()));
    let first = lengths.next()??;
    lengths.all(|other| other == Some(first)).then_some(first)
}

/// Digits alone; [`str::parse`] takes a sign as well.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
