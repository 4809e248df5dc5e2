//! Whatever bytes a client sends: what passes the byte grammar is one sequence of requests, and hyper reads that and no other.
//!
//! The sequence is read here a second time, from RFC 9112 alone and from whole bytes instead of one after the other.

mod reading;

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proxy::guarded;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf, empty, join};
use tokio::runtime::{Builder, Runtime};

use reading::{Reading, requests};

/// However the bytes arrive, the same of them pass; these are well-formed requests; and hyper sees no other than these, with
/// these bodies.
pub fn check(bytes: &[u8]) {
    let seen = seen(bytes, bytes.len().max(64));
    for at_once in [1, 3, 17] {
        assert_eq!(self::seen(bytes, at_once), seen, "{at_once} bytes at once");
    }
    let passed = passed(bytes, &seen);
    let Reading { complete, malformed } = requests(passed);
    // What stands for the refused bytes may have been sent, too.
    if seen != bytes || !bytes.ends_with(UNREADABLE) {
        assert_eq!(malformed, None, "passed: {}", passed.escape_ascii());
    }
    let at_once = bytes.first().map_or(1, |&byte| usize::from(byte % 32) + 1);
    for at_once in [at_once, bytes.len().max(1)] {
        for (read, sent) in by_hyper(bytes, at_once)
            .iter()
            .zip(complete.iter().map(Some).chain([None]))
        {
            assert_eq!(Some(read), sent, "hyper reads another request");
        }
    }
}

/// A request, as far as it can be told apart from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    method: String,
    /// As it was sent, where it is a path; other forms are hyper's to take apart.
    path: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

/// What comes out of the guard when bytes go in so many at once.
fn seen(bytes: &[u8], at_once: usize) -> Vec<u8> {
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let mut guarded = guarded(join(InPieces { bytes, at_once }, empty()));
            let mut seen = Vec::new();
            guarded.read_to_end(&mut seen).await.expect("memory can be read");
            seen
        })
    })
}

/// What is seen of what was sent.
fn passed<'a>(bytes: &'a [u8], seen: &[u8]) -> &'a [u8] {
    if seen == bytes {
        return bytes;
    }
    let passed = seen.strip_suffix(UNREADABLE).expect("a refusal is shown as such");
    bytes.strip_prefix(passed).expect("what passes is what was sent");
    &bytes[..passed.len()]
}

/// The requests that reach the gateway's service with all of their body.
fn by_hyper(bytes: &[u8], at_once: usize) -> Vec<Told> {
    let told = RefCell::new(Vec::new());
    let service = service_fn(async |request: Request<Incoming>| {
        // As the gateway answers it.
        let status = match *request.method() {
            Method::CONNECT => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::OK,
        };
        let request = whole(request).await;
        told.borrow_mut().extend(request);
        let mut response = Response::new(Empty::<&[u8]>::new());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let io = TokioIo::new(guarded(join(InPieces { bytes, at_once }, tokio::io::sink())));
    // How the connection ends is of no interest.
    let _ = RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            http1::Builder::new()
                .half_close(true)
                .serve_connection(io, service)
                .await
        })
    });
    told.into_inner()
}

async fn whole(request: Request<Incoming>) -> Option<Told> {
    let (head, body) = request.into_parts();
    // An upgrade takes the connection's end for its body's.
    let length = body.size_hint().exact();
    let body = body.collect().await.ok()?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let body = body.to_bytes().to_vec();
    assert!(length.is_none_or(|length| length == body.len() as u64));
    Some(Told {
        method: head.method.to_string(),
        path: head.uri.authority().is_none().then(|| head.uri.to_string()),
        headers: head.headers,
        body,
        trailers,
    })
}

/// Bytes that come a few at a time.
struct InPieces<'a> {
    bytes: &'a [u8],
    at_once: usize,
}

impl AsyncRead for InPieces<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let now = this.at_once.min(buf.remaining()).min(this.bytes.len());
        let (now, later) = this.bytes.split_at(now);
        buf.put_slice(now);
        this.bytes = later;
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(Builder::new_current_thread().build().expect("a runtime"));
}

/// What the guard shows instead of what it refuses.
const UNREADABLE: &[u8] = b"\0\n\r\n\r\n";
