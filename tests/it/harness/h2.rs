use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::call::Upload;
use super::{Answer, Call, soon};

/// An ordinary client that speaks HTTP/2, with one connection that it keeps.
#[derive(Clone)]
pub(crate) struct H2Client {
    sender: SendRequest<Upload>,
    /// The scheme and the authority.
    origin: String,
}

/// A body that ends when its sender is dropped.
struct Fed(Receiver<Bytes>);

// === impl H2Client ===

impl H2Client {
    pub(crate) async fn over<T>(transport: T, origin: &str) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = handshake(TokioExecutor::new(), TokioIo::new(transport));
        let (sender, connection) = soon(handshake).await.expect("a client");
        // Its errors are those of the requests on it.
        tokio::spawn(connection);
        Self {
            sender,
            origin: origin.to_owned(),
        }
    }

    /// The whole answer.
    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        self.try_send(call).await.expect("an answer")
    }

    pub(crate) async fn try_send(&mut self, call: Call) -> hyper::Result<Answer> {
        let (head, body) = self
            .try_open(call.into_h2_request(&self.origin))
            .await?
            .into_parts();
        let whole = soon(body.collect()).await?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            trailers: whole.trailers().cloned().unwrap_or_default(),
            body: whole.to_bytes(),
        })
    }

    /// The head of the answer; its body is still to come.
    pub(crate) async fn open(&mut self, call: Call) -> Response<Incoming> {
        let request = call.into_h2_request(&self.origin);
        self.try_open(request).await.expect("an answer")
    }

    /// The head of the answer to a call whose body is still being made, and where it is made.
    pub(crate) async fn open_fed(&mut self, call: Call) -> (Sender<Bytes>, Response<Incoming>) {
        let (feed, pieces) = channel(1);
        let request = call
            .into_h2_request(&self.origin)
            .map(|_| Fed(pieces).boxed_unsync());
        (feed, self.try_open(request).await.expect("an answer"))
    }

    async fn try_open(&mut self, request: Request<Upload>) -> hyper::Result<Response<Incoming>> {
        soon(self.sender.ready()).await?;
        soon(self.sender.send_request(request)).await
    }
}

// === impl Fed ===

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
