use std::collections::HashMap;

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::ExpiresIn;
use super::credential::{Credential, Grant};
use super::refusal::Refusal;
use super::reply;
use super::tokens::Claims;
use super::workspace::{ACCOUNT_ID, DEFAULT_SCOPE, Workspace};
use crate::server::{Body, Head};

/// Whether this path is a token endpoint: the workspace's or an account's.
pub(super) fn is_at(path: &str) -> bool {
    path == "/oidc/v1/token" || account(path).is_some()
}

/// The parameters of a token request (RFC 8693 section 2.1); each at most once (RFC 6749 section 3.2).
struct Form(HashMap<String, String>);

// === impl Workspace ===

impl Workspace {
    /// Judges a token request and counts it if its subject token is good.
    pub(super) async fn judge(&self, head: &Head, body: Incoming) -> Result<Grant, Refusal> {
        let form = Form::read(head, body).await?;
        let grant = self.exchange(head, &form)?;
        self.count_exchange(&grant.subject);
        Ok(grant)
    }

    /// The answer to a token request.
    pub(super) fn grant(&self, verdict: Result<Grant, Refusal>) -> Response<Body> {
        match verdict {
            Ok(grant) => reply::json(StatusCode::OK, &self.token_response(grant)),
            Err(refusal) => refusal.response(self.settings.refusals),
        }
    }

    /// The order of the checks decides which refusal a request with two faults gets.
    fn exchange(&self, head: &Head, form: &Form) -> Result<Grant, Refusal> {
        if form.need("grant_type")? != TOKEN_EXCHANGE {
            return Err(Refusal::UnsupportedGrantType);
        }
        if form.need("subject_token_type")? != JWT {
            return Err(Refusal::InvalidRequest(
                "subject_token_type must be that of a JWT",
            ));
        }
        if account(head.path()).is_some_and(|account| account != ACCOUNT_ID) {
            return Err(Refusal::InvalidRequest("there is no such account"));
        }
        let credential = Credential::parse(form.need("subject_token")?)?;
        let scope = form.0.get("scope").map_or(DEFAULT_SCOPE, String::as_str);
        credential.federate(self, form.0.get("client_id").map(String::as_str), scope)
    }

    fn token_response(&self, grant: Grant) -> Value {
        let now = self.now();
        let cap = self
            .settings
            .token_lifetime
            .map(|lifetime| now.saturating_add(lifetime.as_secs()));
        let expires_at = cap.map_or(grant.expires_at, |cap| cap.min(grant.expires_at));
        let lifetime = expires_at.saturating_sub(now);
        let scope = grant.scope.clone();
        let token = self.issue(Claims {
            issuer: self.issuer.clone(),
            identity: grant.identity,
            client_id: grant.client_id,
            scope: grant.scope,
            issued_at: now,
            expires_at,
        });
        reply::without_nulls(json!({
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": self.settings.expires_in.write(lifetime),
            "scope": scope,
        }))
    }
}

// === impl ExpiresIn ===

impl ExpiresIn {
    fn write(self, seconds: u64) -> Value {
        match self {
            Self::Number => json!(seconds),
            Self::Text => json!(seconds.to_string()),
            Self::Absent => Value::Null,
        }
    }
}

// === impl Form ===

impl Form {
    async fn read(head: &Head, body: Incoming) -> Result<Self, Refusal> {
        if head.method != "POST" {
            return Err(Refusal::InvalidRequest("token requests are POST requests"));
        }
        let essence = head
            .value(header::CONTENT_TYPE.as_str())
            .and_then(|value| value.split(';').next());
        if essence.is_none_or(|essence| !essence.trim().eq_ignore_ascii_case(FORM)) {
            return Err(Refusal::InvalidRequest(
                "the content type must be application/x-www-form-urlencoded",
            ));
        }
        let body = Limited::new(body, MAX_FORM).collect().await;
        let body = body
            .map_err(|_| Refusal::InvalidRequest("the body is broken off or too large"))?
            .to_bytes();
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(&body) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::InvalidRequest("a parameter is included more than once"));
            }
        }
        Ok(Self(parameters))
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        let value = self
            .0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty());
        value.ok_or(Refusal::InvalidRequest(
            "grant_type, subject_token_type and subject_token are required",
        ))
    }
}

/// The account that this account console's token endpoint belongs to.
fn account(path: &str) -> Option<&str> {
    let account = path.strip_prefix("/oidc/accounts/")?.strip_suffix("/v1/token")?;
    (!account.contains('/')).then_some(account)
}

const FORM: &str = "application/x-www-form-urlencoded";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const MAX_FORM: usize = 1024 * 1024;
