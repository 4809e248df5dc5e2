use std::time::Duration;

use super::ConnectError;
use super::h1::Fault;
use crate::body::{Progress, RequestBodyError, Shortfall};

/// Why a workspace gave no answer, by what is known of the request's fate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    /// Nothing was sent: the same request may safely be repeated.
    #[error("the workspace cannot be reached")]
    Connect(#[from] ConnectError),
    /// The client's own body broke, or was no HTTP.
    #[error("the request body broke off or is malformed")]
    RequestBody(#[source] hyper::Error),
    /// The client stopped to send its body.
    #[error("nothing of the request body came for {} s", .0.as_secs())]
    RequestStalled(Duration),
    /// The client sent more than it may.
    #[error("the request body is longer than the {0} bytes that are allowed here")]
    RequestTooLarge(u64),
    /// The request may have been acted upon.
    #[error("the workspace's connection broke before it answered")]
    Broke(#[source] BrokenConnection),
    /// The same on a connection that had served before, and nothing of an answer had come: most likely the workspace was
    /// closing it, unused as it was, while the request was on its way. Nobody can be sure; so the request may be repeated only
    /// if its method says that twice is as good as once.
    #[error("the workspace closed a connection that had been kept open, before it answered")]
    Stale(#[source] std::io::Error),
    /// The request may have been acted upon.
    #[error("the workspace did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// What was wrong with a connection, in the words of the protocol that was spoken on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenConnection {
    #[error(transparent)]
    Http1(#[from] Fault),
    #[error(transparent)]
    Http2(#[from] hyper::Error),
}

impl ForwardError {
    /// A request's body that did not come to its end.
    pub(super) fn from_body(error: RequestBodyError) -> Self {
        match error {
            RequestBodyError::Broke(error) => Self::RequestBody(error),
            RequestBodyError::Stalled(limit) => Self::RequestStalled(limit),
            RequestBodyError::TooLarge(most) => Self::RequestTooLarge(most),
        }
    }

    /// What hyper reports of an exchange over HTTP/2: a request body's end as the stream's, of which the body itself knows better.
    pub(super) fn from_stream(error: hyper::Error, progress: &Progress) -> Self {
        match progress.shortfall() {
            None if error.is_user() => Self::RequestBody(error),
            None => Self::Broke(error.into()),
            Some(Shortfall::Broke) => Self::RequestBody(error),
            Some(Shortfall::Stalled(limit)) => Self::RequestStalled(limit),
            Some(Shortfall::TooLarge(most)) => Self::RequestTooLarge(most),
        }
    }

    /// The same on a connection of HTTP/1.1 that had served before.
    pub(super) fn on_reused(self) -> Self {
        match self {
            Self::Broke(BrokenConnection::Http1(Fault::Silent(error))) => Self::Stale(error),
            other => other,
        }
    }

    /// Whether it is the client's body that did not come whole: what is left of it may still be on the connection.
    pub(crate) fn is_the_clients(&self) -> bool {
        matches!(
            self,
            Self::RequestBody(_) | Self::RequestStalled(_) | Self::RequestTooLarge(_)
        )
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "UPSTREAM_UNREACHABLE",
            Self::RequestBody(_) => "REQUEST_BODY_BROKEN",
            Self::RequestStalled(_) => "REQUEST_BODY_STALLED",
            Self::RequestTooLarge(_) => "REQUEST_BODY_TOO_LARGE",
            Self::Broke(_) | Self::Stale(_) => "UPSTREAM_BROKE",
            Self::TimedOut(_) => "UPSTREAM_TIMED_OUT",
        }
    }
}
