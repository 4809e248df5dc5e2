use std::error::Error;
use std::time::Duration;

use http::response::Parts;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::explain::Outcome;
use crate::line::{Call, Line};

/// The answer that must come.
pub(crate) struct Expected<'a> {
    pub(crate) caller: &'a str,
    pub(crate) content: Content,
    /// How long the client rests after each piece that it has read.
    pub(crate) pace: Duration,
}

pub(crate) enum Content {
    /// Whom Databricks takes the caller for.
    User,
    /// This very target and so many bytes, told back.
    Echo(String, u64),
    /// So many bytes.
    Bytes(u64),
    /// Word that so many bytes have arrived.
    Sunk(u64),
}

// === impl Expected ===

impl Expected<'_> {
    /// Asks, reads the whole answer, and says what it was.
    pub(crate) async fn of(&self, line: &Line, call: Call) -> Outcome {
        match timeout(PATIENCE, self.ask(line, call)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Broken(chain(&error)),
            Err(_) => Outcome::Late,
        }
    }

    async fn ask(&self, line: &Line, call: Call) -> hyper::Result<Outcome> {
        let (head, mut body) = line.open(call).await?.into_parts();
        let (mut beginning, mut length) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            length += piece.len() as u64;
            if beginning.len() < SHORT {
                beginning.extend_from_slice(&piece);
            }
            if !self.pace.is_zero() {
                sleep(self.pace).await;
            }
        }
        Ok(self.judge(&head, &beginning, length))
    }

    fn judge(&self, head: &Parts, content: &[u8], length: u64) -> Outcome {
        if head.status != 200 {
            return Outcome::Status(head.status.as_u16());
        }
        let json: Value = serde_json::from_slice(content).unwrap_or_default();
        let named = match &self.content {
            Content::User => json.get("userName").and_then(Value::as_str),
            _ => head
                .headers
                .get("x-testbed-caller")
                .and_then(|name| name.to_str().ok()),
        };
        if named != Some(self.caller) {
            return Outcome::Foreign(format!("for {}, but of {named:?}", self.caller));
        }
        let number = |member| json.get(member).and_then(Value::as_u64);
        match &self.content {
            Content::Echo(target, _) if json.get("target").and_then(Value::as_str) != Some(target) => {
                Outcome::Foreign(format!("to another request than {target}: {json}"))
            }
            Content::Echo(_, sent) | Content::Sunk(sent) if number("body_bytes") != Some(*sent) => {
                Outcome::Mutilated(format!("{sent} bytes were sent: {json}"))
            }
            Content::Bytes(wanted) if *wanted != length => {
                Outcome::Mutilated(format!("{length} bytes instead of {wanted}"))
            }
            _ => Outcome::Served,
        }
    }
}

/// An error with all its sources: hyper's own words are few.
pub(crate) fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Whatever is awaited here ends within a few seconds, as the gateway is configured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What is read as JSON is shorter.
const SHORT: usize = 64 * 1024;
