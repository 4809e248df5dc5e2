use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::workspace::WORKSPACE_ID;
use crate::random;
use crate::server::{Body, empty, full};

/// A JSON answer.
pub(super) fn json(status: StatusCode, content: &Value) -> Response<Body> {
    let mut response = Response::new(full(content.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// An answer without content.
pub(super) fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    response
}

/// A Databricks error: `code` is a text or, on some paths, a number.
pub(super) fn error(status: StatusCode, code: impl Into<Value>, message: &str) -> Response<Body> {
    let mut response = json(status, &json!({"error_code": code.into(), "message": message}));
    response.headers_mut().insert(REASON_PHRASE, text(message));
    response
}

/// What stands on every answer of Databricks.
pub(super) fn stamp(mut response: Response<Body>) -> Response<Body> {
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert("x-request-id", text(&random::uuid()));
    headers.insert("x-databricks-org-id", HeaderValue::from_static(WORKSPACE_ID));
    headers.insert(header::SERVER, HeaderValue::from_static("databricks"));
    if status.is_client_error() || status.is_server_error() {
        let reason = status.canonical_reason().unwrap_or("Error");
        headers.entry(REASON_PHRASE).or_insert_with(|| text(reason));
    }
    response
}

/// The object without its members that are `null`: so an optional member is left out.
pub(super) fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}

/// A field value of our own making.
pub(super) fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("what the fake says in a header is visible ASCII")
}

pub(super) const REASON_PHRASE: HeaderName = HeaderName::from_static("x-databricks-reason-phrase");
