use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How many streams of one connection are open.
#[derive(Clone, Debug)]
pub(super) struct Streams(watch::Sender<usize>);

/// An open stream; the last clone that is dropped closes it.
#[derive(Clone, Debug)]
pub(in crate::accept::connection) struct Stream {
    _place: Arc<Place>,
}

#[derive(Debug)]
struct Place(Streams);

// === impl Streams ===

impl Streams {
    pub(super) fn open(&self) -> Stream {
        self.0.send_modify(|open| *open += 1);
        Stream {
            _place: Arc::new(Place(self.clone())),
        }
    }

    /// Resolves when no stream has been open for so long.
    pub(super) async fn none_for(&self, patience: Duration) {
        let mut open = self.0.subscribe();
        loop {
            // The sender is in our own hands: it is never gone.
            let _ = open.wait_for(|&open| open == 0).await;
            if timeout(patience, open.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}
