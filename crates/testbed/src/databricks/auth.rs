use std::sync::Arc;

use http::{Response, StatusCode};

use super::leak;
use super::reply;
use super::tokens::Claims;
use super::workspace::Workspace;
use crate::random;
use crate::server::{Body, Head};

/// Who is asking, by the token that the request carries.
pub(super) enum Caller {
    Known(Arc<Claims>),
    /// A token that the workspace did not issue, has forgotten, or that is expired.
    Unknown,
    /// No credentials of a supported kind.
    Anonymous,
    /// An identity provider's JWT somewhere in the head: what the gateway exists to prevent.
    Leaked,
    /// Two `Authorization` fields (RFC 9110 section 5.3 allows one): whose request is it?
    Ambiguous,
}

// === impl Workspace ===

impl Workspace {
    /// A leak is told before anything else, so that no other refusal can hide it.
    pub(super) fn caller(&self, head: &Head) -> Caller {
        if leak::carries_foreign_jwt(head, &self.issuer) {
            return Caller::Leaked;
        }
        let mut credentials = head.values("authorization");
        match (credentials.next().map(presented_token), credentials.next()) {
            (_, Some(_)) => Caller::Ambiguous,
            (None | Some(None), None) => Caller::Anonymous,
            (Some(Some(token)), None) => match self.tokens.find(&token) {
                Some(claims) if claims.expires_at > self.now() => Caller::Known(claims),
                _ => Caller::Unknown,
            },
        }
    }
}

// === impl Caller ===

impl Caller {
    pub(super) fn identity(&self) -> Option<&str> {
        match self {
            Self::Known(claims) => Some(&claims.identity),
            _ => None,
        }
    }

    /// Who it is, for an endpoint that only tokens open.
    pub(super) fn authenticated(self) -> Result<Arc<Claims>, Response<Body>> {
        match self {
            Self::Known(claims) => Ok(claims),
            Self::Unknown | Self::Leaked => {
                Err(reply::error(StatusCode::FORBIDDEN, 403, "Invalid access token."))
            }
            Self::Anonymous => Err(unsupported_credential()),
            Self::Ambiguous => Err(reply::error(
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "The request carries more than one Authorization header.",
            )),
        }
    }
}

fn unsupported_credential() -> Response<Body> {
    let message = format!(
        "Credential was not sent or was of an unsupported type for this API. [ReqId: {}]",
        random::uuid()
    );
    reply::error(StatusCode::UNAUTHORIZED, 401, &message)
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
