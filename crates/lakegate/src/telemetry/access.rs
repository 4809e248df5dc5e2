//! One line for each request.

mod line;
mod refused;

use std::io::Write;
use std::sync::Arc;

use proxy::{AccessRecord, AccessSink, RefusalRecord};
use tracing::Level;
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::subject::Naming;
use crate::config::{Log, LogFormat};
use line::Line;
use refused::Refused;

/// Writes one line for each request, without waiting. Cheap to clone.
///
/// It is silent unless the log's level lets `info` of the target `access` through.
#[derive(Clone, Debug)]
pub struct AccessLog {
    writer: NonBlocking,
    format: LogFormat,
    naming: Arc<Naming>,
    enabled: bool,
}

/// What the level directives call it: `info,access=off`.
const TARGET: &str = "access";

// === impl AccessLog ===

impl AccessLog {
    pub(super) fn new(config: &Log, writer: NonBlocking) -> Self {
        Self {
            writer,
            format: config.format,
            naming: Arc::new(Naming::new(&config.subjects)),
            enabled: config.level.would_enable(TARGET, &Level::INFO),
        }
    }
}

impl AccessLog {
    /// A line that cannot be written is counted by the queue, which also counts the events that are lost.
    fn write(&self, line: &str) {
        let _ = self.writer.clone().write_all(line.as_bytes());
    }
}

impl AccessSink for AccessLog {
    fn record(&self, record: &AccessRecord<'_>) {
        if !self.enabled {
            return;
        }
        let line = Line::of(record, &self.naming, now());
        self.write(&line.render(self.format));
    }

    fn refused(&self, record: &RefusalRecord) {
        if self.enabled {
            self.write(&Refused::of(record, now()).render(self.format));
        }
    }

    fn lost_lines(&self) -> u64 {
        self.writer.error_counter().dropped_lines() as u64
    }
}

/// The same clock and form as the events' own.
fn now() -> String {
    let mut now = String::with_capacity(32);
    // Writing to a string cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    now
}
