use std::fmt;

use bytes::Bytes;

use crate::claims::Claims;
use crate::jws::Jws;
use crate::{Expiry, Rejection};

/// The compact JWS exactly as a caller presented it (RFC 6750): nothing about it is known yet.
///
/// Cheap to clone. Its `Debug` never shows the token.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(Bytes);

impl BearerToken {
    /// Takes the presented bytes as they are; [`Verifier::verify`](crate::Verifier::verify) judges them.
    pub fn new(presented: impl Into<Bytes>) -> Self {
        Self(presented.into())
    }

    /// The secret itself. Only what sends it on as a `subject_token`, or hashes it, may call this.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The end that a well-formed token gives itself. Nobody vouches for it: it tells whoever brings the token when to
    /// fetch another one, and nothing else may follow from it.
    ///
    /// # Errors
    /// When it is no JWT that a [`Verifier`](crate::Verifier) would look at, or has no `exp`.
    pub fn stated_expiry(&self) -> Result<Expiry, Rejection> {
        let jws = Jws::parse(&self.0)?;
        Claims::parse(&jws.payload)?.expiry().map(Expiry)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}
