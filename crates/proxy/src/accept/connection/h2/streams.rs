use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::moment;

/// How many streams of one connection are open, and since when none is.
///
/// Who waits for there to be none looks now and then, rather than be woken by each stream that comes and goes.
#[derive(Clone, Debug)]
pub(super) struct Streams(Rc<Count>);

/// An open stream; the last clone that is dropped closes it.
#[derive(Clone, Debug)]
pub(in crate::accept::connection) struct Stream {
    _place: Rc<Place>,
}

#[derive(Debug)]
struct Count {
    open: Cell<usize>,
    /// When the last one was closed.
    emptied: Cell<Instant>,
}

#[derive(Debug)]
struct Place(Streams);

// === impl Streams ===

impl Streams {
    pub(super) fn open(&self) -> Stream {
        self.0.open.update(|open| open + 1);
        Stream {
            _place: Rc::new(Place(self.clone())),
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
        Self(Rc::new(Count {
            open: Cell::new(0),
            emptied: Cell::new(Instant::now()),
        }))
    }
}

// === impl Count ===

impl Count {
    /// `None` while one is open.
    fn empty_from(&self) -> Option<Instant> {
        (self.open.get() == 0).then(|| self.emptied.get())
    }

    fn close_one(&self) {
        self.open.update(|open| open - 1);
        self.emptied.set(moment::now());
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
