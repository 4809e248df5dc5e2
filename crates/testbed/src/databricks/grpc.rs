use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::auth::Denial;
use super::reply;
use crate::server::{Body, Head, empty};

/// Whether this is a call of gRPC, to whichever service.
pub(super) fn is_asked(head: &Head) -> bool {
    head.value("content-type")
        .is_some_and(|content_type| content_type.starts_with("application/grpc"))
}

/// Any method of any service: every message comes back as it was, and so does every trailer, before status 0.
pub(super) fn echo(body: Incoming) -> Response<Body> {
    let mut response = Response::new(
        Echo {
            body,
            trailers: Some(HeaderMap::new()),
        }
        .boxed_unsync(),
    );
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// "Trailers-Only", status 16.
pub(super) fn refuse(denial: Denial) -> Response<Body> {
    refuse_with("16", &format!("{denial:?}"))
}

/// "Trailers-Only", with any status.
pub(super) fn refuse_with(status: &'static str, message: &str) -> Response<Body> {
    let mut response = Response::new(empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.insert(STATUS, HeaderValue::from_static(status));
    headers.insert("grpc-message", reply::text(message));
    response
}

/// What came in, on its way out; not faster than it is read.
struct Echo {
    body: Incoming,
    /// `None` once they are sent.
    trailers: Option<HeaderMap>,
}

impl http_body::Body for Echo {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(trailers) = &mut self.trailers else {
            return Poll::Ready(None);
        };
        let mut trailers = std::mem::take(trailers);
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(sent) => trailers.extend(sent),
                Err(data) => return Poll::Ready(Some(Ok(data))),
            },
            Some(Err(_)) => {
                trailers.insert(STATUS, HeaderValue::from_static("1"));
            }
            None => {}
        }
        trailers.entry(STATUS).or_insert(HeaderValue::from_static("0"));
        self.trailers = None;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
