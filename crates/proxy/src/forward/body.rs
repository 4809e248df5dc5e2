use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Lease;
use super::shared::Seat;
use crate::body::Progress;
use crate::drain::Tasks;
use crate::patience::Patience;

/// A workspace's response body, and the connection that it comes from: at its end the connection goes back to its
/// pool; dropped before, the connection (in HTTP/2: the stream) is closed, which tells the workspace that nobody listens
/// any more.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    hold: Option<Hold>,
    idle: Option<Idleness>,
}

/// What keeps a connection for an exchange.
#[derive(Debug)]
pub(super) enum Hold {
    /// HTTP/1.1: the whole connection, and the owner of what may have to wait until it can be used again.
    Alone(Lease, Tasks),
    /// HTTP/2: one stream of many.
    Among { _seat: Seat },
}

/// Why a workspace's answer does not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamBodyError {
    /// The connection broke.
    #[error(transparent)]
    Broke(hyper::Error),
    /// Nothing moved for so long, in either direction.
    #[error("nothing came for {} s", .0.as_secs())]
    Stalled(Duration),
}

/// Watches an exchange that is half over: its answer has begun.
#[derive(Debug)]
pub(super) struct Idleness {
    patience: Patience,
    /// The request's body, which may still be on its way: a workspace that waits for it owes nothing.
    request: Arc<Progress>,
    seen: u64,
}

// === impl Idleness ===

impl Idleness {
    pub(super) fn new(limit: Duration, request: Arc<Progress>) -> Self {
        Self {
            patience: Patience::new(limit),
            seen: request.bytes(),
            request,
        }
    }

    fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamBodyError> {
        ready!(self.patience.poll_exhausted(cx));
        let now = self.request.bytes();
        if std::mem::replace(&mut self.seen, now) == now {
            return Poll::Ready(UpstreamBodyError::Stalled(self.patience.limit()));
        }
        // Once more, from now on.
        self.patience.moved();
        self.patience
            .poll_exhausted(cx)
            .map(|()| UpstreamBodyError::Stalled(self.patience.limit()))
    }
}

// === impl UpstreamBody ===

impl UpstreamBody {
    /// The end of HTTP on its connection, which never goes back: dropped, it closes the connection unless somebody has
    /// taken that over.
    pub(super) fn switched(incoming: Incoming, hold: Hold) -> Self {
        Self {
            incoming,
            hold: Some(hold),
            idle: None,
        }
    }

    pub(super) fn new(incoming: Incoming, hold: Hold, idle: Option<Idleness>) -> Self {
        let mut body = Self::switched(incoming, hold);
        body.idle = idle;
        if body.incoming.is_end_stream() {
            body.release();
        }
        body
    }

    /// The next frame of the workspace's; an error once none has come for too long. Only the time that the workspace
    /// takes counts: while the client does not read, nobody asks here.
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let polled = match &mut self.hold {
            Some(Hold::Alone(lease, _)) => lease.link().poll_frame(&mut self.incoming, cx),
            _ => Pin::new(&mut self.incoming).poll_frame(cx),
        };
        match (&mut self.idle, polled) {
            (Some(idle), Poll::Pending) => idle.poll_exhausted(cx).map(|stalled| Some(Err(stalled))),
            (None, Poll::Pending) => Poll::Pending,
            (idle, Poll::Ready(frame)) => {
                if let Some(idle) = idle {
                    idle.patience.moved();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(UpstreamBodyError::Broke)))
            }
        }
    }

    fn release(&mut self) {
        if let Some(Hold::Alone(lease, tasks)) = self.hold.take() {
            lease.give_back(&tasks);
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let frame = ready!(self.poll_incoming(cx));
        match &frame {
            Some(Err(_)) => self.hold = None,
            // Nothing is behind trailers, and nobody asks again.
            Some(Ok(frame)) if frame.is_trailers() => self.release(),
            // A body of known length says that it is over with its last frame, and is then not asked again.
            _ if frame.is_none() || self.incoming.is_end_stream() => self.release(),
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
