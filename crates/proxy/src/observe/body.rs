use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{Outcome, Trail};
use crate::Body;
use crate::accept::Peer;
use crate::body::BodyError;

/// A response body that is watched to its end.
pub(crate) struct Observed {
    body: Body,
    trail: Box<Trail>,
    peer: Peer,
}

impl Observed {
    pub(crate) fn new(body: Body, trail: Box<Trail>, peer: Peer) -> Self {
        let mut observed = Self { body, trail, peer };
        // hyper never asks a body that is empty from the start, nor that of an answer to HEAD.
        if observed.body.is_end_stream() || observed.trail.wants_head_only() {
            observed.end(Outcome::Complete);
        }
        observed
    }

    fn end(&mut self, outcome: Outcome) {
        self.peer.rests();
        self.trail.finish(outcome);
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                this.trail.sent(frame.data_ref().map_or(0, Bytes::len));
                if this.body.is_end_stream() {
                    this.end(Outcome::Complete);
                }
            }
            Some(Err(_)) => this.end(Outcome::UpstreamBroke),
            None => this.end(Outcome::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
