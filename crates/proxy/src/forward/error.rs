use std::time::Duration;

use super::ConnectError;

/// Why a workspace gave no answer, by what is known of the request's fate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    /// Nothing was sent: the same request may safely be repeated.
    #[error("the workspace cannot be reached")]
    Connect(#[from] ConnectError),
    /// The client's own body broke, or was no HTTP.
    #[error("the request body broke off or is malformed")]
    RequestBody(#[source] hyper::Error),
    /// The request may have been acted upon.
    #[error("the workspace's connection broke before it answered")]
    Broke(#[source] hyper::Error),
    /// The request may have been acted upon.
    #[error("the workspace did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl ForwardError {
    /// hyper reports an error of the request's body as the caller's (`is_user`), and everything else as the connection's.
    pub(super) fn from_hyper(error: hyper::Error) -> Self {
        if error.is_user() {
            Self::RequestBody(error)
        } else {
            Self::Broke(error)
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "UPSTREAM_UNREACHABLE",
            Self::RequestBody(_) => "REQUEST_BODY_BROKEN",
            Self::Broke(_) => "UPSTREAM_BROKE",
            Self::TimedOut(_) => "UPSTREAM_TIMED_OUT",
        }
    }
}
