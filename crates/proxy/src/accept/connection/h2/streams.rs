use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How many streams of one connection are open, and since when none is.
///
/// Who waits for there to be none looks now and then, rather than be woken by each stream that comes and goes.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Count>);

/// An open stream; the last clone that is dropped closes it.
#[derive(Clone, Debug)]
pub(in crate::accept::connection) struct Stream {
    _place: Arc<Place>,
}

#[derive(Debug)]
struct Count {
    beginning: Instant,
    open: AtomicUsize,
    /// When the last one was closed, in milliseconds since the beginning.
    emptied: AtomicU64,
}

#[derive(Debug)]
struct Place(Streams);

// === impl Streams ===

impl Streams {
    pub(super) fn open(&self) -> Stream {
        self.0.open.fetch_add(1, Relaxed);
        Stream {
            _place: Arc::new(Place(self.clone())),
        }
    }

    /// Resolves when no stream has been open for so long.
    pub(super) async fn none_for(&self, patience: Duration) {
        let mut from = Instant::now();
        loop {
            sleep_until(from + patience).await;
            let now = Instant::now();
            // One that is open will have been closed for so long after as long again, at the earliest.
            let empty_from = self.0.empty_from().unwrap_or(now).max(from);
            if empty_from + patience <= now {
                return;
            }
            from = empty_from;
        }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Count {
            beginning: Instant::now(),
            open: AtomicUsize::new(0),
            emptied: AtomicU64::new(0),
        }))
    }
}

// === impl Count ===

impl Count {
    /// `None` while one is open.
    fn empty_from(&self) -> Option<Instant> {
        let emptied = Duration::from_millis(self.emptied.load(Relaxed));
        (self.open.load(Relaxed) == 0).then(|| self.beginning + emptied)
    }

    fn close_one(&self) {
        if self.open.fetch_sub(1, Relaxed) == 1 {
            let emptied = self.beginning.elapsed().as_millis();
            self.emptied
                .store(u64::try_from(emptied).unwrap_or(u64::MAX), Relaxed);
        }
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.close_one();
    }
}

#[cfg(test)]
mod tests;
