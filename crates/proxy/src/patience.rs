use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::moment;

/// How long the other side of a stream may stand still. It begins anew with every movement, so that a stream that
/// moves may last for ever.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// Of the present wait; `None` while nothing is waited for.
    deadline: Option<Instant>,
    /// Made at the first wait and kept: most streams never wait, and the others wait often.
    alarm: Option<Alarm>,
}

/// A timer that has been set, and the task that it wakes.
#[derive(Debug)]
struct Alarm {
    timer: Pin<Box<Sleep>>,
    /// `None` until somebody waits for it.
    task: Option<Waker>,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            deadline: None,
            alarm: None,
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
        let deadline = *self.deadline.get_or_insert_with(|| moment::now() + limit);
        let alarm = self.alarm.get_or_insert_with(|| Alarm::at(deadline));
        loop {
            ready!(alarm.poll(cx));
            if alarm.timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            alarm.timer.as_mut().reset(deadline);
        }
    }
}

// === impl Alarm ===

impl Alarm {
    fn at(deadline: Instant) -> Self {
        Self {
            timer: Box::pin(sleep_until(deadline)),
            task: None,
        }
    }

    /// A connection that waits is asked several times for each request, and nearly always nothing has changed since it was last
    /// asked. The timer, which it costs several atomic operations to ask, need not hear of it then.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_known = self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker()));
        if is_known && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        // Unconstrained: a task whose other side always has more to say uses up its turn before it comes here, and a
        // timer of tokio's is silent to whoever has.
        let polled = pin!(unconstrained(self.timer.as_mut())).poll(cx);
        self.task = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::task::coop;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_exhausted_for_a_task_that_has_used_up_its_turn_as_well() {
        let mut patience = Patience::new(Duration::from_secs(1));
        poll_fn(|cx| {
            assert!(patience.poll_exhausted(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        advance(Duration::from_secs(2)).await;
        poll_fn(|cx| {
            while let Poll::Ready(turn) = coop::poll_proceed(cx) {
                turn.made_progress();
            }
            assert!(patience.poll_exhausted(cx).is_ready());
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_begins_anew_with_every_movement_and_wakes_whoever_waits_by_then() {
        let mut patience = Patience::new(Duration::from_secs(60));
        let elsewhere = &mut Context::from_waker(Waker::noop());
        let began = Instant::now();
        assert!(patience.poll_exhausted(elsewhere).is_pending());
        advance(Duration::from_secs(40)).await;
        patience.moved();
        assert!(patience.poll_exhausted(elsewhere).is_pending());
        advance(Duration::from_secs(40)).await;
        assert!(patience.poll_exhausted(elsewhere).is_pending());
        poll_fn(|cx| patience.poll_exhausted(cx)).await;
        assert_eq!(began.elapsed().as_secs(), 100);
        assert!(patience.poll_exhausted(elsewhere).is_ready());
    }
}
