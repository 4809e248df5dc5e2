use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Unread};
use super::reply;
use crate::server::Body;

pub(super) const PATH: &str = "/telemetry-ext";

/// What SQL drivers tell of themselves: counted, and forgotten.
pub(super) async fn answer(call: &mut Call) -> Result<Response<Body>, Unread> {
    let told: Value = serde_json::from_slice(&call.read().await?).unwrap_or_default();
    let count = told
        .get("protoLogs")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    Ok(reply::json(
        StatusCode::OK,
        &json!({"errors": [], "numSuccess": 0, "numProtoSuccess": count}),
    ))
}
