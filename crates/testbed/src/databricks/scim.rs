use http::{Response, StatusCode};
use serde_json::json;

use super::reply;
use crate::server::Body;

/// Who the token says is asking: the proof that no caller is served under another's token (RFC 7643 section 4.1).
pub(super) fn me(identity: &str) -> Response<Body> {
    let content = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "1",
        "userName": identity,
        "displayName": identity,
        "active": true,
        "emails": [{"type": "work", "value": identity, "primary": true}],
        "groups": [],
    });
    reply::json(StatusCode::OK, &content)
}
