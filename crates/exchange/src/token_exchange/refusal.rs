use http::StatusCode;
use serde_json::Value;

use crate::Denial;
use crate::words::{asks_for_retry, tame};

/// What a refusal says, whichever way it says it.
///
/// OAuth's `error` and `error_description` (RFC 6749 section 5.2) or Databricks' `error_code` (a string or a
/// number) and `message`: the token endpoint answers in either. Plain text is taken as a message; a page of HTML is not.
pub(super) fn read(status: StatusCode, body: &[u8], secret: &str) -> Denial {
    let (code, message) = match serde_json::from_slice::<Value>(body) {
        Ok(json) => (
            first(&json, &["error", "error_code", "errorCode"]),
            first(&json, &["error_description", "message", "errorSummary"]),
        ),
        Err(_) => (String::new(), text(body)),
    };
    let code = Some(tame(&code, secret))
        .filter(|code| !code.is_empty())
        .unwrap_or_else(|| status.to_string());
    let mut denial = Denial {
        status: status.as_u16(),
        code,
        message: tame(&message, secret),
    };
    if asks_for_retry(&denial.to_string()) {
        denial.message.clear();
    }
    denial
}

fn first(json: &Value, names: &[&str]) -> String {
    let text = |name: &&str| match json.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    names.iter().find_map(text).unwrap_or_default()
}

fn text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        "an HTML page instead of a reason".to_owned()
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests;
