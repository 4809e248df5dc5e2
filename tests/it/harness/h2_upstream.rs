use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::soon;

/// A workspace over HTTP/2 that answers every call at once with a body without end, and reads no request.
#[derive(Clone)]
pub(crate) struct Endless(Arc<State>);

struct State {
    url: String,
    produced: AtomicU64,
    given_up: Notify,
}

/// Zeros, for as long as somebody takes them; it holds the request, unread.
struct Zeros {
    state: Arc<State>,
    _request: Request<Incoming>,
}

// === impl Endless ===

impl Endless {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
        let state = Arc::new(State {
            url,
            produced: AtomicU64::new(0),
            given_up: Notify::new(),
        });
        tokio::spawn(serve(listener, Arc::clone(&state)));
        Self(state)
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// How many bytes were asked of it, all calls together.
    pub(crate) fn produced(&self) -> u64 {
        self.0.produced.load(Ordering::Relaxed)
    }

    /// Resolves when a call was given up.
    pub(crate) async fn given_up(&self) {
        soon(self.0.given_up.notified()).await;
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let body = Zeros {
                state: Arc::clone(&state),
                _request: request,
            };
            let response = Response::builder().header("content-type", "application/grpc");
            std::future::ready(Ok::<_, Infallible>(response.body(body).expect("a response")))
        });
        let connection =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service);
        tokio::spawn(connection);
    }
}

// === impl Zeros ===

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
        self.state
            .produced
            .fetch_add(ZEROS.len() as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&ZEROS)))))
    }
}

impl Drop for Zeros {
    fn drop(&mut self) {
        self.state.given_up.notify_one();
    }
}
