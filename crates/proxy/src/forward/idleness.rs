use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::body::Progress;
use crate::patience::Patience;

/// Watches an exchange in which the workspace has the next word.
#[derive(Debug)]
pub(super) struct Idleness {
    patience: Patience,
    /// The request's body, which may still be on its way: a workspace that waits for it owes nothing.
    request: Progress,
    seen: u64,
}

impl Idleness {
    pub(super) fn new(patience: Patience, request: Progress) -> Self {
        Self {
            patience,
            seen: request.bytes(),
            request,
        }
    }

    /// The workspace has said something.
    pub(super) fn moved(&mut self) {
        self.patience.moved();
    }

    /// Ready, with the limit, once nothing has moved for that long, in either direction. An upload may last for hours.
    pub(super) fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        loop {
            ready!(self.patience.poll_exhausted(cx));
            let now = self.request.bytes();
            if std::mem::replace(&mut self.seen, now) == now {
                return Poll::Ready(self.patience.limit());
            }
            // Once more, from now on.
            self.patience.moved();
        }
    }

    pub(super) fn into_patience(self) -> Patience {
        self.patience
    }
}
