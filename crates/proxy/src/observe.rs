//! What is seen of every request: one line of the access log, and the counters. Nothing here may fail a request.

mod body;
mod record;
mod refusal;
mod trail;

pub use record::{AccessRecord, AccessSink, Outcome};
pub use refusal::RefusalRecord;

pub(crate) use body::Observed;
pub(crate) use refusal::Unread;
pub(crate) use trail::{Observer, Traffic, Trail};
