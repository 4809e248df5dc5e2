use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::logs::is_indiscreet;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Bytes,
}

// === impl Answer ===

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The header's one value.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name} in {:?}", self.headers);
        values[0].to_str().expect("text")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Whom the workspace took the caller for; the answer to [`ME`](super::ME).
    #[track_caller]
    pub(crate) fn user(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["userName"].as_str().expect("a name").to_owned()
    }

    /// The message of an error that the gateway made, after its whole form was checked: `status`, `reason`, and all that
    /// Databricks' clients read.
    #[track_caller]
    pub(crate) fn failure(&self, status: u16, reason: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let error = self.json();
        let message = error["message"].as_str().expect("a message").to_owned();
        assert!(error["error_code"].is_string(), "{error}");
        assert!(
            error.get("error").is_none(),
            "several SDKs would show that alone: {error}"
        );
        assert_eq!(self.detail("ErrorInfo")["domain"], "lakegate");
        assert_eq!(self.detail("ErrorInfo")["reason"], reason, "{message}");
        assert_eq!(
            self.detail("RequestInfo")["request_id"],
            self.header("x-request-id")
        );
        assert_eq!(self.header("x-databricks-reason-phrase"), message);
        assert!(self.header("content-type").starts_with("application/json"));
        assert_eq!(self.has("www-authenticate"), status == 401);
        assert_eq!(self.has("retry-after"), matches!(status, 429 | 503));
        if self.has("retry-after") {
            assert!(self.header("retry-after").parse::<u32>().expect("whole seconds") > 0);
        }
        assert!(!is_indiscreet(&format!("{self:?}")), "{self:?}");
        message
    }

    fn detail(&self, kind: &str) -> Value {
        let details = self.json()["details"].as_array().expect("details").clone();
        let named = |detail: &&Value| detail["@type"].as_str().is_some_and(|name| name.ends_with(kind));
        details.iter().find(named).expect(kind).clone()
    }
}
