use std::fmt;
use std::time::Duration;

use bytes::Bytes;
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
        // Without a branch for each byte, so that the compiler takes many at once.
        let is_graphic = token
            .bytes()
            .fold(true, |all, byte| all & byte.is_ascii_graphic());
        let visible = !token.is_empty() && is_graphic;
        let header = sensitive(format!("Bearer {token}").as_bytes()).filter(|_| visible)?;
        Some(Self { header, expiry })
    }

    /// The same in memory of its own, which counts its clones apart.
    pub(crate) fn copied(&self) -> Option<Self> {
        let header = sensitive(self.header.as_bytes())?;
        Some(Self { header, ..*self })
    }

    /// `Bearer …`, marked sensitive; cloning it copies no bytes.
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The same, of a token that is of no other use any more.
    pub fn into_header(self) -> HeaderValue {
        self.header
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

/// A header that is never shown.
fn sensitive(text: &[u8]) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_maybe_shared(in_one_block(text)).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// `text` and the count of those who hold it, in one block of memory: from a `Vec`, the count would be a block of its own.
///
/// The blocks are of the sizes to which allocators round anyway, less 16 bytes for the count and what they may add of their own.
fn in_one_block(text: &[u8]) -> Bytes {
    match text.len() {
        0..=240 => block_of::<240>(text),
        241..=496 => block_of::<496>(text),
        497..=624 => block_of::<624>(text),
        625..=752 => block_of::<752>(text),
        753..=880 => block_of::<880>(text),
        881..=1008 => block_of::<1008>(text),
        1009..=1264 => block_of::<1264>(text),
        1265..=1520 => block_of::<1520>(text),
        1521..=1776 => block_of::<1776>(text),
        1777..=2032 => block_of::<2032>(text),
        _ => Bytes::copy_from_slice(text),
    }
}

/// Of `text`, which is no longer than that, `SIZE` bytes.
fn block_of<const SIZE: usize>(text: &[u8]) -> Bytes {
    let mut block = [0; SIZE];
    let held = text.len().min(SIZE);
    if let (Some(to), Some(from)) = (block.get_mut(..held), text.get(..held)) {
        to.copy_from_slice(from);
    }
    Bytes::from_owner(block).slice(..held)
}

#[cfg(test)]
mod tests;
