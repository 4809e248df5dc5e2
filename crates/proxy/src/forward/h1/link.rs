use std::fmt;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::fault::Fault;
use super::response::{Head, take_head};
use super::unread::Unread;
use super::wire::Wire;
use crate::patience::Patience;
use crate::reread::Reread;

/// An HTTP/1.1 connection to a workspace, driven by whoever uses it: a request, its answer, and the connection that
/// carries both are one task, so that a byte from the workspace wakes that one and no other.
///
/// Between two requests nobody drives it. What has happened to it meanwhile is the first thing that the next request
/// finds out, before a byte of that is written.
pub(in crate::forward) struct Link {
    pub(super) wire: Wire,
    pub(super) unread: Unread,
    /// Kept from one answer to the next, as is its timer.
    patience: Option<Patience>,
}

impl Link {
    pub(in crate::forward) fn new(wire: Wire) -> Self {
        Self {
            wire,
            unread: Unread::new(),
            patience: None,
        }
    }

    /// Whether it may be used, as far as can be known without waiting: it is open, and nothing has come that nobody asked for.
    pub(super) fn is_quiet(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_more(cx).is_pending()
    }

    /// The same, where nobody wants to be woken.
    pub(super) fn is_closed(&mut self) -> bool {
        !self.is_quiet(&mut Context::from_waker(Waker::noop()))
    }

    /// The next head. An end is [`Fault::Silent`] if nothing of one had come.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        loop {
            if let Some(head) = take_head(&mut self.unread.bytes)? {
                return Poll::Ready(Ok(head));
            }
            match self.poll_more(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(ended) => return Poll::Ready(Err(self.ended(ended))),
            }
        }
    }

    pub(super) fn into_tunnel(self) -> Tunnel {
        Reread::new(self.unread.bytes.freeze(), self.wire)
    }

    /// With a head, which is no end in any order.
    fn ended(&self, end: io::Result<usize>) -> Fault {
        let error = end.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
        if self.unread.bytes.is_empty() {
            Fault::Silent(error)
        } else {
            Fault::BrokeOff(error)
        }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.unread.poll_more(&mut self.wire, usize::MAX, cx)
    }

    pub(super) fn take_patience(&mut self, limit: Duration) -> Patience {
        let kept = self.patience.take().filter(|patience| patience.limit() == limit);
        kept.unwrap_or_else(|| Patience::new(limit))
    }

    pub(super) fn keep_patience(&mut self, mut patience: Patience) {
        patience.moved();
        self.patience = Some(patience);
    }
}

/// A connection that has left HTTP.
pub(crate) type Tunnel = Reread<Wire>;

/// What has come is somebody's.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
