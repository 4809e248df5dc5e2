use http::{Response, StatusCode};
use serde_json::json;

use super::{reply, routes};
use crate::server::{Body, Head};

pub(super) const PREFIX: &str = "/api/2.0/delta-sharing/metastores/";

/// The Delta Sharing protocol of any metastore, as far as listing: one share, one schema, one table.
pub(super) fn answer(head: &Head, path: &str) -> Response<Body> {
    let segments: Vec<_> = path.split('/').collect();
    if head.method != "GET" {
        return routes::no_such_api();
    }
    let items = match segments[..] {
        [_, "shares"] => json!([{"name": "share", "id": "1"}]),
        [_, "shares", "share", "schemas"] => json!([{"name": "default", "share": "share"}]),
        [_, "shares", "share", "all-tables"] | [_, "shares", "share", "schemas", "default", "tables"] => {
            json!([{"name": "numbers", "schema": "default", "share": "share", "id": "1"}])
        }
        _ => return routes::no_such_api(),
    };
    reply::json(StatusCode::OK, &json!({"items": items}))
}
