/// Why a token was refused, in words that tell a person how to mend it. Never contains the token.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Keys of this issuer were never loaded: not the caller's fault, and it may pass.
    #[error("the keys of issuer {issuer} are not available yet")]
    KeysUnavailable {
        /// The configured issuer.
        issuer: String,
    },
    /// Not a compact JWS.
    #[error("the token is not a JWT")]
    Malformed,
}

impl Rejection {
    /// Whether the same token may be accepted later without any change to it: answer 503, not 401.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::KeysUnavailable { .. })
    }
}
