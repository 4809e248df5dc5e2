use std::net::SocketAddr;

use http::StatusCode;

/// Everything that the access log may say about a request that was refused before there was one: its head could not
/// be read, or did not come. Nothing in it is the client's but its address.
#[derive(Clone, Debug)]
pub struct RefusalRecord {
    /// The peer of the connection.
    pub client: SocketAddr,
    /// The status that it was answered; `None`: the connection was closed without a word.
    pub status: Option<StatusCode>,
    /// Why, in one word of a closed set; among the reasons of [`CountersSnapshot::failures`](crate::CountersSnapshot).
    pub failure: &'static str,
    /// What exactly was wrong with it, in the parser's own words.
    pub cause: Option<&'static str>,
}

/// Why a request's head was never read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is no HTTP, or could be read in more than one way; what the grammar calls the place.
    Malformed(Option<&'static str>),
    /// It is larger than it may be.
    HeadTooLarge,
    /// Its target is longer than any parser takes.
    TargetTooLong,
    /// It did not come to its end in time.
    HeadTimedOut,
}

// === impl Unread ===

impl Unread {
    pub(crate) fn record(self, client: SocketAddr) -> RefusalRecord {
        RefusalRecord {
            client,
            status: self.status(),
            failure: self.reason(),
            cause: match self {
                Self::Malformed(cause) => cause,
                _ => None,
            },
        }
    }

    /// As hyper answers it.
    fn status(self) -> Option<StatusCode> {
        match self {
            Self::Malformed(_) => Some(StatusCode::BAD_REQUEST),
            Self::HeadTooLarge => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Self::TargetTooLong => Some(StatusCode::URI_TOO_LONG),
            Self::HeadTimedOut => None,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED_REQUEST",
            Self::HeadTooLarge => "HEAD_TOO_LARGE",
            Self::TargetTooLong => "TARGET_TOO_LONG",
            Self::HeadTimedOut => "HEAD_TIMED_OUT",
        }
    }
}
