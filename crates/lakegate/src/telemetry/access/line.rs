use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use super::note::Note;
use super::object::{Member, Object, member};
use super::text::{LONGEST, LONGEST_PATH, Text};
use super::{LEVEL, TARGET};
use crate::config::LogFormat;

/// What is written about one request: bounded, without control characters, without a query.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) timestamp: &'a [u8],
    pub(super) method: &'a [u8],
    pub(super) path: &'a [u8],
    pub(super) workspace: Option<&'a [u8]>,
    pub(super) cause: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
    /// What [`Callers`](super::callers::Callers) told.
    pub(super) who: &'a [u8],
    pub(super) note: &'a Note,
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
        let note = self.note;
        let mut line = Object::begin(out, self.timestamp);
        line.hex(member!("request_id"), note.request_id.digits());
        line.address(member!("client"), note.client);
        line.text(member!("method"), &self.method());
        line.text(member!("path"), &Text::of_path(self.path));
        line.text_if(member!("workspace"), self.workspace());
        line.members(self.who);
        if note.passed_through {
            line.yes(member!("passed_through"));
        }
        if let Some(status) = note.status {
            line.number(member!("status"), status.as_u16().into());
        }
        line.word(member!("outcome"), note.outcome.as_str());
        if let Some(failure) = note.failure {
            line.word(member!("failure"), failure);
        }
        line.text_if(member!("cause"), self.cause());
        line.number(member!("request_bytes"), note.request_bytes);
        line.number(member!("response_bytes"), note.response_bytes);
        line.milliseconds(member!("duration_ms"), Some(note.duration));
        line.milliseconds(member!("swap_ms"), note.swapped_after);
        line.milliseconds(member!("upstream_ms"), self.upstream());
        line.text_if(member!("user_agent"), self.user_agent());
        line.end();
    }

    fn text(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let note = self.note;
        let status = note
            .status
            .map_or_else(|| "-".to_owned(), |status| status.as_u16().to_string());
        out.extend_from_slice(self.timestamp);
        write!(
            out,
            "  {LEVEL} {TARGET}: {} {} {status} {}ms",
            self.method().as_str(),
            Text::of_path(self.path).as_str().escape_debug(),
            milliseconds(note.duration)
        )?;
        field(out, "workspace", self.workspace.map(String::from_utf8_lossy))?;
        out.extend_from_slice(self.who);
        field(out, "passed_through", note.passed_through.then_some(true))?;
        field(out, "failure", note.failure)?;
        field(out, "cause", self.cause().map(|cause| cause.quoted()))?;
        field(out, "swap_ms", note.swapped_after.map(milliseconds))?;
        field(out, "upstream_ms", self.upstream().map(milliseconds))?;
        field(out, "bytes_in", Some(note.request_bytes))?;
        field(out, "bytes_out", Some(note.response_bytes))?;
        field(out, "outcome", Some(note.outcome.as_str()))?;
        field(out, "client", Some(note.client))?;
        field(out, "user_agent", self.user_agent().map(|agent| agent.quoted()))?;
        field(out, "request_id", Some(note.request_id))
    }

    fn method(&self) -> Text<'_> {
        Text::of(self.method, LONGEST)
    }

    fn workspace(&self) -> Option<Text<'_>> {
        Some(Text::of(self.workspace?, LONGEST))
    }

    fn cause(&self) -> Option<Text<'_>> {
        Some(Text::of(self.cause?, LONGEST_PATH))
    }

    fn user_agent(&self) -> Option<Text<'_>> {
        Some(Text::of(self.user_agent?, LONGEST))
    }

    /// The workspace's own share: from the swapped token to the head of the answer.
    fn upstream(&self) -> Option<Duration> {
        let (answered, swapped) = self.note.answered_after.zip(self.note.swapped_after)?;
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
