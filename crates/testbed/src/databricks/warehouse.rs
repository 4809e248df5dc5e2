use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::call::{Call, Unread};
use super::sql::{self, Table, Type};
use super::thrift::{Message, Value};
use super::{reply, routes};
use crate::locked::Locked;
use crate::random;
use crate::server::{Body, full};

/// Whether this is where SQL drivers send their calls: a warehouse or a cluster.
pub(super) fn is_at(path: &str) -> bool {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    matches!(
        segments[..],
        ["sql", "1.0", "warehouses" | "endpoints", _] | ["sql", "protocolv1", "o", _, _]
    )
}

/// Hive's `TCLIService` over HTTP, as far as drivers need it to open a session, execute a statement and fetch its rows.
#[derive(Default)]
pub(super) struct Warehouse {
    /// Whose a session is.
    sessions: Locked<HashMap<Bytes, String>>,
    operations: Locked<HashMap<Bytes, Operation>>,
}

/// A statement's rows, and which of them are fetched next.
#[derive(Clone)]
struct Operation {
    identity: String,
    table: Arc<Table>,
    next: u64,
}

/// A handle that nobody holds, or that is another's.
struct Unknown;

// === impl Warehouse ===

impl Warehouse {
    pub(super) async fn answer(&self, call: &mut Call, identity: &str) -> Result<Response<Body>, Unread> {
        let head = Arc::clone(&call.head);
        if head.method != "POST" || head.value("content-type") != Some(THRIFT) {
            return Ok(routes::no_such_api());
        }
        let Some(message) = Message::read(&call.read().await?) else {
            let text = "The body is no message of Thrift.";
            return Ok(reply::error(StatusCode::BAD_REQUEST, "BAD_REQUEST", text));
        };
        let bytes = match self.call(&message, identity) {
            Some(result) => {
                message.reply(result.unwrap_or_else(|Unknown| failure(INVALID_HANDLE, "Invalid handle.")))
            }
            None => message.unknown_method(),
        };
        let mut response = Response::new(full(bytes));
        let thrift = HeaderValue::from_static(THRIFT);
        response.headers_mut().insert(header::CONTENT_TYPE, thrift);
        Ok(response)
    }

    /// `None`: there is no such method.
    fn call(&self, message: &Message, identity: &str) -> Option<Result<Value, Unknown>> {
        let request = message.arguments.field(1)?;
        Some(match message.method.as_str() {
            "OpenSession" => Ok(self.open(request, identity)),
            "CloseSession" => self.close_session(request, identity),
            "ExecuteStatement" => self.execute(request, identity),
            "GetOperationStatus" => self.operation(request, identity).map(|_| finished()),
            "GetResultSetMetadata" => self
                .operation(request, identity)
                .map(|operation| metadata(&operation.table)),
            "FetchResults" => self.fetch(request, identity),
            "CancelOperation" | "CloseOperation" => self.close_operation(request, identity),
            _ => return None,
        })
    }

    fn open(&self, request: &Value, identity: &str) -> Value {
        let guid = handle();
        self.sessions.lock().insert(guid.clone(), identity.to_owned());
        let session = [
            Some((1, identifier(&guid))),
            request
                .field(1282)
                .and_then(version)
                .map(|version| (3329, version)),
        ];
        Value::Struct(vec![
            (1, success()),
            (2, Value::I32(SPARK_V8)),
            (3, Value::Struct(session.into_iter().flatten().collect())),
            (4, Value::Map(Vec::new())),
            (1285, Value::Bool(true)),
        ])
    }

    fn close_session(&self, request: &Value, identity: &str) -> Result<Value, Unknown> {
        let guid = self.session(request, identity)?;
        self.sessions.lock().remove(&guid);
        Ok(done())
    }

    /// With the first rows, as every driver asks for them ("direct results").
    fn execute(&self, request: &Value, identity: &str) -> Result<Value, Unknown> {
        self.session(request, identity)?;
        let statement = request
            .field(2)
            .and_then(Value::as_bytes)
            .map(|text| String::from_utf8_lossy(text));
        let table = match sql::execute(&statement.unwrap_or_default(), identity) {
            Ok(table) => Arc::new(table),
            Err(message) => return Ok(failure(ERROR, &message)),
        };
        let guid = handle();
        let mut operation = Operation {
            identity: identity.to_owned(),
            table: Arc::clone(&table),
            next: 0,
        };
        let first = operation.rows();
        self.operations.lock().insert(guid.clone(), operation);
        let direct = vec![(1, finished()), (2, metadata(&table)), (3, first)];
        Ok(Value::Struct(vec![
            (1, success()),
            (
                2,
                Value::Struct(vec![
                    (1, identifier(&guid)),
                    (2, Value::I32(EXECUTE_STATEMENT)),
                    (3, Value::Bool(true)),
                ]),
            ),
            (1281, Value::Struct(direct)),
        ]))
    }

    fn fetch(&self, request: &Value, identity: &str) -> Result<Value, Unknown> {
        let guid = guid(request)?;
        let mut operations = self.operations.lock();
        let operation = operations
            .get_mut(&guid)
            .filter(|operation| operation.identity == identity);
        operation.map(Operation::rows).ok_or(Unknown)
    }

