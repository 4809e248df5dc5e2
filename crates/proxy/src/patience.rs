use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How long the other side of a stream may stand still. It begins anew with every movement, so that a stream that
/// moves may last for ever.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// Made at the first wait and kept: most streams never wait, and the others wait often.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: None,
            is_waiting: false,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The other side has moved, or nothing is expected of it. The timer is left to itself: at worst it wakes its
    /// task once for nothing.
    pub(crate) fn moved(&mut self) {
        self.is_waiting = false;
    }

    /// The other side keeps us waiting: ready once that has lasted for the limit.
    pub(crate) fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let fresh = !std::mem::replace(&mut self.is_waiting, true);
        let deadline = Instant::now() + self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if fresh {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}
