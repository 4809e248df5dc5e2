use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::{RequestBodyError, Shortfall};

/// How far a request body has come, seen from outside while it streams. Clones are one and the same.
///
/// Of a body that is over before it begins, which is that of most requests, there is nothing to be seen, and nothing is kept.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Rc<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    bytes: Cell<u64>,
    shortfall: OnceCell<Shortfall>,
}

impl Progress {
    /// Nothing has come yet.
    pub(crate) fn begun() -> Self {
        Self(Some(Rc::default()))
    }

    /// Nothing will come.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Something will come after all.
    pub(crate) fn go_on(&mut self) -> &Self {
        self.0.get_or_insert_default();
        self
    }

    pub(crate) fn add(&self, bytes: u64) {
        if let Some(seen) = &self.0 {
            seen.bytes.update(|before| before + bytes);
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        let bytes = self.0.as_ref().map(|seen| seen.bytes.get());
        bytes.unwrap_or_default()
    }

    /// Why the body did not come to its end, if it did not.
    pub(crate) fn shortfall(&self) -> Option<Shortfall> {
        self.0.as_ref()?.shortfall.get().copied()
    }

    pub(super) fn fell_short(&self, error: RequestBodyError) -> RequestBodyError {
        let shortfall = match error {
            RequestBodyError::Broke(_) => Shortfall::Broke,
            RequestBodyError::Stalled(limit) => Shortfall::Stalled(limit),
            RequestBodyError::TooLarge(most) => Shortfall::TooLarge(most),
        };
        if let Some(seen) = &self.0 {
            // The first reason is the reason.
            let _ = seen.shortfall.set(shortfall);
        }
        error
    }
}
