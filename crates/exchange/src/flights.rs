use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::key::{Key, KeyHasher};
use crate::slot::Slot;

/// The exchanges that are under way: one at a time for each key, however many wait for it.
///
/// Locked only by those who find nothing good in the cache, and never across an `.await`. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<Key, Landing, KeyHasher>>>);

/// What to do for whoever needs an exchange.
pub(crate) enum Boarding {
    /// To run it, for all.
    Lead(Flight),
    /// To wait for another's.
    Wait(Landing),
}

/// The right to exchange, and to change what is held under the key. Dropped before it has landed, it lets one of those who wait
/// begin anew.
pub(crate) struct Flight {
    key: Key,
    landed: watch::Sender<Option<Slot>>,
    all: Flights,
}

/// What will have come of another's exchange.
#[derive(Clone, Debug)]
pub(crate) struct Landing(watch::Receiver<Option<Slot>>);

// === impl Flights ===

impl Flights {
    pub(crate) fn board(&self, key: Key) -> Boarding {
        let mut under_way = self.under_way();
        if let Some(landing) = under_way.get(&key) {
            return Boarding::Wait(landing.clone());
        }
        let (landed, landing) = watch::channel(None);
        under_way.insert(key, Landing(landing));
        let all = self.clone();
        Boarding::Lead(Flight { key, landed, all })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Key, Landing, KeyHasher>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Flight ===

impl Flight {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Tells all who wait what has come of it; whoever comes from now on has to find it in the cache.
    pub(crate) fn land(self, slot: Slot) {
        self.landed.send_replace(Some(slot));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.under_way().remove(&self.key);
    }
}

// === impl Landing ===

impl Landing {
    /// `None`: whoever led has gone away.
    pub(crate) async fn slot(mut self) -> Option<Slot> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}
