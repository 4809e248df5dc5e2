use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{reply, routes};
use crate::server::{Body, Head};

pub(super) const PREFIX: &str = "/api/2.1/clusters/";

/// The Clusters API: one cluster, always running.
pub(super) fn answer(head: &Head, action: &str) -> Response<Body> {
    match (head.method.as_str(), action) {
        ("GET", "list") => reply::json(
            StatusCode::OK,
            &json!({"clusters": [the_cluster()], "next_page_token": ""}),
        ),
        ("GET", "get") => match head.query("cluster_id") {
            Some(id) if id == CLUSTER_ID => reply::json(StatusCode::OK, &the_cluster()),
            Some(_) => reply::error(
                StatusCode::BAD_REQUEST,
                "INVALID_PARAMETER_VALUE",
                "There is no cluster with this cluster_id.",
            ),
            None => reply::error(
                StatusCode::BAD_REQUEST,
                "INVALID_PARAMETER_VALUE",
                "cluster_id is required.",
            ),
        },
        _ => routes::no_such_api(),
    }
}

fn the_cluster() -> Value {
    json!({"cluster_id": CLUSTER_ID, "cluster_name": "testbed", "state": "RUNNING"})
}

const CLUSTER_ID: &str = "1123-101500-fake0001";
