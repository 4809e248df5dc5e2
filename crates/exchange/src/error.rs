use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no token, by what the caller can do about it. Cheap to clone, as one failure answers many waiters.
///
/// Nothing in it contains the subject token, an access token or anything that looks like one, even
/// when the token endpoint repeats it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// This identity is refused: repeating the same call will not help.
    #[error("the token exchange was refused: {0}")]
    Denied(Arc<Denial>),
    /// The token endpoint could not be asked, or could not answer: it may pass.
    #[error("the Databricks token endpoint is not available: {0}")]
    Unavailable(Arc<Outage>),
    /// The token endpoint answered something that is not a token response.
    #[error("the Databricks token endpoint gave an answer that is not a token response: {0}")]
    Malformed(Arc<str>),
}

/// A refusal, in Databricks' own words; or in ours, for a JWT that is too near its end to be exchanged at all.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The HTTP status of the refusal: 400, 401 or 403.
    pub status: u16,
    /// RFC 6749 section 5.2 `error`, or Databricks' `error_code`; printable, bounded.
    pub code: String,
    /// Its description, if any; printable, bounded, without anything that looks like a token.
    pub message: String,
}

/// Why the token endpoint gave no answer of use.
#[derive(Clone, Debug)]
pub struct Outage {
    /// Whether it was 429: the callers are too many, rather than the endpoint being down.
    pub throttled: bool,
    /// What happened, without secrets: `connection refused`, `503 Service Unavailable`, `no answer within 10s`.
    pub what: String,
    /// How long to wait before asking again: what the token endpoint said, up to 300 s; a second or less where it said nothing.
    pub retry_after: Duration,
}

// === impl ExchangeError ===

impl ExchangeError {
    /// A name for metrics and for `ErrorInfo.reason`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "EXCHANGE_DENIED",
            Self::Unavailable(outage) if outage.throttled => "EXCHANGE_THROTTLED",
            Self::Unavailable(_) => "EXCHANGE_UNAVAILABLE",
            Self::Malformed(_) => "EXCHANGE_MALFORMED",
        }
    }

    /// How long to wait before the same call may succeed; `None` when waiting does not help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(outage) => Some(outage.retry_after),
            Self::Denied(_) | Self::Malformed(_) => None,
        }
    }

    pub(crate) fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable(Arc::new(Outage {
            throttled: false,
            what: what.into(),
            retry_after: SHORTEST_RETRY_AFTER,
        }))
    }

    pub(crate) fn no_answer_within(limit: Duration) -> Self {
        Self::unavailable(format!("no answer within {limit:?}"))
    }

    pub(crate) fn malformed(what: impl Into<Arc<str>>) -> Self {
        Self::Malformed(what.into())
    }

    /// For a JWT that is verified but nearly over: Databricks copies its `exp`, so no token could be of use.
    pub(crate) fn nearly_expired() -> Self {
        Self::Denied(Arc::new(Denial {
            status: 401,
            code: "invalid_grant".to_owned(),
            message: "the JWT expires within 5 s; ask its issuer for a fresh one".to_owned(),
        }))
    }
}

// === impl Denial ===

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            f.write_str(&self.code)
        } else {
            write!(f, "{}: {}", self.code, self.message)
        }
    }
}

// === impl Outage ===

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// What is said when the token endpoint names no time of its own, or a shorter one.
pub(crate) const SHORTEST_RETRY_AFTER: Duration = Duration::from_secs(1);
