use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use proxy::{AccessRecord, RequestId};

use super::super::subject::Naming;
use super::object::{Member, Object, member};
use super::{LEVEL, TARGET};
use crate::config::LogFormat;

/// What is written about one request: bounded, without control characters, without a query.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    timestamp: &'a str,
    request_id: RequestId,
    client: SocketAddr,
    method: &'a str,
    path: Cow<'a, str>,
    workspace: Option<&'a str>,
    issuer: Option<&'a str>,
    subject: Option<Cow<'a, str>>,
    passed_through: bool,
    status: Option<u16>,
    outcome: &'static str,
    failure: Option<&'static str>,
    cause: Option<Cow<'a, str>>,
    request_bytes: u64,
    response_bytes: u64,
    duration: Duration,
    swap: Option<Duration>,
    upstream: Option<Duration>,
    user_agent: Option<Cow<'a, str>>,
}

/// Longer values are cut: a line must fit the eye and the collector's limit.
const LONGEST_PATH: usize = 2_048;
const LONGEST_TEXT: usize = 256;

// === impl Line ===

impl<'a> Line<'a> {
    pub(super) fn of(record: &'a AccessRecord<'_>, naming: &Naming, timestamp: &'a str) -> Self {
        Self {
            timestamp,
            request_id: record.request_id,
            client: record.client,
            method: record.method.as_str(),
            path: cleaned(without_query(record.path).into(), LONGEST_PATH),
            workspace: record.workspace,
            issuer: record.identity.map(identity::Identity::issuer),
            subject: record
                .identity
                .and_then(|who| naming.name(who))
                .map(|name| cleaned(name, LONGEST_TEXT)),
            passed_through: record.passed_through,
            status: record.status.map(|status| status.as_u16()),
            outcome: record.outcome.as_str(),
            failure: record.failure,
            cause: record.cause.map(|cause| cleaned(cause.into(), LONGEST_PATH)),
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            duration: record.duration,
            swap: record.swapped_after,
            upstream: upstream(record),
            user_agent: record
                .user_agent
                .map(|agent| cleaned(String::from_utf8_lossy(agent), LONGEST_TEXT)),
        }
    }

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
        let mut line = Object::begin(out, self.timestamp);
        line.hex(member!("request_id"), self.request_id.digits());
        line.address(member!("client"), self.client);
        line.text(member!("method"), self.method);
        line.text(member!("path"), &self.path);
        line.text_if(member!("workspace"), self.workspace);
        line.text_if(member!("issuer"), self.issuer);
        line.text_if(member!("subject"), self.subject.as_deref());
        if self.passed_through {
            line.yes(member!("passed_through"));
        }
        if let Some(status) = self.status {
            line.number(member!("status"), status);
        }
        line.text(member!("outcome"), self.outcome);
        line.text_if(member!("failure"), self.failure);
        line.text_if(member!("cause"), self.cause.as_deref());
        line.number(member!("request_bytes"), self.request_bytes);
        line.number(member!("response_bytes"), self.response_bytes);
        line.milliseconds(member!("duration_ms"), Some(self.duration));
        line.milliseconds(member!("swap_ms"), self.swap);
        line.milliseconds(member!("upstream_ms"), self.upstream);
        line.text_if(member!("user_agent"), self.user_agent.as_deref());
        line.end();
    }

    fn text(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        write!(
            out,
            "{}  {LEVEL} {TARGET}: {} {} {status} {}ms",
            self.timestamp,
            self.method,
            self.path.escape_debug(),
            milliseconds(self.duration)
        )?;
        let mut field = |name: &str, value: Option<&dyn Display>| {
            value.map_or(Ok(()), |value| write!(out, " {name}={value}"))
        };
        field("workspace", shown(self.workspace.as_ref()))?;
        field("subject", shown(self.subject.as_deref().map(quoted).as_ref()))?;
        field("issuer", shown(self.issuer.map(quoted).as_ref()))?;
        field(
            "passed_through",
            shown(self.passed_through.then_some(true).as_ref()),
        )?;
        field("failure", shown(self.failure.as_ref()))?;
        field("cause", shown(self.cause.as_deref().map(quoted).as_ref()))?;
        field("swap_ms", shown(self.swap.map(milliseconds).as_ref()))?;
        field("upstream_ms", shown(self.upstream.map(milliseconds).as_ref()))?;
        field("bytes_in", Some(&self.request_bytes))?;
        field("bytes_out", Some(&self.response_bytes))?;
        field("outcome", Some(&self.outcome))?;
        field("client", Some(&self.client))?;
        field(
            "user_agent",
            shown(self.user_agent.as_deref().map(quoted).as_ref()),
        )?;
        field("request_id", Some(&self.request_id))
    }
}

fn shown<T: Display>(value: Option<&T>) -> Option<&dyn Display> {
    value.map(|value| value as &dyn Display)
}

/// In quotes, with everything escaped that could break out of them or steer a terminal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// The workspace's own share: from the swapped token to the head of the answer.
fn upstream(record: &AccessRecord<'_>) -> Option<Duration> {
    record
        .answered_after
        .zip(record.swapped_after)
        .map(|(answered, swapped)| answered.saturating_sub(swapped))
}

/// A query may hold presigned signatures; the record should not have one, and the log never has.
fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// Bounded, and without what could forge a second line. Nearly always it is so already.
fn cleaned(text: Cow<'_, str>, longest: usize) -> Cow<'_, str> {
    // Without a branch for each byte, the compiler takes many at once.
    let is_plain = text
        .bytes()
        .fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if text.len() <= longest && is_plain {
        return text;
    }
    let kept = text.chars().take(longest);
    kept.map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
