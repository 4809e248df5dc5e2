use std::io::{self, Write};

use proxy::RefusalRecord;
use tokio::time::Instant;

use super::line::field;
use super::object::{Member, Object, member};
use super::stamp::Stamp;
use super::text::{LONGEST, Text};
use super::{LEVEL, TARGET};
use crate::config::LogFormat;

/// A request that was refused before its head was read: nothing that the client chose is in it.
#[derive(Debug)]
pub(in crate::telemetry) struct Refused {
    pub(super) format: LogFormat,
    pub(super) record: RefusalRecord,
    pub(super) at: Instant,
}

// === impl Refused ===

impl Refused {
    /// Adds its line to `out`.
    pub(in crate::telemetry) fn render(&self, stamp: &mut Stamp, out: &mut Vec<u8>) {
        let timestamp = stamp.of(self.at);
        match self.format {
            LogFormat::Json => self.json(timestamp, out),
            // Into memory: this cannot fail.
            LogFormat::Text => self.text(timestamp, out).unwrap_or_default(),
        }
        out.push(b'\n');
    }

    fn json(&self, timestamp: &[u8], out: &mut Vec<u8>) {
        let record = &self.record;
        let mut line = Object::begin(out, timestamp);
        line.address(member!("client"), record.client);
        if let Some(status) = record.status {
            line.number(member!("status"), status.as_u16().into());
        }
        line.word(member!("outcome"), OUTCOME);
        line.word(member!("failure"), record.failure);
        let cause = record.cause.map(|cause| Text::of(cause.as_bytes(), LONGEST));
        line.text_if(member!("cause"), cause);
        line.end();
    }

    fn text(&self, timestamp: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let record = &self.record;
        let status = record
            .status
            .map_or_else(|| "-".to_owned(), |status| status.as_u16().to_string());
        out.extend_from_slice(timestamp);
        write!(out, "  {LEVEL} {TARGET}: - - {status} failure={}", record.failure)?;
        field(out, "cause", record.cause.map(|cause| format!("{cause:?}")))?;
        write!(out, " outcome={OUTCOME} client={}", record.client)
    }
}

const OUTCOME: &str = "refused";
