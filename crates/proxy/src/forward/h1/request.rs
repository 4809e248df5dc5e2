use std::io::Write as _;

use http::header::{self, HeaderMap, HeaderName};
use http::request;
use http_body::Body as _;

use super::spare;
use crate::body::RequestBody;

/// How a request's body is delimited (RFC 9112 section 6): by what the body itself knows. What a head says of it is never
/// believed, so that the two cannot differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimited {
    /// There is none.
    AsNone,
    /// By so many bytes, that are still to come.
    ByLength(u64),
    /// By chunks, whatever the method.
    ByChunks,
}

// === impl Delimited ===

impl Delimited {
    pub(super) fn of(body: &RequestBody) -> Self {
        match body.size_hint().exact() {
            _ if body.is_end_stream() => Self::AsNone,
            Some(length) => Self::ByLength(length),
            None => Self::ByChunks,
        }
    }
}

/// A head as it stands on the wire (RFC 9112 sections 3 and 5).
pub(super) fn head(head: &request::Parts, delimited: Delimited) -> Vec<u8> {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    // RFC 9112 section 3.2.1: an empty path is written as one, before a query too.
    let root = if target.starts_with(['/', '*']) { "" } else { "/" };
    let mut text = spare::take();
    for part in [head.method.as_str(), " ", root, target, " HTTP/1.1\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    let mut says_length = false;
    for (name, value) in &head.headers {
        match *name {
            header::CONTENT_LENGTH => says_length = true,
            header::TRANSFER_ENCODING => {}
            _ => field(&mut text, name, value.as_bytes()),
        }
    }
    match delimited {
        // Who says that there is nothing to a POST is not made silent.
        Delimited::AsNone if !says_length => {}
        Delimited::AsNone => field(&mut text, &header::CONTENT_LENGTH, b"0"),
        Delimited::ByLength(length) => {
            field(&mut text, &header::CONTENT_LENGTH, length.to_string().as_bytes());
        }
        Delimited::ByChunks => field(&mut text, &header::TRANSFER_ENCODING, b"chunked"),
    }
    text.extend_from_slice(b"\r\n");
    text
}

/// The line before a chunk of so many bytes (RFC 9112 section 7.1).
pub(super) fn chunk_size(text: &mut Vec<u8>, size: usize) {
    // A `Vec` takes everything.
    let _ = write!(text, "{size:x}\r\n");
}

/// The last chunk, and behind it what was announced of these trailers (RFC 9112 section 7.1.2).
pub(super) fn last_chunk(text: &mut Vec<u8>, trailers: &HeaderMap, announced: &[HeaderName]) {
    text.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        if announced.contains(name) {
            field(text, name, value.as_bytes());
        }
    }
    text.extend_from_slice(b"\r\n");
}

/// Which trailers a head announces (RFC 9110 section 6.6.2).
pub(super) fn announced(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(header::TRAILER).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    names
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect()
}

fn field(text: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        text.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests;
