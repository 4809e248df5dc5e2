use std::sync::Arc;
use std::time::Duration;

/// Why there is no token, by what the caller can do about it. Cheap to clone, as one failure answers many waiters.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Databricks refused this identity: repeating the same call will not help.
    #[error("Databricks refused the token exchange: {0}")]
    Denied(Arc<Denial>),
    /// The token endpoint could not be asked, or could not answer: it may pass.
    #[error("the Databricks token endpoint is not available: {0}")]
    Unavailable(Arc<Outage>),
    /// The token endpoint answered something that is not a token response.
    #[error("the Databricks token endpoint gave an answer that is not a token response: {0}")]
    Malformed(Arc<str>),
}

/// A refusal, in Databricks' own words.
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
    /// How long to wait before asking again.
    pub retry_after: Duration,
}

// === impl Denial ===

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.message.is_empty() { f.write_str(&self.code) } else { write!(f, "{}: {}", self.code, self.message) }
    }
}

// === impl Outage ===

impl std::fmt::Display for Outage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}
