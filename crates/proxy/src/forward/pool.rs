use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::body::RequestBody;

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
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection that serves one request at present. Dropped, it is closed; put back, it serves another.
#[derive(Debug)]
pub(super) struct Lease {
    sender: SendRequest<RequestBody>,
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

    /// A connection of this pool that was just opened.
    pub(super) fn lease(&self, sender: SendRequest<RequestBody>) -> Lease {
        Lease {
            sender,
            home: self.clone(),
        }
    }

    /// The connection that was used last and still seems alive.
    pub(super) fn take(&self) -> Option<Lease> {
        let mut idle = self.idle();
        while let Some(Idle { sender, since }) = idle.pop_back() {
            if since.elapsed() >= self.0.idle_timeout {
                // All others are older.
                idle.clear();
                return None;
            }
            if sender.is_ready() {
                return Some(self.lease(sender));
            }
        }
        None
    }

    pub(super) fn close_idle(&self) {
        let mut idle = self.idle();
        idle.retain(|Idle { sender, since }| !sender.is_closed() && since.elapsed() < self.0.idle_timeout);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lease ===

impl Lease {
    pub(super) fn sender(&mut self) -> &mut SendRequest<RequestBody> {
        &mut self.sender
    }

    /// Whether the exchange on this connection is over in both directions.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until it is: the rest of a request may still be on its way when its answer has ended.
    pub(super) async fn ready(mut self) -> Option<Self> {
        self.sender.ready().await.ok().map(|()| self)
    }

    /// Back to its pool, for the next request.
    pub(super) fn put_back(self) {
        let idle = Idle {
            sender: self.sender,
            since: Instant::now(),
        };
        self.home.idle().push_back(idle);
    }
}
