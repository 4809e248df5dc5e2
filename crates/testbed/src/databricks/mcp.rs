use std::sync::Arc;

use http::{HeaderName, Response, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Unread};
use super::sse::{self, PacedEvents};
use super::{reply, routes};
use crate::server::Body;

pub(super) const PREFIX: &str = "/api/2.0/mcp/";

/// An MCP server over "streamable HTTP" (Model Context Protocol, revision 2025-06-18) with one tool, `echo`, which says back
/// who calls and what was said. Its session is a name that never ends; a result comes as a server-sent event.
pub(super) async fn answer(call: &mut Call, identity: &str) -> Result<Response<Body>, Unread> {
    let head = Arc::clone(&call.head);
    match head.method.as_str() {
        "DELETE" => return Ok(reply::bare(StatusCode::OK)),
        "POST" => {}
        // It has nothing to say of its own accord.
        _ => {
            return Ok(reply::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "BAD_REQUEST",
                "Send POST.",
            ));
        }
    }
    let Ok(message) = serde_json::from_slice::<Value>(&call.read().await?) else {
        return Ok(reply::error(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "The body is not JSON.",
        ));
    };
    let (Some(id), Some(method)) = (message.get("id"), message.get("method").and_then(Value::as_str)) else {
        return Ok(reply::bare(StatusCode::ACCEPTED));
    };
    if method != "initialize" && head.value(SESSION.as_str()) != Some(THE_SESSION) {
        return Ok(routes::no_such_api());
    }
    let outcome = match result(method, &message, identity) {
        Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        None => json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}}),
    };
    Ok(event(&outcome))
}

fn result(method: &str, message: &Value, identity: &str) -> Option<Value> {
    let wanted = |pointer| message.pointer(pointer);
    Some(match method {
        "initialize" => json!({
            "protocolVersion": wanted("/params/protocolVersion")?,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "testbed", "version": "1"},
        }),
        "ping" => json!({}),
        "tools/list" => {
            let text = json!({"type": "object", "properties": {"text": {"type": "string"}}});
            json!({"tools": [{"name": "echo", "description": "Says it back.", "inputSchema": text}]})
        }
        "tools/call" if wanted("/params/name")? == "echo" => {
            let said = wanted("/params/arguments/text")?.as_str()?;
            json!({"content": [{"type": "text", "text": format!("{identity} said {said}")}], "isError": false})
        }
        _ => return None,
    })
}

fn event(outcome: &Value) -> Response<Body> {
    let events = PacedEvents::new([sse::event(&outcome.to_string())], std::time::Duration::ZERO);
    let mut response = sse::response(events);
    response.headers_mut().insert(SESSION, reply::text(THE_SESSION));
    response
}

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const THE_SESSION: &str = "testbed-session";
