mod interim;

use http::{Response, StatusCode};

use crate::forward::UpstreamBody;
use crate::rewrite::Visit;
use crate::upgrade::Upgrade;
use crate::{Body, Failure, Workspace, rewrite};

pub(crate) use interim::interim;

/// Hands the workspace's answer to the client as it streams in: nothing is buffered, no time-out is imposed, and a
/// client that leaves takes the workspace's connection with it.
///
/// # Errors
/// On a `101 Switching Protocols` that is not what was asked for: what follows it would be read as somebody's response.
pub(crate) fn response(
    response: Response<UpstreamBody>,
    upgrade: Option<Upgrade>,
    workspace: &Workspace,
    visit: &Visit,
) -> Result<Response<Body>, Failure> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgrade = upgrade.ok_or(Failure::UnexpectedUpgrade)?;
        let (mut head, switch) = upgrade.agreed(response)?.into_parts();
        rewrite::response(&mut head, workspace, visit);
        rewrite::upgrade(&mut head.headers);
        return Ok(Response::from_parts(head, Body::switch(switch)));
    }
    let (mut head, body) = response.into_parts();
    rewrite::response(&mut head, workspace, visit);
    Ok(Response::from_parts(head, Body::upstream(body)))
}
