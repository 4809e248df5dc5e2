use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use proxy::{AccessRecord, Outcome, RequestId};
use tokio::time::Instant;

use super::callers::Callers;
use super::line::Line;
use super::stamp::Stamp;
use super::text::{LONGEST, LONGEST_PATH};
use crate::config::LogFormat;

/// A request that is over, as its worker leaves it: an [`AccessRecord`] that borrows nothing. Its texts stand one behind the other in a
/// place that is not its own, so that what is held of them is known; here are their lengths.
#[derive(Debug)]
pub(in crate::telemetry) struct Note {
    format: LogFormat,
    pub(super) request_id: RequestId,
    pub(super) client: SocketAddr,
    pub(super) status: Option<StatusCode>,
    pub(super) outcome: Outcome,
    pub(super) failure: Option<&'static str>,
    pub(super) passed_through: bool,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) swapped_after: Option<Duration>,
    pub(super) answered_after: Option<Duration>,
    pub(super) duration: Duration,
    ended: Instant,
    method: usize,
    path: usize,
    who: usize,
    workspace: Option<usize>,
    cause: Option<usize>,
    user_agent: Option<usize>,
}

/// The texts of a note, one taken off after the other.
struct Texts<'a>(&'a [u8]);

// === impl Note ===

impl Note {
    /// What a line may have of `record`, whose texts are added to `text`: so much of them as can be needed, as they may be the client's.
    pub(super) fn of(
        record: &AccessRecord<'_>,
        callers: &Callers,
        format: LogFormat,
        text: &mut Vec<u8>,
    ) -> Self {
        let mut add = |value: &[u8], longest: usize| {
            // A character has at most 4 bytes.
            let value = value.get(..4 * longest).unwrap_or(value);
            text.extend_from_slice(value);
            value.len()
        };
        let method = add(record.method.as_str().as_bytes(), LONGEST);
        let path = add(record.path.as_bytes(), LONGEST_PATH);
        let workspace = record.workspace.map(|name| add(name.as_bytes(), LONGEST));
        let cause = record.cause.map(|cause| add(cause.as_bytes(), LONGEST_PATH));
        let user_agent = record.user_agent.map(|agent| add(agent, LONGEST));
        let before = text.len();
        if let Some(who) = record.identity {
            callers.tell(who, text);
        }
        Self {
            format,
            request_id: record.request_id,
            client: record.client,
            status: record.status,
            outcome: record.outcome,
            failure: record.failure,
            passed_through: record.passed_through,
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            swapped_after: record.swapped_after,
            answered_after: record.answered_after,
            duration: record.duration,
            ended: record.ended,
            method,
            path,
            who: text.len() - before,
            workspace,
            cause,
            user_agent,
        }
    }

    /// Adds its line to `out`.
    pub(in crate::telemetry) fn render(&self, text: &[u8], stamp: &mut Stamp, out: &mut Vec<u8>) {
        let mut texts = Texts(text);
        let line = Line {
            timestamp: stamp.of(self.ended),
            method: texts.next(self.method),
            path: texts.next(self.path),
            workspace: self.workspace.map(|length| texts.next(length)),
            cause: self.cause.map(|length| texts.next(length)),
            user_agent: self.user_agent.map(|length| texts.next(length)),
            who: texts.next(self.who),
            note: self,
        };
        line.render(self.format, out);
    }
}

// === impl Texts ===

impl<'a> Texts<'a> {
    fn next(&mut self, length: usize) -> &'a [u8] {
        let (text, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        text
    }
}
