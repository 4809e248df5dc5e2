use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use proxy::AccessRecord;

use super::callers::Callers;
use super::object::{Member, Object, member};
use super::text::{LONGEST, LONGEST_PATH, Text};
use super::{LEVEL, TARGET};
use crate::config::LogFormat;

/// What is written about one request: bounded, without control characters, without a query.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) timestamp: &'a [u8],
    pub(super) record: &'a AccessRecord<'a>,
    pub(super) callers: &'a Callers,
}

// === impl Line ===

impl Line<'_> {
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
        line.hex(member!("request_id"), record.request_id.digits());
        line.address(member!("client"), record.client);
        line.text(member!("method"), &self.method());
        line.text(member!("path"), &Text::of_path(record.path));
        line.text_if(member!("workspace"), self.workspace());
        if let Some(who) = record.identity {
            line.members(|out| self.callers.tell(who, out));
        }
        if record.passed_through {
            line.yes(member!("passed_through"));
        }
        if let Some(status) = record.status {
            line.number(member!("status"), status.as_u16().into());
        }
        line.word(member!("outcome"), record.outcome.as_str());
        if let Some(failure) = record.failure {
            line.word(member!("failure"), failure);
        }
        line.text_if(member!("cause"), self.cause());
        line.number(member!("request_bytes"), record.request_bytes);
        line.number(member!("response_bytes"), record.response_bytes);
        line.milliseconds(member!("duration_ms"), Some(record.duration));
        line.milliseconds(member!("swap_ms"), record.swapped_after);
        line.milliseconds(member!("upstream_ms"), self.upstream());
        line.text_if(member!("user_agent"), self.user_agent());
        line.end();
    }

    fn text(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let record = self.record;
        let status = record
            .status
            .map_or_else(|| "-".to_owned(), |status| status.as_u16().to_string());
        out.extend_from_slice(self.timestamp);
        write!(
            out,
            "  {LEVEL} {TARGET}: {} {} {status} {}ms",
            self.method().as_str(),
            Text::of_path(record.path).as_str().escape_debug(),
            milliseconds(record.duration)
        )?;
        field(out, "workspace", record.workspace)?;
        if let Some(who) = record.identity {
            self.callers.tell(who, out);
        }
        field(out, "passed_through", record.passed_through.then_some(true))?;
        field(out, "failure", record.failure)?;
        field(out, "cause", self.cause().map(|cause| cause.quoted()))?;
        field(out, "swap_ms", record.swapped_after.map(milliseconds))?;
        field(out, "upstream_ms", self.upstream().map(milliseconds))?;
        field(out, "bytes_in", Some(record.request_bytes))?;
        field(out, "bytes_out", Some(record.response_bytes))?;
        field(out, "outcome", Some(record.outcome.as_str()))?;
        field(out, "client", Some(record.client))?;
        field(out, "user_agent", self.user_agent().map(|agent| agent.quoted()))?;
        field(out, "request_id", Some(record.request_id))
    }

    fn method(&self) -> Text<'_> {
        Text::of(self.record.method.as_str().as_bytes(), LONGEST)
    }

    fn workspace(&self) -> Option<Text<'_>> {
        let name = self.record.workspace?;
        Some(Text::of(name.as_bytes(), LONGEST))
    }

    fn cause(&self) -> Option<Text<'_>> {
        let cause = self.record.cause?;
        Some(Text::of(cause.as_bytes(), LONGEST_PATH))
    }

    fn user_agent(&self) -> Option<Text<'_>> {
        let agent = self.record.user_agent?;
        Some(Text::of(agent, LONGEST))
    }

    /// The workspace's own share: from the swapped token to the head of the answer.
    fn upstream(&self) -> Option<Duration> {
        let (answered, swapped) = self.record.answered_after.zip(self.record.swapped_after)?;
        Some(answered.saturating_sub(swapped))
    }
}

/// Adds a field of a line of text, if there is one.
pub(super) fn field(out: &mut Vec<u8>, name: &str, value: Option<impl Display>) -> io::Result<()> {
    value.map_or(Ok(()), |value| write!(out, " {name}={value}"))
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
