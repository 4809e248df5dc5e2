use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::call::{Call, Unread};
use super::tokens::Claims;
use super::workspace::Workspace;
use super::{reply, routes};
use crate::random::to_hex;
use crate::server::{Body, Head, zeros};

pub(super) const PREFIX: &str = "/testbed/";

/// What Databricks does not have: endpoints that show a test what a proxy did.
pub(super) async fn answer(
    workspace: &Workspace,
    call: &mut Call,
    claims: &Claims,
    probe: &str,
) -> Result<Response<Body>, Unread> {
    let mut response = probed(workspace, call, claims, probe).await?;
    let caller = reply::text(&claims.identity);
    response.headers_mut().insert(CALLER, caller);
    Ok(response)
}

async fn probed(
    workspace: &Workspace,
    call: &mut Call,
    claims: &Claims,
    probe: &str,
) -> Result<Response<Body>, Unread> {
    if let Some(length) = probe.strip_prefix("bytes/") {
        return Ok(length.parse().map_or_else(|_| routes::no_such_api(), bytes));
    }
    Ok(match probe {
        "echo" => {
            let body = call.read().await?;
            reply::json(StatusCode::OK, &echo(&call.head, &claims.identity, &body))
        }
        "sink" => sink(call).await?,
        "stream" => workspace.streams.open(),
        "redirect" => see_other("/login"),
        "cookies" => with_fields(&[
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2; HttpOnly; Secure"),
        ]),
        "hop-by-hop" => with_fields(&HOP_BY_HOP),
        "authorization" => with_fields(
            &call
                .head
                .values("authorization")
                .map(|token| ("authorization", token))
                .collect::<Vec<_>>(),
        ),
        _ => routes::no_such_api(),
    })
}

/// The request as it arrived, with whose token it carried in the place of the token.
fn echo(head: &Head, identity: &str, body: &[u8]) -> Value {
    let headers = head.headers.iter().map(|(name, value)| {
        let shown = if name.eq_ignore_ascii_case("authorization") {
            identity
        } else {
            value
        };
        [name.as_str(), shown]
    });
    json!({
        "method": head.method,
        "target": head.target,
        "identity": identity,
        "headers": headers.collect::<Vec<_>>(),
        "body_bytes": body.len(),
        "body_sha256": to_hex(digest::digest(&digest::SHA256, body).as_ref()),
    })
}

/// Counts and forgets, as fast as it can.
async fn sink(call: &mut Call) -> Result<Response<Body>, Unread> {
    let mut bytes = 0;
    while let Some(piece) = call.next_piece().await? {
        bytes += piece.len() as u64;
    }
    Ok(reply::json(StatusCode::OK, &json!({"body_bytes": bytes})))
}

fn see_other(location: &'static str) -> Response<Body> {
    let mut response = reply::bare(StatusCode::SEE_OTHER);
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static(location));
    response
}

fn with_fields(fields: &[(&str, &str)]) -> Response<Body> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the names are constants above");
        headers.append(name, reply::text(value));
    }
    let mut response = reply::json(StatusCode::OK, &json!({}));
    response.headers_mut().extend(headers);
    response
}

fn bytes(length: u64) -> Response<Body> {
    let mut response = Response::new(zeros(length));
    let octets = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, octets);
    response
}

/// Whose token the request carried, on answers that do not say so themselves.
const CALLER: &str = "x-testbed-caller";
/// RFC 9110 section 7.6.1: what a proxy must not pass on, one of them only because `Connection` names it.
const HOP_BY_HOP: [(&str, &str); 6] = [
    ("connection", "x-private-hop, keep-alive"),
    ("x-private-hop", "1"),
    ("keep-alive", "timeout=5"),
    ("proxy-authenticate", "Basic"),
    ("proxy-connection", "keep-alive"),
    ("x-end-to-end", "1"),
];
