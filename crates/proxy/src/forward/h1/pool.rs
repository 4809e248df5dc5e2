use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::link::Link;
use crate::moment;

/// Idle connections of one worker to one workspace, the latest used first: what is not needed grows old and goes.
#[derive(Clone, Debug)]
pub(in crate::forward) struct Pool(Rc<Shelf>);

#[derive(Debug)]
struct Shelf {
    idle: RefCell<VecDeque<Idle>>,
    idle_timeout: Duration,
}

#[derive(Debug)]
struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// A connection that serves one request at present. Dropped, it is closed; put back, it serves another.
///
/// It stays where it is for as long as it lives: what it has would else be moved with each answer, from one hand to the next.
#[derive(Debug)]
pub(in crate::forward) struct Lease {
    link: Box<Link>,
    home: Pool,
}

// === impl Pool ===

impl Pool {
    pub(in crate::forward) fn new(idle_timeout: Duration) -> Self {
        Self(Rc::new(Shelf {
            idle: RefCell::default(),
            idle_timeout,
        }))
    }

    pub(in crate::forward) fn idle_timeout(&self) -> Duration {
        self.0.idle_timeout
    }

    /// A connection of this pool that was just opened.
    pub(in crate::forward) fn lease(&self, link: Box<Link>) -> Lease {
        Lease {
            link,
            home: self.clone(),
        }
    }

    /// The connection that was used last.
    pub(in crate::forward) fn take(&self) -> Option<Lease> {
        let mut idle = self.0.idle.borrow_mut();
        let Idle { link, since } = idle.pop_back()?;
        if moment::now().saturating_duration_since(since) >= self.0.idle_timeout {
            // All others are older.
            idle.clear();
            return None;
        }
        Some(self.lease(link))
    }

    pub(in crate::forward) fn close_idle(&self) {
        let mut idle = self.0.idle.borrow_mut();
        idle.retain_mut(|Idle { link, since }| since.elapsed() < self.0.idle_timeout && !link.is_closed());
    }

    fn put_back(&self, link: Box<Link>) {
        let since = moment::now();
        self.0.idle.borrow_mut().push_back(Idle { link, since });
    }
}

// === impl Lease ===

impl Lease {
    pub(in crate::forward) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    pub(in crate::forward) fn into_link(self) -> Link {
        *self.link
    }

    /// Back to its pool, for the next request; unless something has come that nobody asked for, and which would be read as
    /// the answer to that.
    pub(in crate::forward) fn give_back(self) {
        let Self { mut link, home } = self;
        if link.unread.bytes.is_empty() {
            link.unread.rest();
            home.put_back(link);
        }
    }
}
