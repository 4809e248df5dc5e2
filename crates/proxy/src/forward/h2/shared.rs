use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::body::RequestBody;

/// Connections of one worker to one workspace that carry many requests at a time (HTTP/2): as few as will do.
#[derive(Clone, Debug)]
pub(in crate::forward) struct SharedPool(Arc<Stable>);

#[derive(Debug)]
struct Stable {
    /// Only its own worker ever locks it, and never across an `.await`; so the lock is free of waiting.
    lines: Mutex<Vec<Arc<Line>>>,
    /// Who may open another connection: one at a time, or a burst of first requests would open one each.
    turn: Semaphore,
    idle_timeout: Duration,
}

#[derive(Debug)]
struct Line {
    sender: SendRequest<RequestBody>,
    limit: StreamLimit,
    open: AtomicUsize,
    /// When the last request on it ended.
    since: Mutex<Instant>,
}

/// How many streams the workspace lets us open on one connection (RFC 9113 section 5.1.2), as it said last.
#[derive(Clone, Debug)]
pub(in crate::forward) struct StreamLimit(Arc<AtomicUsize>);

/// One request's place on a shared connection, free again when it is dropped.
#[derive(Debug)]
pub(in crate::forward) struct Seat(Arc<Line>);

/// More than most servers allow; and what one connection that breaks takes along.
pub(in crate::forward) const MOST_STREAMS: u16 = 100;

// === impl SharedPool ===

impl SharedPool {
    pub(in crate::forward) fn new(idle_timeout: Duration) -> Self {
        Self(Arc::new(Stable {
            lines: Mutex::default(),
            turn: Semaphore::new(1),
            idle_timeout,
        }))
    }

    /// Resolves when nobody else is opening a connection; there may then be one.
    pub(in crate::forward) async fn turn(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.0.turn.acquire().await.ok()
    }

    /// A place on a connection that is there.
    pub(in crate::forward) fn take(&self) -> Option<Seat> {
        let mut lines = self.lines();
        lines.retain(|line| !line.sender.is_closed());
        lines.iter().find_map(Seat::on)
    }

    /// The first place on a connection that was just opened.
    pub(in crate::forward) fn add(&self, sender: SendRequest<RequestBody>, limit: StreamLimit) -> Seat {
        let line = Arc::new(Line {
            sender,
            limit,
            open: AtomicUsize::new(1),
            since: Mutex::new(Instant::now()),
        });
        self.lines().push(Arc::clone(&line));
        Seat(line)
    }

    pub(in crate::forward) fn close_idle(&self) {
        let idle_timeout = self.0.idle_timeout;
        self.lines()
            .retain(|line| !line.sender.is_closed() && !line.is_idle(idle_timeout));
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Line ===

impl Line {
    fn is_idle(&self, timeout: Duration) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.open.load(Relaxed) == 0 && since.elapsed() >= timeout
    }
}

// === impl StreamLimit ===

impl StreamLimit {
    pub(in crate::forward) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(MOST_STREAMS.into())))
    }

    pub(in crate::forward) fn set(&self, streams: usize) {
        self.0.store(streams.clamp(1, MOST_STREAMS.into()), Relaxed);
    }
}

// === impl Seat ===

impl Seat {
    fn on(line: &Arc<Line>) -> Option<Self> {
        if line.open.load(Relaxed) >= line.limit.0.load(Relaxed) {
            return None;
        }
        line.open.fetch_add(1, Relaxed);
        Some(Self(Arc::clone(line)))
    }

    pub(in crate::forward) fn sender(&self) -> SendRequest<RequestBody> {
        self.0.sender.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}
