//! What is refused at the edge, before anything is asked about a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, header};

use crate::Failure;
use crate::settings::Settings;

/// The places of requests in flight, all workers together. Clones are one and the same.
///
/// A counter and no semaphore: a request that finds no place is refused, so that none ever waits, for a place or for a lock. Whoever
/// takes one gives it back, once: a request's [`Trail`](crate::observe::Trail), which is over when that is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<AtomicUsize>);

// === impl Places ===

impl Places {
    /// One of `most`.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn take(&self, most: usize) -> Result<(), Failure> {
        if self.0.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(());
        }
        self.give_back();
        Err(Failure::Overloaded)
    }

    /// One that was taken.
    pub(crate) fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a request says of its own size. hyper bounds the head as a whole, and `head` its fields.
///
/// # Errors
/// For the first limit that it exceeds.
pub(crate) fn check<B>(request: &Request<B>, settings: &Settings) -> Result<(), Failure> {
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > settings.max_target_size) {
        return Err(Failure::TargetTooLong(settings.max_target_size));
    }
    let Some(most) = settings.max_body_size else {
        return Ok(());
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    match length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()) {
        Some(length) if length > most => Err(Failure::BodyTooLarge(most)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_place_is_the_last_for_every_worker() {
        let places = Places::default();
        let (one, other) = (places.clone(), places);
        one.take(1).unwrap();
        for _ in 0..2 {
            assert!(matches!(other.take(1), Err(Failure::Overloaded)));
        }
        one.give_back();
        other.take(1).unwrap();
        assert!(one.take(1).is_err());
    }
}
