use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::error::BrokenConnection;
use super::h1::{Answer, Tunnel};
use super::h2::Seat;
use super::idleness::Idleness;

/// A workspace's response body, and the connection that it comes from: at its end the connection goes back to its
/// pool; dropped before, the connection (in HTTP/2: the stream) is closed, which tells the workspace that nobody listens
/// any more.
///
/// In a box from the start, so that the answer is small wherever it is handed on.
#[derive(Debug)]
pub(crate) struct UpstreamBody(Box<Flow>);

#[derive(Debug)]
struct Flow {
    stream: Stream,
    idle: Option<Idleness>,
}

#[derive(Debug)]
enum Stream {
    /// HTTP/1.1, with the whole connection.
    H1(Answer),
    /// HTTP/2, with a place among others, until it is over.
    H2(Incoming, Option<Seat>),
}

/// Why a workspace's answer does not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamBodyError {
    /// The connection broke.
    #[error(transparent)]
    Broke(BrokenConnection),
    /// Nothing moved for so long, in either direction.
    #[error("nothing came for {} s", .0.as_secs())]
    Stalled(Duration),
}

// === impl UpstreamBody ===

impl UpstreamBody {
    pub(super) fn h1(answer: Answer, idle: Option<Idleness>) -> Self {
        let stream = Stream::H1(answer);
        Self(Box::new(Flow { stream, idle }))
    }

    pub(super) fn h2(incoming: Incoming, seat: Seat, idle: Option<Idleness>) -> Self {
        let seat = (!incoming.is_end_stream()).then_some(seat);
        let stream = Stream::H2(incoming, seat);
        Self(Box::new(Flow { stream, idle }))
    }

    /// The connection, after a `101 Switching Protocols`.
    pub(crate) fn into_tunnel(self) -> Option<Tunnel> {
        match self.0.stream {
            Stream::H1(answer) => answer.into_tunnel(),
            Stream::H2(..) => None,
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    /// The next frame of the workspace's; an error once none has come for too long. Only the time that the workspace
    /// takes counts: while the client does not read, nobody asks here.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let Flow { stream, idle } = &mut *self.0;
        match (stream.poll_frame(cx), idle) {
            (Poll::Pending, Some(idle)) => {
                let limit = ready!(idle.poll_exhausted(cx));
                stream.close();
                Poll::Ready(Some(Err(UpstreamBodyError::Stalled(limit))))
            }
            (Poll::Pending, None) => Poll::Pending,
            (Poll::Ready(frame), idle) => {
                if let Some(idle) = idle {
                    idle.moved();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(UpstreamBodyError::Broke)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0.stream {
            Stream::H1(answer) => answer.is_over(),
            Stream::H2(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0.stream {
            Stream::H1(answer) => answer.size_hint(),
            Stream::H2(incoming, _) => incoming.size_hint(),
        }
    }
}

// === impl Stream ===

impl Stream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenConnection>>> {
        match self {
            Self::H1(answer) => answer.poll_frame(cx).map_err(BrokenConnection::from),
            Self::H2(incoming, seat) => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                let is_last = frame
                    .as_ref()
                    .is_none_or(|frame| frame.as_ref().is_ok_and(Frame::is_trailers));
                if is_last || incoming.is_end_stream() {
                    *seat = None;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BrokenConnection::from)))
            }
        }
    }

    fn close(&mut self) {
        match self {
            Self::H1(answer) => answer.close(),
            Self::H2(_, seat) => *seat = None,
        }
    }
}
