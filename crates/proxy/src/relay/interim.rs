use http::{HeaderMap, StatusCode};

use crate::accept::Interim;
use crate::{Workspace, rewrite};

/// Lets what the workspace says before its answer through to the client, as it comes (RFC 9110 section 15.2: a proxy
/// must). It is filtered like an answer's head.
///
/// Not `100 Continue`, which is said by the gateway itself, as it has taken the client's `Expect`.
pub(crate) fn interim(interim: &Interim, workspace: &Workspace, status: StatusCode, mut headers: HeaderMap) {
    if status != StatusCode::CONTINUE && interim.is_possible() {
        rewrite::interim(&mut headers, workspace);
        interim.say(head(status, &headers));
    }
}

/// As it stands on the wire (RFC 9112 section 4).
fn head(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}
