use exchange::HostMetadata;
use http::Response;
use serde_json::json;

use super::{Base, document};
use crate::route::Workspace;
use crate::{Body, Failure};

/// The workspace's own metadata, as far as it is known, with its OAuth endpoints replaced by the gateway's: a client
/// that exchanges its JWT by itself stays inside the gateway, and asks its identity provider for the audience that
/// the gateway accepts.
pub(crate) fn databricks_config(
    base: &Base,
    workspace: &Workspace,
    audiences: &[String],
) -> Result<Response<Body>, Failure> {
    let known = workspace.metadata.read();
    let told = HostMetadata {
        oidc_endpoint: Some(format!("{}/oidc", base.0)),
        token_federation_default_oidc_audiences: audiences.to_vec(),
        ..known.as_deref().cloned().unwrap_or_default()
    };
    document(&told, "no-cache")
}

/// RFC 8414. The authorization endpoint is named because clients expect one; the gateway has no browser login.
pub(crate) fn authorization_server(base: &Base, path: &str) -> Result<Response<Body>, Failure> {
    let issuer = format!(
        "{}{}",
        base.0,
        path.trim_end_matches("/.well-known/oauth-authorization-server")
    );
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": [super::token_endpoint::TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": ["none"],
    });
    document(&metadata, "no-cache")
}
