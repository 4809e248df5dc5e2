use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::link::Link;
use crate::drain::Tasks;

/// Idle connections of one worker to one workspace, the latest used first: what is not needed grows old and goes.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    /// Only its own worker ever locks it, and never across an `.await`; so the lock is free of waiting.
    idle: Mutex<VecDeque<Idle>>,
    idle_timeout: Duration,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    since: Instant,
}

/// A connection that serves one request at present. Dropped, it is closed; put back, it serves another.
#[derive(Debug)]
pub(super) struct Lease {
    link: Link,
    home: Pool,
}

// === impl Pool ===

impl Pool {
    pub(super) fn new(idle_timeout: Duration) -> Self {
        Self(Arc::new(Shelf {
            idle: Mutex::default(),
            idle_timeout,
        }))
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        self.0.idle_timeout
    }

    /// A connection of this pool that was just opened.
    pub(super) fn lease(&self, link: Link) -> Lease {
        Lease {
            link,
            home: self.clone(),
        }
    }

    /// The connection that was used last and still seems alive.
    pub(super) fn take(&self) -> Option<Lease> {
        let mut idle = self.idle();
        while let Some(Idle { link, since }) = idle.pop_back() {
            if since.elapsed() >= self.0.idle_timeout {
                // All others are older.
                idle.clear();
                return None;
            }
            if link.is_ready() {
                return Some(self.lease(link));
            }
        }
        None
    }

    pub(super) fn close_idle(&self) {
        let mut idle = self.idle();
        idle.retain_mut(|Idle { link, since }| since.elapsed() < self.0.idle_timeout && !link.is_closed());
    }

    fn put_back(&self, link: Link) {
        let since = Instant::now();
        self.idle().push_back(Idle { link, since });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lease ===

impl Lease {
    pub(super) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Back to its pool, for the next request, as soon as the exchange on it is over in both directions: the rest of a
    /// request may still be on its way when its answer has ended.
    pub(super) fn give_back(self, tasks: &Tasks) {
        let Self { link, home } = self;
        if link.is_ready() {
            home.put_back(link);
            return;
        }
        tasks.spawn(async move {
            if let Some(link) = link.ready().await {
                home.put_back(link);
            }
        });
    }
}
