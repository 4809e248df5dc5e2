use http::{Response, StatusCode};

use crate::forward::UpstreamBody;
use crate::rewrite::Visit;
use crate::{Body, Failure, Workspace, rewrite};

/// Hands the workspace's answer to the client as it streams in: nothing is buffered, no time-out is imposed, and a
/// client that leaves takes the workspace's connection with it.
///
/// # Errors
/// On `101 Switching Protocols`: no upgrade was asked for, and what follows it would be read as somebody's response.
pub(crate) fn response(
    response: Response<UpstreamBody>,
    workspace: &Workspace,
    visit: &Visit,
) -> Result<Response<Body>, Failure> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::UnexpectedUpgrade);
    }
    let (mut head, body) = response.into_parts();
    rewrite::response(&mut head, workspace, visit);
    Ok(Response::from_parts(head, Body::upstream(body)))
}
