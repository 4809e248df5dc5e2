//! What is refused at the edge, before anything is asked about a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, header};

use crate::Failure;
use crate::settings::Settings;

/// The places of requests in flight, all workers together. Cheap to clone.
///
/// A counter and no semaphore: a request that finds no place is refused, so that none ever waits, for a place or for a lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<AtomicUsize>);

/// The place of one request, given back when it is dropped: at the end of the answer, or when the client has left.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

// === impl Places ===

impl Places {
    /// One of `most`.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn take(&self, most: usize) -> Result<Place, Failure> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
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
