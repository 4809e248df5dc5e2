use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};

use super::{reply, routes};
use crate::server::{Body, Head};

pub(super) const PREFIX: &str = "/driver-proxy-api/o/";

/// What the Databricks CLI's `ssh` connects to, `{workspace}/{cluster}/{port}/ssh`: a WebSocket (RFC 6455), which then
/// says everything back. Whoever may not connect has been refused before.
pub(super) fn answer(head: &Head, path: &str) -> Response<Body> {
    let segments: Vec<_> = path.split('/').collect();
    let [_workspace, _cluster, _port, "ssh"] = segments[..] else {
        return routes::no_such_api();
    };
    match accept(head) {
        Some(proof) => switching(&proof),
        None => reply::error(
            StatusCode::UPGRADE_REQUIRED,
            "BAD_REQUEST",
            "This is a WebSocket.",
        ),
    }
}

/// The proof that the handshake was understood (RFC 6455 section 4.2.2), if it is one (section 4.2.1).
fn accept(head: &Head) -> Option<String> {
    let one = |name, wanted| only(head, name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    let asked = head.method == "GET"
        && one("connection", "upgrade")
        && one("upgrade", "websocket")
        && one("sec-websocket-version", "13");
    let key = only(head, "sec-websocket-key").filter(|_| asked)?;
    let nonce = STANDARD.decode(key).ok()?;
    let proof = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{MAGIC}").as_bytes(),
    );
    (nonce.len() == 16).then(|| STANDARD.encode(proof))
}

/// The field's value, if there is exactly one.
fn only<'a>(head: &'a Head, name: &'a str) -> Option<&'a str> {
    let mut values = head.values(name);
    values.next().filter(|_| values.next().is_none())
}

fn switching(accept: &str) -> Response<Body> {
    let mut response = reply::bare(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, reply::text(accept));
    response
}

const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
