//! What Databricks' clients ask a host before they have a token, answered by the gateway itself: what the host is, where
//! its OAuth endpoints are, and the token exchange that some drivers insist on doing themselves. Everything that is
//! told leads back to the gateway.

mod token_endpoint;
mod well_known;

use http::{HeaderValue, Method, Response, header};
use serde::Serialize;

use crate::{Body, Failure};

pub(crate) use token_endpoint::{TokenRequest, read_form};
pub(crate) use well_known::{authorization_server, databricks_config};

/// The questions that the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `GET /.well-known/databricks-config`.
    HostMetadata,
    /// `GET /oidc[/accounts/<id>]/.well-known/oauth-authorization-server` (RFC 8414).
    AuthorizationServer,
    /// `POST /oidc[/accounts/<id>]/v1/token` (RFC 8693).
    Token,
}

/// The base URL under which the client knows the gateway.
#[derive(Debug)]
pub(crate) struct Base(pub(crate) String);

impl Question {
    /// Whether this path is one of them. Compared byte for byte: a path that a workspace might decode into one of
    /// these is not one, and needs a credential like any other.
    pub(crate) fn asked(path: &str) -> Option<Self> {
        match path {
            "/.well-known/databricks-config" => Some(Self::HostMetadata),
            _ => match within_oidc(path)? {
                "/.well-known/oauth-authorization-server" => Some(Self::AuthorizationServer),
                "/v1/token" => Some(Self::Token),
                _ => None,
            },
        }
    }

    /// # Errors
    /// When the method is not this question's.
    pub(crate) fn check_method(self, method: &Method) -> Result<(), Failure> {
        let right = match self {
            Self::Token => method == Method::POST,
            Self::HostMetadata | Self::AuthorizationServer => matches!(*method, Method::GET | Method::HEAD),
        };
        if right {
            Ok(())
        } else {
            Err(Failure::MethodNotAllowed)
        }
    }

    /// What becomes of the question while there is no place for a request. Clients ask these before anything else, and
    /// on a 503 here they wait for minutes before they begin. The documents are at hand and
    /// nothing is waited for, so they are given all the same; a form would have to be read, so it is refused as
    /// everything is refused there.
    ///
    /// # Errors
    /// For the token endpoint.
    pub(crate) fn ask_when_full(self) -> Result<(), Failure> {
        match self {
            Self::HostMetadata | Self::AuthorizationServer => Ok(()),
            Self::Token => Err(Failure::TokenRequest {
                error: "temporarily_unavailable",
                description: Failure::Overloaded.to_string(),
            }),
        }
    }
}

/// The rest of the path behind `/oidc` or `/oidc/accounts/<id>`.
fn within_oidc(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/oidc")?;
    match rest.strip_prefix("/accounts/") {
        None => Some(rest),
        Some(account) => account.find('/').and_then(|end| account.get(end..)),
    }
}

/// 200 and this document.
fn document(document: &impl Serialize, cache_control: &'static str) -> Result<Response<Body>, Failure> {
    let json = serde_json::to_vec(document).map_err(|_| Failure::Internal)?;
    let mut response = Response::new(Body::full(json));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    Ok(response)
}

#[cfg(test)]
mod tests;
