use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use crate::forward::h1::fault::Fault;
use crate::spare_fields;

/// The first of these names that a line has, and what is behind its colon; by the place of the colon first, which is another one in
/// nearly each. Written out for one after the other, and not in a loop, each comparison is one of a word or two.
macro_rules! first_of {
    ($line:ident: $($name:literal => $known:expr,)+) => {
        $(if $line.get($name.len()) == Some(&b':') && $line.starts_with($name) {
            Some(($known, $line.get($name.len() + 1..).unwrap_or_default()))
        } else)+ {
            None
        }
    };
}

/// The fields of `lines`, which are `count` lines of `text` (RFC 9112 section 5): what may stand in a name and in a value is judged
/// by `http`'s own types. A line that goes on with the one before it (section 5.2) begins with a space, and is none.
pub(super) fn of<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    count: usize,
    text: &'a Bytes,
) -> Result<HeaderMap, Fault> {
    let mut headers = spare_fields::take(count);
    for line in lines {
        let (name, value) = known(line).map_or_else(|| split(line), Ok)?;
        headers.append(name, valued(trimmed(value), text)?);
    }
    Ok(headers)
}

/// A field whose name nearly every answer has, as it is written there: its colon need not be looked for, and no byte of it be judged.
fn known(line: &[u8]) -> Option<(HeaderName, &[u8])> {
    first_of!(line:
        b"content-type" => header::CONTENT_TYPE,
        b"content-length" => header::CONTENT_LENGTH,
        b"date" => header::DATE,
        b"server" => header::SERVER,
        b"x-request-id" => REQUEST_ID,
        b"x-databricks-org-id" => ORG_ID,
        b"strict-transport-security" => header::STRICT_TRANSPORT_SECURITY,
        b"x-content-type-options" => header::X_CONTENT_TYPE_OPTIONS,
        b"vary" => header::VARY,
        b"cache-control" => header::CACHE_CONTROL,
        b"content-encoding" => header::CONTENT_ENCODING,
        b"transfer-encoding" => header::TRANSFER_ENCODING,
    )
}

/// Any other, each byte of whose name has to be judged and looked up.
fn split(line: &[u8]) -> Result<(HeaderName, &[u8]), Fault> {
    let colon = memchr(b':', line).ok_or(Fault::Malformed("a field without a name"))?;
    let (name, value) = line.split_at_checked(colon).unwrap_or_default();
    let name = HeaderName::from_bytes(name).map_err(|_| Fault::Malformed("invalid field name"))?;
    Ok((name, value.strip_prefix(b":").unwrap_or(value)))
}

/// Those that answers have in common are known as well, and hold nothing. A short one is copied: to count one more and one less who
/// holds the head's memory costs as much, and holds it. A long one is counted there.
fn valued(value: &[u8], text: &Bytes) -> Result<HeaderValue, Fault> {
    if let Some(known) = COMMON.iter().find(|known| known.as_bytes() == value) {
        return Ok(known.clone());
    }
    let own = if value.len() <= SHORT {
        HeaderValue::from_bytes(value)
    } else {
        HeaderValue::from_maybe_shared(text.slice_ref(value))
    };
    own.map_err(|_| Fault::Malformed("invalid field value"))
}

/// Without the spaces and tabs around it (RFC 9112 section 5.1), and nothing else that might be taken for some.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

const ORG_ID: HeaderName = HeaderName::from_static("x-databricks-org-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// In bytes: a date, a length, an identifier.
const SHORT: usize = 64;

/// What is the same in answers to everybody, as a standard or the one who answers has it.
pub(super) static COMMON: [HeaderValue; 7] = [
    HeaderValue::from_static("application/json"),
    HeaderValue::from_static("databricks"),
    HeaderValue::from_static("gzip"),
    HeaderValue::from_static("chunked"),
    HeaderValue::from_static("Accept-Encoding"),
    HeaderValue::from_static("nosniff"),
    HeaderValue::from_static("max-age=31536000; includeSubDomains; preload"),
];
