use std::fmt::Write as _;
use std::net::SocketAddr;

use proxy::RefusalRecord;
use serde::Serialize;

use super::TARGET;
use crate::config::LogFormat;

/// What is written about a request that was refused before its head was read: nothing that the client chose.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    timestamp: String,
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

impl Refused {
    pub(super) fn of(record: &RefusalRecord, timestamp: String) -> Self {
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

    pub(super) fn render(&self, format: LogFormat) -> String {
        let mut line = match format {
            // Strings and a number under string keys: this cannot fail.
            LogFormat::Json => serde_json::to_string(self).unwrap_or_default(),
            LogFormat::Text => self.text(),
        };
        line.push('\n');
        line
    }

    fn text(&self) -> String {
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        let mut text = format!(
            "{}  {} {}: - - {status} failure={}",
            self.timestamp, self.level, self.target, self.failure
        );
        // Writing to a string cannot fail.
        if let Some(cause) = self.cause {
            let _ = write!(text, " cause={cause:?}");
        }
        let _ = write!(text, " outcome={} client={}", self.outcome, self.client);
        text
    }
}
