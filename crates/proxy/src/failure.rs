//! The one place where an error becomes a response. Client-facing text comes from here alone, and never shows a
//! source: the full chain goes to the log.

mod answer;
mod dialect;
mod grpc;
mod mcp;
mod status;

use std::num::NonZeroU32;

use exchange::ExchangeError;
use http::StatusCode;
use identity::Rejection;

use crate::forward::ForwardError;
use crate::machine::NoToken;

pub use answer::ERROR_DOMAIN;
pub(crate) use dialect::Dialect;

/// Why a request is answered by the gateway rather than by the workspace: a variant per thing that its reader can do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The request is not one that may be forwarded. The connection is closed after it.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The head has more fields than it may have.
    #[error("the request has too many header fields")]
    TooManyFields,
    /// The path and query are longer than is allowed here.
    #[error("the request target is longer than the {0} bytes that are allowed here")]
    TargetTooLong(usize),
    /// The request says itself that its body is longer than is allowed here.
    #[error("the request body is longer than the {0} bytes that are allowed here")]
    BodyTooLarge(u64),
    /// As many requests are in flight as may be. Nothing is queued: who waits here holds memory there.
    #[error("the gateway has as many requests in flight as it takes; send this one again a little later")]
    Overloaded,
    /// The subject has used up its share.
    #[error(
        "more than the {0} requests a second that each caller may send here; send this one again in a second"
    )]
    SubjectLimit(NonZeroU32),
    /// `CONNECT` and `TRACE`, or the wrong method for one of the gateway's own answers.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// The `Host` leads to no configured workspace.
    #[error("no workspace is served under the host name {0}")]
    UnknownHost(String),
    /// A request for an agent under a name that is not this machine's alone: a web page may have let it resolve to here.
    #[error("this agent answers under localhost and loopback addresses only, not as {0}")]
    ForeignHost(String),
    /// A request for an agent that a web page of another origin has made a browser send.
    #[error("this agent answers no web pages of other origins")]
    ForeignOrigin,
    /// A request for an agent without the token that its operator has set.
    #[error(
        "this agent asks for the token that its operator has set; send it as Authorization: Bearer <token> \
         (for Databricks clients: as the token)"
    )]
    NotALocalToken,
    /// An agent's machine has no JWT.
    #[error(transparent)]
    NoToken(#[from] NoToken),
    /// There is no credential.
    #[error(
        "no credential was sent; send the JWT of your identity provider as Authorization: Bearer <jwt> \
         (for Databricks clients: as the token)"
    )]
    NoCredential,
    /// There is more than one.
    #[error("more than one credential was sent; send exactly one, in one header")]
    TwoCredentials,
    /// There is one of another scheme, or a `Basic` one that is not for the user `token`.
    #[error(
        "the Authorization header is of an unsupported kind; send Bearer <jwt>, or Basic with the user name \
         token and the JWT as the password"
    )]
    UnsupportedCredential,
    /// The JWT was refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is no Databricks token for this identity.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The workspace did not answer.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The workspace answered `101` to a request for no upgrade.
    #[error("the workspace switched protocols without being asked to")]
    UnexpectedUpgrade,
    /// The gateway's own token endpoint refuses: RFC 6749 section 5.2.
    #[error("{description}")]
    TokenRequest {
        /// `invalid_request`, `invalid_grant`, `unsupported_grant_type` or `temporarily_unavailable`.
        error: &'static str,
        /// For a person.
        description: String,
    },
    /// The gateway's own answer could not be made.
    #[error("the gateway met a fault of its own")]
    Internal,
}

impl Failure {
    /// The status that the client sees. 503 and 429 only when nothing was forwarded: clients repeat those, POST included.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::TwoCredentials | Self::TokenRequest { .. } => StatusCode::BAD_REQUEST,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            // At one request a second or more, the second of `Retry-After` is never too short.
            Self::SubjectLimit(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NotALocalToken | Self::NoCredential | Self::UnsupportedCredential => {
                StatusCode::UNAUTHORIZED
            }
            Self::NoToken(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Rejected(rejection) if rejection.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Rejected(_) => StatusCode::UNAUTHORIZED,
            Self::Exchange(ExchangeError::Denied(denial)) if denial.status == 403 => StatusCode::FORBIDDEN,
            Self::Exchange(ExchangeError::Denied(_)) => StatusCode::UNAUTHORIZED,
            Self::Exchange(ExchangeError::Unavailable(outage)) if outage.throttled => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Exchange(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forward(fault) => forward_status(fault),
            Self::UnexpectedUpgrade => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What went wrong, for machines: `ErrorInfo.reason`, metrics and the access log. Never changes its meaning.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BAD_REQUEST",
            Self::TooManyFields => "TOO_MANY_FIELDS",
            Self::TargetTooLong(_) => "TARGET_TOO_LONG",
            Self::BodyTooLarge(_) => "REQUEST_BODY_TOO_LARGE",
            Self::Overloaded => "OVERLOADED",
            Self::SubjectLimit(_) => "SUBJECT_LIMIT",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::UnknownHost(_) => "UNKNOWN_HOST",
            Self::ForeignHost(_) => "FOREIGN_HOST",
            Self::ForeignOrigin => "FOREIGN_ORIGIN",
            Self::NotALocalToken => "NOT_A_LOCAL_TOKEN",
            Self::NoToken(_) => "NO_MACHINE_TOKEN",
            Self::NoCredential => "NO_CREDENTIAL",
            Self::TwoCredentials => "TWO_CREDENTIALS",
            Self::UnsupportedCredential => "UNSUPPORTED_CREDENTIAL",
            Self::Rejected(rejection) => rejection.code(),
            Self::Exchange(error) => error.code(),
            Self::Forward(fault) => fault.code(),
            Self::UnexpectedUpgrade => "UPSTREAM_UNEXPECTED_UPGRADE",
            Self::TokenRequest { .. } => "TOKEN_REQUEST",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether the connection ends with this answer: after a request whose framing is in doubt, what follows on the
    /// same connection may be somebody else's idea; and a body that will not be read is not waited for.
    fn closes(&self) -> bool {
        match self {
            Self::BadRequest(_)
            | Self::TargetTooLong(_)
            | Self::BodyTooLarge(_)
            | Self::MethodNotAllowed
            | Self::TwoCredentials => true,
            Self::Forward(fault) => fault.is_the_clients(),
            _ => false,
        }
    }
}

fn forward_status(fault: &ForwardError) -> StatusCode {
    match fault {
        ForwardError::Connect(_) => StatusCode::SERVICE_UNAVAILABLE,
        ForwardError::RequestBody(_) => StatusCode::BAD_REQUEST,
        ForwardError::RequestStalled(_) => StatusCode::REQUEST_TIMEOUT,
        ForwardError::RequestTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        ForwardError::Broke(_) | ForwardError::Stale(_) => StatusCode::BAD_GATEWAY,
        ForwardError::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
    }
}

#[cfg(test)]
mod tests;
