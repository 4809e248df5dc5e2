use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answer, soon};

/// A request to be made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    target: String,
    fields: Vec<(String, String)>,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// The body of a [`Call`].
pub(super) type Upload = UnsyncBoxBody<Bytes, Infallible>;

/// An ordinary client, with one connection that it keeps.
pub(crate) struct Client {
    sender: SendRequest<Upload>,
    host: String,
}

// === impl Call ===

impl Call {
    pub(crate) fn new(method: Method, target: &str) -> Self {
        Self {
            method,
            target: target.to_owned(),
            fields: Vec::new(),
            body: Bytes::new(),
            trailers: None,
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new(Method::POST, target)
    }

    pub(crate) fn put(target: &str) -> Self {
        Self::new(Method::PUT, target)
    }

    /// One more field, whatever there is already.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.field("authorization", &format!("Bearer {token}"))
    }

    /// Instead of the gateway's address.
    pub(crate) fn host(self, host: &str) -> Self {
        self.field("host", host)
    }

    pub(crate) fn form(self, fields: &str) -> Self {
        self.field("content-type", "application/x-www-form-urlencoded")
            .body(fields.to_owned())
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A field after the body; sent only where the body has no stated length.
    pub(crate) fn trailer(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a value");
        self.trailers.get_or_insert_default().append(name, value);
        self
    }

    fn into_request(self, host: &str) -> Request<Upload> {
        let mut request = Request::builder().method(self.method).uri(self.target);
        if !self.fields.iter().any(|(name, _)| name == "host") {
            request = request.header("host", host);
        }
        for (name, value) in self.fields {
            request = request.header(name, value);
        }
        request.body(upload(self.body, self.trailers)).expect("a request")
    }

    /// With its `:authority` from `origin`.
    pub(super) fn into_h2_request(self, origin: &str) -> Request<Upload> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{origin}{}", self.target));
        for (name, value) in self.fields {
            request = request.header(name, value);
        }
        request.body(upload(self.body, self.trailers)).expect("a request")
    }
}

fn upload(body: Bytes, trailers: Option<HeaderMap>) -> Upload {
    let body = Full::new(body);
    match trailers {
        None => body.boxed_unsync(),
        Some(trailers) => body.with_trailers(async { Some(Ok(trailers)) }).boxed_unsync(),
    }
}

// === impl Client ===

impl Client {
    pub(crate) async fn over<T>(transport: T, host: &str) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(transport)).await.expect("a client");
        // Its errors are those of the requests on it.
        tokio::spawn(connection);
        Self {
            sender,
            host: host.to_owned(),
        }
    }

    /// The whole answer.
    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        self.try_send(call).await.expect("an answer")
    }

    pub(crate) async fn try_send(&mut self, call: Call) -> hyper::Result<Answer> {
        let (head, body) = self.try_open(call).await?.into_parts();
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
        self.try_open(call).await.expect("an answer")
    }

    async fn try_open(&mut self, call: Call) -> hyper::Result<Response<Incoming>> {
        soon(self.sender.ready()).await?;
        soon(self.sender.send_request(call.into_request(&self.host))).await
    }
}
