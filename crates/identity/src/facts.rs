use std::sync::Arc;
use std::time::Duration;

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
    facts: Arc<Facts>,
}

/// What a verified JWT says, once, however many requests present it.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Thin, as there is one of these for every token that is remembered; so is the subject, which nobody shares.
    pub(crate) issuer: Arc<Box<str>>,
    pub(crate) subject: Subject,
    pub(crate) digest: SubjectDigest,
    pub(crate) expiry: Expiry,
    /// `nbf` or `iat`, whichever is later, less the leeway.
    pub(crate) valid_from: UnixTime,
    /// What vouches for all this, for as long as the issuer stands by it.
    pub(crate) key: Arc<Key>,
}

/// The `sub` claim (RFC 7519 section 4.1.2): a name for logs, not a key. Two issuers may use the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(pub(crate) Box<str>);

/// Who Databricks would take the caller for: SHA-256 over the issuer and every identity-bearing
/// claim. Equal digests mean that no federation policy could tell the two callers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubjectDigest(pub(crate) [u8; 32]);

/// The `exp` claim (RFC 7519 section 4.1.4), or a token's own end: the moment from which it is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(pub UnixTime);

// === impl Identity ===

impl Identity {
    pub(crate) fn new(token: BearerToken, facts: Arc<Facts>) -> Self {
        Self { token, facts }
    }

    /// The token that was presented.
    pub fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The verified `iss`.
    pub fn issuer(&self) -> &str {
        &self.facts.issuer
    }

    /// The verified `sub`.
    pub fn subject(&self) -> &Subject {
        &self.facts.subject
    }

    /// The subject of a cache key.
    pub fn digest(&self) -> SubjectDigest {
        self.facts.digest
    }

    /// The verified `exp`.
    pub fn expiry(&self) -> Expiry {
        self.facts.expiry
    }
}

// === impl Facts ===

impl Facts {
    /// Whether a token with these facts would still be admitted: its key stands, and its time has come
    /// and is not up.
    pub(crate) fn are_current(&self, now: UnixTime) -> bool {
        !self.key.is_withdrawn() && self.expiry.is_usable_at(now) && self.valid_from <= now
    }
}

// === impl Subject ===

impl Subject {
    /// The claim's text, as the identity provider wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
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
