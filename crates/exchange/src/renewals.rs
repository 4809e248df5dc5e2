use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::{Key, KeyHasher};

/// The keys whose tokens are being renewed in the background: one renewal at a time for each.
///
/// Locked only by requests that come with a renewed JWT, and never across an `.await`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renewals(Arc<Mutex<HashSet<Key, KeyHasher>>>);

/// A renewal that goes on until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    key: Key,
    all: Renewals,
}

// === impl Renewals ===

impl Renewals {
    /// `None` where one is going on.
    pub(crate) fn begin(&self, key: Key) -> Option<Turn> {
        let begun = self.keys().insert(key);
        begun.then(|| Turn {
            key,
            all: self.clone(),
        })
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<Key, KeyHasher>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.keys().remove(&self.key);
    }
}
