use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The wish to end, told once to all who serve: listeners stop, idle connections close, busy ones finish first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    /// Looked at with every answer, hence no lock.
    leads_away: AtomicBool,
    /// When what is still in flight is cut; there is none before the drain has started.
    deadline: OnceLock<Instant>,
    started: CancellationToken,
}

/// The tasks of one worker, owned, on its thread: none outlives the worker unseen. hyper's own, one for each stream of HTTP/2, are among
/// them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(TaskTracker);

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Everything in flight was finished.
    Completely,
    /// The time was up with this many connections and streams left; they were cut.
    Cut(usize),
}

// === impl Drain ===

impl Drain {
    /// From now on, clients are told with every answer not to use its connection again. All are served as before.
    pub(crate) fn lead_away(&self) {
        self.0.leads_away.store(true, Relaxed);
    }

    /// Starts it; what is in flight has `patience` to finish. Later calls do nothing.
    pub(crate) fn start(&self, patience: Duration) {
        self.lead_away();
        self.0.deadline.get_or_init(|| Instant::now() + patience);
        self.0.started.cancel();
    }

    pub(crate) fn leads_away(&self) -> bool {
        self.0.leads_away.load(Relaxed)
    }

    pub(crate) fn has_started(&self) -> bool {
        self.0.deadline.get().is_some()
    }

    /// Resolves when it has been started.
    pub(crate) async fn started(&self) {
        self.0.started.cancelled().await;
    }

    /// Does `work`, which looks by itself whether this has been started, and is asked anew when it is.
    ///
    /// Who waits to be told stands in one list for all workers, behind a lock. So a place there is taken once, and not looked
    /// after whenever `work` goes on, which a connection does several times for each request.
    pub(crate) async fn rouses<F: Future>(&self, mut work: Pin<&mut F>) -> F::Output {
        let mut start = pin!(self.0.started.cancelled());
        let mut told: Option<Waker> = None;
        poll_fn(|cx| {
            if !told.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                // Ready or not, `work` is asked below.
                let _ = start.as_mut().poll(cx);
                told = Some(cx.waker().clone());
            }
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Resolves when it has been started and, seen from here, has lasted for this time, or its own is up.
    pub(crate) async fn started_for(&self, time: Duration) {
        self.started().await;
        sleep_until(self.deadline().min(Instant::now() + time)).await;
    }

    /// Resolves when it has been started and its time is up.
    pub(crate) async fn over(&self) {
        self.started().await;
        sleep_until(self.deadline()).await;
    }

    fn deadline(&self) -> Instant {
        self.0.deadline.get().copied().unwrap_or_else(Instant::now)
    }
}

// === impl Tasks ===

impl Tasks {
    pub(crate) fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        self.0.spawn_local(task)
    }

    /// Waits until all have ended, or the time of `drain` is up.
    pub(crate) async fn ended(&self, drain: &Drain) -> Drained {
        self.0.close();
        match timeout_at(drain.deadline(), self.0.wait()).await {
            Ok(()) => Drained::Completely,
            Err(_) => Drained::Cut(self.0.len()),
        }
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

// === impl Drained ===

impl Drained {
    /// The same for two workers together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Completely, Self::Completely) => Self::Completely,
            (Self::Cut(one), Self::Cut(two)) => Self::Cut(one + two),
            (Self::Cut(one), _) | (_, Self::Cut(one)) => Self::Cut(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_asked_anew_when_a_drain_starts_whichever_task_it_belongs_to_by_then() {
        let drain = Drain::default();
        let mut work = pin!(poll_fn(|_| if drain.has_started() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }));
        let mut roused = pin!(drain.rouses(work.as_mut()));
        let elsewhere = &mut Context::from_waker(Waker::noop());
        assert!(roused.as_mut().poll(elsewhere).is_pending());
        let ended = async { tokio::join!(roused, async { drain.start(Duration::ZERO) }) };
        tokio::time::timeout(Duration::from_secs(5), ended)
            .await
            .expect("it was not asked");
    }
}
