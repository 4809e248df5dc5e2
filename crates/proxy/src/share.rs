//! A fair share of requests for each subject. Whom nobody has verified takes nothing of anybody's, and is not remembered.

use std::hash::Hash;
use std::num::NonZeroU32;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use identity::{Identity, SubjectDigest};

use crate::Failure;
use crate::route::Workspace;

/// How much one subject may ask of one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Requests in a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a rest.
    pub burst: NonZeroU32,
}

/// What everybody has left of their [`Share`], all workers together: spreading requests over connections gains nothing.
#[derive(Debug)]
pub(crate) struct Shares<K = Claimant, C = MonotonicClock>
where
    K: Clone + Eq + Hash,
    C: Clock,
{
    share: Share,
    rates: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
}

/// A subject at a workspace: what it asks of one takes nothing of its share of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claimant {
    workspace: usize,
    subject: SubjectDigest,
}

// === impl Shares ===

impl Shares {
    pub(crate) fn new(share: Share) -> Self {
        Self::timed_by(MonotonicClock, share)
    }

    /// One request. An [`Identity`] is proof of a verification, so that no forgery uses up a share, or makes the table grow.
    ///
    /// # Errors
    /// When the share is used up. What is refused takes nothing of it.
    pub(crate) fn take(&self, identity: &Identity, workspace: &Workspace) -> Result<(), Failure> {
        self.take_for(&Claimant {
            workspace: workspace.index,
            subject: identity.digest(),
        })
    }
}

impl<K, C> Shares<K, C>
where
    K: Clone + Eq + Hash,
    C: Clock,
{
    fn timed_by(clock: C, share: Share) -> Self {
        let quota = Quota::per_second(share.per_second).allow_burst(share.burst);
        Self {
            share,
            rates: RateLimiter::dashmap_with_clock(quota, clock),
        }
    }

    fn take_for(&self, claimant: &K) -> Result<(), Failure> {
        let taken = self.rates.check_key(claimant);
        taken.map_err(|_| Failure::SubjectLimit(self.share.per_second))
    }

    /// Forgets who has the whole of a share again: there is no difference between them and a newcomer.
    pub(crate) fn sweep(&self) {
        self.rates.retain_recent();
        self.rates.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests;
