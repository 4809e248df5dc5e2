//! One line for each request.

mod line;

use std::io::Write;
use std::sync::Arc;

use proxy::{AccessRecord, AccessSink};
use tracing::Level;
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::subject::Naming;
use crate::config::{Log, LogFormat};
use line::Line;

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

impl AccessSink for AccessLog {
    fn record(&self, record: &AccessRecord<'_>) {
        if !self.enabled {
            return;
        }
        let line = Line::of(record, &self.naming, now());
        // A line that cannot be written is counted by the queue; there is no better place to say so.
        let _ = self.writer.clone().write_all(line.render(self.format).as_bytes());
    }
}

/// The same clock and form as the events' own.
fn now() -> String {
    let mut now = String::with_capacity(32);
    // Writing to a string cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    now
}
