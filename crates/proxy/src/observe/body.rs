use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{Outcome, Trail};
use crate::Body;
use crate::accept::Peer;
use crate::body::{BodyError, Pieces};

/// A response body that is watched to its end.
#[derive(Default)]
pub(crate) struct Observed {
    body: Pieces,
    /// Until the end.
    watched: Option<(Box<Trail>, Peer)>,
}

// === impl Observed ===

impl Observed {
    /// What follows an answer's head: its body, or a tunnel, which the connection then turns to.
    pub(crate) fn new(body: Body, trail: Box<Trail>, peer: Peer, tunnel_patience: Option<Duration>) -> Self {
        let body = match body.into_switch() {
            Err(body) => body,
            Ok(switch) => {
                peer.leaves_http(move |client| switch.tunnel(client, trail, tunnel_patience));
                return Self::default();
            }
        };
        let head_only = trail.wants_head_only();
        let mut observed = Self {
            body: Pieces::new(body, peer.takes_at_most()),
            watched: Some((trail, peer)),
        };
        // hyper never asks a body that is empty from the start, nor that of an answer to HEAD.
        if observed.body.is_end_stream() || head_only {
            observed.end(Outcome::Complete);
        }
        observed
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some((mut trail, peer)) = self.watched.take() {
            peer.rests();
            trail.finish(outcome);
        }
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
        if let Some((_, peer)) = &this.watched {
            peer.asks();
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some((trail, peer)) = &mut this.watched {
                    peer.is_given();
                    trail.sent(frame.data_ref().map_or(0, Bytes::len));
                }
                // Behind trailers there is nothing, and nobody asks again.
                if frame.is_trailers() || this.body.is_end_stream() {
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
