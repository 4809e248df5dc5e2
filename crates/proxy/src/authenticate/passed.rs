use std::fmt;

use http::HeaderValue;
use identity::{BearerToken, Foreign, Rejection};

use crate::Workspace;

/// A token of Databricks' own that a workspace's operator lets through. Nobody here knows whose it is or whether it is any
/// good: it is neither an `Identity` nor an `AccessToken`, and cannot become one. It is never kept.
pub(crate) struct PassedToken(HeaderValue);

// === impl PassedToken ===

impl PassedToken {
    /// `presented`, where `workspace` lets such tokens through at all.
    pub(crate) fn candidate(presented: &BearerToken, workspace: &Workspace) -> Option<BearerToken> {
        workspace.allowances.databricks_tokens.then(|| presented.clone())
    }

    /// What the verifier has refused, if it is a [`candidate`](Self::candidate) and `workspace` itself would have to judge it.
    ///
    /// Only ever asked about what no configured issuer could have issued, so that a forged JWT does not come this way;
    /// and another workspace's token does not either.
    ///
    /// # Errors
    /// The same rejection, for everything else.
    pub(crate) fn instead_of(
        rejection: Rejection,
        candidate: Option<BearerToken>,
        workspace: &Workspace,
    ) -> Result<Self, Rejection> {
        let Some(presented) = candidate else {
            return Err(rejection);
        };
        let known = match rejection.foreign() {
            Some(Foreign::PersonalAccessToken) => is_personal(presented.expose()),
            Some(Foreign::Jwt { issuer }) => issuer == workspace.url.own_issuer(),
            None => false,
        };
        if !known {
            return Err(rejection);
        }
        Self::new(&presented).ok_or(rejection)
    }

    /// Written anew, so that exactly what was judged is what goes on.
    fn new(presented: &BearerToken) -> Option<Self> {
        let header = [b"Bearer ", presented.expose()].concat();
        let mut header = HeaderValue::from_bytes(&header).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    /// `Bearer …`, marked sensitive.
    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }
}

impl fmt::Debug for PassedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassedToken([redacted])")
    }
}

/// `dapi`, hexadecimal digits and, on some clouds, a short number.
fn is_personal(token: &[u8]) -> bool {
    token.strip_prefix(b"dapi").is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}
