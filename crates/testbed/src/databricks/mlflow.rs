use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{reply, routes};
use crate::server::{Body, Head};

pub(super) const PREFIX: &str = "/api/2.0/mlflow/";

/// The tracking API: one experiment, whose artifacts are its finder's.
pub(super) fn answer(head: &Head, action: &str, identity: &str) -> Response<Body> {
    match (head.method.as_str(), action) {
        ("POST" | "GET", "experiments/search") => {
            reply::json(StatusCode::OK, &json!({"experiments": [experiment(identity)]}))
        }
        ("GET", "experiments/get" | "experiments/get-by-name") => {
            reply::json(StatusCode::OK, &json!({"experiment": experiment(identity)}))
        }
        _ => routes::no_such_api(),
    }
}

fn experiment(identity: &str) -> Value {
    json!({
        "experiment_id": "1",
        "name": format!("/Users/{identity}/testbed"),
        "artifact_location": "dbfs:/databricks/mlflow-tracking/1",
        "lifecycle_stage": "active",
        "creation_time": 1_700_000_000_000_u64,
        "last_update_time": 1_700_000_000_000_u64,
    })
}
