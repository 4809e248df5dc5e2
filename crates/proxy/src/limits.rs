//! What is refused at the edge, before anything is asked about a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, header};

use crate::Failure;
use crate::settings::Settings;

/// The places of requests in flight, all workers together.
///
/// A counter and no semaphore: a request that finds no place is refused, so that none ever waits, for a place or for a lock.
#[derive(Debug, Default)]
pub(crate) struct Places(Arc<Taken>);

/// How many are taken: one number for all workers, and a handle to it for each.
#[derive(Debug, Default)]
struct Taken(Arc<AtomicUsize>);

/// The place of one request, given back when it is dropped: at the end of the answer, or when the client has left.
#[derive(Debug)]
pub(crate) struct Place(Arc<Taken>);

// === impl Places ===

impl Places {
    /// The same for one more worker. How many requests hold it is counted on that worker's core alone: cores that count at one
    /// place wait for each other, and that they do for the number itself.
    pub(crate) fn for_one_worker(&self) -> Self {
        Self(Arc::new(Taken(Arc::clone(&self.0.0))))
    }

    /// One of `most`.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn take(&self, most: usize) -> Result<Place, Failure> {
        let before = self.0.0.fetch_add(1, Ordering::Relaxed);
        // Gives back what was taken too much, if it is dropped below.
        let place = Place(Arc::clone(&self.0));
        if before < most {
            Ok(place)
        } else {
            Err(Failure::Overloaded)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
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
        let (one, other) = (places.for_one_worker(), places.for_one_worker());
        let place = one.take(1).unwrap();
        assert!(matches!(other.take(1), Err(Failure::Overloaded)));
        drop(place);
        drop(other.take(1).unwrap());
        assert!(one.take(1).is_ok());
    }
}
