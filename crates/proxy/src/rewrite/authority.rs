use exchange::AccessToken;
use http::HeaderValue;

use crate::authenticate::PassedToken;

/// Under whose authority a request goes on: the one `Authorization` that the workspace sees.
#[derive(Debug)]
pub struct Authority(Kind);

#[derive(Debug)]
enum Kind {
    Exchanged(AccessToken),
    Passed(PassedToken),
    Shown(HeaderValue),
}

impl Authority {
    /// Of a caller whose JWT was verified, and swapped.
    pub fn exchanged(token: AccessToken) -> Self {
        Self(Kind::Exchanged(token))
    }

    /// The caller's own, which the workspace has to judge.
    pub(crate) fn passed(token: PassedToken) -> Self {
        Self(Kind::Passed(token))
    }

    /// A machine's, as the `Bearer …` that it is: the gateway that is next will verify and swap it.
    pub(crate) fn shown(header: HeaderValue) -> Self {
        Self(Kind::Shown(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        match &self.0 {
            Kind::Exchanged(token) => token.header(),
            Kind::Passed(token) => token.header(),
            Kind::Shown(header) => header.clone(),
        }
    }
}
