use std::sync::Arc;

use http::{Response, StatusCode};

use super::auth::Denial;
use super::call::{Call, Unread};
use super::tokens::Claims;
use super::workspace::Workspace;
use super::{
    clusters, delta_sharing, directories, discovery, driver_proxy, files, grpc, mcp, mlflow, probes, reply,
    scim, serving, spark_connect, statements, telemetry, warehouse,
};
use crate::server::Body;

/// The answer to a request outside the token endpoint.
///
/// A leaked JWT and doubled credentials are refused even where no token is asked for.
pub(super) async fn answer(
    workspace: &Workspace,
    call: Call,
    caller: Result<Arc<Claims>, Denial>,
) -> Response<Body> {
    if !caller.as_ref().is_err_and(|denial| denial.is_total())
        && let Some(response) = discovery::answer(workspace, &call.head)
    {
        return response;
    }
    match caller {
        Ok(_) if grpc::is_asked(&call.head) => call_of_grpc(call).await,
        Err(denial) if grpc::is_asked(&call.head) => grpc::refuse(denial),
        Ok(claims) => route(workspace, call, &claims)
            .await
            .unwrap_or_else(Response::from),
        Err(denial) => denial.response(),
    }
}

/// Spark Connect, or any other service, which says everything back.
async fn call_of_grpc(mut call: Call) -> Response<Body> {
    let head = Arc::clone(&call.head);
    match head.path().strip_prefix(spark_connect::PREFIX) {
        Some(method) => spark_connect::answer(&mut call, method)
            .await
            .unwrap_or_else(Response::from),
        None => grpc::echo(call.into_body()),
    }
}

/// One arm per family of endpoints; each has a file of its own.
async fn route(workspace: &Workspace, mut call: Call, claims: &Claims) -> Result<Response<Body>, Unread> {
    let head = Arc::clone(&call.head);
    let path = head.path();
    if path == "/api/2.0/preview/scim/v2/Me" && head.method == "GET" {
        return Ok(scim::me(&claims.identity));
    }
    if let Some(action) = path.strip_prefix(clusters::PREFIX) {
        return Ok(clusters::answer(&head, action));
    }
    if let Some(file) = path.strip_prefix(files::PREFIX) {
        return files::answer(workspace, &mut call, &files::decode(file)).await;
    }
    if let Some(directory) = path.strip_prefix(directories::PREFIX) {
        return Ok(directories::answer(workspace, &head, &files::decode(directory)));
    }
    if let Some(action) = path.strip_prefix("/api/2.0/fs/create-") {
        return Ok(files::presigned(action));
    }
    if let Some(endpoint) = path.strip_prefix(serving::PREFIX) {
        return serving::answer(workspace, &mut call, endpoint).await;
    }
    if let Some(path) = path.strip_prefix(statements::PREFIX) {
        return workspace
            .statements
            .answer(&mut call, &claims.identity, path)
            .await;
    }
    if warehouse::is_at(path) {
        return workspace.warehouse.answer(&mut call, &claims.identity).await;
    }
    if let Some(action) = path.strip_prefix(mlflow::PREFIX) {
        return Ok(mlflow::answer(&head, action, &claims.identity));
    }
    if let Some(path) = path.strip_prefix(delta_sharing::PREFIX) {
        return Ok(delta_sharing::answer(&head, path));
    }
    if path.starts_with(mcp::PREFIX) {
        return mcp::answer(&mut call, &claims.identity).await;
    }
    if path == telemetry::PATH {
        return telemetry::answer(&mut call).await;
    }
    if let Some(path) = path.strip_prefix(driver_proxy::PREFIX) {
        return Ok(driver_proxy::answer(&head, path));
    }
    if let Some(probe) = path.strip_prefix(probes::PREFIX) {
        return probes::answer(workspace, &mut call, claims, probe).await;
    }
    Ok(no_such_api())
}

/// Also what feature flags get: their clients go on without.
pub(super) fn no_such_api() -> Response<Body> {
    reply::error(
        StatusCode::NOT_FOUND,
        "ENDPOINT_NOT_FOUND",
        "No API found for this method and path.",
    )
}
