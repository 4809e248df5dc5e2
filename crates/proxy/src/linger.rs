//! Reading on after the answer: a client that is still sending must get to read why it need not.
//!
//! Many clients read nothing before they have written everything. Were the connection closed under their upload, they
//! would see a broken pipe instead of the 401, and the Databricks SDKs would try again for minutes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::drain::Tasks;

/// A request body that, dropped before its end, is read to its end and thrown away, for a while.
#[derive(Debug)]
pub(crate) struct Lingering {
    /// `None` once it was given up, and while it is dropped.
    incoming: Option<Incoming>,
    /// Where the rest is read; `None`: nowhere, as there is none, or as an HTTP/2 stream ends by itself (RFC 9113 section 8.1).
    tasks: Option<Tasks>,
    /// Whether the client sends without being asked to. Reading is asking: hyper then answers `100 Continue`, which a
    /// client that was refused must not see (RFC 9110 section 10.1.1).
    unasked: bool,
    is_over: bool,
}

// === impl Lingering ===

impl Lingering {
    pub(crate) fn new(request: Request<Incoming>, tasks: &Tasks) -> Request<Self> {
        let is_over = request.body().is_end_stream();
        let tasks = (!is_over && request.version() < Version::HTTP_2).then(|| tasks.clone());
        let unasked = tasks.is_some() && !request.headers().contains_key(header::EXPECT);
        request.map(|incoming| Self {
            incoming: Some(incoming),
            tasks,
            unasked,
            is_over,
        })
    }

    /// Whoever let it stand still before its end is not waited for a second time.
    pub(crate) fn give_up(&mut self) {
        self.incoming = None;
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.unasked = true;
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.is_over = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    /// The one place that knows: a body is dropped wherever a journey ends early, by us, by the workspace or by the way.
    fn drop(&mut self) {
        if !self.unasked || self.is_end_stream() {
            return;
        }
        if let (Some(incoming), Some(tasks)) = (self.incoming.take(), &self.tasks) {
            tasks.spawn(throw_away(incoming));
        }
    }
}

/// Ends with the body, with the connection, or when it has lasted too long; the connection is closed then.
async fn throw_away(mut incoming: Incoming) {
    let rest = async { while let Some(Ok(_)) = incoming.frame().await {} };
    // Too late is as good as done: nobody waits for it.
    let _ = tokio::time::timeout(PATIENCE, rest).await;
}

/// What nginx grants by default (`lingering_time`).
const PATIENCE: Duration = Duration::from_secs(30);
