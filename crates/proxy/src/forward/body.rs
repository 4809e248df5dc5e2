use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Lease;
use crate::drain::Tasks;

/// A workspace's response body, and the connection that it comes from: at its end the connection goes back to its
/// pool; dropped before, the connection is closed, which tells the workspace that nobody listens any more.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    lease: Option<(Lease, Tasks)>,
}

impl UpstreamBody {
    /// The end of HTTP on its connection, which never goes back: dropped, it closes the connection unless somebody has
    /// taken that over.
    pub(super) fn switched(incoming: Incoming, lease: Lease, tasks: &Tasks) -> Self {
        Self {
            incoming,
            lease: Some((lease, tasks.clone())),
        }
    }

    pub(super) fn new(incoming: Incoming, lease: Lease, tasks: &Tasks) -> Self {
        let mut body = Self::switched(incoming, lease, tasks);
        if body.incoming.is_end_stream() {
            body.release();
        }
        body
    }

    fn release(&mut self) {
        let Some((lease, tasks)) = self.lease.take() else {
            return;
        };
        if lease.is_ready() {
            lease.put_back();
            return;
        }
        tasks.spawn(async move {
            if let Some(lease) = lease.ready().await {
                lease.put_back();
            }
        });
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        match &frame {
            Some(Err(_)) => self.lease = None,
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
