//! One line for each request.

pub(super) mod callers;
mod decimal;
mod line;
mod note;
mod object;
mod refused;
mod stamp;
mod text;

use std::cell::RefCell;
use std::sync::Arc;

use proxy::{AccessRecord, AccessSink, RefusalRecord};
use tokio::time::Instant;
use tracing::Level;

use super::notes::What;
use super::queue::Queue;
use super::subject::Naming;
use crate::config::{Log, LogFormat};
use callers::Callers;
pub(super) use note::Note;
pub(super) use refused::Refused;
pub(super) use stamp::Stamp;

/// Writes one line for each request, without waiting. Cheap to clone.
///
/// It is silent unless the log's level lets `info` of the target `access` through.
#[derive(Clone, Debug)]
pub struct AccessLog {
    queue: Queue,
    format: LogFormat,
    callers: Arc<Callers>,
    enabled: bool,
}

thread_local! {
    /// What a worker puts a note's texts together in, one after the other: not where others would wait for it.
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What the level directives call it: `info,access=off`.
const TARGET: &str = "access";

/// That of every line.
const LEVEL: &str = "INFO";

// === impl AccessLog ===

impl AccessLog {
    pub(super) fn new(config: &Log, queue: Queue) -> Self {
        Self {
            queue,
            format: config.format,
            callers: Arc::new(Callers::new(Naming::new(&config.subjects), config.format)),
            enabled: config.level.would_enable(TARGET, &Level::INFO),
        }
    }
}

impl AccessSink for AccessLog {
    /// A line that finds no room is counted by the queue, which also counts the events that are lost.
    fn record(&self, record: &AccessRecord<'_>) {
        if self.enabled {
            TEXT.with_borrow_mut(|text| {
                text.clear();
                let note = Note::of(record, &self.callers, self.format, text);
                self.queue.add(What::Request(note), text);
            });
        }
    }

    fn refused(&self, record: &RefusalRecord) {
        if self.enabled {
            let (format, record, at) = (self.format, record.clone(), Instant::now());
            self.queue.add(What::Refusal(Refused { format, record, at }), &[]);
        }
    }

    fn lost_lines(&self) -> u64 {
        self.queue.dropped() as u64
    }
}
