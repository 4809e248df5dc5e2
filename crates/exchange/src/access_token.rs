use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use identity::{Expiry, Identity, UnixTime};

use crate::ExchangeError;

/// A Databricks OAuth access token: a secret, with its ready-made header and its end.
///
/// Cheap to clone. Its `Debug` never shows the token.
#[derive(Clone)]
pub struct AccessToken {
    header: HeaderValue,
    expiry: Expiry,
}

/// How long before its end a token is no longer used, so that it does not die on the way.
pub(crate) const MARGIN: Duration = Duration::from_secs(5);

// === impl AccessToken ===

impl AccessToken {
    /// `token` must be visible ASCII (RFC 6750 section 2.1's `b64token` is narrower, opaque tokens are not always).
    ///
    /// # Errors
    /// `None` when the token cannot stand in a header.
    pub fn new(token: &str, expiry: Expiry) -> Option<Self> {
        let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .ok()
            .filter(|_| visible)?;
        header.set_sensitive(true);
        Some(Self { header, expiry })
    }

    /// `Bearer …`, marked sensitive; cloning it copies no bytes.
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The moment from which the token must not be used: the earlier of the Databricks token's and the JWT's.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Whether more than 5 s are left of it at `now`: a token is never put into a request after that.
    pub fn is_usable_at(&self, now: UnixTime) -> bool {
        is_usable_at(self.expiry, now)
    }

    /// Whether it is the same token, whatever end is known of it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_in(&other.header)
    }

    /// Whether it is the token in this header.
    pub(crate) fn is_in(&self, header: &HeaderValue) -> bool {
        self.header == header
    }

    /// Taken apart: what [`header`](Self::header) and [`expiry`](Self::expiry) say.
    pub(crate) fn into_parts(self) -> (HeaderValue, Expiry) {
        (self.header, self.expiry)
    }

    /// Put together again from what [`into_parts`](Self::into_parts) gave.
    pub(crate) fn from_parts(header: HeaderValue, expiry: Expiry) -> Self {
        Self { header, expiry }
    }

    /// Holds a fresh token to the promise of [`expiry`](Self::expiry), whoever made it, and refuses it when it is
    /// of no use any more.
    pub(crate) fn bound_to(self, identity: &Identity, now: UnixTime) -> Result<Self, ExchangeError> {
        let token = Self {
            expiry: self.expiry.min(identity.expiry()),
            ..self
        };
        if token.is_usable_at(now) {
            Ok(token)
        } else if is_usable_at(identity.expiry(), now) {
            Err(ExchangeError::malformed(
                "the token that it gave has expired, or does so within 5 s",
            ))
        } else {
            Err(ExchangeError::nearly_expired())
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("header", &"[redacted]")
            .field("expiry", &self.expiry)
            .finish()
    }
}

/// The comparison is strict because a [`UnixTime`] has lost its fraction of a second: the true time is later.
pub(crate) fn is_usable_at(expiry: Expiry, now: UnixTime) -> bool {
    now.plus(MARGIN) < expiry.0
}
