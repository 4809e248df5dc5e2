use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How long the other side of a stream may stand still. It begins anew with every movement, so that a stream that
/// moves may last for ever.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// Of the present wait; `None` while nothing is waited for.
    deadline: Option<Instant>,
    /// Made at the first wait and kept: most streams never wait, and the others wait often.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            deadline: None,
            timer: None,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The other side has moved, or nothing is expected of it. The timer is left to itself: at worst it wakes its
    /// task once for nothing.
    pub(crate) fn moved(&mut self) {
        self.deadline = None;
    }

    /// The other side keeps us waiting: ready once that has lasted for the limit.
    ///
    /// A timer that was set for an earlier wait rings too early and never too late; it is set again then, and not with
    /// every wait.
    pub(crate) fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}
