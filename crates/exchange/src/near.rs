use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use identity::UnixTime;

use crate::cache::{Cache, Found, Version};
use crate::key::{Key, KeyParts};
use crate::slot::{Ask, Slot, Verdict};

/// One worker's way to the cache, with copies of its own of what it finds there again and again.
///
/// Cores that read one slot at once wait for each other: for its lock, and for the count of those who hold its token. Where most
/// requests are those of one service, that is for every request. A copy is counted by one worker alone.
///
/// Nothing is decided here. A copy is judged as the slot is, and it serves only while that has not been changed.
pub(crate) struct Near {
    cache: Cache,
    places: Mutex<Box<[Option<Place>; PLACES]>>,
}

/// Who was here last, and a copy for who came twice: many come once.
struct Place {
    whose: KeyParts,
    copied: Option<Copied>,
}

struct Copied {
    slot: Slot,
    version: Version,
    /// How often it may be used yet.
    left: u8,
}

// === impl Near ===

impl Near {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            places: Mutex::new(Box::new([const { None }; PLACES])),
        }
    }

    /// What holds for `ask` at `now`.
    pub(crate) fn peek(&self, parts: &KeyParts, ask: &Ask<'_>, now: UnixTime) -> Verdict {
        let slot = self.slot(parts);
        slot.map_or(Verdict::Exchange, |slot| slot.judge(ask, now))
    }

    fn slot(&self, parts: &KeyParts) -> Option<Slot> {
        let mut places = self.places();
        let place = places.get_mut(usize::from(parts.group()) % PLACES)?;
        let known = place.as_mut().filter(|place| place.whose == *parts);
        let comes_again = known.is_some();
        if let Some(slot) = known.and_then(|place| place.copied.as_mut()?.take(&self.cache)) {
            return Some(slot);
        }
        let found = self.cache.find(&Key::of(parts));
        *place = Some(Place {
            whose: *parts,
            copied: comes_again.then(|| Copied::of(&found)).flatten(),
        });
        found.slot
    }

    fn places(&self) -> MutexGuard<'_, Box<[Option<Place>; PLACES]>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Near")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

// === impl Copied ===

impl Copied {
    fn of(found: &Found) -> Option<Self> {
        Some(Self {
            slot: found.slot.as_ref()?.copied()?,
            version: found.version,
            left: USES,
        })
    }

    /// The slot, if it stands.
    fn take(&mut self, cache: &Cache) -> Option<Slot> {
        self.left = self.left.checked_sub(1)?;
        cache.stands(self.version).then(|| self.slot.clone())
    }
}

/// For as many subjects at once, each with a token of a kilobyte or two.
const PLACES: usize = 64;

/// After so many, the cache is asked again, which is how it learns what is in steady use and gives up other tokens first.
const USES: u8 = 64;

#[cfg(test)]
mod tests;
