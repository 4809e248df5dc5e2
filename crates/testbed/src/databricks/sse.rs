use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Sleep;

use crate::locked::Locked;
use crate::server::{Body, BodyFrames};

/// One server-sent event that says `data`.
pub(super) fn event(data: &str) -> Bytes {
    Bytes::from(format!("data: {}\n\n", data.replace('\n', "\ndata: ")))
}

/// An answer of server-sent events.
pub(super) fn response(events: impl BodyFrames) -> Response<Body> {
    let mut response = Response::new(events.into_body());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The streams whose events the test sends.
#[derive(Default)]
pub(super) struct SteppedStreams {
    open: Locked<Vec<UnboundedSender<Bytes>>>,
    cancelled: Arc<Cancelled>,
}

/// As many permits as streams have been cancelled and not yet awaited.
struct Cancelled(Semaphore);

/// One of them: endless until the test ends it.
struct SteppedEvents {
    events: UnboundedReceiver<Bytes>,
    cancelled: Arc<Cancelled>,
    finished: bool,
}

/// Events at a steady pace, the first one at once.
pub(super) struct PacedEvents {
    events: VecDeque<Bytes>,
    interval: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

// === impl SteppedStreams ===

impl SteppedStreams {
    /// Opens one more; every event that is sent from now on is on it.
    pub(super) fn open(&self) -> Response<Body> {
        let (sender, events) = unbounded_channel();
        self.open.lock().push(sender);
        response(SteppedEvents {
            events,
            cancelled: Arc::clone(&self.cancelled),
            finished: false,
        })
    }

    pub(super) fn send(&self, event: &Bytes) -> usize {
        let mut open = self.open.lock();
        open.retain(|stream| stream.send(event.clone()).is_ok());
        open.len()
    }

    pub(super) fn end_all(&self) {
        self.open.lock().clear();
    }

    pub(super) async fn cancelled(&self) {
        let permit = self.cancelled.0.acquire().await;
        permit.expect("the semaphore is never closed").forget();
    }
}

impl Default for Cancelled {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

// === impl SteppedEvents ===

impl BodyFrames for SteppedEvents {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let event = ready!(self.events.poll_recv(cx));
        self.finished = event.is_none();
        Poll::Ready(event)
    }
}

impl Drop for SteppedEvents {
    fn drop(&mut self) {
        if !self.finished {
            self.cancelled.0.add_permits(1);
        }
    }
}

// === impl PacedEvents ===

impl PacedEvents {
    pub(super) fn new(events: impl IntoIterator<Item = Bytes>, interval: Duration) -> Self {
        Self {
            events: events.into_iter().collect(),
            interval,
            pause: None,
        }
    }
}

impl BodyFrames for PacedEvents {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
        }
        self.pause = Some(Box::pin(tokio::time::sleep(self.interval)));
        Poll::Ready(self.events.pop_front())
    }
}
