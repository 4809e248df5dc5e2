//! One line for each request.

pub(super) mod callers;
mod decimal;
mod line;
mod object;
mod refused;
mod stamp;
mod text;

use std::cell::RefCell;
use std::sync::Arc;

use proxy::{AccessRecord, AccessSink, RefusalRecord};
use tokio::time::Instant;
use tracing::Level;

use super::queue::Queue;
use super::subject::Naming;
use crate::config::{Log, LogFormat};
use callers::Callers;
use line::Line;
use refused::Refused;
use stamp::Stamp;

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

/// What a worker writes its lines with, one after the other.
#[derive(Default)]
struct Pen {
    stamp: Stamp,
    line: Vec<u8>,
}

thread_local! {
    static PEN: RefCell<Pen> = RefCell::default();
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

    /// A line that finds no room is counted by the queue, which also counts the events that are lost.
    fn write(&self, at: Instant, render: impl FnOnce(&[u8], &mut Vec<u8>)) {
        if !self.enabled {
            return;
        }
        PEN.with_borrow_mut(|Pen { stamp, line }| {
            line.clear();
            render(stamp.of(at), line);
            self.queue.add(line);
        });
    }
}

impl AccessSink for AccessLog {
    fn record(&self, record: &AccessRecord<'_>) {
        let callers = &*self.callers;
        self.write(record.ended, |timestamp, out| {
            let line = Line {
                timestamp,
                record,
                callers,
            };
            line.render(self.format, out);
        });
    }

    fn refused(&self, record: &RefusalRecord) {
        self.write(Instant::now(), |timestamp, out| {
            Refused { timestamp, record }.render(self.format, out);
        });
    }

    fn lost_lines(&self) -> u64 {
        self.queue.dropped() as u64
    }
}
