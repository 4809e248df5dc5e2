use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::call::{Call, Unread};
use super::sse::{self, PacedEvents};
use super::workspace::Workspace;
use super::{reply, routes};
use crate::random;
use crate::server::{Body, Head};

pub(super) const PREFIX: &str = "/serving-endpoints/";

/// Model serving: a model that repeats the last message, word by word if it is asked to stream.
pub(super) async fn answer(
    workspace: &Workspace,
    call: &mut Call,
    endpoint: &str,
) -> Result<Response<Body>, Unread> {
    let asks_a_model = endpoint == "chat/completions"
        || endpoint
            .strip_suffix("/invocations")
            .is_some_and(|name| !name.is_empty() && !name.contains('/'));
    if call.head.method != "POST" || !asks_a_model {
        return Ok(routes::no_such_api());
    }
    let body = call.read().await?;
    let Ok(question) = serde_json::from_slice::<Value>(&body) else {
        return Ok(reply::error(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "The body is not JSON.",
        ));
    };
    Ok(match Completion::new(&question, workspace.now()) {
        Some(completion) if question.get("stream") == Some(&Value::Bool(true)) => {
            sse::response(PacedEvents::new(completion.events(), interval(&call.head)))
        }
        Some(completion) => reply::json(StatusCode::OK, &completion.whole()),
        None => reply::json(StatusCode::OK, &json!({"predictions": question.get("inputs")})),
    })
}

/// What the model says.
struct Completion {
    id: String,
    created: u64,
    model: String,
    content: String,
}

// === impl Completion ===

impl Completion {
    /// `None`: the question is no chat.
    fn new(question: &Value, now: u64) -> Option<Self> {
        let last = question.get("messages")?.as_array()?.last()?;
        Some(Self {
            id: format!("chatcmpl-{}", random::hex::<12>()),
            created: now,
            model: question
                .get("model")
                .and_then(Value::as_str)
                .unwrap_or("testbed")
                .to_owned(),
            content: format!(
                "You said: {}",
                last.get("content").and_then(Value::as_str).unwrap_or_default()
            ),
        })
    }

    fn whole(&self) -> Value {
        let message = json!({"role": "assistant", "content": self.content});
        let words = self.content.split_whitespace().count();
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": words, "completion_tokens": words, "total_tokens": words * 2},
        })
    }

    fn events(&self) -> Vec<Bytes> {
        let words = self.content.split_inclusive(' ');
        let words = words.map(|word| self.chunk(&json!({"role": "assistant", "content": word}), None));
        let end = [self.chunk(&json!({}), Some("stop")), sse::event("[DONE]")];
        words.chain(end).collect()
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Bytes {
        let chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        });
        sse::event(&chunk.to_string())
    }
}

/// By the query's `chunk_ms` or the field `x-testbed-chunk-ms`.
fn interval(head: &Head) -> Duration {
    let wanted = head
        .query("chunk_ms")
        .or_else(|| head.value("x-testbed-chunk-ms").map(str::to_owned));
    wanted
        .and_then(|wanted| wanted.parse().ok())
        .map_or(DEFAULT_INTERVAL, Duration::from_millis)
}

const DEFAULT_INTERVAL: Duration = Duration::from_millis(5);
