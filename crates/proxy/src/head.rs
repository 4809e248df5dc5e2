use http::uri::Scheme;
use http::{HeaderMap, Request, Uri, header};
use memchr::memchr;

use crate::Failure;

/// What holds for every request's head, whichever protocol brought it. hyper holds HTTP/1.1 to it; in HTTP/2 a few bytes
/// of HPACK name a field that was sent before, so that thousands would cost their sender nothing (CVE-2026-49975).
///
/// # Errors
/// On more than `max_fields`; on anything but one length that is a number (RFC 9110 section 8.6), on a target of another
/// scheme, and on one with a backslash, which some take for a slash: what is behind us might read either in another way.
pub(crate) fn check<B>(request: &Request<B>, max_fields: usize) -> Result<(), Failure> {
    if request.headers().len() > max_fields {
        return Err(Failure::TooManyFields);
    }
    check_target(request.uri())?;
    check_length(request.headers())
}

fn check_target(target: &Uri) -> Result<(), Failure> {
    let is_ours = |scheme: &Scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme);
    if !target.scheme().is_none_or(is_ours) {
        return Err(Failure::BadRequest("a request target must be of http or https"));
    }
    if memchr(b'\\', target.path().as_bytes()).is_some() {
        return Err(Failure::BadRequest("a request target must not hold a backslash"));
    }
    Ok(())
}

fn check_length(headers: &HeaderMap) -> Result<(), Failure> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(()),
        (Some(length), None) if is_number(length.as_bytes()) => Ok(()),
        _ => Err(Failure::BadRequest(
            "a request must say its length once, and as a number",
        )),
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
