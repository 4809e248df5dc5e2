use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::rt::Executor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The wish to end, told once to all who serve: listeners stop, idle connections close, busy ones finish first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    wish: CancellationToken,
    patience: Arc<OnceLock<Duration>>,
}

/// The tasks of one worker, owned: none outlives the worker unseen. hyper's own, one for each stream of HTTP/2, are among
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
    /// Starts it; what is in flight has `patience` to finish. Later calls do nothing.
    pub(crate) fn start(&self, patience: Duration) {
        self.patience.get_or_init(|| patience);
        self.wish.cancel();
    }

    /// Resolves when it has been started.
    pub(crate) async fn started(&self) {
        self.wish.cancelled().await;
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience.get().copied().unwrap_or_default()
    }
}

// === impl Tasks ===

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits until all have ended, `patience` at most.
    pub(crate) async fn ended(&self, patience: Duration) -> Drained {
        self.0.close();
        match tokio::time::timeout(patience, self.0.wait()).await {
            Ok(()) => Drained::Completely,
            Err(_) => Drained::Cut(self.0.len()),
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
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
