use exchange::AccessToken;
use http::HeaderValue;

use crate::authenticate::PassedToken;

/// Under whose authority a request goes on: the one `Authorization` that the workspace sees. Its `Debug` shows no token.
#[derive(Clone, Debug)]
pub struct Authority(HeaderValue);

impl Authority {
    /// Of a caller whose JWT was verified, and swapped.
    pub fn exchanged(token: AccessToken) -> Self {
        Self(token.into_header())
    }

    /// The caller's own, which the workspace has to judge.
    pub(crate) fn passed(token: PassedToken) -> Self {
        Self(token.into_header())
    }

    /// A machine's, as the `Bearer …` that it is: the gateway that is next will verify and swap it.
    pub(crate) fn shown(header: HeaderValue) -> Self {
        Self(header)
    }

    pub(super) fn into_header(self) -> HeaderValue {
        self.0
    }
}
