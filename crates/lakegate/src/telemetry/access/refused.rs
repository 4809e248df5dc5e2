use std::io::{self, Write};

use proxy::RefusalRecord;

use super::line::field;
use super::object::{Member, Object, member};
use super::text::{LONGEST, Text};
use super::{LEVEL, TARGET};
use crate::config::LogFormat;

/// What is written about a request that was refused before its head was read: nothing that the client chose.
#[derive(Debug)]
pub(super) struct Refused<'a> {
    pub(super) timestamp: &'a [u8],
    pub(super) record: &'a RefusalRecord,
}

// === impl Refused ===

impl Refused<'_> {
    /// Adds the line to `out`, with its end.
    pub(super) fn render(&self, format: LogFormat, out: &mut Vec<u8>) {
        match format {
            LogFormat::Json => self.json(out),
            // Into memory: this cannot fail.
            LogFormat::Text => self.text(out).unwrap_or_default(),
        }
        out.push(b'\n');
    }

    fn json(&self, out: &mut Vec<u8>) {
        let record = self.record;
        let mut line = Object::begin(out, self.timestamp);
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

    fn text(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let record = self.record;
        let status = record
            .status
            .map_or_else(|| "-".to_owned(), |status| status.as_u16().to_string());
        out.extend_from_slice(self.timestamp);
        write!(out, "  {LEVEL} {TARGET}: - - {status} failure={}", record.failure)?;
        field(out, "cause", record.cause.map(|cause| format!("{cause:?}")))?;
        write!(out, " outcome={OUTCOME} client={}", record.client)
    }
}

const OUTCOME: &str = "refused";
