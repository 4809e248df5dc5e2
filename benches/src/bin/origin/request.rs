use std::str;

use crate::seen::Authorization;

/// What matters of a request's head.
pub(crate) struct Request {
    /// How long the head is, its empty line included.
    pub(crate) head: usize,
    pub(crate) path: String,
    pub(crate) content_length: u64,
    pub(crate) authorization: Authorization,
}

/// What the bytes that have come so far hold.
pub(crate) enum Parsed {
    Whole(Request),
    Partly,
    /// No request, or one that nobody sends here: a chunked upload, for one.
    Unreadable,
}

impl Parsed {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(head)) => {
                Request::new(head, &parsed).map_or(Self::Unreadable, Self::Whole)
            }
            Ok(httparse::Status::Partial) => Self::Partly,
            Err(_) => Self::Unreadable,
        }
    }
}

impl Request {
    fn new(head: usize, parsed: &httparse::Request<'_, '_>) -> Option<Self> {
        let mut request = Self {
            head,
            path: parsed.path?.to_owned(),
            content_length: 0,
            authorization: Authorization::Absent,
        };
        for field in &*parsed.headers {
            if field.name.eq_ignore_ascii_case("authorization") {
                request.authorization = Authorization::of(field.value);
            } else if field.name.eq_ignore_ascii_case("content-length") {
                request.content_length = str::from_utf8(field.value).ok()?.parse().ok()?;
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                return None;
            }
        }
        Some(request)
    }
}
