use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt as _;

use super::call::{Call, Unread};
use super::grpc;
use super::protobuf::{Message, Writer};
use crate::random;
use crate::server::{Body, BodyFrames};

pub(super) const PREFIX: &str = "/spark.connect.SparkConnectService/";

/// A cluster that speaks Spark Connect, as far as to tell its version and to count: `spark.range(n)`, every row in a
/// message of its own, so that an answer is a stream.
pub(super) async fn answer(call: &mut Call, method: &str) -> Result<Response<Body>, Unread> {
    let frame = call.read().await?;
    let request = frame
        .get(FRAME..)
        .map(|_| frame.slice(FRAME..))
        .and_then(Message::read);
    let Some(request) = request else {
        return Ok(grpc::refuse_with(INVALID_ARGUMENT, "the request is no message"));
    };
    let session = Session(request.bytes(1).unwrap_or_default());
    Ok(match method {
        "AnalyzePlan" if request.message(10).is_some() => session.version(),
        "Config" => stream([session.head(4).finish()].into_iter()),
        "ReleaseSession" => stream([session.head(2).finish()].into_iter()),
        "ReleaseExecute" => stream([session.head(3).finish()].into_iter()),
        "ExecutePlan" => match range(&request) {
            Some(end) => session.rows(request.bytes(6), end),
            None => grpc::refuse_with(UNIMPLEMENTED, "this cluster counts, and does nothing else"),
        },
        _ => grpc::refuse_with(UNIMPLEMENTED, "there is no such method"),
    })
}

/// The caller's name for its session, which every answer repeats.
struct Session(Bytes);

// === impl Session ===

impl Session {
    /// An answer, with the name that the session has here; its field is another one in each.
    fn head(&self, server_side: u64) -> Writer {
        Writer::default().bytes(1, &self.0).bytes(server_side, &self.0)
    }

    fn version(&self) -> Response<Body> {
        let version = Writer::default().bytes(1, SPARK_VERSION.as_bytes()).finish();
        stream([self.head(15).bytes(8, &version).finish()].into_iter())
    }

    fn rows(&self, operation: Option<Bytes>, end: u64) -> Response<Body> {
        let session = Self(self.0.clone());
        let operation = operation.unwrap_or_else(|| random::uuid().into());
        let message = move |field, content: &Bytes| {
            let head = session.head(15).bytes(12, &operation);
            head.bytes(13, random::uuid().as_bytes())
                .bytes(field, content)
                .finish()
        };
        let complete = message(RESULT_COMPLETE, &Bytes::new());
        let rows = (0..end).map(move |row| message(ARROW_BATCH, &batch(row)));
        stream(rows.chain([complete]))
    }
}

/// These, and status 0 behind them.
fn stream(messages: impl Iterator<Item = Bytes> + Send + Unpin + 'static) -> Response<Body> {
    let trailers = HeaderMap::from_iter([(grpc::STATUS, HeaderValue::from_static("0"))]);
    let body = Messages(messages).into_body();
    let body = body.with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

/// Where `spark.range` ends, if that is the plan: `plan.root.range.end`.
fn range(request: &Message) -> Option<u64> {
    request.message(3)?.message(1)?.message(15)?.number(2)
}

/// One row.
fn batch(row: u64) -> Bytes {
    let mut arrow = ARROW.to_vec();
    if let Some(value) = arrow.get_mut(ARROW_VALUE..ARROW_VALUE + 8) {
        value.copy_from_slice(&row.to_le_bytes());
    }
    Writer::default()
        .number(1, 1)
        .bytes(2, &arrow)
        .number(3, row)
        .finish()
}

/// Messages, each in its frame: not compressed, its length, itself.
struct Messages<I>(I);

impl<I: Iterator<Item = Bytes> + Send + Unpin + 'static> BodyFrames for Messages<I> {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Poll::Ready(self.0.next().map(|message| {
            let mut frame = BytesMut::with_capacity(FRAME + message.len());
            frame.put_u8(0);
            frame.put_u32(u32::try_from(message.len()).expect("the fake's messages are small"));
            frame.put(message);
            frame.freeze()
        }))
    }
}

const FRAME: usize = 5;
const SPARK_VERSION: &str = "3.5.2";
const INVALID_ARGUMENT: &str = "3";
const UNIMPLEMENTED: &str = "12";
const ARROW_BATCH: u64 = 2;
const RESULT_COMPLETE: u64 = 14;

/// A stream of Arrow IPC with the one column `id`, of 64-bit integers that are never null, and one row: what pyarrow
/// writes for it, but for the value, which stands at [`ARROW_VALUE`].
const ARROW: &[u8] = include_bytes!("spark_connect/one_row.arrow");
const ARROW_VALUE: usize = 272;
