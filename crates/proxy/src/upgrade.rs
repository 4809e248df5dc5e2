//! Leaving HTTP/1.1 for WebSocket: asked for properly or not at all, agreed to by the workspace, then bytes both ways.

mod tunnel;

use http::header::{self, HeaderMap};
use http::{Method, Request, Response, Version};
use http_body::Body as _;

use crate::Failure;
use crate::body::RequestBody;
use crate::forward::{Tunnel, UpstreamBody};

/// A client's wish to go on in WebSocket on this connection (RFC 9110 section 7.8, RFC 6455 section 4.1).
///
/// Nothing but HTTP is read from the client until the workspace has agreed: what a client sends early is the next
/// request, with its own check of who is asking, or it is the tunnel's.
#[derive(Debug)]
pub(crate) struct Upgrade(());

/// Both have agreed; the client has yet to be told.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Never returns to its pool.
    workspace: Tunnel,
}

// === impl Upgrade ===

impl Upgrade {
    /// The wish that a request carries. A wish for anything else than WebSocket alone, `h2c` above all, is none: as
    /// RFC 9110 section 7.8 allows, the request is answered in HTTP/1.1 as if it had not been said.
    ///
    /// # Errors
    /// When the handshake is more than a head: what would follow it could be read as its body by one, and as a request
    /// or as the tunnel by another.
    pub(crate) fn asked(request: &Request<RequestBody>) -> Result<Option<Self>, Failure> {
        if request.version() != Version::HTTP_11 || !names_websocket(request.headers()) {
            return Ok(None);
        }
        if request.method() != Method::GET || !request.body().is_end_stream() {
            return Err(Failure::BadRequest(
                "an upgrade to websocket must be asked for by a GET without a body",
            ));
        }
        Ok(Some(Self(())))
    }

    /// What a workspace's `101` makes of it.
    ///
    /// # Errors
    /// When the workspace has switched to something else.
    pub(crate) fn agreed(self, response: Response<UpstreamBody>) -> Result<Response<Switch>, Failure> {
        // One wish, one answer.
        let Self(()) = self;
        if !names_websocket(response.headers()) {
            return Err(Failure::UnexpectedUpgrade);
        }
        let (head, body) = response.into_parts();
        let switch = Switch {
            workspace: body.into_tunnel().ok_or(Failure::UnexpectedUpgrade)?,
        };
        Ok(Response::from_parts(head, switch))
    }
}

/// Whether `Connection` makes `Upgrade` count, and `Upgrade` names WebSocket and nothing beside it.
fn names_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = tokens(headers, &header::UPGRADE);
    let only = (protocols.next(), protocols.next());
    matches!(only, (Some(protocol), None) if protocol.eq_ignore_ascii_case(b"websocket"))
        && tokens(headers, &header::CONNECTION).any(|option| option.eq_ignore_ascii_case(b"upgrade"))
}

/// The members of a list, which may stand on several lines (RFC 9110 section 5.6.1).
fn tokens<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests;
