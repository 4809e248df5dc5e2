use serde_json::{Value, json};

use super::*;

const MCP: &str = "/api/2.0/mcp/functions/main/default";

fn message(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

/// The message in the one event of an answer.
fn told(text: &str) -> Value {
    serde_json::from_str(text.trim().strip_prefix("data: ").unwrap()).unwrap()
}

#[tokio::test]
async fn an_mcp_tool_says_who_called_it() {
    let (_idp, workspace) = both().await;
    let hello = message("initialize", &json!({"protocolVersion": "2025-06-18"}));
    let opened = as_alice(&workspace, Method::POST, MCP, &[], hello).await;
    let session = [("mcp-session-id", opened.header("mcp-session-id"))];
    let call = message(
        "tools/call",
        &json!({"name": "echo", "arguments": {"text": "hello"}}),
    );

    let answer = as_alice(&workspace, Method::POST, MCP, &session, call.clone()).await;
    let answer = told(answer.text());
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"]["content"][0]["text"], "alice said hello");

    let stranger = as_alice(&workspace, Method::POST, MCP, &[], call).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND, "without a session");
}

#[tokio::test]
async fn experiments_and_shares_are_listed() {
    let (_idp, workspace) = both().await;
    let path = "/api/2.0/mlflow/experiments/search";
    let found = as_alice(&workspace, Method::POST, path, &[], "{}").await.json();
    assert_eq!(found["experiments"][0]["name"], "/Users/alice/testbed");
    let path = "/api/2.0/delta-sharing/metastores/1/shares";
    let found = as_alice(&workspace, Method::GET, path, &[], "").await.json();
    assert_eq!(found["items"][0]["name"], "share");
}

#[tokio::test]
async fn telemetry_is_counted_and_feature_flags_are_not_there() {
    let (_idp, workspace) = both().await;
    let told = json!({"protoLogs": ["one", "two"]}).to_string();
    let answer = as_alice(&workspace, Method::POST, "/telemetry-ext", &[], told).await;
    assert_eq!(answer.json()["numProtoSuccess"], 2);
    let flags = "/api/2.0/connector-service/feature-flags/PYTHON/4.9.0";
    let answer = as_alice(&workspace, Method::GET, flags, &[], "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
