use std::sync::Arc;
use std::time::Duration;

use triomphe::HeaderSlice;

use crate::key::Key;
use crate::{BearerToken, UnixTime};

/// Proof that a JWT was verified: only [`Verifier`](crate::Verifier) makes one.
///
/// It carries the very token that was presented (to be exchanged, never to be forwarded) and what
/// was learned from it. Cheap to clone; its `Debug` shows neither the token nor a claim's value
/// other than the subject.
#[derive(Clone, Debug)]
pub struct Identity {
    token: BearerToken,
    verified: Verified,
}

/// What came of a verification: remembered with the token's digest, and judged anew whenever that token comes again.
///
/// Once, however many requests present the token, and in one block of memory: the facts, and the subject behind them.
#[derive(Clone, Debug)]
pub(crate) struct Verified(triomphe::Arc<HeaderSlice<Facts, str>>);

/// What a verified JWT says, but for its subject.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Thin, as there is one of these for every token that is remembered.
    pub(crate) issuer: Arc<Box<str>>,
    pub(crate) digest: SubjectDigest,
    pub(crate) validity: Validity,
    /// What vouches for all this, for as long as the issuer stands by it.
    pub(crate) key: Arc<Key>,
}

/// When a JWT is good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    /// `nbf` or `iat`, whichever is later, less the leeway.
    pub(crate) from: UnixTime,
    pub(crate) until: Expiry,
}

/// The `sub` claim (RFC 7519 section 4.1.2): a name for logs, not a key. Two issuers may use the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a>(&'a str);

/// Who Databricks would take the caller for: SHA-256 over the issuer and every identity-bearing
/// claim. Equal digests mean that no federation policy could tell the two callers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubjectDigest(pub(crate) [u8; 32]);

/// The `exp` claim (RFC 7519 section 4.1.4), or a token's own end: the moment from which it is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(pub UnixTime);

// === impl Identity ===

impl Identity {
    pub(crate) fn new(token: BearerToken, verified: Verified) -> Self {
        Self { token, verified }
    }

    /// The token that was presented.
    pub fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The verified `iss`.
    pub fn issuer(&self) -> &str {
        &self.verified.facts().issuer
    }

    /// The verified `sub`.
    pub fn subject(&self) -> Subject<'_> {
        Subject(&self.verified.0.slice)
    }

    /// The subject of a cache key.
    pub fn digest(&self) -> SubjectDigest {
        self.verified.facts().digest
    }

    /// The verified `exp`.
    pub fn expiry(&self) -> Expiry {
        self.verified.facts().validity.until
    }
}

// === impl Verified ===

impl Verified {
    pub(crate) fn new(subject: &str, facts: Facts) -> Self {
        Self(triomphe::Arc::from_header_and_str(facts, subject))
    }

    /// The same in memory of its own, which counts its clones apart.
    pub(crate) fn copied(&self) -> Self {
        Self::new(&self.0.slice, self.facts().clone())
    }

    /// Whether the token would still be admitted: its key stands, and its time has come and is not up.
    pub(crate) fn is_current(&self, now: UnixTime) -> bool {
        !self.facts().key.is_withdrawn() && self.facts().validity.includes(now)
    }

    fn facts(&self) -> &Facts {
        &self.0.header
    }
}

// === impl Validity ===

impl Validity {
    fn includes(self, now: UnixTime) -> bool {
        self.until.is_usable_at(now) && self.from <= now
    }
}

// === impl Subject ===

impl<'a> Subject<'a> {
    /// The claim's text, as the identity provider wrote it.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

// === impl SubjectDigest ===

impl SubjectDigest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// === impl Expiry ===

impl Expiry {
    /// Nothing is used in the last moments before its expiry: it could die on its way, and Databricks
    /// grants no clock skew.
    pub const MARGIN: Duration = Duration::from_secs(5);

    /// Whether more than [`Expiry::MARGIN`] is left at `now`.
    pub fn is_usable_at(self, now: UnixTime) -> bool {
        self.0.since(now) > Self::MARGIN
    }
}

#[cfg(test)]
mod tests;
