use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, Limited};
use identity::{BearerToken, Identity, Rejection, UnixTime};
use serde_json::json;

use super::document;
use crate::body::RequestBody;
use crate::{Body, Failure};

/// What a driver asks of `POST /oidc/v1/token`: RFC 8693 section 2.1, as far as it concerns us.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    subject_token: BearerToken,
    scope: Option<String>,
}

pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A form holds one JWT and a few words.
const MAX_FORM: usize = 64 * 1024;
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the form. This is the one request body that is collected, as it is addressed to the gateway itself and goes
/// nowhere; bounded in size and time.
pub(crate) async fn read_form(headers: &HeaderMap, body: RequestBody) -> Result<Bytes, Failure> {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let media_type = headers.get(header::CONTENT_TYPE).unwrap_or(&form).as_bytes();
    let media_type = media_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if !media_type.eq_ignore_ascii_case(form.as_bytes()) {
        return Err(invalid_request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    if body.size_hint().lower() > MAX_FORM as u64 {
        return Err(invalid_request("the form is too large"));
    }
    match tokio::time::timeout(FORM_TIMEOUT, Limited::new(body, MAX_FORM).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(_)) => Err(invalid_request("the form is too large or broke off")),
        Err(_) => Err(invalid_request("the form did not arrive in time")),
    }
}

// === impl TokenRequest ===

impl TokenRequest {
    /// # Errors
    /// RFC 6749 section 5.2: a missing, repeated or unsupported parameter.
    pub(crate) fn parse(form: &[u8]) -> Result<Self, Failure> {
        let field = |name: &'static str| single(form, name);
        match field("grant_type")?.as_deref() {
            Some(TOKEN_EXCHANGE) => {}
            Some(_) => return Err(unsupported_grant_type()),
            None => return Err(invalid_request("grant_type is missing")),
        }
        if field("subject_token_type")?.is_some_and(|kind| kind != JWT) {
            return Err(invalid_request(
                "subject_token_type must be urn:ietf:params:oauth:token-type:jwt",
            ));
        }
        let subject_token =
            field("subject_token")?.ok_or_else(|| invalid_request("subject_token is missing"))?;
        Ok(Self {
            subject_token: BearerToken::new(subject_token),
            scope: field("scope")?,
        })
    }

    pub(crate) fn subject_token(&self) -> BearerToken {
        self.subject_token.clone()
    }

    /// The very same JWT back, as `return_original_token_if_authenticated` asks for: every later call then carries it to
    /// the gateway, which swaps it as usual. No Databricks token ever leaves the gateway.
    pub(crate) fn grant(&self, identity: &Identity, now: UnixTime) -> Result<Response<Body>, Failure> {
        let token = std::str::from_utf8(identity.token().expose()).map_err(|_| Failure::Internal)?;
        let answer = json!({
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": identity.expiry().0.since(now).as_secs(),
            "scope": self.scope.as_deref().unwrap_or("all-apis"),
        });
        // RFC 6749 section 5.1.
        document(&answer, "no-store")
    }

    /// A token that is refused here is refused with 400, even if it may pass: on any 5xx or 429 of a token endpoint the
    /// SQL drivers wait for a minute before they go on without it, which they can do at once.
    pub(crate) fn refuse(rejection: &Rejection) -> Failure {
        Failure::TokenRequest {
            error: "invalid_grant",
            description: rejection.to_string(),
        }
    }
}

/// RFC 6749 section 3.2: a parameter must not stand more than once.
fn single(form: &[u8], name: &str) -> Result<Option<String>, Failure> {
    let mut values = form_urlencoded::parse(form)
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (value, None) => Ok(value
            .map(std::borrow::Cow::into_owned)
            .filter(|value| !value.is_empty())),
        _ => Err(invalid_request("a parameter stands more than once")),
    }
}

fn invalid_request(why: &str) -> Failure {
    Failure::TokenRequest {
        error: "invalid_request",
        description: why.to_owned(),
    }
}

fn unsupported_grant_type() -> Failure {
    Failure::TokenRequest {
        error: "unsupported_grant_type",
        description: format!(
            "this gateway answers only {TOKEN_EXCHANGE}; send the JWT of your identity provider instead of a \
             client secret"
        ),
    }
}
