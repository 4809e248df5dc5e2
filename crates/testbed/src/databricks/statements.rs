use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Unread};
use super::sql::{self, Table};
use super::{reply, routes};
use crate::locked::Locked;
use crate::random;
use crate::server::Body;

pub(super) const PREFIX: &str = "/api/2.0/sql/statements";

/// The Statement Execution API.
#[derive(Default)]
pub(super) struct Statements(Locked<HashMap<String, Arc<Statement>>>);

/// A statement that was executed, and by whom.
struct Statement {
    identity: String,
    outcome: Result<Table, String>,
}

// === impl Statements ===

impl Statements {
    /// Everything below [`PREFIX`].
    pub(super) async fn answer(
        &self,
        call: &mut Call,
        identity: &str,
        path: &str,
    ) -> Result<Response<Body>, Unread> {
        let head = Arc::clone(&call.head);
        let segments: Vec<_> = path.split('/').skip(1).collect();
        Ok(match (head.method.as_str(), &segments[..]) {
            ("POST", []) => self.execute(&call.read().await?, identity),
            ("GET", [id]) => self.of(identity, id, |statement| statement.whole(id, "SUCCEEDED")),
            ("GET", [id, "result", "chunks", chunk]) => {
                self.of(identity, id, |statement| statement.chunk(chunk))
            }
            ("POST", [id, "cancel"]) => self.of(identity, id, |_| reply::json(StatusCode::OK, &json!({}))),
            _ => routes::no_such_api(),
        })
    }

    /// With `wait_timeout` 0 the answer is to be asked for.
    fn execute(&self, body: &Bytes, identity: &str) -> Response<Body> {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let (Some(statement), Some(_)) = (text("statement"), text("warehouse_id")) else {
            return invalid("statement and warehouse_id are required.");
        };
        let id = random::uuid();
        let statement = Arc::new(Statement {
            identity: identity.to_owned(),
            outcome: sql::execute(statement, identity),
        });
        self.0.lock().insert(id.clone(), Arc::clone(&statement));
        let state = if text("wait_timeout") == Some("0s") {
            "PENDING"
        } else {
            "SUCCEEDED"
        };
        statement.whole(&id, state)
    }

    /// Nobody sees another's statements.
    fn of(&self, identity: &str, id: &str, answer: impl Fn(&Statement) -> Response<Body>) -> Response<Body> {
        let found = self.0.lock().get(id).cloned();
        match found.filter(|statement| statement.identity == identity) {
            Some(statement) => answer(&statement),
            None => reply::error(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such statement."),
        }
    }
}

// === impl Statement ===

impl Statement {
    /// A statement that failed is a request that succeeded.
    fn whole(&self, id: &str, state: &str) -> Response<Body> {
        let content = match &self.outcome {
            _ if state == "PENDING" => json!({"statement_id": id, "status": {"state": state}}),
            Ok(table) => json!({
                "statement_id": id,
                "status": {"state": state},
                "manifest": manifest(table),
                "result": result(table, 0),
            }),
            Err(message) => {
                let error = json!({"error_code": "BAD_REQUEST", "message": message});
                json!({"statement_id": id, "status": {"state": "FAILED", "error": error}})
            }
        };
        reply::json(StatusCode::OK, &content)
    }

    fn chunk(&self, index: &str) -> Response<Body> {
        match (&self.outcome, index.parse()) {
            (Ok(table), Ok(index)) if index < chunks(table) => {
                reply::json(StatusCode::OK, &result(table, index))
            }
            _ => invalid("The statement has no such chunk."),
        }
    }
}

fn manifest(table: &Table) -> Value {
    let column = json!({
        "name": table.column,
        "type_text": table.kind().name(),
        "type_name": table.kind().name(),
        "position": 0,
    });
    let chunks: Vec<_> = (0..chunks(table)).map(|index| place(table, index)).collect();
    json!({
        "format": "JSON_ARRAY",
        "schema": {"column_count": 1, "columns": [column]},
        "total_chunk_count": chunks.len(),
        "chunks": chunks,
        "total_row_count": table.len(),
        "truncated": false,
    })
}

fn result(table: &Table, index: u64) -> Value {
    let mut result = place(table, index);
    let rows = table
        .piece(index * ROWS, ROWS)
        .map(|row| json!([table.value(row)]));
    let rows = Value::Array(rows.collect());
    if let Value::Object(members) = &mut result {
        members.insert("data_array".to_owned(), rows);
        if index + 1 < chunks(table) {
            members.insert("next_chunk_index".to_owned(), json!(index + 1));
        }
    }
    result
}

fn place(table: &Table, index: u64) -> Value {
    let rows = table.piece(index * ROWS, ROWS);
    json!({"chunk_index": index, "row_offset": rows.start, "row_count": rows.end - rows.start})
}

fn chunks(table: &Table) -> u64 {
    table.len().div_ceil(ROWS).max(1)
}

fn invalid(message: &str) -> Response<Body> {
    reply::error(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
}

/// In one chunk.
const ROWS: u64 = 50_000;
