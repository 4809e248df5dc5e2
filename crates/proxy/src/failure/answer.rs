use std::time::Duration;

use exchange::ExchangeError;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Body, Failure, RequestId};

/// The domain of every `ErrorInfo` that the gateway makes, so that nobody takes its errors for Databricks' own.
pub const ERROR_DOMAIN: &str = "lakegate";

/// The body of a Databricks API error: no `error` key, no integer `status`, `details` of objects only.
#[derive(Serialize)]
pub(super) struct ErrorDocument<'a> {
    error_code: &'static str,
    message: &'a str,
    details: [Value; 2],
}

/// How long clients wait where nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Failure {
    /// The whole answer, in the form that Databricks' own clients read.
    ///
    /// The JSON has `error_code` and `message`, and no `error` key: several SDKs would show that key alone. Thrift
    /// clients read no body at all and show `X-Databricks-Reason-Phrase`.
    pub(crate) fn answer(&self, id: RequestId) -> Response<Body> {
        let message = self.to_string();
        let body = match self {
            Self::TokenRequest { error, description } => {
                serde_json::to_vec(&json!({ "error": error, "error_description": description }))
            }
            _ => serde_json::to_vec(&self.error_document(&message, id)),
        };
        // Strings under string keys: this cannot fail.
        let mut response = Response::new(Body::full(body.unwrap_or_default()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert("x-request-id", id.header());
        headers.insert("x-databricks-reason-phrase", one_line(&message));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, whole_seconds(wait));
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.closes() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// A typed exception comes of `error_code`; what a person reads comes first.
    pub(super) fn error_document<'a>(&self, message: &'a str, id: RequestId) -> ErrorDocument<'a> {
        let info = json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason(),
            "domain": ERROR_DOMAIN,
            "metadata": {},
        });
        let request = json!({
            "@type": "type.googleapis.com/google.rpc.RequestInfo",
            "request_id": id.to_string(),
            "serving_data": "",
        });
        ErrorDocument {
            error_code: self.error_code(),
            message,
            details: [info, request],
        }
    }

    /// None of the codes on which a client acts beyond showing them: Terraform would drop state on a `NOT_FOUND`.
    fn error_code(&self) -> &'static str {
        match self.status() {
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => "BAD_REQUEST",
            StatusCode::URI_TOO_LONG
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "MAX_REQUEST_SIZE_EXCEEDED",
            StatusCode::REQUEST_TIMEOUT => "REQUEST_TIMEOUT",
            StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
            StatusCode::FORBIDDEN => "PERMISSION_DENIED",
            StatusCode::MISDIRECTED_REQUEST => "MISDIRECTED_REQUEST",
            StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
            StatusCode::SERVICE_UNAVAILABLE => "TEMPORARILY_UNAVAILABLE",
            StatusCode::GATEWAY_TIMEOUT => "DEADLINE_EXCEEDED",
            StatusCode::BAD_GATEWAY => "BAD_GATEWAY",
            _ => "INTERNAL_ERROR",
        }
    }

    /// An integer with every 429 and 503: JDBC throws on a missing one and on a date.
    fn retry_after(&self) -> Option<Duration> {
        let repeatable = matches!(
            self.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        repeatable.then(|| match self {
            Self::Exchange(error) => error.retry_after().unwrap_or(RETRY_AFTER),
            Self::NoToken(lack) => lack.retry_after,
            _ => RETRY_AFTER,
        })
    }

    /// RFC 6750 section 3: without a credential the scheme alone, with a bad one `invalid_token`.
    fn challenge(&self) -> Option<HeaderValue> {
        (self.status() == StatusCode::UNAUTHORIZED).then(|| match self {
            Self::NoCredential => HeaderValue::from_static("Bearer"),
            Self::UnsupportedCredential => HeaderValue::from_static("Bearer error=\"invalid_request\""),
            _ => HeaderValue::from_static("Bearer error=\"invalid_token\""),
        })
    }

    /// Whose fault the log should look for, where the answer's text does not say it.
    pub(crate) fn is_ours_to_mend(&self) -> bool {
        match self {
            Self::Forward(fault) => !fault.is_the_clients(),
            Self::Exchange(error) => !matches!(error, ExchangeError::Denied(_)),
            Self::Rejected(rejection) => rejection.is_temporary(),
            Self::NoToken(_) | Self::UnexpectedUpgrade | Self::Internal => true,
            _ => false,
        }
    }
}

/// A message as a header value: RFC 9110 section 5.5 allows visible ASCII and spaces.
fn one_line(message: &str) -> HeaderValue {
    let text: String = message
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(512)
        .collect();
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("error"))
}

/// Never 0: some clients take it as leave to come back in a loop.
pub(super) fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs().max(1) + u64::from(wait.as_secs() >= 1 && wait.subsec_nanos() > 0))
}
