//! What is seen of every request: one line of the access log, and the counters. Nothing here may fail a request.

mod body;
mod record;
mod trail;

pub use record::{AccessRecord, AccessSink, Outcome};

pub(crate) use body::Observed;
pub(crate) use trail::{Observer, Traffic, Trail};
