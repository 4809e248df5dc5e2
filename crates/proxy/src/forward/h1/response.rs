mod fields;
mod lines;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http::{Response, StatusCode, Version, response};
use hyper::ext::ReasonPhrase;
use memchr::memmem;

use super::fault::Fault;
use lines::Lines;

/// The head of an answer, and what it says of what follows.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: response::Parts,
    /// Whether the connection may serve another request afterwards.
    pub(super) persists: bool,
}

// === impl Head ===

impl Head {
    /// Whether another one follows (RFC 9110 section 15.2). After `101` it is not HTTP that does.
    pub(super) fn is_interim(&self) -> bool {
        self.parts.status.is_informational() && self.parts.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Takes a head off the front of `unread` (RFC 9112 sections 4 and 5), if all of it has come.
///
/// # Errors
/// As soon as it cannot become one.
pub(super) fn take_head(unread: &mut BytesMut) -> Result<Option<Head>, Fault> {
    // Whoever sends a request looks for its answer first, and nearly always nothing has come.
    if unread.is_empty() {
        return Ok(None);
    }
    let known = unread.len().min(VERSION.len());
    if unread.get(..known) != VERSION.get(..known) {
        return Err(Fault::Malformed("it is no HTTP/1"));
    }
    let mut lines = Lines::none();
    let is_whole = lines.find(unread)?;
    let length = if is_whole { lines.length() } else { unread.len() };
    if length > MOST_HEAD {
        return Err(Fault::HeadTooLarge);
    }
    if is_whole {
        return parse(&unread.split_to(length).freeze(), &lines).map(Some);
    }
    if ends_otherwise(unread) {
        return Err(Fault::Malformed("a line ends without a carriage return"));
    }
    Ok(None)
}

/// Whether it has an end that a more generous reader would take for one.
fn ends_otherwise(unread: &[u8]) -> bool {
    let has = |end: &[u8]| memmem::find(unread, end).is_some();
    has(b"\n\n") || has(b"\n\r\n")
}

fn parse(text: &Bytes, lines: &Lines) -> Result<Head, Fault> {
    let mut within = lines.within(text);
    let (version, status, reason) = status_line(within.next().unwrap_or_default())?;
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.version = version;
    parts.status = status;
    parts.headers = fields::of(within, lines.fields(), text)?;
    if Some(reason) != status.canonical_reason().map(str::as_bytes) {
        parts.extensions.insert(unusual(text.slice_ref(reason))?);
    }
    let persists = persists(version, &parts.headers);
    Ok(Head { parts, persists })
}

/// RFC 9112 section 4. Many leave out the reason, and some the space before it.
fn status_line(line: &[u8]) -> Result<(Version, StatusCode, &[u8]), Fault> {
    let (version, rest) = match line.strip_prefix(VERSION) {
        Some([b'1', rest @ ..]) => (Version::HTTP_11, rest),
        Some([b'0', rest @ ..]) => (Version::HTTP_10, rest),
        _ => return Err(Fault::Malformed("invalid version")),
    };
    let rest = rest.strip_prefix(b" ").unwrap_or_default();
    let (code, reason) = rest.split_at_checked(3).unwrap_or_default();
    let status = StatusCode::from_bytes(code).map_err(|_| Fault::Malformed("invalid status code"))?;
    match reason {
        [] => Ok((version, status, reason)),
        [b' ', reason @ ..] => Ok((version, status, reason)),
        _ => Err(Fault::Malformed("invalid status line")),
    }
}

/// A reason that the status itself does not give. In which alphabet one beyond ASCII is written nobody says; none is told then.
fn unusual(reason: Bytes) -> Result<ReasonPhrase, Fault> {
    let is_ascii = reason.is_ascii();
    let reason = ReasonPhrase::try_from(reason).map_err(|_| Fault::Malformed("invalid status line"))?;
    Ok(if is_ascii {
        reason
    } else {
        ReasonPhrase::from_static(b"")
    })
}

/// RFC 9112 section 9.3; `close` is meant for good, whatever else is said.
fn persists(version: Version, headers: &HeaderMap) -> bool {
    let says = |option: &str| {
        let lines = headers.get_all(header::CONNECTION).iter();
        let mut options = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        options.any(|said| said.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    match version {
        Version::HTTP_11 => !says("close"),
        _ => !says("close") && says("keep-alive"),
    }
}

const VERSION: &[u8] = b"HTTP/1.";
const MOST_FIELDS: usize = 100;
const MOST_HEAD: usize = 128 * 1024;

#[cfg(test)]
mod tests;
