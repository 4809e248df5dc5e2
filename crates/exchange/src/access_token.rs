use std::fmt;

use http::HeaderValue;
use identity::Expiry;

/// A Databricks OAuth access token: a secret, with its ready-made header and its end.
///
/// Cheap to clone. Its `Debug` never shows the token.
#[derive(Clone)]
pub struct AccessToken {
    header: HeaderValue,
    expiry: Expiry,
}

impl AccessToken {
    /// `token` must be visible ASCII (RFC 6750 section 2.1's `b64token` is narrower, opaque tokens are not always).
    ///
    /// # Errors
    /// `None` when the token cannot stand in a header.
    pub fn new(token: &str, expiry: Expiry) -> Option<Self> {
        let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| visible)?;
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
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("token", &"[redacted]").field("expiry", &self.expiry).finish()
    }
}
