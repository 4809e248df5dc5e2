use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

use crate::claims::Claims;
use crate::jws::Jws;
use crate::{Expiry, Rejection};

/// The compact JWS exactly as a caller presented it (RFC 6750): nothing about it is known yet.
///
/// Cheap to clone. Its `Debug` never shows the token.
#[derive(Clone)]
pub struct BearerToken(Place);

/// Where the token lies: on the way of every request, it is never copied.
#[derive(Clone)]
enum Place {
    Alone(Bytes),
    /// In a header's value, from that byte on.
    Within(HeaderValue, usize),
}

impl BearerToken {
    /// Takes the presented bytes as they are; [`Verifier::verify`](crate::Verifier::verify) judges them.
    pub fn new(presented: impl Into<Bytes>) -> Self {
        Self(Place::Alone(presented.into()))
    }

    /// The same for what stands in a header from its byte `start` on, whose memory it shares; nothing, if the header ends before.
    pub fn within(header: HeaderValue, start: usize) -> Self {
        Self(Place::Within(header, start))
    }

    /// The secret itself. Only what sends it on as a `subject_token`, or hashes it, may call this.
    pub fn expose(&self) -> &[u8] {
        match &self.0 {
            Place::Alone(token) => token,
            Place::Within(header, start) => header.as_bytes().get(*start..).unwrap_or_default(),
        }
    }

    /// The end that a well-formed token gives itself. Nobody vouches for it: it tells whoever brings the token when to
    /// fetch another one, and nothing else may follow from it.
    ///
    /// # Errors
    /// When it is no JWT that a [`Verifier`](crate::Verifier) would look at, or has no `exp`.
    pub fn stated_expiry(&self) -> Result<Expiry, Rejection> {
        let jws = Jws::parse(self.expose())?;
        Claims::parse(&jws.payload)?.expiry().map(Expiry)
    }
}

/// By their bytes, wherever they lie.
impl PartialEq for BearerToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for BearerToken {}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_header_is_what_stands_there_from_its_start_on() {
        let header = HeaderValue::from_static("Bearer a.b.c");
        for (start, token) in [(0, "Bearer a.b.c"), (7, "a.b.c"), (12, ""), (13, "")] {
            let within = BearerToken::within(header.clone(), start);
            assert_eq!(within.expose(), token.as_bytes(), "{start}");
            assert_eq!(within, BearerToken::new(token));
        }
    }
}
