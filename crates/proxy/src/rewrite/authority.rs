use exchange::AccessToken;
use http::HeaderValue;

use crate::authenticate::PassedToken;

/// Under whose authority a request goes on: the one `Authorization` that the workspace sees.
#[derive(Debug)]
pub(crate) enum Authority {
    /// Of a caller whose JWT was verified, and swapped.
    Exchanged(AccessToken),
    /// The caller's own, which the workspace has to judge.
    Passed(PassedToken),
    /// A machine's, as the `Bearer …` that it is: the gateway that is next will verify and swap it.
    Shown(HeaderValue),
}

impl Authority {
    pub(super) fn header(&self) -> HeaderValue {
        match self {
            Self::Exchanged(token) => token.header(),
            Self::Passed(token) => token.header(),
            Self::Shown(header) => header.clone(),
        }
    }
}
