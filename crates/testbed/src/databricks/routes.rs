use std::sync::Arc;

use http::{Response, StatusCode};

use super::arrival::Call;
use super::auth::Caller;
use super::tokens::Claims;
use super::workspace::Workspace;
use super::{discovery, reply, scim};
use crate::server::Body;

/// The answer to a request outside the token endpoint.
///
/// A leaked JWT and doubled credentials are refused even where no token is asked for.
pub(super) async fn answer(workspace: &Arc<Workspace>, call: Call, caller: Caller) -> Response<Body> {
    if matches!(caller, Caller::Known(_) | Caller::Unknown | Caller::Anonymous)
        && let Some(response) = discovery::answer(workspace, &call.head)
    {
        return response;
    }
    match caller.authenticated() {
        Ok(claims) => route(workspace, call, &claims).await,
        Err(refusal) => refusal,
    }
}

async fn route(workspace: &Arc<Workspace>, call: Call, claims: &Claims) -> Response<Body> {
    let _ = workspace;
    let head = Arc::clone(&call.head);
    match (head.method.as_str(), head.path()) {
        ("GET", "/api/2.0/preview/scim/v2/Me") => scim::me(&claims.identity),
        (_, path) => no_such_api(path),
    }
}

fn no_such_api(_path: &str) -> Response<Body> {
    reply::error(
        StatusCode::NOT_FOUND,
        "ENDPOINT_NOT_FOUND",
        "No API found for this method and path",
    )
}
