use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version, response};
use httparse::ParserConfig;
use hyper::ext::ReasonPhrase;
use memchr::{memchr_iter, memmem};

use super::fault::Fault;

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
    let known = unread.len().min(VERSION.len());
    if unread.get(..known) != VERSION.get(..known) {
        return Err(Fault::Malformed("it is no HTTP/1"));
    }
    let length = length(unread);
    if length.unwrap_or(unread.len()) > MOST_HEAD {
        return Err(Fault::HeadTooLarge);
    }
    match length {
        Some(length) => parse(&unread.split_to(length).freeze()).map(Some),
        None if ends_otherwise(unread) => Err(Fault::Malformed("a line ends without a carriage return")),
        None => Ok(None),
    }
}

/// Of the head, with the empty line that ends it. Its lines are few and short: to stop at each costs less than to look for
/// all of its end.
fn length(unread: &[u8]) -> Option<usize> {
    let mut lines = memchr_iter(b'\n', unread).map(|end| end + 1);
    lines.find(|&end| {
        unread
            .get(..end)
            .is_some_and(|lines| lines.ends_with(b"\r\n\r\n"))
    })
}

/// Whether it has an end that a more generous reader would take for one.
fn ends_otherwise(unread: &[u8]) -> bool {
    let has = |end: &[u8]| memmem::find(unread, end).is_some();
    has(b"\n\n") || has(b"\n\r\n")
}

fn parse(text: &Bytes) -> Result<Head, Fault> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut read = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut read, text, &mut fields);
    match parsed {
        Ok(httparse::Status::Complete(length)) if length == text.len() => {}
        Ok(_) => return Err(Fault::Malformed("a line ends without a carriage return")),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::HeadTooLarge),
        Err(error) => return Err(Fault::Malformed(words(error))),
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = read
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Fault::Malformed("invalid status code"))?;
    parts.version = match read.version {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    };
    parts.headers = headers(read.headers, text)?;
    let reason = read.reason.unwrap_or_default();
    if Some(reason) != parts.status.canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(text.slice_ref(reason.as_bytes()))
    {
        parts.extensions.insert(reason);
    }
    let persists = persists(parts.version, &parts.headers);
    Ok(Head { parts, persists })
}

fn headers(fields: &[httparse::Header<'_>], text: &Bytes) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(text.slice_ref(field.value));
        match (name, value) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => return Err(Fault::Malformed("invalid field")),
        };
    }
    Ok(headers)
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

/// What the parser calls it.
fn words(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "invalid field name",
        httparse::Error::HeaderValue => "invalid field value",
        httparse::Error::NewLine => "invalid line end",
        httparse::Error::Status => "invalid status line",
        httparse::Error::Version => "invalid version",
        httparse::Error::Token | httparse::Error::TooManyHeaders => "invalid token",
    }
}

const VERSION: &[u8] = b"HTTP/1.";
const MOST_FIELDS: usize = 100;
const MOST_HEAD: usize = 128 * 1024;

#[cfg(test)]
mod tests;
