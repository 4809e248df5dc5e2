use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::task::coop::unconstrained;

use crate::body::RequestBody;
use crate::drain::Tasks;

/// An HTTP/1.1 connection to a workspace, driven by whoever uses it: a request, its answer, and the connection that
/// carries both are one task, so that a byte from the workspace wakes that one and no other.
///
/// Between two requests nobody drives it. What has happened to it meanwhile is the first thing that the next request
/// finds out, before a byte of that is written.
pub(super) struct Link {
    sender: SendRequest<RequestBody>,
    driver: Driver,
}

/// What reads and writes.
enum Driver {
    Here(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// A task of its own, or nobody any more: the connection is at its end.
    Elsewhere,
}

// === impl Link ===

impl Link {
    pub(super) fn new(
        sender: SendRequest<RequestBody>,
        connection: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            sender,
            driver: Driver::Here(Box::pin(connection)),
        }
    }

    /// Whether it seems good for another request: the exchange on it is over in both directions.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it is at its end, as far as can be known without waiting.
    pub(super) fn is_closed(&mut self) -> bool {
        self.driver.drive(&mut Context::from_waker(Waker::noop()));
        self.sender.is_closed()
    }

    /// One request, and the head of its answer.
    ///
    /// # Errors
    /// With the request, if nothing of it was written.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        let Self { sender, driver } = self;
        let mut answer = pin!(unconstrained(sender.try_send_request(request)));
        poll_fn(|cx| {
            let mut quiet = driver.drive(cx);
            answer.as_mut().poll(&mut quiet)
        })
        .await
    }

    /// The next frame of the answer's body.
    pub(super) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, hyper::Error>>> {
        // What was read with the head needs no driving; and asking first is what makes the driver read.
        let asked = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop()));
        let mut quiet = self.driver.drive(cx);
        match asked {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => Pin::new(body).poll_frame(&mut quiet),
        }
    }

    /// Waits until it is ready again: the rest of a request may still be on its way when its answer has ended.
    pub(super) async fn ready(mut self) -> Option<Self> {
        poll_fn(|cx| {
            self.driver.drive(cx);
            self.sender.poll_ready(cx)
        })
        .await
        .ok()
        .map(|()| self)
    }

    /// From now on a task of its own drives it: for when the two directions of an exchange must not wait for each other.
    pub(super) fn hand_over(&mut self, tasks: &Tasks) {
        if let Driver::Here(connection) = std::mem::replace(&mut self.driver, Driver::Elsewhere) {
            tasks.spawn(connection);
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.sender).finish()
    }
}

// === impl Driver ===

impl Driver {
    /// Reads and writes what it can, and says whom the outcome should wake.
    ///
    /// Driven here, nothing can come of the connection but in this very call, so that nobody needs to be woken for it.
    fn drive<'a>(&mut self, cx: &mut Context<'a>) -> Context<'a> {
        match self {
            Self::Elsewhere => Context::from_waker(cx.waker()),
            Self::Here(connection) => {
                if connection.as_mut().poll(cx).is_ready() {
                    *self = Self::Elsewhere;
                }
                Context::from_waker(Waker::noop())
            }
        }
    }
}
