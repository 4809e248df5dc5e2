use serde_json::json;

use super::*;
use crate::databricks::thrift::{Message, Value as Thrift};

const STATEMENTS: &str = "/api/2.0/sql/statements";
const WAREHOUSE: &str = "/sql/1.0/warehouses/1";

fn statement(text: &str, wait: &str) -> String {
    json!({"statement": text, "warehouse_id": "1", "wait_timeout": wait}).to_string()
}

/// One call of a driver, and what it returned.
async fn call(workspace: &Databricks, method: &str, request: Vec<(i16, Thrift)>) -> Thrift {
    let body = Message::call(method, Thrift::Struct(request));
    let headers = [("content-type", "application/x-thrift")];
    let reply = as_alice(workspace, Method::POST, WAREHOUSE, &headers, body).await;
    assert_eq!(reply.status, StatusCode::OK);
    let answer = Message::read_reply(&reply.body).expect("a reply of Thrift");
    answer.field(0).expect("a result").clone()
}

async fn session(workspace: &Databricks) -> Thrift {
    let opened = call(workspace, "OpenSession", Vec::new()).await;
    opened.field(3).expect("a session").clone()
}

#[tokio::test]
async fn a_statement_tells_who_executed_it() {
    let (_idp, workspace) = both().await;
    let body = statement("select current_user();", "10s");
    let answer = as_alice(&workspace, Method::POST, STATEMENTS, &[], body)
        .await
        .json();
    assert_eq!(answer["status"]["state"], "SUCCEEDED");
    assert_eq!(answer["result"]["data_array"][0][0], "alice");
}

#[tokio::test]
async fn a_statement_that_is_not_waited_for_is_asked_for_by_its_owner_alone() {
    let (_idp, workspace) = both().await;
    let body = statement("SELECT id FROM range(60000)", "0s");
    let pending = as_alice(&workspace, Method::POST, STATEMENTS, &[], body)
        .await
        .json();
    assert_eq!(pending["status"]["state"], "PENDING");
    let path = format!("{STATEMENTS}/{}", pending["statement_id"].as_str().unwrap());

    let done = as_alice(&workspace, Method::GET, &path, &[], "").await.json();
    assert_eq!(done["manifest"]["total_row_count"], 60_000);
    assert_eq!(done["result"]["next_chunk_index"], 1);
    let chunk = format!("{path}/result/chunks/1");
    let rest = as_alice(&workspace, Method::GET, &chunk, &[], "").await.json();
    assert_eq!(rest["data_array"][0][0], "50000");
    assert_eq!(rest["row_count"], 10_000);

    let bob = format!("Bearer {}", workspace.issue_token("bob"));
    let url = format!("{}{path}", workspace.url());
    let foreign = get(&url, &[("authorization", &bob)]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_statement_that_fails_is_an_answer_with_status_200() {
    let (_idp, workspace) = both().await;
    let body = statement("drop everything", "10s");
    let answer = as_alice(&workspace, Method::POST, STATEMENTS, &[], body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["status"]["state"], "FAILED");
}

#[tokio::test]
async fn a_driver_fetches_all_rows_of_its_statement() {
    let (_idp, workspace) = both().await;
    let session = session(&workspace).await;
    let select = vec![(1, session), (2, Thrift::text("SELECT id FROM range(150000)"))];
    let executed = call(&workspace, "ExecuteStatement", select).await;
    assert_eq!(
        executed.at(&[1281, 3, 2]),
        Some(&Thrift::Bool(true)),
        "there are more rows"
    );

    let operation = executed.field(2).unwrap().clone();
    let rest = call(&workspace, "FetchResults", vec![(1, operation)]).await;
    assert_eq!(rest.field(2), Some(&Thrift::Bool(false)));
    assert_eq!(rest.at(&[3, 1]), Some(&Thrift::I64(100_000)));
    let Some(Thrift::List(columns)) = rest.at(&[3, 3]) else {
        panic!("no columns")
    };
    let Some(Thrift::List(rows)) = columns[0].at(&[5, 1]) else {
        panic!("no rows")
    };
    assert_eq!((rows.len(), &rows[0]), (50_000, &Thrift::I64(100_000)));
}

#[tokio::test]
async fn a_session_that_nobody_opened_is_an_invalid_handle() {
    let (_idp, workspace) = both().await;
    let answer = call(&workspace, "CloseSession", vec![(1, Thrift::Struct(Vec::new()))]).await;
    assert_eq!(answer.at(&[1, 1]), Some(&Thrift::I32(4)));
}

#[tokio::test]
async fn what_is_no_thrift_is_a_bad_request() {
    let (_idp, workspace) = both().await;
    let headers = [("content-type", "application/x-thrift")];
    let answer = as_alice(&workspace, Method::POST, WAREHOUSE, &headers, "SELECT 1").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
