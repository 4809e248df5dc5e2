use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use super::{Provider, TokenBuilder};
use crate::Faults;
use crate::server::{Body, Handler, Head, full};

/// What the provider is asked for.
pub(crate) enum Wanted {
    Discovery,
    Jwks,
    Mint(Head),
    Unknown,
}

impl Handler for Provider {
    type Arrival = Wanted;

    async fn arrive(self: &Arc<Self>, head: Head, _body: Incoming) -> Wanted {
        match (head.method.as_str(), head.path()) {
            ("GET", "/.well-known/openid-configuration") => {
                self.discovery_fetches.fetch_add(1, Ordering::Relaxed);
                Wanted::Discovery
            }
            ("GET", "/jwks") => {
                self.jwks_fetches.fetch_add(1, Ordering::Relaxed);
                Wanted::Jwks
            }
            ("GET", "/mint") if self.mint_endpoint => Wanted::Mint(head),
            _ => Wanted::Unknown,
        }
    }

    async fn answer(self: &Arc<Self>, wanted: Wanted) -> Response<Body> {
        match wanted {
            Wanted::Discovery => reply(StatusCode::OK, JSON, self.discovery_document()),
            Wanted::Jwks => reply(StatusCode::OK, JSON, self.served_jwks()),
            Wanted::Mint(head) => mint(self, &head),
            Wanted::Unknown => reply(StatusCode::NOT_FOUND, TEXT, "there is nothing here\n".to_owned()),
        }
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }
}

// === impl Provider ===

impl Provider {
    /// OpenID Connect Discovery 1.0 section 3.
    fn discovery_document(&self) -> String {
        let issuer = self.issuer();
        json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/jwks"),
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        })
        .to_string()
    }
}

fn mint(provider: &Arc<Provider>, head: &Head) -> Response<Body> {
    let Some(subject) = head.query("sub").filter(|subject| !subject.is_empty()) else {
        return reply(
            StatusCode::BAD_REQUEST,
            TEXT,
            "whose token? say ?sub=NAME\n".to_owned(),
        );
    };
    let mut token = TokenBuilder::new(provider, &subject);
    if let Some(audience) = head.query("aud") {
        token = token.audience(&audience);
    }
    match head.query("ttl").map(|ttl| ttl.parse()) {
        None => {}
        Some(Ok(seconds)) => token = token.expires_in(seconds),
        Some(Err(_)) => {
            return reply(
                StatusCode::BAD_REQUEST,
                TEXT,
                "ttl is a number of seconds\n".to_owned(),
            );
        }
    }
    reply(StatusCode::OK, TEXT, token.sign())
}

fn reply(status: StatusCode, content_type: &str, content: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CACHE_CONTROL, "no-store")
        .body(full(content))
        .expect("a constant head can be sent")
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
