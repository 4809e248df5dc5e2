use std::sync::Arc;

use http::{Request, Response, request};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::connection::{Surrendered, canned};
use super::{Body, Handler, Head, zeros};
use crate::Fault;

/// RFC 9113 section 3.4: how the preface begins, and no HTTP/1.1 request.
const PREFACE: &[u8] = b"PRI ";

/// Whether the client has prior knowledge of HTTP/2 (RFC 9113 section 3.3).
pub(super) async fn is_known_to(socket: &TcpStream) -> bool {
    let mut beginning = [0; PREFACE.len()];
    loop {
        match socket.peek(&mut beginning).await {
            Ok(0) | Err(_) => return false,
            Ok(length) if length == beginning.len() => return beginning == PREFACE,
            // The rest is on its way.
            Ok(_) => tokio::task::yield_now().await,
        }
    }
}

/// HTTP/2 on one connection, to its end, good or bad.
pub(super) async fn converse<T, H: Handler>(transport: T, handler: Arc<H>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| respond(Arc::clone(&handler), request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        .max_concurrent_streams(handler.max_streams())
        .serve_connection(TokioIo::new(transport), service);
    // How the connection ended is the client's affair; it sees it.
    let _ = connection.await;
}

async fn respond<H: Handler>(
    handler: Arc<H>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Surrendered> {
    let (parts, body) = request.into_parts();
    let head = head(&parts);
    let fault = handler.faults().take(head.path());
    let arrival = handler.arrive(head, body).await;
    match fault {
        None => {}
        Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Answer(status, headers, body)) => return Ok(canned(status, headers, body)),
        Some(Fault::Flood(bytes)) => return Ok(Response::new(zeros(bytes))),
        // A stream has no wire of its own to be misused: it is reset.
        Some(_) => return Err(Surrendered),
    }
    Ok(handler.answer(arrival).await)
}

/// With the one pseudo-header field that is a header in HTTP/1.1, and tells the two apart.
fn head(parts: &request::Parts) -> Head {
    let authority = parts
        .uri
        .authority()
        .map(|authority| (":authority", authority.as_str().to_owned()));
    let fields = parts.headers.iter().map(|(name, value)| {
        (
            name.as_str(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let headers = authority.into_iter().chain(fields);
    Head {
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

const MAX_HEAD: u32 = 256 * 1024;
