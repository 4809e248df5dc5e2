use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::reply;
use super::workspace::{ACCOUNT_ID, WORKSPACE_ID, Workspace};
use crate::server::{Body, Head};

/// What the workspace tells anybody about itself, if that is what was asked for.
pub(super) fn answer(workspace: &Workspace, head: &Head) -> Option<Response<Body>> {
    if head.method != "GET" {
        return None;
    }
    let content = match head.path() {
        "/.well-known/databricks-config" => host_metadata(workspace),
        "/oidc/.well-known/oauth-authorization-server" => authorization_server(&workspace.issuer),
        path => {
            let account = path.strip_prefix("/oidc/accounts/")?;
            let account = account.strip_suffix("/.well-known/oauth-authorization-server")?;
            (account == ACCOUNT_ID)
                .then(|| authorization_server(&format!("{}/accounts/{account}", workspace.issuer)))?
        }
    };
    Some(reply::json(StatusCode::OK, &content))
}

/// Whether this is a path of what the workspace tells anybody.
pub(super) fn is_at(path: &str) -> bool {
    path.contains("/.well-known/")
}

fn host_metadata(workspace: &Workspace) -> Value {
    let issuer = &workspace.issuer;
    json!({
        "oidc_endpoint": issuer,
        "account_id": ACCOUNT_ID,
        "workspace_id": WORKSPACE_ID,
        "cloud": "AWS",
        "host_type": "workspace",
        "token_federation_default_oidc_audiences": [format!("{issuer}/v1/token")],
    })
}

/// RFC 8414 section 2.
fn authorization_server(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "token_endpoint_auth_methods_supported": ["none"],
    })
}
