use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use proxy::AccessRecord;
use serde::Serialize;

use super::super::subject::Naming;
use super::TARGET;
use crate::config::LogFormat;

/// What is written about one request: bounded, without control characters, without a query.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) timestamp: &'a str,
    pub(crate) level: &'static str,
    pub(crate) target: &'static str,
    pub(crate) request_id: &'a str,
    pub(crate) client: SocketAddr,
    pub(crate) method: &'a str,
    pub(crate) path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) passed_through: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cow<'a, str>>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) swap_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<Cow<'a, str>>,
}

/// Longer values are cut: a line must fit the eye and the collector's limit.
const LONGEST_PATH: usize = 2_048;
const LONGEST_TEXT: usize = 256;

// === impl Line ===

impl<'a> Line<'a> {
    pub(super) fn of(record: &'a AccessRecord<'_>, naming: &Naming, timestamp: &'a str) -> Self {
        Self {
            timestamp,
            level: "INFO",
            target: TARGET,
            request_id: &record.request_id,
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
            duration_ms: milliseconds(record.duration),
            swap_ms: record.swapped_after.map(milliseconds),
            upstream_ms: upstream(record).map(milliseconds),
            user_agent: record
                .user_agent
                .map(|agent| cleaned(String::from_utf8_lossy(agent), LONGEST_TEXT)),
        }
    }

    /// Adds the line to `out`, with its end.
    pub(super) fn render(&self, format: LogFormat, out: &mut Vec<u8>) {
        // Strings and finite numbers under string keys, into memory: this cannot fail.
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
            "{}  {} {}: {} {} {status} {}ms",
            self.timestamp,
            self.level,
            self.target,
            self.method,
            self.path.escape_debug(),
            self.duration_ms
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
        field("swap_ms", shown(self.swap_ms.as_ref()))?;
        field("upstream_ms", shown(self.upstream_ms.as_ref()))?;
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
    if text.len() <= longest && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
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
