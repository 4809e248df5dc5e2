use std::sync::Arc;

use http::{Response, StatusCode};

use super::leak;
use super::reply;
use super::tokens::{Claims, Standing};
use super::workspace::Workspace;
use crate::random;
use crate::server::{Body, Head};

/// Why nobody is known to be asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// No credentials of a supported kind.
    Anonymous,
    /// A token that the workspace did not issue.
    UnknownToken,
    /// One that it has revoked.
    RevokedToken,
    /// One that is past its expiry.
    ExpiredToken,
    /// An identity provider's JWT somewhere in the head: what the gateway exists to prevent.
    Leaked,
    /// Two `Authorization` fields, of which RFC 9110 section 5.3 allows one: whose request is it?
    Ambiguous,
}

// === impl Workspace ===

impl Workspace {
    /// Who is asking, by the token that the request carries. A leak is told before anything else, so that no other
    /// refusal can hide it.
    pub(super) fn caller(&self, head: &Head) -> Result<Arc<Claims>, Denial> {
        if leak::carries_foreign_jwt(head, &self.issuer) {
            return Err(Denial::Leaked);
        }
        let mut credentials = head.values("authorization");
        let presented = credentials.next().and_then(presented_token);
        if credentials.next().is_some() {
            return Err(Denial::Ambiguous);
        }
        match self.tokens.find(&presented.ok_or(Denial::Anonymous)?) {
            Standing::Issued(claims) if claims.expires_at > self.now() => Ok(claims),
            Standing::Issued(_) => Err(Denial::ExpiredToken),
            Standing::Revoked => Err(Denial::RevokedToken),
            Standing::Unknown => Err(Denial::UnknownToken),
        }
    }
}

// === impl Denial ===

impl Denial {
    /// Whether what needs no token is denied too.
    pub(super) fn is_total(self) -> bool {
        matches!(self, Self::Leaked | Self::Ambiguous)
    }

    pub(super) fn response(self) -> Response<Body> {
        match self {
            Self::Anonymous => {
                let message = format!("{UNSUPPORTED} [ReqId: {}]", random::uuid());
                reply::error(StatusCode::UNAUTHORIZED, 401, &message)
            }
            Self::UnknownToken | Self::RevokedToken | Self::ExpiredToken | Self::Leaked => {
                reply::error(StatusCode::FORBIDDEN, 403, "Invalid access token.")
            }
            Self::Ambiguous => reply::error(StatusCode::BAD_REQUEST, "BAD_REQUEST", AMBIGUOUS),
        }
    }
}

/// The token of `Bearer` credentials (RFC 6750 section 2.1), or the password of `Basic` ones whose user is `token`.
fn presented_token(value: &str) -> Option<String> {
    if let Some(pair) = leak::decode_basic(value) {
        return pair.strip_prefix("token:").map(str::to_owned);
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

const UNSUPPORTED: &str = "Credential was not sent or was of an unsupported type for this API.";
const AMBIGUOUS: &str = "The request carries more than one Authorization header.";
