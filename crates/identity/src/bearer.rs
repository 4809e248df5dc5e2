use std::fmt;

use bytes::Bytes;

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
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}
