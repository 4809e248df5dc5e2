use std::io::{self, Write};
use std::net::SocketAddr;

use proxy::RefusalRecord;
use serde::Serialize;

use super::TARGET;
use crate::config::LogFormat;

/// What is written about a request that was refused before its head was read: nothing that the client chose.
#[derive(Debug, Serialize)]
pub(super) struct Refused<'a> {
    timestamp: &'a str,
    level: &'static str,
    target: &'static str,
    client: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    outcome: &'static str,
    failure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

// === impl Refused ===

impl<'a> Refused<'a> {
    pub(super) fn of(record: &RefusalRecord, timestamp: &'a str) -> Self {
        Self {
            timestamp,
            level: "INFO",
            target: TARGET,
            client: record.client,
            status: record.status.map(|status| status.as_u16()),
            outcome: "refused",
            failure: record.failure,
            cause: record.cause,
        }
    }

    /// Adds the line to `out`, with its end.
    pub(super) fn render(&self, format: LogFormat, out: &mut Vec<u8>) {
        // Strings and a number under string keys, into memory: this cannot fail.
        let _ = match format {
            LogFormat::Json => serde_json::to_writer(&mut *out, self).map_err(Into::into),
            LogFormat::Text => self.text(out),
        };
        out.push(b'\n');
    }

    fn text(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        write!(
            out,
            "{}  {} {}: - - {status} failure={}",
            self.timestamp, self.level, self.target, self.failure
        )?;
        if let Some(cause) = self.cause {
            write!(out, " cause={cause:?}")?;
        }
        write!(out, " outcome={} client={}", self.outcome, self.client)
    }
}
