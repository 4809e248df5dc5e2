use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::body::RequestBody;

/// Connections of one worker to one workspace that carry many requests at a time (HTTP/2): as few as will do.
#[derive(Clone, Debug)]
pub(in crate::forward) struct SharedPool(Rc<Stable>);

#[derive(Debug)]
struct Stable {
    lines: RefCell<Vec<Rc<Line>>>,
    /// Who may open another connection: one at a time, or a burst of first requests would open one each.
    turn: Semaphore,
    idle_timeout: Duration,
}

#[derive(Debug)]
struct Line {
    sender: SendRequest<RequestBody>,
    limit: StreamLimit,
    open: Cell<usize>,
    /// When the last request on it ended.
    since: Cell<Instant>,
}

/// How many streams the workspace lets us open on one connection (RFC 9113 section 5.1.2), as it said last.
#[derive(Clone, Debug)]
pub(in crate::forward) struct StreamLimit(Rc<Cell<usize>>);

/// One request's place on a shared connection, free again when it is dropped.
#[derive(Debug)]
pub(in crate::forward) struct Seat(Rc<Line>);

/// More than most servers allow; and what one connection that breaks takes along.
pub(in crate::forward) const MOST_STREAMS: u16 = 100;

// === impl SharedPool ===

impl SharedPool {
    pub(in crate::forward) fn new(idle_timeout: Duration) -> Self {
        Self(Rc::new(Stable {
            lines: RefCell::default(),
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
        let mut lines = self.0.lines.borrow_mut();
        lines.retain(|line| !line.sender.is_closed());
        lines.iter().find_map(Seat::on)
    }

    /// The first place on a connection that was just opened.
    pub(in crate::forward) fn add(&self, sender: SendRequest<RequestBody>, limit: StreamLimit) -> Seat {
        let line = Rc::new(Line {
            sender,
            limit,
            open: Cell::new(1),
            since: Cell::new(Instant::now()),
        });
        self.0.lines.borrow_mut().push(Rc::clone(&line));
        Seat(line)
    }

    pub(in crate::forward) fn close_idle(&self) {
        let idle_timeout = self.0.idle_timeout;
        let mut lines = self.0.lines.borrow_mut();
        lines.retain(|line| !line.sender.is_closed() && !line.is_idle(idle_timeout));
    }
}

// === impl Line ===

impl Line {
    fn is_idle(&self, timeout: Duration) -> bool {
        self.open.get() == 0 && self.since.get().elapsed() >= timeout
    }
}

// === impl StreamLimit ===

impl StreamLimit {
    pub(in crate::forward) fn new() -> Self {
        Self(Rc::new(Cell::new(MOST_STREAMS.into())))
    }

    pub(in crate::forward) fn set(&self, streams: usize) {
        self.0.set(streams.clamp(1, MOST_STREAMS.into()));
    }
}

// === impl Seat ===

impl Seat {
    fn on(line: &Rc<Line>) -> Option<Self> {
        if line.open.get() >= line.limit.0.get() {
            return None;
        }
        line.open.update(|open| open + 1);
        Some(Self(Rc::clone(line)))
    }

    pub(in crate::forward) fn sender(&self) -> SendRequest<RequestBody> {
        self.0.sender.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.update(|open| open - 1);
        self.0.since.set(Instant::now());
    }
}
