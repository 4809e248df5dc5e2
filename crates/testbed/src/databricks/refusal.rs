use http::{Response, StatusCode};
use serde_json::json;

use super::reply;
use crate::databricks::Refusals;
use crate::server::Body;

/// Why the token endpoint issues no token (RFC 6749 section 5.2; RFC 8693 section 2.2.2). Never shows the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    InvalidRequest(&'static str),
    UnsupportedGrantType,
    InvalidClient,
    /// The subject token is the reason.
    InvalidGrant(&'static str),
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn response(self, wording: Refusals) -> Response<Body> {
        match self {
            Self::InvalidRequest(why) => oauth(StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::UnsupportedGrantType => oauth(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only token exchange is supported",
            ),
            Self::InvalidClient => oauth(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "no service principal has this client_id",
            ),
            Self::InvalidGrant(why) => match wording {
                Refusals::OAuth => oauth(StatusCode::BAD_REQUEST, "invalid_grant", why),
                Refusals::Databricks => reply::error(StatusCode::UNAUTHORIZED, "TOKEN_INVALID", why),
            },
        }
    }
}

fn oauth(status: StatusCode, error: &str, description: &str) -> Response<Body> {
    let mut response = reply::json(status, &json!({"error": error, "error_description": description}));
    response
        .headers_mut()
        .insert(reply::REASON_PHRASE, reply::text(description));
    response
}