    fn close_operation(&self, request: &Value, identity: &str) -> Result<Value, Unknown> {
        self.operation(request, identity)?;
        self.operations.lock().remove(&guid(request)?);
        Ok(done())
    }

    /// The session that the request names, if it is the caller's own.
    fn session(&self, request: &Value, identity: &str) -> Result<Bytes, Unknown> {
        let guid = guid(request)?;
        let owner = self.sessions.lock().get(&guid).cloned();
        owner
            .filter(|owner| owner == identity)
            .map(|_| guid)
            .ok_or(Unknown)
    }

    fn operation(&self, request: &Value, identity: &str) -> Result<Operation, Unknown> {
        let operation = self.operations.lock().get(&guid(request)?).cloned();
        operation
            .filter(|operation| operation.identity == identity)
            .ok_or(Unknown)
    }
}

// === impl Operation ===

impl Operation {
    /// `TFetchResultsResp` with the next of them.
    fn rows(&mut self) -> Value {
        let piece = self.table.piece(self.next, ROWS);
        let start = piece.start;
        self.next = piece.end;
        let nulls = Bytes::from(vec![
            0;
            usize::try_from((piece.end - start).div_ceil(8))
                .unwrap_or_default()
        ]);
        let values = piece
            .map(|row| self.table.kind().value(&self.table.value(row)))
            .collect();
        let column = Value::Struct(vec![(1, Value::List(values)), (2, Value::Binary(nulls))]);
        let rows = Value::Struct(vec![
            (1, Value::I64(i64::try_from(start).unwrap_or(i64::MAX))),
            (2, Value::List(Vec::new())),
            (
                3,
                Value::List(vec![Value::Struct(vec![(self.table.kind().column(), column)])]),
            ),
        ]);
        Value::Struct(vec![
            (1, success()),
            (2, Value::Bool(self.next < self.table.len())),
            (3, rows),
            (1281, metadata(&self.table)),
        ])
    }
}

// === impl Type ===

impl Type {
    /// Its field in `TColumn`.
    fn column(self) -> i16 {
        match self {
            Self::Int => 4,
            Self::BigInt => 5,
            Self::String => 7,
        }
    }

    /// Its `TTypeId`.
    fn id(self) -> i32 {
        match self {
            Self::Int => 3,
            Self::BigInt => 4,
            Self::String => 7,
        }
    }

    fn value(self, text: &str) -> Value {
        match self {
            Self::Int => Value::I32(text.parse().unwrap_or_default()),
            Self::BigInt => Value::I64(text.parse().unwrap_or_default()),
            Self::String => Value::text(text),
        }
    }
}

/// The handle that stands first in nearly every request: of a session or of an operation.
fn guid(request: &Value) -> Result<Bytes, Unknown> {
    request
        .at(&[1, 1, 1])
        .and_then(Value::as_bytes)
        .cloned()
        .ok_or(Unknown)
}

fn version(wanted: &Value) -> Option<Value> {
    match wanted {
        Value::I64(version) => i32::try_from(*version).ok().map(Value::I32),
        _ => None,
    }
}

/// Some drivers read it as a UUID (RFC 9562), and refuse others.
fn handle() -> Bytes {
    random::uuid_bytes().to_vec().into()
}

/// `THandleIdentifier`; the secret is as good as another.
fn identifier(guid: &Bytes) -> Value {
    Value::Struct(vec![
        (1, Value::Binary(guid.clone())),
        (2, Value::Binary(handle())),
    ])
}

/// `TStatus`.
fn success() -> Value {
    Value::Struct(vec![(1, Value::I32(SUCCESS))])
}

/// A response of nothing but its status.
fn done() -> Value {
    Value::Struct(vec![(1, success())])
}

fn failure(code: i32, message: &str) -> Value {
    let status = vec![
        (1, Value::I32(code)),
        (3, Value::text("42601")),
        (5, Value::text(message)),
        (6, Value::text(message)),
    ];
    Value::Struct(vec![(1, Value::Struct(status))])
}

/// `TGetOperationStatusResp`.
fn finished() -> Value {
    Value::Struct(vec![
        (1, success()),
        (2, Value::I32(FINISHED)),
        (9, Value::Bool(true)),
    ])
}

/// `TGetResultSetMetadataResp`.
fn metadata(table: &Table) -> Value {
    let primitive = Value::Struct(vec![(1, Value::I32(table.kind().id()))]);
    let entry = Value::Struct(vec![(1, primitive)]);
    let column = Value::Struct(vec![
        (1, Value::text(&table.column)),
        (2, Value::Struct(vec![(1, Value::List(vec![entry]))])),
        (3, Value::I32(1)),
    ]);
    Value::Struct(vec![
        (1, success()),
        (2, Value::Struct(vec![(1, Value::List(vec![column]))])),
        (1281, Value::I32(COLUMN_BASED_SET)),
        (1282, Value::Bool(false)),
    ])
}

const THRIFT: &str = "application/x-thrift";
const SPARK_V8: i32 = 42_248;
const SUCCESS: i32 = 0;
const ERROR: i32 = 3;
const INVALID_HANDLE: i32 = 4;
const FINISHED: i32 = 2;
const EXECUTE_STATEMENT: i32 = 0;
const COLUMN_BASED_SET: i32 = 1;
/// In one answer.
const ROWS: u64 = 100_000;
