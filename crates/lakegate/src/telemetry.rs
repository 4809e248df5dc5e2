//! What the gateway says about itself: events, and one line for each request, all on standard output.
//!
//! Both go through one queue to one thread, so that a full pipe or a slow disk never stalls a
//! request: when the queue is full, lines are dropped and counted.

mod access;
mod notes;
mod queue;
mod subject;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, fmt};

pub use access::AccessLog;

use crate::config::{Log, LogFormat};
use queue::{Queue, Scribe};

/// Logging, for as long as this lives; what is queued is written when it is dropped. `main` keeps it.
#[must_use = "logging ends when this is dropped"]
#[derive(Debug)]
pub struct Telemetry {
    access: AccessLog,
    _scribe: Scribe,
}

// === impl Telemetry ===

impl Telemetry {
    /// Sends every event of this process to standard output from now on.
    ///
    /// In a process that does so already, events stay where they are, and only the access log is new.
    pub fn start(config: &Log) -> Self {
        let (queue, scribe) = Queue::before(stdout());
        let subscriber = Registry::default().with(layer(config, queue.clone()));
        // The error means that there is a subscriber already: a test's, or an embedder's.
        let _ = tracing::subscriber::set_global_default(subscriber);
        Self {
            access: AccessLog::new(config, queue),
            _scribe: scribe,
        }
    }

    /// The access log.
    pub fn access(&self) -> AccessLog {
        self.access.clone()
    }
}

/// Without the standard library's buffer, which parts what it is given at the last end of a line.
fn stdout() -> Box<dyn Write + Send> {
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(File::from(own)),
        // Nothing is wrong with it but that.
        Err(_) => Box::new(io::stdout()),
    }
}

/// Events in the configured form. No colours: what clients send must not reach a terminal as control sequences.
fn layer(config: &Log, writer: Queue) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let filter = config.level.clone();
    match config.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => {
            let json = lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            json.with_filter(filter).boxed()
        }
    }
}

#[cfg(test)]
mod tests;
